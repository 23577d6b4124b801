//! The texts and headers of reminders, and that task contents cannot inject headers or markup.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use taskbell_api::mail::{MailContext, Sender, SenderName, TaskReader, reminder_mail};
use taskbell_domain::{
    email::EmailAddress,
    space::Role,
    task::{Claim, Task, TaskDraft},
    text::{Description, PersonName, Title},
    user::{MailKind, User},
    zone::Zone,
};
use taskbell_test::{
    Outbox,
    fixtures::{draft, due_draft, instant, task, user},
};

use crate::support::{World, link_keys, unsubscribe_token};

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

fn sender(name: &str, reply_to: Option<EmailAddress>) -> Sender {
    let name = SenderName::parse(name).expect("a name");
    Sender { address: address("bell@example.com"), name, reply_to }
}

fn context(sender: Sender) -> MailContext {
    MailContext { sender, api_url: "https://api.example.com".to_owned(), link_keys: link_keys() }
}

/// A reminder, as it is sent; the text part has its lines whole.
fn mail_from(sender: Sender, user: &User, task: &Task, claim: Claim, now: &str) -> String {
    let reader = TaskReader { user, role: Role::Owner, space: None };
    let mail = reminder_mail(&context(sender), task, reader, claim, instant(now)).expect("a mail");
    assert_eq!(mail.to, user.email);
    String::from_utf8(mail.message).expect("ASCII")
}

/// The mail with its soft line breaks taken out.
fn whole_lines(message: &str) -> String {
    message.replace("=\r\n", "")
}

fn message_at(draft: TaskDraft, now: &str) -> String {
    let ada = user(1);
    let task: Task = task(1, &ada, draft);
    let reminder = task.reminders.first().map_or_else(
        || "rem_01JQ0000000000000000000000".parse().expect("an id"),
        |reminder| reminder.id,
    );
    let claim = Claim { reminder, fence: 2, fire_at: instant("2026-03-29T07:00:00Z"), recipient: None };
    mail_from(sender("Taskbell", None), &ada, &task, claim, now)
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
fn a_reminder_shows_the_due_time_in_the_readers_time_zone() {
    let mut full = due_draft("Ring the bell", "2026-03-29T09:00[Europe/Berlin]", &["PT0S"]);
    full.description = Description::parse("Twice.").expect("a text");
    let text = whole_lines(&message(full));
    assert!(text.contains("Due: Sunday, 29 March 2026, 09:00 (Europe/Berlin)"), "{text}");
    assert!(text.contains("Twice.") && text.contains("multipart/alternative"), "{text}");
    assert!(!text.contains("is late"), "{text}");
    let day = message(due_draft("t", "2026-03-29", &[]));
    assert!(day.contains("Due: Sunday, 29 March 2026\r\n"), "a day has no time: {day}");
}

#[test]
fn a_reminder_has_the_headers_of_automatic_mail() {
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
fn a_late_reminder_says_that_it_is_late() {
    let late = message_at(
        due_draft("t", "2026-03-29T09:00[Europe/Berlin]", &["PT0S"]),
        "2026-03-29T08:00:00Z",
    );
    let late = whole_lines(&late);
    assert!(late.contains("it was scheduled for Sunday, 29 March 2026, 09:00"), "{late}");
}

#[test]
fn html_in_a_task_is_escaped() {
    let mut nasty = due_draft("<script>alert(1)</script> & co", "2026-03-29", &[]);
    nasty.description = Description::parse("</div><a href=\"x\">").expect("a text");
    let text = message(nasty);
    let html = text.split("text/html").nth(1).expect("an HTML part");
    assert!(!html.contains("<script>") && !html.contains("<a href=3D\"x"), "{html}");
}

#[test]
fn a_title_cannot_add_a_header() {
    // Titles cannot contain control characters. If one did, the header would encode it.
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
    // Names with addresses are refused, but older ones may be stored.
    assert!(PersonName::parse("B <b@example.com>").is_err());
    let name = PersonName::parse_trusted("\"A\" <a@example.com>, B <b@example.com>").expect("a name");
    let to = header(&message_to(name), "To");
    let quoted = "\"\\\"A\\\" <a@example.com>, B <b@example.com>\" <user1@example.com>";
    assert_eq!(to.as_deref(), Some(quoted));
}

/// A mail to a user with this name.
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
    mail_from(sender("Taskbell", None), &eve, &task, claim, &claim.fire_at.to_string())
}

/// A header's value with its encoded words decoded, all of which are in base64.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut follows_word = false;
    for piece in value.split(' ') {
        let word = piece.strip_prefix("=?utf-8?B?").and_then(|piece| piece.strip_suffix("?="));
        // White space between two encoded words is ignored (RFC 2047 §6.2).
        if !(bytes.is_empty() || follows_word && word.is_some()) {
            bytes.push(b' ');
        }
        follows_word = word.is_some();
        match word {
            Some(word) => bytes.extend(STANDARD.decode(word).expect("base64")),
            None => {
                assert!(!piece.contains("=?"), "other programs would decode it: {value}");
                bytes.extend(piece.bytes());
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn text_that_looks_like_an_encoded_word_is_shown_as_typed() {
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

/// A reminder from a sender.
fn message_from(sender: Sender) -> String {
    let ada = user(1);
    let task = task(1, &ada, due_draft("t", "2026-03-29", &["PT0S"]));
    let (reminder, fire_at) = (task.reminders[0].id, instant("2026-03-29T07:00:00Z"));
    let claim = Claim { reminder, fence: 2, fire_at, recipient: None };
    mail_from(sender, &ada, &task, claim, "2026-03-29T07:00:00Z")
}

#[test]
fn the_name_of_the_sender_is_quoted_or_encoded() {
    for (name, expected) in [
        ("Taskbell", "\"Taskbell\" <bell@example.com>"),
        ("Acme, Inc. (Tasks)", "\"Acme, Inc. (Tasks)\" <bell@example.com>"),
        ("The \"Bell\" <eve@example.com>", "\"The \\\"Bell\\\" <eve@example.com>\" <bell@example.com>"),
        ("back\\slash", "\"back\\\\slash\" <bell@example.com>"),
    ] {
        let message = message_from(sender(name, None));
        assert_eq!(header(&message, "From").as_deref(), Some(expected), "{name}");
    }
    for name in ["Glöckchen", "鐘".repeat(64).as_str(), "=?utf-8?Q?Bcc:_eve?="] {
        let message = message_from(sender(name, None));
        let from = header(&message, "From").expect("a sender");
        assert!(from.starts_with("=?utf-8?") && from.ends_with(" <bell@example.com>"), "{from}");
        if from.contains("?B?") {
            assert_eq!(decoded(&from), format!("{name} <bell@example.com>"));
        }
        let head = message.split("\r\n\r\n").next().expect("headers");
        assert!(head.split("\r\n").filter(|line| line.contains("=?")).all(|line| line.len() <= 76));
    }
}

#[test]
fn the_name_of_the_sender_cannot_add_a_header() {
    for name in ["", " ", "a\r\nBcc: eve@example.com", "a\nb", "a\rb", "a\0b", "a\u{85}b", "a\u{2028}b"]
    {
        assert!(SenderName::parse(name).is_err(), "{name:?}");
    }
    assert!(SenderName::parse(&"x".repeat(65)).is_err());
    assert_eq!(SenderName::parse(" Acme ").expect("a name").as_str(), "Acme");
}

#[test]
fn replies_go_to_the_reply_address_if_there_is_one() {
    assert_eq!(header(&message_from(sender("Taskbell", None)), "Reply-To"), None);
    let message = message_from(sender("Taskbell", Some(address("help@example.org"))));
    assert_eq!(header(&message, "Reply-To").as_deref(), Some("<help@example.org>"));
    assert_eq!(header(&message, "From").as_deref(), Some("\"Taskbell\" <bell@example.com>"));
}

#[tokio::test]
async fn mails_about_a_task_of_a_shared_space_name_the_space_and_link_to_the_task() {
    let (world, ada, _) = World::seeded().await;
    let member = world.member(11, Role::Member).await;
    let body = json!({
        "title": "Oil the bell", "due": "2026-03-01T08:10:00Z", "assigned_to": member.id,
        "priority": "urgent", "reminders": [{"before": "PT0S"}],
        "checklist": [{"title": "Buy oil", "done": true}, {"title": "Climb up"}],
    });
    let made = world.shared_task(&ada, &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let assignment = world.mails().await.pop().expect("an assignment");
    let stored = world.stored(made.body["id"].as_str().expect("an id").parse().expect("an id")).await;
    world.clock.set(instant("2026-03-01T08:10:00Z"));
    let outbox = Outbox::default();
    world.handle(&outbox, stored.timer().expect("a timer")).await.expect("it is dealt with");
    let reminder = outbox.sent().pop().expect("a reminder");
    for (to, mail) in [
        assignment,
        (reminder.to.as_str().to_owned(), String::from_utf8(reminder.message).expect("ASCII")),
    ] {
        assert_eq!(to, member.email.as_str());
        let text = whole_lines(&mail);
        for said in [
            "Priority: Urgent",
            "Space: Space 1",
            "Progress: 1 of 2 checklist items done",
            "Complete:      https://api.example.com/v1/actions/",
            "Snooze 1 hour: https://api.example.com/v1/actions/",
            "Snooze 1 day:  https://api.example.com/v1/actions/",
            "Open in the app: https://api.example.com/#/task/tsk_",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}

#[tokio::test]
async fn an_invitation_expires_in_the_time_zone_of_an_account_that_has_verified_its_address() {
    let (world, ada, task) = World::seeded().await;
    let grace = world.register(20).await;
    for (email, until) in [
        (grace.email.as_str(), "Expires: Sunday, 8 March 2026, 09:00 (Europe/Berlin)"),
        ("stranger@example.com", "Expires: Sunday, 8 March 2026, 08:00 UTC"),
    ] {
        let event = world.event("invite-member", &ada, &task).await;
        let answer = world.send(&event.body(&json!({"email": email, "role": "viewer"}))).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let (to, mail) = world.mails().await.pop().expect("an invitation");
        assert_eq!(to, email);
        assert!(whole_lines(&mail).contains(until), "{mail}");
    }
}
