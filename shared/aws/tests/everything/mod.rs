//! One item of every kind, with all its optional fields and without them.

mod accounts;
mod addresses;
mod second_factors;
mod sessions;

use jiff::{SignedDuration, Timestamp};
use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    api_token::ApiTokenList,
    checklist::ChecklistItemInput,
    comment::Comment,
    credential::{CheckedPassword, Credential, Session},
    delivery::{DeliveryStatus, Feedback, Outcome, Reason},
    digest::Digest,
    email::EmailAddress,
    id::{NotificationId, SpaceId},
    invitation::{INVITATION_LIFETIME, Invitation},
    membership::MemberChange,
    notification::{Notification, NotificationKind, NotificationStep},
    one_time_code::Purpose,
    ports::*,
    rate_limit::{LINKS, RateLimit, RateLimitKey},
    recurrence::{AutoComplete, RecurrenceFrom, Rule},
    reminder::{LeadTime, ReminderSpec},
    space::{Member, Role, Space},
    statistics::{Contribution, Counter, CounterGroup, CounterGroups},
    task::{Completion, Priority, Status, Task},
    text::{Category, CommentText, Description, ItemTitle, MessageText, SpaceName, Tag, Title},
    timer::{self, Timer},
    user::{AccountRole, DigestHour, MailKind, MailSuppression, SuppressionReason, User},
};
use taskbell_test::{
    ManualClock, SeededRandom,
    contract::record_one,
    fixtures::{NOW, comment, draft, due_draft, instant, notification, now, space, task, user},
};

use self::accounts::{
    account_notifications, api_tokens, deletion, has_api_tokens, registration_invitation,
};
use self::sessions::session;

/// A user with every field set.
fn ada() -> User {
    let mut ada = user(1);
    ada.version = 2;
    ada.role = AccountRole::Operator;
    ada.disabled_at = Some(now());
    ada.mail.set(MailKind::Assignments, false);
    ada.mail.set(MailKind::Digest, true);
    ada.mail_stopped = Some(MailSuppression { reason: SuppressionReason::Complained, at: now() });
    ada.digest_hour = DigestHour::new(0).expect("an hour");
    ada.default_reminders = vec![ReminderSpec::Before(LeadTime::parse("P1D").expect("a lead"))];
    ada
}

/// A user who has only registered.
fn eve() -> User {
    User { email_verified_at: None, default_reminders: Vec::new(), ..user(2) }
}

fn credential(of: &User) -> Credential {
    Credential { user: of.id, password_hash: "a hash".to_owned() }
}

/// A task with every field set.
fn full() -> Task {
    let mut full = due_draft("Ring the bell", "2026-03-29T02:30[Europe/Berlin]", &["PT30M", "P1D"]);
    full.description = Description::parse("Thrice.\nLoud.").expect("a text");
    full.category = Some(Category::parse("Tower").expect("a category"));
    full.tags = vec![Tag::parse("bell").expect("a tag"), Tag::parse("höhe").expect("a tag")];
    full.priority = Priority::Urgent;
    full.recurrence = Some(Rule::parse("FREQ=WEEKLY;COUNT=4").expect("a rule"));
    full.recurrence_from = Some(RecurrenceFrom::Completion);
    full.assigned_to = Some(ada().id);
    full.checklist = ["Climb", "Pull"]
        .map(|title| ChecklistItemInput {
            id: None,
            title: ItemTitle::parse(title).expect("a title"),
            done: title == "Pull",
        })
        .to_vec();
    full.auto_complete_after = Some(AutoComplete::parse("P1DT2M").expect("a duration"));
    let mut full = task(1, &ada(), full);
    full.snooze(instant("2026-03-02T08:00:00Z"), now(), &SeededRandom::new(9)).expect("it is open");
    let delivery = &mut full.reminders[0].delivery;
    (delivery.message_id, delivery.attempts, delivery.uncertain_attempts) =
        (Some("m".to_owned()), 3, 2);
    (delivery.fence, delivery.sent_at, delivery.next_at) = (4, Some(now()), None);
    (delivery.status, delivery.feedback) = (DeliveryStatus::Sent, Some(Feedback::Bounced));
    delivery.reason = Some(Reason::TooOld);
    full.archived_reminders.push(full.reminders[1].clone());
    full.next_occurrence = Some(plain().id);
    (full.status, full.completed_at) = (Status::Completed, Some(now()));
    full.completed_by = Some(Completion::Timer);
    full
}

/// A task with a title only.
fn plain() -> Task {
    task(2, &ada(), draft("Rest"))
}

fn record() -> IdempotencyRecord {
    IdempotencyRecord {
        user: ada().id,
        key_hash: "k".repeat(64),
        body_hash: "b".repeat(64),
        resource_id: plain().id.to_string(),
        status: 201,
        created_at: now(),
        expires_at: now() + SignedDuration::from_hours(24),
    }
}

/// One notification of each kind. The first one was sent.
fn notifications() -> Vec<Notification> {
    let (to, by) = (ada().id, eve().id);
    let kinds = [
        NotificationKind::Assignment { to, task: full().id, by },
        NotificationKind::Message {
            to,
            by,
            subject: taskbell_domain::text::MessageSubject::parse("Sunday").expect("a subject"),
            text: MessageText::parse("The bell\nrests.").expect("a text"),
        },
        NotificationKind::Verification { to },
        NotificationKind::Digest { to, day: "2026-03-01".parse().expect("a day") },
        NotificationKind::Code { to, purpose: Purpose::Operator, address: None, secret_hash: None },
        NotificationKind::Code {
            to,
            purpose: Purpose::PasswordReset,
            address: None,
            secret_hash: Some("h".repeat(64)),
        },
    ];
    let mut notifications: Vec<_> = (1..).zip(kinds).map(|(n, kind)| notification(n, kind)).collect();
    let NotificationStep::Send(fence) = notifications[0].begin_delivery(now()) else {
        panic!("it is due")
    };
    notifications[0].finish_delivery(fence, &Outcome::Accepted("m-1".to_owned()), now());
    notifications
}

fn invitation() -> (Invitation, Notification) {
    let space = shared().0;
    let to = EmailAddress::parse("someone@example.org").expect("an address");
    let carrier = notification(20, NotificationKind::Invitation { to: to.clone(), space: space.id });
    let invitation = Invitation {
        space: space.id,
        email: to,
        role: Role::Viewer,
        invited_by: ada().id,
        notification: carrier.id,
        secret_hash: Some("s".repeat(64)),
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    (invitation, carrier)
}

/// A shared space with two members.
fn shared() -> (Space, [Member; 2]) {
    let (mut shared, owner) = space(1, &ada());
    let member = Member { space: shared.id, user: eve().id, role: Role::Member, joined_at: now() };
    (shared.member_count, shared.version) = (2, 2);
    (shared, [owner, member])
}

/// A space that is being deleted.
fn leaving() -> (Space, Member) {
    let (mut space, owner) = space(2, &ada());
    space.begin_deletion(now());
    (space, owner)
}

fn digest() -> Digest {
    let last_run_date = Some("2026-03-01".parse().expect("a day"));
    let at = Some(instant("2026-03-02T08:00:00Z"));
    Digest { last_run_date, version: 2, ..Digest::new(ada().id, at, 1) }
}

const REQUESTS: RateLimit = RateLimit::requests(600);

/// Stores all items.
pub(crate) async fn store(store: &DynamoDb) {
    for who in [&user(1), &eve()] {
        let registered = store.register(who, &credential(who), None).await.expect("an answer");
        assert_eq!(registered, Registered::Done);
    }
    let at = Timer { at: now(), target: timer::TimerTarget::Digest(ada().id) };
    store.replace_user(&ada(), 1, Some(at)).await.expect("an answer");
    store.replace_digest(&digest(), 1, None).await.expect("an answer");
    let (email, hash) = (&user(1).email, "a hash");
    let checked = CheckedPassword { email, hash, rehashed: None, factor: None };
    assert!(store.open_session(&session(), checked).await.expect("an answer"));
    second_factors::store(store).await;
    store.suppress_address(&eve().email.hash(), now()).await.expect("an answer");
    store.record(&REQUESTS, &RateLimitKey::user(ada().id), 3, now()).await.expect("an answer");
    store.record(&LINKS, &RateLimitKey::user(eve().id), 1, now()).await.expect("an answer");

    let (full, plain) = (full(), plain());
    store.create(&full, None, None).await.expect("an answer");
    store.create(&plain, Some(&record()), None).await.expect("an answer");
    store.add_comment(&comment(1, &full, &ada()), None).await.expect("an answer");
    for task in [&full, &plain] {
        record_one(store, &Contribution::of(task)).await.expect("an answer");
    }
    for notification in notifications().into_iter().chain(account_notifications()) {
        store.add_notification(&notification, None).await.expect("an answer");
    }
    for (version, token) in (0..).zip(api_tokens()) {
        assert!(store.add_api_token(&token, version, &[]).await.expect("an answer"));
    }
    let gone = user(40);
    assert_eq!(
        store.register(&gone, &credential(&gone), None).await.expect("an answer"),
        Registered::Done
    );
    assert!(store.delete_account(&gone, &[], deletion()).await.expect("an answer"));
    addresses::store(store).await;
    let day = "2026-03-01".parse().expect("a day");
    store.record_api_token_use(&api_tokens()[0], day).await.expect("an answer");

    let ((first, owner), (_, [_, member])) = (space(1, &ada()), shared());
    store.create_space(&first, &owner, Some(0), None).await.expect("an answer");
    let (second, owner) = space(2, &ada());
    store.create_space(&second, &owner, Some(1), None).await.expect("an answer");
    let (deleted, _) = leaving();
    store.replace_space(&deleted, 1).await.expect("an answer");
    let (kept, carrier) = invitation();
    let theirs = Invitation { email: eve().email, ..kept.clone() };
    store.invite(&theirs, &carrier, Some(0), None).await.expect("an answer");
    let (now_shared, _) = shared();
    let joined = store.change_member(&now_shared, 1, &MemberChange::Join(member, theirs, None)).await;
    assert!(joined.expect("an answer"));
    let id = NotificationId::generate(&ManualClock::at(NOW), &SeededRandom::new(21));
    let fresh = Invitation { secret_hash: None, notification: id, ..kept.clone() };
    let kind = NotificationKind::Invitation { to: kept.email.clone(), space: kept.space };
    store.invite(&fresh, &Notification::new(id, kind, now()), None, None).await.expect("an answer");
    let is_set = store.set_invitation_secret(&fresh, &"s".repeat(64)).await.expect("an answer");
    assert!(is_set);
    let carrier = notification(39, NotificationKind::Verification { to: ada().id });
    let invited = store.invite_to_register(&registration_invitation(), &carrier).await;
    invited.expect("an answer");
}

/// Reads all items and compares them with what was stored.
pub(crate) async fn check(store: &DynamoDb) {
    let (ada, eve) = (ada(), eve());
    for who in [&ada, &eve] {
        assert_eq!(store.user(who.id).await.expect("an answer").as_ref(), Some(who));
        let found = store.credential(&who.email).await.expect("an answer").expect("it is there");
        let Credential { user, password_hash } = credential(who);
        assert_eq!((found.user, found.password_hash), (user, password_hash));
    }
    let listed = second_factors::others(store.users("user", None, 10).await.expect("a page").items);
    assert_eq!(listed, [ada.clone(), eve.clone()]);
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest()));
    let old = session();
    sessions::check(store, has_api_tokens(store).await).await;
    let next = Session { token_hash: "another".to_owned(), ..session() };
    let rotated = store.rotate_session(&next, &old.token_hash, now()).await.expect("an answer");
    assert_eq!(rotated, Rotated::Done);
    assert!(store.is_suppressed(&eve.email.hash()).await.expect("an answer"));

    let (full, plain) = (full(), plain());
    for task in [&full, &plain] {
        assert_eq!(store.task(task.id).await.expect("an answer").as_ref(), Some(task));
    }
    let records = store.records(ada.id, vec![record().key_hash], now()).await.expect("an answer");
    assert_eq!(records, [record()]);
    let comments = store.comments(full.id, None, 10).await.expect("a page").items;
    assert_eq!(comments, [comment(1, &full, &ada)]);
    for notification in notifications() {
        assert_eq!(store.notification(notification.id).await.expect("an answer"), Some(notification));
    }

    if has_api_tokens(store).await {
        second_factors::check(store).await;
        addresses::check(store).await;
        for notification in account_notifications() {
            let found = store.notification(notification.id).await.expect("an answer");
            assert_eq!(found, Some(notification));
        }
        let expected = registration_invitation();
        for address in [&expected.email, &invitation().0.email] {
            let inviters = store.inviters(&address.hash(), now(), 2).await.expect("an answer");
            assert!(inviters.contains(&ada.id));
        }
        let found = store.registration_invitation(&expected.email.hash()).await.expect("an answer");
        assert_eq!(found, Some(expected));
        let [first, second] = api_tokens();
        let day = "2026-03-01".parse().expect("a day");
        let mut tokens = vec![(first, Some(day)), (second, None)];
        tokens.sort_by_key(|(token, _)| token.id);
        assert_eq!(store.unfinished_deletions().await.expect("an answer"), [deletion()]);
        let list = store.api_tokens(ada.id).await.expect("an answer");
        assert_eq!(list, ApiTokenList { tokens, version: 2 });
    }

    let (space, members) = shared();
    assert_eq!(store.space(space.id).await.expect("an answer").as_ref(), Some(&space));
    assert_eq!(store.space(leaving().0.id).await.expect("an answer"), Some(leaving().0));
    let found: Vec<_> = store.members(space.id).await.expect("an answer");
    let mut found: Vec<_> = found.into_iter().map(|(member, _)| member).collect();
    found.sort_by_key(|member| member.role);
    let mut expected = members;
    expected.sort_by_key(|member| member.role);
    assert_eq!(found, expected);
    let spaces = store.spaces_of(eve.id).await.expect("an answer");
    assert_eq!(spaces, [(space.clone(), Role::Member)]);
    let invited = store.invitations(space.id).await.expect("an answer");
    let (kept, _) = invitation();
    assert_eq!(invited, [Invitation { notification: invited[0].notification, ..kept }]);

    let personal = SpaceId::personal(ada.id);
    let all = async || store.counters(personal).await.expect("an answer").get(&Counter::All).copied();
    assert_eq!(all().await, Some(2));
    let tags =
        store.counter_groups(personal, CounterGroups::Tags, None, None).await.expect("a page").items;
    let tags: Vec<_> = tags.into_iter().map(|(group, _)| group).collect();
    assert_eq!(tags, full.tags.iter().cloned().map(CounterGroup::Tag).collect::<Vec<_>>());
    let completed = CounterGroups::CompletedSince("2026-03-01".parse().expect("a day"));
    let days = store.counter_groups(personal, completed, None, None).await.expect("a page").items;
    assert_eq!(days.len(), 1);
    // The contribution of the task is subtracted.
    record_one(store, &Contribution::removed(&full)).await.expect("an answer");
    assert_eq!(all().await, Some(1));
}

/// Reads and changes all items, as handlers and workers do.
pub(crate) async fn change(store: &DynamoDb) {
    let later = |at: Timestamp| at + SignedDuration::from_secs(1);
    let mut user: User = store.user(ada().id).await.expect("an answer").expect("it is there");
    (user.disabled_at, user.mail_stopped, user.version) = (None, None, 3);
    let at = Timer { at: later(now()), target: timer::TimerTarget::Digest(user.id) };
    store.replace_user(&user, 2, Some(at)).await.expect("an answer");
    let mut digest = store.digest(user.id).await.expect("an answer").expect("it is there");
    let read = digest.version;
    (digest.at, digest.version) = (None, read + 1);
    let replaced = store.replace_digest(&digest, read, None).await.expect("an answer");
    assert_eq!(replaced, Replaced::Stored);
    let next = Session { token_hash: "another".to_owned(), ..session() };
    store.rotate_session(&next, &session().token_hash, now()).await.expect("an answer");
    store.suppress_address(&eve().email.hash(), later(now())).await.expect("an answer");
    let tomorrow = now() + SignedDuration::from_hours(24);
    store.record(&REQUESTS, &RateLimitKey::user(user.id), 1, tomorrow).await.expect("an answer");

    for id in [full().id, plain().id] {
        let mut task = store.task(id).await.expect("an answer").expect("it is there");
        let read = task.revision;
        (task.version, task.revision) = (task.version + 1, read + 1);
        (task.category, task.completed_at) = (None, None);
        task.title = Title::parse("Else").expect("a title");
        let replaced = store.replace(&task, read, AtomicExtras::default()).await.expect("an answer");
        assert_eq!(replaced, Replaced::Stored);
        record_one(store, &Contribution::of(&task)).await.expect("an answer");
    }
    let made = comment(1, &full(), &ada());
    let found = store.comment(made.task, made.id).await.expect("an answer");
    let mut edited: Comment = found.expect("it is there");
    assert!(edited.edit(CommentText::parse("Else").expect("a text"), now()));
    assert_eq!(store.replace_comment(&edited, 1).await.expect("an answer"), Replaced::Stored);
    for notification in notifications() {
        let mut notification =
            store.notification(notification.id).await.expect("an answer").expect("it is there");
        let read = notification.version;
        (notification.version, notification.delivery.next_at) = (read + 1, None);
        let replaced = store.replace_notification(&notification, read).await.expect("an answer");
        assert_eq!(replaced, Replaced::Stored);
    }

    let (mut space, member) = {
        let found = store.space_and_member(shared().0.id, eve().id).await.expect("an answer");
        found.expect("it is there")
    };
    let (read, change) = (space.version, MemberChange::Role(member, Role::Admin));
    space.apply(&change, now()).expect("a change");
    assert!(store.change_member(&space, read, &change).await.expect("an answer"));
    assert!(space.rename(SpaceName::parse("Else").expect("a name"), now()));
    let replaced = store.replace_space(&space, space.version - 1).await.expect("an answer");
    assert_eq!(replaced, Replaced::Stored);
    let (invited, _) = invitation();
    let found = store.invitation(invited.space, &invited.email.hash()).await.expect("an answer");
    let is_set = store.set_invitation_secret(&found.expect("it is there"), &"t".repeat(64)).await;
    assert!(is_set.expect("an answer"));
}
