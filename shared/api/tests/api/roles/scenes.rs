//! Requests that together cover all DynamoDB calls of the functions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::json;
use taskbell_api::{
    endpoint::{Endpoint, Programs},
    links::LinkAction,
    workers::{record_mail_events, update_statistics},
};
use taskbell_domain::{
    account_event::AccountEvent,
    clock::Clock,
    delivery::{DeliveryEvent, Feedback},
    feed::{Operation, Place, Subject},
    invitation::Invitation,
    notification::NotificationKind,
    one_time_code::Purpose,
    ports::{Notifications, ProfileChanges, SpaceChanges, TaskCreation},
    recurrence::Rule,
    reminder::LeadTime,
    space::Space,
    task::Task,
    text::Tag,
    timer::{Timer, TimerTarget},
    user::{MailKind, MailSettings, SuppressionReason, User},
};
use taskbell_test::{
    Outbox,
    contract::Store,
    fixtures::{api_token_secret, comment, due_draft, notification, now, space, task, user},
};

use super::{
    Stage, deletions, live,
    prepare::{operator_code, prepare},
    recorder::Wanted,
    second_factors, transfer,
};
use crate::support::{Event, PASSWORD, World, collaborator, invitation_of};

/// Tasks of space 1.
struct Shared {
    /// Assigned to user 1.
    ours: Task,
    /// Assigned to the collaborator.
    theirs: Task,
}

/// Tasks of user 1 with a reminder within the dispatch horizon after a change: the next occurrence of a series, and a
/// reopened task.
pub(super) fn soon(ada: &User) -> [Task; 2] {
    let mut series = due_draft("Series", "2026-02-28T08:01:30Z", &["PT0S"]);
    series.recurrence = Some(Rule::parse("FREQ=DAILY").expect("a rule"));
    [task(53, ada, series), task(54, ada, due_draft("Soon", "2026-03-01T08:01:30Z", &["PT0S"]))]
}

async fn share<S: Store>(world: &World<S>, ada: &User) -> Shared {
    let create = async |number, to: &User| {
        let mut draft = due_draft("Shared", "2026-03-01T18:00:00Z", &["PT1H"]);
        draft.assigned_to = Some(to.id);
        let mut made = task(number, ada, draft);
        made.space = space(1, ada).0.id;
        world.store.create(&made, None, None).await.expect("no store error");
        world.store.add_comment(&comment(1, &made, ada), None).await.expect("no store error");
        world.update_statistics(None, Some(&made)).await;
        made
    };
    Shared { ours: create(50, ada).await, theirs: create(51, &collaborator()).await }
}

/// Requests other than the one in `events/`.
async fn others<S: Store>(
    world: &World<S>,
    function: &str,
    ada: &User,
    mine: &Task,
    shared: &Shared,
) -> Vec<Event> {
    let event = world.event(function, ada, mine).await;
    let ours = world.event(function, ada, &shared.ours).await;
    let in_space = |more: &str| event.clone().query(&format!("space={}{more}", shared.ours.space));
    let keyed = |event: Event, key: &str| event.header("idempotency-key", key);
    let stranger = user(2).id;
    let [series, once] = soon(ada);
    match function {
        "complete-task" | "skip-task" => vec![ours, world.event(function, ada, &series).await],
        "reopen-task" => vec![ours, world.event(function, ada, &once).await],
        "snooze-task" => vec![ours, event.body(&json!({ "for": "PT1M" }))],
        "move-task" => {
            let back = ours.body(&json!({ "space": mine.space }));
            vec![back, world.event(function, ada, &once).await]
        }
        "run-action" => {
            let actions = [
                LinkAction::Complete(series.id),
                LinkAction::Complete(shared.ours.id),
                LinkAction::Snooze(mine.id, LeadTime::hours(1)),
                LinkAction::VerifyEmail,
            ];
            actions
                .map(|link_action| event.clone().path("token", &world.link(ada, link_action)))
                .to_vec()
        }
        "unsubscribe" => vec![event.path("token", &invitation_of(ada).0.to_text())],
        "update-profile" => vec![event.body(&json!({ "mail": { "digest": true } }))],
        "become-operator" => vec![event.body(&json!({ "code": operator_code().to_text() }))],
        "update-user" => vec![event.body(&json!({ "disabled": true }))],
        "register-user" => {
            let body = json!({ "email": user(77).email, "name": "Ada", "password": PASSWORD });
            vec![event.body(&body)]
        }
        "list-tasks" => {
            let sorts = ["due", "created", "priority", "updated", "title"];
            let mut all: Vec<_> = sorts.iter().map(|s| in_space(&format!("&sort={s}"))).collect();
            all.extend(["assigned_to=me", "due=today"].map(|query| event.clone().query(query)));
            all.extend([in_space("&status=pending"), in_space("&assigned_to=me")]);
            all
        }
        "list-tags" | "list-categories" | "get-stats" => vec![in_space("")],
        "export-data" | "import-data" => vec![transfer::other(world, event, mine, &shared.ours)],
        "create-task" => {
            let body = |to| json!({ "title": "t", "due": "2026-03-01T08:01:00Z", "assigned_to": to });
            vec![
                keyed(in_space("").body(&body(collaborator().id)), "shared"),
                keyed(in_space("").body(&body(stranger)), "refused"),
            ]
        }
        "update-task" => {
            let due = "2026-03-01T08:01:00Z";
            let reminders = json!([{ "before": "PT0S" }, { "before": "PT1S" }]);
            let to = collaborator().id;
            let soon = json!({ "due": due, "reminders": reminders, "assigned_to": to });
            vec![ours.without_header("if-match").body(&soon)]
        }
        "batch-tasks" => {
            let (space, to) = (shared.ours.space, collaborator().id);
            let task = json!({ "title": "t", "due": "2026-03-01T08:01:00Z", "assigned_to": to });
            let delete = |of: &Task| json!({ "op": "delete", "id": of.id });
            let operations = json!([
                { "op": "create", "space": space, "task": task },
                { "op": "update", "id": shared.ours.id, "task": { "assigned_to": to } },
                { "op": "complete", "id": shared.ours.id },
                { "op": "move", "id": shared.ours.id, "space": mine.space },
                delete(&shared.theirs),
            ]);
            let first = event.clone().body(&json!({ "operations": operations }));
            let second = event.body(&json!({ "operations": [delete(mine)] }));
            vec![
                keyed(first.clone(), "first"),
                keyed(first, "first"),
                second.without_header("idempotency-key"),
            ]
        }
        "invite-member" => {
            let other = event.body(&json!({ "email": "another@example.com" }));
            vec![keyed(other.clone(), "another"), keyed(other, "another")]
        }
        "create-space" | "create-notification" => {
            vec![keyed(event.clone(), "another"), keyed(event, "another")]
        }
        "list-changes" => {
            let cursor = world.send(&event).await.body["next_cursor"].clone();
            let (mine, ours) = (mine.space, &shared.ours);
            let (in_mine, in_ours) = (Place::Space(mine), Place::Space(ours.space));
            world.relay(in_mine, Subject::Task(shared.theirs.id), Operation::Updated).await;
            for subject in [
                Subject::Task(ours.id),
                Subject::Comment(ours.id, comment(1, ours, ada).id),
                Subject::Member(collaborator().id),
                Subject::Space,
            ] {
                world.relay(in_ours, subject, Operation::Updated).await;
            }
            vec![event.query(&format!("cursor={}", cursor.as_str().expect("a cursor")))]
        }
        "create-api-token" => {
            let body = json!({
                "name": "t", "scopes": ["tasks:read"], "space": shared.ours.space,
                "expires_at": "2026-04-01T00:00:00Z", "password": PASSWORD,
            });
            vec![event.body(&body)]
        }
        "log-in" => second_factors::log_ins(world, event).await,
        "remove-second-factor" => vec![second_factors::redemption(event)],
        "create-comment" => vec![keyed(event.clone(), "c"), keyed(event, "c"), ours],
        _ if event.json["pathParameters"]["task_id"].is_string() => vec![ours],
        _ => Vec::new(),
    }
}

/// The permissions that a function of the API needs.
pub(super) async fn of_the_api(function: &str) -> BTreeSet<Wanted> {
    let mut calls = BTreeSet::new();
    for failing in [false, true] {
        let mut stage = Stage::new().await;
        let world = &stage.world;
        let (ada, mine) = world.seed().await;
        let shared = share(world, &ada).await;
        for task in soon(&ada) {
            world.store.create(&task, None, None).await.expect("no store error");
        }
        prepare(world, function, &ada, [&mine, &shared.ours]).await;
        let others = others(world, function, &ada, &mine, &shared).await;
        // The same request twice, for replays and repetitions, and then the other requests.
        let event = world.event(function, &ada, &mine).await;
        let mut events = [vec![event.clone(), event.clone()], others].concat();
        if function == "delete-account" {
            deletions::prepare_heir(&mut stage, &ada, &collaborator()).await;
        }
        let world = &stage.world;
        let programs = Endpoint::named(function).map(|endpoint| endpoint.access.programs());
        if matches!(programs, Some(Programs::WithScope(_))) {
            let bearer = format!("Bearer {}", api_token_secret(1, &ada).to_text());
            events.push(event.header("authorization", &bearer));
        }
        stage.calls();
        if failing {
            stage.failures.begin();
        }
        for (number, event) in events.iter().enumerate() {
            let answer = world.send(event).await;
            assert!(answer.status < 300 || number > 0 || failing, "{function}: {}", answer.body);
            calls.extend(stage.calls());
        }
    }
    calls
}

fn every_mail() -> MailSettings {
    let mut settings = MailSettings::default();
    MailKind::ALL.iter().for_each(|kind| settings.set(*kind, true));
    settings
}

/// The permissions that the workers need.
pub(super) async fn workers() -> BTreeMap<&'static str, BTreeSet<Wanted>> {
    let mut all: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for failing in [false, true] {
        for (worker, calls) in [work(failing).await, live::workers(failing).await].concat() {
            all.entry(worker).or_default().extend(calls);
        }
    }
    all
}

async fn work(failing: bool) -> Vec<(&'static str, BTreeSet<Wanted>)> {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (ada, _) = world.seed().await;
    let (collaborator, shared) = (collaborator(), space(1, &ada).0);
    let fire_at = now() + SignedDuration::from_mins(1);
    let assigned = due_in(&ada, &shared, &collaborator, fire_at);
    world.store.create(&assigned, None, None).await.expect("no store error");
    let on = User { version: 2, mail: every_mail(), ..collaborator.clone() };
    let digest = Timer { at: fire_at, target: TimerTarget::Digest(collaborator.id) };
    world.store.replace_user(&on, 1, Some(digest)).await.expect("no store error");
    let kinds = [
        NotificationKind::Assignment { to: collaborator.id, task: assigned.id, by: ada.id },
        NotificationKind::Verification { to: ada.id },
        NotificationKind::Code {
            to: ada.id,
            purpose: Purpose::Operator,
            address: None,
            secret_hash: None,
        },
    ];
    // Of an account that is not verified.
    let new = world.register(78).await;
    let unverified = User { version: 2, email_verified_at: None, ..new.clone() };
    world.store.replace_user(&unverified, 1, None).await.expect("no store error");
    let again = NotificationKind::Account { to: new.id, event: AccountEvent::RegisteredAgain };
    for (number, kind) in kinds.into_iter().chain([again]).enumerate() {
        let made = notification(70 + number as u64, kind);
        world.store.add_notification(&made, None).await.expect("no store error");
    }
    // An invitation of an address without an account.
    let kind = NotificationKind::Invitation { to: user(5).email, space: space(2, &collaborator).0.id };
    let carrier = notification(80, kind);
    let invitation = Invitation { notification: carrier.id, ..invitation_of(&user(5)).1 };
    world.store.invite(&invitation, &carrier, None, None).await.expect("no store error");
    let begin = || {
        if failing {
            stage.failures.begin();
        }
    };
    stage.recorder.take();
    begin();
    world.dispatch().await;
    let queued = world.queue.take();
    assert!(!queued.is_empty());
    let mut dispatched: BTreeSet<_> = stage.recorder.take().into_iter().collect();
    dispatched.insert(super::queueing("ReminderQueue"));

    world.clock.set(fire_at);
    let (outbox, mut timers) = (Outbox::default(), queued);
    let mut sending = BTreeSet::new();
    for round in 0.. {
        assert!(round < 20, "it does not end");
        for timer in &timers {
            begin();
            // A conflict is retried with the redelivered message.
            let tries = if failing { 3 } else { 1 };
            let mut handled = world.handle(&outbox, *timer).await;
            for _ in 1..tries {
                if handled.is_err() {
                    handled = world.handle(&outbox, *timer).await;
                }
            }
            handled.expect("the message is handled");
        }
        timers = world.queue.take();
        if timers.is_empty() {
            break;
        }
        sending.insert(super::queueing("ReminderQueue"));
        timers.retain(|timer| timer.at <= world.clock.now());
    }
    sending.extend(stage.recorder.take());
    let sent = outbox.sent();
    let subjects = sent.iter().map(|mail| {
        let message = String::from_utf8_lossy(&mail.message).into_owned();
        let subject = message.split("Subject: ").nth(1).and_then(|rest| rest.lines().next());
        subject.unwrap_or_default().to_owned()
    });
    let all_subjects = subjects.collect::<Vec<_>>().join("; ");
    let kinds = [
        "Reminder: ",
        "Assigned to you: ",
        "invited you to join",
        "Confirm your email address",
        "operator code",
        "Reset your Taskbell password",
        "due today",
    ];
    // An invitation whose secret cannot be stored counts as replaced.
    for kind in kinds.into_iter().filter(|kind| !failing || *kind != "invited you to join") {
        assert!(all_subjects.contains(kind), "no mail of the kind {kind:?}: {all_subjects}");
    }

    for mail in sent {
        begin();
        let event = DeliveryEvent {
            message_id: "m".to_owned(),
            accepted_at: fire_at,
            feedback: Some(Feedback::Bounced),
        };
        let stops = Some(SuppressionReason::Bounced);
        let recorded =
            record_mail_events::handle(&world.store, &mail.tags, &event, stops, &world.clock);
        recorded.await.expect("the event is recorded");
    }
    let recorded = stage.recorder.take().into_iter().collect();

    let mut changed = world.stored(assigned.id).await;
    changed.version += 1;
    changed.tags = vec![Tag::parse("x").expect("a tag")];
    let before = Some(assigned.clone());
    stage.recorder.take();
    let gone = Task { version: changed.version + 1, ..changed.clone() };
    begin();
    for change in [(None, before.clone()), (before, Some(changed)), (Some(gone), None)] {
        let change = ("1".to_owned(), Ok(change));
        assert_eq!(update_statistics::handle(&world.store, [change]).await, None);
    }
    let counted = stage.recorder.take().into_iter().collect();
    for (place, subject, operation) in [
        (Place::Space(shared.id), Subject::Task(assigned.id), Operation::Updated),
        (
            Place::Task(assigned.id),
            Subject::Comment(assigned.id, comment(1, &assigned, &ada).id),
            Operation::Created,
        ),
        (Place::Space(shared.id), Subject::Space, Operation::Deleted),
    ] {
        world.relay(place, subject, operation).await;
    }
    let mut relayed: BTreeSet<_> = stage.recorder.take().into_iter().collect();
    relayed.insert(super::queueing("PushQueue"));
    vec![
        ("dispatch-due-timers", dispatched),
        ("send-reminders", sending),
        ("record-mail-events", recorded),
        ("update-statistics", counted),
        ("relay-changes", relayed),
    ]
}

/// A task of a shared space, assigned to a member, with a reminder at `fire_at` and another 30 seconds later.
fn due_in(owner: &User, shared: &Space, to: &User, fire_at: jiff::Timestamp) -> Task {
    let due = (fire_at + SignedDuration::from_secs(30)).to_string();
    let mut draft = due_draft("Ring", &due, &["PT30S", "PT0S"]);
    draft.assigned_to = Some(to.id);
    Task { space: shared.id, ..task(52, owner, draft) }
}
