//! Users, tasks and other entities for tests.

use jiff::{SignedDuration, Timestamp};

use crate::{ManualClock, SeededRandom};
use taskbell_domain::{
    api_token::{ApiScope, ApiToken, ApiTokenSecret},
    comment::Comment,
    due::Due,
    email::EmailAddress,
    id::{ApiTokenId, CommentId, NotificationId, SpaceId, TaskId, UserId},
    notification::{Notification, NotificationKind},
    reminder::{LeadTime, ReminderSpec},
    second_factor::SecondFactor,
    space::{Member, Space},
    task::{Priority, Status, Task, TaskDraft},
    text::{ApiTokenName, CommentText, Description, PersonName, SpaceName, Title},
    unknown::Unknown,
    user::{AccountRole, DigestHour, MailSettings, User},
    zone::Zone,
};

/// The time at which the fixtures were created.
pub const NOW: &str = "2026-03-01T08:00:00Z";

/// [`NOW`] as an instant.
pub fn now() -> Timestamp {
    instant(NOW)
}

/// An instant from its RFC 3339 form.
pub fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The user with this number, in the time zone of Berlin.
pub fn user(number: u64) -> User {
    User {
        id: UserId::generate(&ManualClock::at(NOW), &SeededRandom::new(number)),
        email: EmailAddress::parse(&format!("user{number}@example.com")).expect("an address"),
        name: PersonName::parse(&format!("User {number}")).expect("a name"),
        time_zone: Zone::parse("Europe/Berlin").expect("a zone"),
        default_reminders: vec![ReminderSpec::half_an_hour_before()],
        mail: MailSettings::default(),
        digest_hour: DigestHour::DEFAULT,
        role: AccountRole::User,
        disabled_at: None,
        email_verified_at: Some(now()),
        mail_stopped: None,
        link_secret: format!("{number:032x}"),
        password_set_at: None,
        email_set_at: None,
        email_undos: Vec::new(),
        tokens_valid_from: None,
        api_tokens_valid_from: None,
        second_factor_at: None,
        second_factor_session: None,
        version: 1,
        created_at: now(),
        updated_at: now(),
        unknown: Unknown::default(),
    }
}

/// A draft with a title only.
pub fn draft(title: &str) -> TaskDraft {
    TaskDraft {
        title: Title::parse(title).expect("a title"),
        description: Description::default(),
        status: Status::Pending,
        priority: Priority::Medium,
        category: None,
        tags: Vec::new(),
        due: None,
        reminders: None,
        recurrence: None,
        recurrence_from: None,
        auto_complete_after: None,
        assigned_to: None,
        checklist: Vec::new(),
    }
}

/// A draft with a due time, and reminders these ISO 8601 durations before it.
pub fn due_draft(title: &str, due: &str, before: &[&str]) -> TaskDraft {
    TaskDraft {
        due: Some(Due::parse(due).expect("a due time")),
        reminders: Some(
            before
                .iter()
                .map(|lead| ReminderSpec::Before(LeadTime::parse(lead).expect("a lead")))
                .collect(),
        ),
        ..draft(title)
    }
}

/// The shared space with this number, and its first owner.
pub fn space(number: u64, owner: &User) -> (Space, Member) {
    // Other numbers than those of users, whose personal spaces have ids with the same body.
    let id = SpaceId::generate(&ManualClock::at(NOW), &SeededRandom::new(number + 1_000_000));
    Space::create(id, SpaceName::parse(&format!("Space {number}")).expect("a name"), owner.id, now())
}

/// The comment with this number on a task.
pub fn comment(number: u64, task: &Task, author: &User) -> Comment {
    let id = CommentId::generate(&ManualClock::at(NOW), &SeededRandom::new(number));
    let text = CommentText::parse(&format!("Comment {number}")).expect("a text");
    Comment::new(id, task.id, author.id, text, now())
}

/// The API token with this number, for all scopes, until a week after [`NOW`].
pub fn api_token(number: u64, user: &User) -> ApiToken {
    let random = SeededRandom::new(number);
    let id = ApiTokenId::generate(&ManualClock::at(NOW), &random);
    ApiToken {
        id,
        user: user.id,
        name: ApiTokenName::parse(&format!("Program {number}")).expect("a name"),
        scopes: ApiScope::ALL.to_vec(),
        space: None,
        secret_hash: api_token_secret(number, user).hash(),
        created_at: now(),
        expires_at: now() + SignedDuration::from_hours(7 * 24),
        expiry_notification: None,
    }
}

/// The secret of [`api_token`].
pub fn api_token_secret(number: u64, user: &User) -> ApiTokenSecret {
    let random = SeededRandom::new(number);
    let id = ApiTokenId::generate(&ManualClock::at(NOW), &random);
    ApiTokenSecret::generate(user.id, id, &random)
}

/// A second factor that a user has started at [`NOW`], with a secret of its own for each user.
pub fn second_factor(user: &User) -> SecondFactor {
    let seed =
        user.email.as_str().bytes().fold(7, |seed, byte| (seed * 31 + u64::from(byte)) % 1_000_003);
    SecondFactor::start(user.id, None, now(), &SeededRandom::new(seed))
}

/// The notification with this number.
pub fn notification(number: u64, kind: NotificationKind) -> Notification {
    let id = NotificationId::generate(&ManualClock::at(NOW), &SeededRandom::new(number));
    Notification::new(id, kind, now())
}

/// The task with this number, in the personal space of a user.
pub fn task(number: u64, owner: &User, draft: TaskDraft) -> Task {
    let random = SeededRandom::new(number);
    let id = TaskId::generate(&ManualClock::at(NOW), &random);
    Task::create(id, SpaceId::personal(owner.id), draft, owner, now(), &random).expect("a valid draft")
}
