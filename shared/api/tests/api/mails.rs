//! The mails: what they say, the headers they carry, and that nothing in a task can change either.

use base64::{Engine, engine::general_purpose::STANDARD};
use taskbell_api::mail::{MailContext, reminder_mail};
use taskbell_domain::{
    email::EmailAddress,
    space::Role,
    task::{Claim, Task, TaskDraft},
    text::{Description, PersonName, Title},
    user::MailKind,
    zone::Zone,
};
use taskbell_test::fixtures::{draft, due_draft, instant, task, user};

use crate::support::{link_keys, unsubscribe_token};

fn context() -> MailContext {
    let sender = EmailAddress::parse("bell@example.com").expect("an address");
    MailContext { sender, api_url: "https://api.example.com".to_owned(), link_keys: link_keys() }
}

fn message_at(draft: TaskDraft, now: &str) -> String {
    let ada = user(1);
    let task: Task = task(1, &ada, draft);
    let reminder = task.reminders.first().map_or_else(
        || "rem_01JQ0000000000000000000000".parse().expect("an id"),
        |reminder| reminder.id,
    );
    let claim = Claim { reminder, fence: 2, fire_at: instant("2026-03-29T07:00:00Z"), recipient: None };
    let mail =
        reminder_mail(&context(), &task, (&ada, Role::Owner), claim, instant(now)).expect("a mail");
    assert_eq!(mail.to, ada.email);
    String::from_utf8(mail.message).expect("ASCII")
}

fn message(draft: TaskDraft) -> String {
    message_at(draft, "2026-03-29T07:00:00Z")
}

/// The value of a header, unfolded.
fn header(message: &str, name: &str) -> Option<String> {
    let head = message.split("\r\n\r\n").next()?.replace("\r\n\t", " ").replace("\r\n ", " ");
    let line = head.split("\r\n").find(|line| line.starts_with(&format!("{name}: ")))?;
    Some(line[name.len() + 2..].to_owned())
}

#[test]
fn a_reminder_says_what_is_due_in_the_readers_zone() {
    let mut full = due_draft("Ring the bell", "2026-03-29T09:00[Europe/Berlin]", &["PT0S"]);
    full.description = Description::parse("Twice.").expect("a text");
    let text = message(full);
    assert!(text.contains("Due: Sunday, 29 March 2026, 09:00 (Europe/Berlin)"), "{text}");
    assert!(text.contains("Twice.") && text.contains("multipart/alternative"), "{text}");
    assert!(!text.contains("late"), "{text}");
    let day = message(due_draft("t", "2026-03-29", &[]));
    assert!(day.contains("Due: Sunday, 29 March 2026\r\n"), "a day has no time: {day}");
}

#[test]
fn a_reminder_carries_the_headers_of_automatic_mail() {
    let text = message(due_draft("Ring the bell", "2026-03-29T09:00[Europe/Berlin]", &["PT0S"]));
    let ada = user(1);
    let id = task(1, &ada, draft("t")).id;
    let token = unsubscribe_token(&ada, MailKind::Reminders);
    let unsubscribe = format!("<https://api.example.com/v1/unsubscribe/{token}>");
    for (name, value) in [
        ("Subject", "Reminder: Ring the bell"),
        ("From", "\"Taskbell\" <bell@example.com>"),
        ("To", "\"User 1\" <user1@example.com>"),
        ("Auto-Submitted", "auto-generated"),
        ("List-Unsubscribe", &unsubscribe),
        ("List-Id", "Taskbell reminders <reminders.taskbell.example.com>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("References", &format!("<{id}@example.com>")),
        ("In-Reply-To", &format!("<{id}@example.com>")),
        ("Date", "Sun, 29 Mar 2026 07:00:00 +0000"),
    ] {
        assert_eq!(header(&text, name).as_deref(), Some(value), "{name}: {text}");
    }
}

#[test]
fn a_late_reminder_says_so() {
    let late = message_at(
        due_draft("t", "2026-03-29T09:00[Europe/Berlin]", &["PT0S"]),
        "2026-03-29T08:00:00Z",
    );
    assert!(late.contains("it was meant for Sunday, 29 March 2026, 09:00"), "{late}");
}

#[test]
fn html_in_a_task_is_shown_not_run() {
    let mut nasty = due_draft("<script>alert(1)</script> & co", "2026-03-29", &[]);
    nasty.description = Description::parse("</div><a href=\"x\">").expect("a text");
    let text = message(nasty);
    let html = text.split("text/html").nth(1).expect("an HTML part");
    assert!(!html.contains("<script>") && !html.contains("<a href=3D\"x"), "{html}");
}

#[test]
fn a_title_cannot_add_a_header() {
    // No control character passes the title's check; and were there one, the header would fold it.
    assert!(Title::parse("x\r\nBcc: eve@example.com").is_err());
    for title in [
        "Bcc: eve@example.com",
        "=?utf-8?q?=0D=0ABcc:_eve@example.com?=",
        "\u{2028}Bcc: eve@example.com",
        "🔔".repeat(500).as_str(),
    ] {
        let text = message(due_draft(title, "2026-03-29", &[]));
        assert_eq!(header(&text, "Bcc"), None, "{text}");
        assert_eq!(text.matches("\r\nTo: ").count(), 1);
        assert!(text.lines().all(|line| line.len() <= 998), "RFC 5322 §2.1.1");
        assert!(header(&text, "Subject").is_some());
    }
}

#[test]
fn a_name_cannot_add_a_recipient() {
    // Names with addresses in them are refused by now, but may be stored.
    assert!(PersonName::parse("B <b@example.com>").is_err());
    let name = PersonName::parse_trusted("\"A\" <a@example.com>, B <b@example.com>").expect("a name");
    let to = header(&message_to(name), "To");
    let quoted = "\"\\\"A\\\" <a@example.com>, B <b@example.com>\" <user1@example.com>";
    assert_eq!(to.as_deref(), Some(quoted));
}

/// A mail to somebody of this name.
fn message_to(name: PersonName) -> String {
    let mut eve = user(1);
    (eve.name, eve.time_zone) = (name, Zone::utc());
    let task = task(1, &eve, due_draft("t", "2026-03-29", &["PT0S"]));
    let claim = Claim {
        reminder: task.reminders[0].id,
        fence: 2,
        fire_at: task.reminders[0].delivery.fire_at,
        recipient: None,
    };
    let mail =
        reminder_mail(&context(), &task, (&eve, Role::Owner), claim, claim.fire_at).expect("a mail");
    String::from_utf8(mail.message).expect("ASCII")
}

/// A header's value with its encoded words decoded, all of which are in base64.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut is_behind_word = false;
    for piece in value.split(' ') {
        let word = piece.strip_prefix("=?utf-8?B?").and_then(|piece| piece.strip_suffix("?="));
        // White space between two words is none (RFC 2047 §6.2).
        if !(bytes.is_empty() || is_behind_word && word.is_some()) {
            bytes.push(b' ');
        }
        is_behind_word = word.is_some();
        match word {
            Some(word) => bytes.extend(STANDARD.decode(word).expect("base64")),
            None => {
                assert!(!piece.contains("=?"), "another program decodes that: {value}");
                bytes.extend(piece.bytes());
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn what_looks_like_an_encoded_word_is_read_as_it_was_typed() {
    let many = "=?x?q?=0A?=é ".repeat(7);
    for text in [
        "=?utf-8?Q?Pay_now=0D=0ABcc:_eve?=",
        "=?UTF-8?B?DQpCY2M6IGV2ZQ==?=",
        "a =?iso-8859-1?Q?=0D=0A?= b",
        "=?",
        "x=?y",
        many.trim(),
    ] {
        let titled = message(due_draft(text, "2026-03-29", &[]));
        let named = message_to(PersonName::parse(text).expect("a name"));
        for (message, name, expected) in [
            (&titled, "Subject", format!("Reminder: {text}")),
            (&named, "To", format!("{text} <user1@example.com>")),
        ] {
            let value = header(message, name).expect("the header");
            assert_eq!(decoded(&value), expected, "{name}: {value}");
            let head = message.split("\r\n\r\n").next().expect("headers");
            for line in head.split("\r\n").filter(|line| line.contains("=?")) {
                assert!(line.len() <= 76, "RFC 2047 §2: {line}");
            }
            assert_eq!(header(message, "Bcc"), None);
        }
    }
}
