//! What users do.

use std::collections::VecDeque;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use taskbell_domain::{
    clock::Clock,
    credential::Credential,
    id::{SpaceId, TaskId},
    ports::{Memberships, Registrations, SpaceChanges, SpaceReads},
    space::Role,
    task::{Status, Task},
    user::User,
};
use taskbell_test::fixtures::{draft, now, space, task, user};

use super::{
    Town,
    cloud::{Cloud, Dice, Part},
};
use crate::support::{Event, collaborator};

/// Somebody who lives in their own space and in one that they share.
pub(super) struct Life {
    lasts: SignedDuration,
    next_at: Option<Timestamp>,
    /// What is done in a story: how long after the one before, and what.
    story: Option<VecDeque<(i64, LinkAction)>>,
}

/// Something that a user does.
#[derive(Debug, Clone, Copy)]
enum LinkAction {
    Create,
    CreateNear,
    CreateSeries,
    Assign,
    Move,
    Remind,
    Rename,
    Complete,
    Reopen,
    Delete,
    Skip,
    Snooze,
    MailOff,
    MailOn,
    Prove,
    DigestOn,
    DigestSoon,
    DigestOff,
    Part,
    Meet,
}

fn ada() -> User {
    user(1)
}

fn shared() -> SpaceId {
    space(1, &ada()).0.id
}

impl Life {
    /// A life of some weeks, with times in which parts of the cloud are out.
    pub(super) fn random(cloud: &Cloud) -> Self {
        let state = &mut *cloud.state();
        let lasts = SignedDuration::from_hours(24) + state.dice.seconds(90 * 86_400);
        if state.rates().error > 0 {
            for _ in 0..state.dice.below(4) {
                let from = now() + state.dice.seconds(lasts.as_secs().unsigned_abs());
                // Seldom longer than a reminder can be late.
                let longest = if state.dice.falls(50) { 30 * 3_600 } else { 3_600 };
                let part = state.dice.pick(&[Part::Store, Part::Queue, Part::Ses]);
                let to = from + state.dice.seconds(longest);
                state.outages.push((part, from, to));
            }
        }
        Self { lasts, next_at: Some(now()), story: None }
    }

    /// A short life in which everything happens once that sends a mail.
    pub(super) fn story(_: &Cloud) -> Self {
        let story = [
            (0, LinkAction::CreateNear),
            (5, LinkAction::Assign),
            (5, LinkAction::DigestSoon),
            (5, LinkAction::CreateSeries),
            (40, LinkAction::Rename),
            (30, LinkAction::Snooze),
            (300, LinkAction::Complete),
            (1_300, LinkAction::DigestOff),
        ];
        let lasts = SignedDuration::from_mins(40);
        Self { lasts, next_at: Some(now()), story: Some(story.into()) }
    }

    pub(super) fn lasts(&self) -> SignedDuration {
        self.lasts
    }

    /// When the next thing is done.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.next_at
    }

    /// Registers everybody.
    pub(super) fn settle(&self, town: &Town) {
        let settled = async {
            for user in [ada(), collaborator()] {
                let credential = Credential { user: user.id, password_hash: "none".to_owned() };
                town.store.register(&user, &credential, None).await.expect("an answer");
            }
            let (mut shared, owner) = space(1, &ada());
            town.store.create_space(&shared, &owner, None, None).await.expect("an answer");
            town.join(&mut shared, &collaborator(), Role::Member).await;
            // Joining has sent an invitation, which is not what is simulated.
            town.store.store.data().notifications.clear();
        };
        settled.now_or_never().expect("nothing waits while the stage is set");
    }

    /// The next thing that is done, as a request; nothing if it cannot be done now.
    pub(super) fn act(&mut self, town: &Town, cloud: &Cloud) -> Option<(String, Event)> {
        let now = town.clock.now();
        let link_action = match &mut self.story {
            Some(story) => {
                let (_, link_action) = story.pop_front()?;
                let next = story.front().map(|(wait, _)| now + SignedDuration::from_secs(*wait));
                self.next_at = next;
                link_action
            }
            None => {
                self.next_at = Some(next_time(town, cloud, now));
                cloud.state().dice.pick(&[
                    LinkAction::Create,
                    LinkAction::Create,
                    LinkAction::Create,
                    LinkAction::CreateNear,
                    LinkAction::CreateNear,
                    LinkAction::CreateSeries,
                    LinkAction::Assign,
                    LinkAction::Assign,
                    LinkAction::Move,
                    LinkAction::Move,
                    LinkAction::Move,
                    LinkAction::Remind,
                    LinkAction::Rename,
                    LinkAction::Complete,
                    LinkAction::Complete,
                    LinkAction::Complete,
                    LinkAction::Reopen,
                    LinkAction::Delete,
                    LinkAction::Skip,
                    LinkAction::Snooze,
                    LinkAction::Snooze,
                    LinkAction::MailOff,
                    LinkAction::MailOn,
                    LinkAction::MailOn,
                    LinkAction::Prove,
                    LinkAction::DigestOn,
                    LinkAction::DigestOff,
                    LinkAction::Part,
                    LinkAction::Meet,
                ])
            }
        };
        match link_action {
            LinkAction::Meet => {
                meet(town);
                None
            }
            _ => request(link_action, town, cloud, now),
        }
    }
}

/// Lets the collaborator into the shared space again.
fn meet(town: &Town) {
    let met = async {
        let there = town.store.store.role(shared(), collaborator().id).await.expect("an answer");
        let space = town.store.store.space(shared()).await.expect("an answer");
        if let (None, Some(mut space)) = (there, space) {
            town.join(&mut space, &collaborator(), Role::Member).await;
        }
    };
    met.now_or_never().expect("nothing waits while nobody runs");
}

/// Often at the very moment at which a reminder rings, or else some hours later.
fn next_time(town: &Town, cloud: &Cloud, now: Timestamp) -> Timestamp {
    let state = &mut *cloud.state();
    let data = town.store.store.data();
    let soon = data.tasks.values().filter_map(|(task, _)| task.timer()).map(|timer| timer.at);
    let soon = soon.filter(|at| *at > now + SignedDuration::from_secs(3)).min();
    match soon.filter(|_| state.dice.falls(500)) {
        Some(at) => (at - SignedDuration::from_secs(3) + state.dice.millis(6_000)).max(now),
        None if state.dice.falls(300) => now + state.dice.seconds(120),
        None => now + state.dice.seconds(86_400),
    }
}

fn request(
    link_action: LinkAction,
    town: &Town,
    cloud: &Cloud,
    now: Timestamp,
) -> Option<(String, Event)> {
    let (function, of, body) = choose(link_action, town, &mut cloud.state().dice, now)?;
    let (ada, none) = (ada(), task(1, &ada(), draft("none")));
    let event = town.event(function, &ada, &none).now_or_never();
    let mut event = event.expect("nothing waits while nobody runs");
    if event.json["headers"]["idempotency-key"].is_string() {
        event = event.header("idempotency-key", &now.to_string());
    }
    if let Some(id) = of {
        event = event.path("task_id", &id.to_string());
    }
    if body != Value::Null && body != json!({}) {
        event = event.body(&body);
    }
    if matches!(link_action, LinkAction::Assign) {
        event = event.query(&format!("space={}", shared()));
    }
    let what = of.map_or_else(|| format!("{link_action:?}"), |id| format!("{link_action:?} {id}"));
    Some((what, event))
}

/// Which function is called, for which task, with which body.
fn choose(
    link_action: LinkAction,
    town: &Town,
    dice: &mut Dice,
    now: Timestamp,
) -> Option<(&'static str, Option<TaskId>, Value)> {
    let tasks: Vec<Task> =
        town.store.store.data().tasks.values().map(|(task, _)| task.clone()).collect();
    let one = |dice: &mut Dice, admits: &dyn Fn(&Task) -> bool| -> Option<TaskId> {
        let some: Vec<_> = tasks.iter().filter(|task| admits(task)).map(|task| task.id).collect();
        (!some.is_empty()).then(|| dice.pick(&some))
    };
    let open = |task: &Task| task.status != Status::Completed;
    let (function, of, body) = match link_action {
        LinkAction::Create | LinkAction::CreateNear | LinkAction::CreateSeries | LinkAction::Assign => {
            let ahead = match link_action {
                LinkAction::Create => dice.seconds(3 * 86_400),
                _ => SignedDuration::from_secs(70) + dice.seconds(240),
            };
            let leads = ["PT0S", "PT10S", "PT1M", "PT30M", "P1D"];
            let mut before: Vec<&str> = leads.into_iter().filter(|_| dice.falls(400)).collect();
            if !matches!(link_action, LinkAction::Create) {
                before = vec!["PT0S", "PT30S"];
            }
            let mut body = json!({
                "title": format!("{link_action:?}"),
                "due": (now + ahead).to_string(),
                "reminders": before.iter().map(|lead| json!({ "before": lead })).collect::<Vec<_>>(),
            });
            if matches!(link_action, LinkAction::CreateSeries) {
                let due = (now + ahead).to_zoned(TimeZone::UTC).datetime();
                body["due"] = json!(format!("{}[Europe/Berlin]", due.strftime("%Y-%m-%dT%H:%M:%S")));
                body["recurrence"] = json!("FREQ=WEEKLY");
                body["auto_complete_after"] = json!("PT1H");
            }
            if matches!(link_action, LinkAction::Assign) {
                body["assigned_to"] = json!(collaborator().id);
            }
            ("create-task", None, body)
        }
        LinkAction::Move => {
            let ahead = dice.seconds(2 * 86_400);
            ("update-task", one(dice, &|_| true), json!({ "due": (now + ahead).to_string() }))
        }
        LinkAction::Remind => {
            let body = json!({ "reminders": [{ "before": "PT2M" }, { "before": "PT0S" }] });
            ("update-task", one(dice, &|task| task.due.is_some()), body)
        }
        LinkAction::Rename => ("update-task", one(dice, &|_| true), json!({ "title": "Another" })),
        LinkAction::Complete => ("complete-task", one(dice, &open), json!({})),
        LinkAction::Reopen => ("reopen-task", one(dice, &|task| !open(task)), json!({})),
        LinkAction::Delete => ("delete-task", one(dice, &|_| true), json!({})),
        LinkAction::Skip => ("skip-task", one(dice, &|task| task.recurrence.is_some()), json!({})),
        LinkAction::Snooze => {
            let time = dice.pick(&["PT1M", "PT20M", "P1D"]);
            ("snooze-task", one(dice, &open), json!({ "for": time }))
        }
        LinkAction::MailOff => ("update-profile", None, json!({ "mail": { "reminders": false } })),
        LinkAction::MailOn => ("update-profile", None, json!({ "mail": { "reminders": true } })),
        LinkAction::DigestOn => {
            let zone = dice.pick(&["Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC"]);
            let body =
                json!({"mail": {"digest": true}, "digest_hour": dice.below(24), "time_zone": zone});
            ("update-profile", None, body)
        }
        LinkAction::Prove => ("verify-email", None, Value::Null),
        // A quarter past the hour at which everything begins.
        LinkAction::DigestSoon => {
            let body =
                json!({"mail": {"digest": true}, "digest_hour": 14, "time_zone": "Asia/Kathmandu"});
            ("update-profile", None, body)
        }
        LinkAction::DigestOff => ("update-profile", None, json!({ "mail": { "digest": false } })),
        LinkAction::Part => ("remove-member", None, Value::Null),
        LinkAction::Meet => return None,
    };
    let needs_task =
        !matches!(function, "create-task" | "update-profile" | "remove-member" | "verify-email");
    (of.is_some() || !needs_task).then_some((function, of, body))
}
