//! Every kind of mail, whole. `make mail-preview` and `make lint-mail` have them written to a folder.

use std::{env, fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    account_event::AccountEvent,
    api_token::ApiToken,
    checklist::ChecklistItemInput,
    id::NotificationId,
    invitation::{INVITATION_LIFETIME, Invitation, InvitationToken},
    notification::{Notification, NotificationKind},
    one_time_code::{Code, Purpose},
    space::{Role, Space},
    task::{Claim, Priority, Task},
    text::{Description, ItemTitle, PersonName, SpaceName},
};
use taskbell_test::{
    SeededRandom,
    fixtures::{api_token, due_draft, instant, notification, now, space, task, user},
};

use super::*;

mod contents;
mod markup;
mod text_part;

const AHEAD: [&str; 3] = ["2026-03-31", "2026-04-01T12:00Z", "2026-04-05T11:00Z"];

/// When the mails of these tests are written.
fn sent_at() -> Timestamp {
    instant("2026-03-29T06:30:00Z")
}

fn context() -> MailContext {
    let address = EmailAddress::parse("taskbell@example.com").expect("an address");
    let name = SenderName::parse("Taskbell").expect("a name");
    let sender = Sender { address, name, reply_to: None };
    let link_keys = LinkKeys::parse(&format!("{}@0", "A".repeat(43))).expect("a key");
    MailContext { sender, api_url: "https://api.example.com".to_owned(), link_keys }
}

fn ada() -> User {
    User { name: PersonName::parse("Ada").expect("a name"), ..user(1) }
}

/// The notification of the mails of these tests, and its fencing token.
fn notification_and_fence() -> (NotificationId, u64) {
    (notification(1, NotificationKind::Verification { to: ada().id }).id, 2)
}

fn tower() -> Space {
    Space { name: SpaceName::parse("Bell tower").expect("a name"), ..space(1, &user(2)).0 }
}

/// A task of the shared space with everything that a mail shows.
fn full_task() -> Task {
    let mut draft = due_draft("Wind the tower clock", "2026-03-29T09:00[Europe/Berlin]", &["PT30M"]);
    let text = "Two full turns, then check the pendulum.\n\nThe key is with the verger.";
    draft.description = Description::parse(text).expect("a text");
    draft.priority = Priority::High;
    let item = |number| ChecklistItemInput {
        id: None,
        title: ItemTitle::parse(&format!("Step {number}")).expect("a title"),
        done: number < 2,
    };
    draft.checklist = (0..5).map(item).collect();
    Task { space: tower().id, ..task(1, &ada(), draft) }
}

/// The reminder of a task to a reader, sent at a time.
fn reminder(task: &Task, reader: TaskReader<'_>, now: Timestamp) -> Mail {
    let claim = Claim { reminder: task.reminders[0].id, fence: 2, fire_at: sent_at(), recipient: None };
    reminder_mail(&context(), task, reader, claim, now).expect("a mail")
}

fn invitation(user: Option<&User>) -> Mail {
    let (to, tower) = (ada(), tower());
    let invitation = Invitation {
        space: tower.id,
        email: to.email,
        role: Role::Member,
        invited_by: taskbell_test::fixtures::user(2).id,
        notification: notification_and_fence().0,
        secret_hash: None,
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    let token = InvitationToken::generate(&invitation, &SeededRandom::new(7));
    let invited = (&invitation, &token);
    invitation_mail(&context(), 2, invited, user, &tower, "Grace", sent_at()).expect("a mail")
}

/// A digest of these tasks to someone who has this role in the shared space.
fn digest(due: &DueTasks, role: Role) -> Mail {
    let spaces = [(tower(), role)];
    digest_mail(&context(), notification_and_fence(), due, (&ada(), &spaces), sent_at())
        .expect("a mail")
}

/// One of each kind, by name.
fn every_kind() -> Vec<(&'static str, Mail)> {
    let (context, ada, tower, wind) = (context(), ada(), tower(), full_task());
    let reader = TaskReader { user: &ada, role: Role::Owner, space: Some(&tower.name) };
    let code = Code::generate(notification_and_fence().0, &SeededRandom::new(7));
    let new = user(2).email;
    let kind = NotificationKind::RegistrationInvitation { to: new.clone(), by: user(3).id };
    let carrier = Notification::new(notification_and_fence().0, kind, sent_at());
    let code = |purpose, address| code_mail(&context, 2, (&code, purpose), (&ada, address), sent_at());
    let about = |event| account_mail(&context, notification_and_fence(), &event, &ada, sent_at());
    let ApiToken { id, name, scopes, expires_at, .. } = api_token(1, &ada);
    let token_created = AccountEvent::ApiTokenCreated { name: name.clone(), scopes, expires_at };
    let token_expires = AccountEvent::ApiTokenExpires { token: id, name, expires_at };
    let words = (
        "Maintenance on Sunday",
        "The bell rests from eight to nine.\n\nReminders of that hour come after it.",
    );
    let oil = due_draft("Oil the hinges of the great west door", "2025-12-24", &[]);
    let call = due_draft("Call the bell founder", "2026-03-29T16:30[Europe/Berlin]", &[]);
    let ahead = |n: u64| task(4 + n, &ada, due_draft("Ring", AHEAD[n as usize % 3], &[]));
    let due = DueTasks {
        overdue: vec![task(2, &ada, oil)],
        today: vec![wind.clone(), task(3, &ada, call)],
        week: (0..30).map(ahead).collect(),
    };
    let mails = [
        ("digest", Ok(digest(&due, Role::Member))),
        ("reminder", Ok(reminder(&wind, reader, sent_at()))),
        ("reminder-late", Ok(reminder(&wind, reader, sent_at() + SignedDuration::from_hours(2)))),
        (
            "assignment",
            assignment_mail(&context, notification_and_fence(), &wind, reader, "Grace", sent_at()),
        ),
        ("invitation", Ok(invitation(None))),
        ("registration", registration_mail(&context, (&carrier, 2), &new, "Grace", sent_at())),
        ("registered-again", about(AccountEvent::RegisteredAgain)),
        ("message", message_mail(&context, notification_and_fence(), &ada, "Grace", words, sent_at())),
        ("operator-code", code(Purpose::Operator, None)),
        ("password-code", code(Purpose::PasswordReset, None)),
        ("address-code", code(Purpose::EmailChange, Some(&new))),
        ("address-changed", code(Purpose::EmailChangeUndo, Some(&new))),
        ("password-changed", about(AccountEvent::PasswordChanged)),
        ("factor-code", code(Purpose::SecondFactorRemoval, None)),
        ("factor-added", about(AccountEvent::SecondFactorAdded)),
        ("factor-removed", about(AccountEvent::SecondFactorRemoved)),
        (
            "factor-removal",
            about(AccountEvent::SecondFactorRemovalRequested { at: instant("2026-03-30T06:30:00Z") }),
        ),
        ("token-created", about(token_created)),
        ("token-expires", about(token_expires)),
        ("verification", verification_mail(&context, notification_and_fence(), &ada, sent_at())),
    ];
    mails.map(|(name, mail)| (name, mail.expect("a mail"))).into()
}

fn text(mail: &Mail) -> String {
    part(mail, "text/plain")
}

/// With line feeds alone, as browsers have it.
fn html(mail: &Mail) -> String {
    part(mail, "text/html").replace("\r\n", "\n")
}

/// The part of a mail with this type, as its reader gets it.
fn part(mail: &Mail, kind: &str) -> String {
    let message = String::from_utf8(mail.message.clone()).expect("ASCII");
    let boundary = message.split("boundary=\"").nth(1).expect("parts");
    let boundary = boundary.split('"').next().expect("a boundary");
    let of_kind = message.split(&format!("Content-Type: {kind}")).nth(1).expect("the part");
    let (head, body) = of_kind.split_once("\r\n\r\n").expect("a body");
    let (body, _) = body.split_once(&format!("\r\n--{boundary}")).expect("its end");
    if head.contains("base64") {
        let bytes = STANDARD.decode(body.replace("\r\n", "")).expect("base64");
        return String::from_utf8(bytes).expect("UTF-8");
    }
    if !head.contains("quoted-printable") {
        return body.to_owned();
    }
    let body = body.replace("=\r\n", "");
    let mut pieces = body.split('=');
    let mut bytes = pieces.next().expect("a beginning").as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// The value of a header, unfolded.
fn header(mail: &Mail, name: &str) -> Option<String> {
    let message = String::from_utf8(mail.message.clone()).expect("ASCII");
    let head = message.split("\r\n\r\n").next()?.replace("\r\n\t", " ").replace("\r\n ", " ");
    let line = head.split("\r\n").find(|line| line.starts_with(&format!("{name}: ")))?;
    Some(line[name.len() + 2..].to_owned())
}

/// The links in a text or a page, sorted.
fn links(whole: &str) -> Vec<String> {
    let ends = |c: char| c.is_whitespace() || "\"<>".contains(c);
    let found = whole.split("https://").skip(1).filter_map(|link| link.split(ends).next());
    let mut found: Vec<_> = found.map(|link| format!("https://{link}")).collect();
    found.sort();
    found
}
