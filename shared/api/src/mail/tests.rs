//! Every kind of mail, whole. `make mail-preview` has them written to a folder, to look at them.

use std::{env, fs, path::Path};

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    id::NotificationId,
    invitation::{INVITATION_LIFETIME, Invitation, InvitationToken},
    notification::NotificationKind,
    one_time_code::{Code, Purpose},
    space::Role,
    task::Claim,
    text::{Description, PersonName, SpaceName},
};
use taskbell_test::{
    SeededRandom,
    fixtures::{due_draft, instant, notification, now, space, task, user},
};

use super::*;

const AHEAD: [&str; 3] = ["2026-03-31", "2026-04-01T12:00Z", "2026-04-05T11:00Z"];

/// One of each kind, by name.
fn every_kind() -> Vec<(&'static str, Mail)> {
    let sender = EmailAddress::parse("taskbell@example.com").expect("an address");
    let link_keys = LinkKeys::parse(&format!("{}@0", "A".repeat(43))).expect("a key");
    let context = MailContext { sender, api_url: "https://api.example.com".to_owned(), link_keys };
    let mut ada = user(1);
    ada.name = PersonName::parse("Ada").expect("a name");
    let mut draft = due_draft("Wind the tower clock", "2026-03-29T09:00[Europe/Berlin]", &["PT30M"]);
    draft.description =
        Description::parse("Two full turns, then check the pendulum.\n\nThe key is with the verger.")
            .expect("a text");
    let wind = task(1, &ada, draft);
    let rings: Timestamp = instant("2026-03-29T06:30:00Z");
    let claim = Claim { reminder: wind.reminders[0].id, fence: 2, fire_at: rings, recipient: None };
    let reminder = |now| reminder_mail(&context, &wind, (&ada, Role::Owner), claim, now);
    let name = |number, content| (notification(number, content).id, 2);
    let ask: (NotificationId, u64) = name(1, NotificationKind::Verification { to: ada.id });
    let secret = SeededRandom::new(7);
    let code = Code::generate(ask.0, &secret);
    let (mut tower, _) = space(1, &ada);
    tower.name = SpaceName::parse("Bell tower").expect("a name");
    let invitation = Invitation {
        space: tower.id,
        email: ada.email.clone(),
        role: Role::Member,
        invited_by: user(2).id,
        notification: ask.0,
        secret_hash: None,
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    let token = InvitationToken::generate(&invitation, &secret);
    let words = (
        "Maintenance on Sunday",
        "The bell rests from eight to nine.\n\nReminders of that hour come after it.",
    );
    let mut oil = due_draft("Oil the hinges of the great west door", "2025-12-24", &[]);
    oil.description = Description::default();
    let mut call = due_draft("Call the bell founder", "2026-03-29T16:30[Europe/Berlin]", &[]);
    call.description = Description::default();
    let due = DueTasks {
        overdue: vec![task(2, &ada, oil)],
        today: vec![wind.clone(), task(3, &ada, call)],
        week: (0..30)
            .map(|n| task(4 + n, &ada, due_draft("Ring", AHEAD[n as usize % 3], &[])))
            .collect(),
    };
    let mails = [
        ("digest", digest_mail(&context, ask, &due, &ada, rings)),
        ("reminder", reminder(rings)),
        ("reminder-late", reminder(rings + SignedDuration::from_hours(2))),
        ("assignment", assignment_mail(&context, ask, &wind, &ada, "Grace", rings)),
        (
            "invitation",
            invitation_mail(&context, 2, (&invitation, &token), None, &tower, "Grace", rings),
        ),
        ("message", message_mail(&context, ask, &ada, "Grace", words, rings)),
        ("operator-code", code_mail(&context, 2, (&code, Purpose::Operator), &ada, rings)),
        ("password-code", code_mail(&context, 2, (&code, Purpose::PasswordReset), &ada, rings)),
        ("verification", verification_mail(&context, ask, &ada, rings)),
    ];
    mails.map(|(name, mail)| (name, mail.expect("a mail"))).into()
}

/// The part of a mail with this type, as its reader gets it.
fn part(mail: &Mail, kind: &str) -> String {
    let message = String::from_utf8(mail.message.clone()).expect("ASCII");
    let of_kind = message.split(&format!("Content-Type: {kind}")).nth(1).expect("the part");
    let (head, body) = of_kind.split_once("\r\n\r\n").expect("a body");
    // Of a line that begins with two hyphens, the one with nothing behind them is that before a signature.
    let mut pieces = body.split("\r\n--");
    let mut body = pieces.next().expect("its beginning").to_owned();
    for signature in pieces.take_while(|piece| piece.starts_with("\r\n")) {
        body = format!("{body}\r\n--{signature}");
    }
    if !head.contains("quoted-printable") {
        return body;
    }
    let body = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let [first, more @ ..] = rest {
        rest = match (first, more) {
            (b'=', [high, low, more @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("hexadecimal");
                bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
                more
            }
            _ => {
                bytes.push(*first);
                more
            }
        };
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn every_kind_of_mail_says_the_same_in_text_and_in_html() {
    for (name, mail) in every_kind() {
        let (text, html) = (part(&mail, "text/plain"), part(&mail, "text/html"));
        if let Some(folder) = env::var_os("MAIL_PREVIEW") {
            let file = Path::new(&folder).join(format!("{name}.html"));
            fs::write(file, &html).expect("the folder is there");
        }
        assert!(!html.contains("{{") && !html.contains("{%") && !text.contains("{{"), "{name}");
        let links = |whole: &str| {
            let found = whole.split("https://").skip(1);
            let ends = |c: char| c.is_whitespace() || "\"<>".contains(c);
            let mut found: Vec<_> =
                found.filter_map(|l| l.split(ends).next()).map(str::to_owned).collect();
            found.sort();
            found
        };
        assert_eq!(links(&text), links(&html), "{name}: the same links");
        let task = [
            "Wind the tower clock",
            "Two full turns",
            "is with the verger.",
            "29 March 2026, 09:00 (Europe/Berlin)",
        ];
        let says: &[&str] = match name {
            "reminder" | "assignment" => &task,
            "reminder-late" => {
                &["Wind the tower clock", "late", "29 March 2026, 08:30 (Europe/Berlin)"]
            }
            "invitation" => &["Bell tower", "Grace", "member", "8 March 2026, 08:00 UTC"],
            "message" => &["Maintenance on Sunday", "from eight to nine.", "come after it."],
            "digest" => &[
                "Sunday, 29 March 2026",
                "Overdue",
                "Wed, 24 December 2025",
                "today, 16:30",
                "Wed, 1 April, 14:00",
                "All times are those of Europe/Berlin.",
                "In the next seven days",
                "and more",
            ],
            "operator-code" => &["becomes an operator", "within", "a day"],
            "password-code" => &["set a new password", "within", "an hour"],
            _ => &["Is this your address?", "two days", ".verify."],
        };
        for said in says {
            assert!(text.contains(said), "{name}: {said:?} is not in {text}");
            assert!(html.contains(said), "{name}: {said:?} is not in {html}");
        }
        let message = String::from_utf8(mail.message).expect("ASCII");
        for header in ["Subject: ", "Auto-Submitted: auto-generated", "Message-ID: <", "Date: "] {
            assert!(message.contains(header), "{name}: {header}");
        }
        let asked_for = ["message", "operator-code", "password-code", "verification"].contains(&name);
        assert_eq!(message.contains("List-Unsubscribe-Post: "), !asked_for, "{name}");
    }
}
