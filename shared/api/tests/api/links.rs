//! Snoozing, and the links in mails that act without a log-in.

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::links::LinkAction;
use taskbell_domain::{
    delivery::{DeliveryStatus, Reason},
    membership::MemberChange,
    ports::{Memberships, ProfileChanges, Profiles, SpaceChanges, SpaceReads},
    reminder::{LeadTime, ReminderSpec},
    space::Role,
    task::{Status, Task},
    user::{MailKind, User, UserPatch},
};
use taskbell_test::{
    Outbox,
    fixtures::{due_draft, instant, now, user},
};

use crate::support::{Answer, World, unsubscribe_token};

impl World {
    /// Sends GET or, if `pressed`, POST to a link.
    async fn follow(&self, user: &User, task: &Task, token: &str, pressed: bool) -> Answer {
        let mut event = self.event("run-action", user, task).await.path("token", token);
        event.json["requestContext"]["http"]["method"] = json!(if pressed { "POST" } else { "GET" });
        self.send(&event).await
    }

    /// All tasks and profiles, as text.
    fn state(&self) -> String {
        let data = self.store.data();
        format!("{:?} {:?}", data.tasks, data.users)
    }

    async fn snooze(&self, user: &User, task: &Task, body: &Value) -> Answer {
        self.send(&self.event("snooze-task", user, task).await.body(body)).await
    }
}

fn page(answer: &Answer) -> &str {
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8", "{}", answer.body);
    answer.body.as_str().expect("a page")
}

#[tokio::test]
async fn a_snoozed_task_sends_one_reminder_at_the_end_of_the_snooze() {
    let world = World::on(taskbell_test::MemoryStore::default());
    let ada = world.register(1).await;
    let draft = due_draft("Ring", "2026-03-01T09:00:00Z", &["PT0S", "PT30M", "PT5M"]);
    let task = world.create(1, &ada, draft).await;
    world.clock.set(instant("2026-03-01T08:31:00Z"));
    let answer = world.snooze(&ada, &task, &json!({"for": "PT1H"})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let snoozed = &answer.body["reminders"][3];
    assert_eq!((&snoozed["at"], &snoozed["snoozed"]), (&json!("2026-03-01T09:31:00Z"), &json!(true)));
    let outbox = Outbox::default();
    for _ in 0..90 {
        world.tick(&outbox).await;
    }
    assert_eq!(outbox.sent().len(), 1);
    let stored = world.stored(task.id).await;
    let log = stored.reminders.iter().map(|r| (r.delivery.status, r.delivery.reason));
    let snoozed = (DeliveryStatus::Skipped, Some(Reason::Snoozed));
    let expected = [snoozed, snoozed, snoozed, (DeliveryStatus::Sent, None)];
    assert_eq!(log.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_last_snooze_applies_and_later_reminders_are_kept() {
    let world = World::on(taskbell_test::MemoryStore::default());
    let ada = world.register(1).await;
    let task = world.create(1, &ada, due_draft("Ring", "2026-03-01T12:00:00Z", &["PT0S"])).await;
    for (until, status) in [
        (json!({"until": "2026-03-01T10:00:00Z"}), 200),
        (json!({"until": "2026-03-01T10:30[Europe/Berlin]"}), 200),
        (json!({"until": "2026-03-01T08:00:00Z"}), 422),
        (json!({"until": "2026-03-01"}), 422),
        (json!({"for": "PT0S"}), 422),
        (json!({"for": "P366DT1H"}), 422),
        (json!({"for": "PT1H", "until": "2026-03-01T10:00:00Z"}), 422),
        (json!({}), 422),
    ] {
        assert_eq!(world.snooze(&ada, &task, &until).await.status, status, "{until}");
    }
    let stored = world.stored(task.id).await;
    let fire_times = stored.reminders.iter().filter_map(|r| r.delivery.next_at).collect::<Vec<_>>();
    assert_eq!(fire_times, [instant("2026-03-01T12:00:00Z"), instant("2026-03-01T09:30:00Z")]);
    let moved = world.event("update-task", &ada, &task).await;
    let moved = moved.body(&json!({"due": "2026-03-02T12:00:00Z"}));
    assert_eq!(world.send(&moved).await.status, 200);
    let stored = world.stored(task.id).await;
    let snoozed = |r: &&taskbell_domain::reminder::Reminder| matches!(r.spec, ReminderSpec::Snoozed(_));
    assert_eq!(stored.reminders.iter().find(snoozed), None, "a new due time ends the snooze");
    assert_eq!(world.as_user("complete-task", &ada, &task).await.status, 200);
    let refused = world.snooze(&ada, &task, &json!({"for": "PT1H"})).await;
    assert_eq!((refused.status, refused.code()), (409, "already_completed"));
}

#[tokio::test]
async fn reminders_skipped_by_a_snooze_return_when_it_is_shortened() {
    for (change, fire_times) in [
        (json!({"reminders": [{"before": "PT30M"}]}), vec!["2026-03-01T11:30:00Z"]),
        (json!({"due": "2026-03-01T12:10:00Z"}), vec!["2026-03-01T11:40:00Z"]),
        (json!({"for": "PT1H"}), vec!["2026-03-01T11:30:00Z", "2026-03-01T09:00:00Z"]),
    ] {
        let world = World::on(taskbell_test::MemoryStore::default());
        let ada = world.register(1).await;
        let task = world.create(1, &ada, due_draft("Ring", "2026-03-01T12:00:00Z", &["PT30M"])).await;
        assert_eq!(world.snooze(&ada, &task, &json!({"for": "P1D"})).await.status, 200);
        let function = if change["for"].is_string() { "snooze-task" } else { "update-task" };
        let event = world.event(function, &ada, &task).await.without_header("if-match").body(&change);
        assert_eq!(world.send(&event).await.status, 200, "{change}");
        let stored = world.stored(task.id).await;
        let next = stored.reminders.iter().filter_map(|r| r.delivery.next_at).collect::<Vec<_>>();
        assert_eq!(next, fire_times.into_iter().map(instant).collect::<Vec<_>>(), "{change}");
    }
}

#[tokio::test]
async fn get_on_a_link_changes_nothing_and_post_acts_once() {
    let (world, ada, task) = World::seeded().await;
    let complete = world.link(&ada, LinkAction::Complete(task.id));
    let snooze = world.link(&ada, LinkAction::Snooze(task.id, LeadTime::hours(1)));
    let before = world.state();
    for token in [&complete, &snooze] {
        let shown = world.follow(&ada, &task, token, false).await;
        assert!(shown.status == 200 && page(&shown).contains("<form method=\"post\">"));
        assert!(page(&shown).contains("Ring"), "it names the task");
    }
    assert!(world.state() == before, "the store is unchanged");
    let answer = world.follow(&ada, &task, &snooze, true).await;
    assert!(page(&answer).contains("Sunday, 1 March 2026, 10:00 (Europe/Berlin)"), "{}", answer.body);
    for _ in 0..2 {
        let answer = world.follow(&ada, &task, &complete, true).await;
        assert!(answer.status == 200 && page(&answer).contains("completed"));
    }
    let done = world.stored(task.id).await;
    assert_eq!((done.status, done.version), (Status::Completed, 3));
}

#[tokio::test]
async fn a_forged_link_or_one_without_access_gets_404() {
    let (world, ada, task) = World::seeded().await;
    let viewer = world.member(12, Role::Viewer).await;
    let shared = world.shared_task(&ada, &json!({"title": "Secret"})).await;
    let shared = world.stored(shared.body["id"].as_str().expect("an id").parse().expect("an id")).await;
    let unknown = world.follow(&ada, &task, "x", false).await;
    assert_eq!(unknown.status, 404);
    let good = world.link(&ada, LinkAction::Complete(task.id));
    let (signed, signature) = good.rsplit_once('.').expect("a signature");
    // The id of the task alone: fixtures with the same number have ids of the same body.
    let link_action = |task: &Task| LinkAction::Complete(task.id).to_string();
    let of_another_task = signed.replace(&link_action(&task), &link_action(&shared));
    let of_another_link = world.link(&ada, LinkAction::Complete(shared.id));
    let (_, of_another_link) = of_another_link.rsplit_once('.').expect("a signature");
    let before = world.state();
    for token in [
        format!("{of_another_task}.{signature}"),
        format!("{signed}.{of_another_link}"),
        signed.to_owned(),
        world.link(&user(9), LinkAction::Complete(task.id)),
        world.link(&viewer, LinkAction::Complete(shared.id)),
        world.link(&viewer, LinkAction::Complete(task.id)),
        String::new(),
    ] {
        for pressed in [false, true] {
            let answer = world.follow(&ada, &task, &token, pressed).await;
            assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{token}");
        }
    }
    assert!(world.state() == before, "the store is unchanged");
    world.clock.advance(SignedDuration::from_hours(1));
    let expired = world.follow(&ada, &task, &good, true).await;
    assert_eq!(expired.status, 410);
    assert!(!page(&expired).contains("Ring"));
    assert!(world.state() == before, "the store is unchanged");
}

#[tokio::test]
async fn a_link_stops_working_when_its_user_leaves_or_is_disabled() {
    let (world, ada, task) = World::seeded().await;
    let member = world.member(11, Role::Member).await;
    let made = world.shared_task(&ada, &json!({"title": "Ours"})).await;
    let ours = world.stored(made.body["id"].as_str().expect("an id").parse().expect("an id")).await;
    let token = world.link(&member, LinkAction::Complete(ours.id));
    assert_eq!(world.follow(&member, &ours, &token, false).await.status, 200);
    let mut space = world.store.space(ours.space).await.expect("no store error").expect("the space");
    let (space_id, read) = (space.id, space.version);
    let found = world.store.space_and_member(space_id, member.id).await.expect("no store error");
    let change = MemberChange::Leave(found.expect("a member").1);
    space.apply(&change, now()).expect("a valid change");
    assert!(world.store.change_member(&space, read, &change).await.expect("no store error"));
    assert_eq!(world.store.role(space_id, member.id).await.expect("no store error"), None);
    assert_eq!(world.follow(&member, &ours, &token, true).await.status, 404);

    let token = world.link(&ada, LinkAction::Complete(task.id));
    let mut disabled = ada.clone();
    disabled.apply(UserPatch { disabled: Some(true), ..UserPatch::default() }, now());
    world.store.replace_user(&disabled, ada.version, None).await.expect("no store error");
    assert_eq!(world.follow(&ada, &task, &token, true).await.status, 404);
}

#[tokio::test]
async fn only_users_who_may_change_a_task_get_action_links() {
    let (world, ada, _) = World::seeded().await;
    let viewer = world.member(12, Role::Viewer).await;
    let outbox = Outbox::default();
    for (who, links) in [(&ada, true), (&viewer, false)] {
        let body = json!({"title": "Ours", "due": "2026-03-01T08:00:30Z", "assigned_to": who.id,
            "reminders": [{"before": "PT0S"}]});
        let made = world.shared_task(&ada, &body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        world.tick(&outbox).await;
        world.clock.set(now());
        let mut mails = outbox.sent().into_iter().rev();
        let mail = mails.find(|mail| mail.tags.reminder.is_some()).expect("a reminder");
        assert_eq!(mail.to, who.email);
        let text = String::from_utf8(mail.message).expect("text").replace("=\r\n", "");
        assert_eq!(text.contains("/v1/actions/"), links, "{text}");
    }
}

#[tokio::test]
async fn an_unsubscribe_link_turns_off_only_its_kind_of_mail() {
    let (world, ada, task) = World::seeded().await;
    let mut all = ada.clone();
    all.apply(UserPatch { mail: vec![(MailKind::Digest, true)], ..UserPatch::default() }, now());
    world.store.replace_user(&all, ada.version, None).await.expect("no store error");
    for kind in MailKind::ALL {
        let token = unsubscribe_token(&ada, *kind);
        let event = world.event("unsubscribe", &ada, &task).await.path("token", &token);
        assert_eq!(world.send(&event).await.status, 200);
        let user = world.store.user(ada.id).await.expect("no store error").expect("the user");
        let off: Vec<_> = MailKind::ALL.iter().filter(|kind| !user.mail.wants(**kind)).collect();
        assert_eq!(off, [kind]);
        let mut on = user.clone();
        on.apply(UserPatch { mail: vec![(*kind, true)], ..UserPatch::default() }, now());
        world.store.replace_user(&on, user.version, None).await.expect("no store error");
    }
    let wrong_use = world.link(&ada, LinkAction::Complete(task.id));
    let event = world.event("unsubscribe", &ada, &task).await.path("token", &wrong_use);
    assert_eq!(world.send(&event).await.status, 404, "a link works for one action only");
    let wrong_use = world.link(&ada, LinkAction::VerifyEmail);
    let event = world.event("unsubscribe", &ada, &task).await.path("token", &wrong_use);
    assert_eq!(world.send(&event).await.status, 404);
}
