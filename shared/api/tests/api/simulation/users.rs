//! What the simulated users do.

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
    SimWorld,
    cloud::{Cloud, Part},
    deletions::{Deletion, password_hash},
    rng::Rng,
};
use crate::support::{Event, collaborator, operator};

/// User 1, with a personal space and a space shared with the collaborator, and their actions.
pub(super) struct Users {
    duration: SignedDuration,
    next_at: Option<Timestamp>,
    /// The remaining actions of a script, each with its delay in seconds after the previous one.
    script: Option<VecDeque<(i64, UserAction)>>,
    /// The account that is deleted during the run, if any.
    deletion: Option<Deletion>,
    /// How many actions follow at once, so that requests run while an account is deleted.
    hurry: u32,
}

/// An action of a user.
#[derive(Debug, Clone, Copy)]
enum UserAction {
    Create,
    CreateNear,
    CreateSeries,
    Assign,
    Reschedule,
    MoveToSpace,
    Remind,
    Rename,
    Complete,
    Reopen,
    Delete,
    Skip,
    Snooze,
    MailOff,
    MailOn,
    VerifyEmail,
    DigestOn,
    DigestSoon,
    DigestOff,
    RemoveMember,
    AddMember,
}

pub(super) fn ada() -> User {
    user(1)
}

pub(super) fn shared() -> SpaceId {
    space(1, &ada()).0.id
}

impl Users {
    /// Random actions over some weeks, with outages of parts of the cloud.
    pub(super) fn random(cloud: &Cloud) -> Self {
        let duration = SignedDuration::from_hours(24) + cloud.state().rng.seconds(90 * 86_400);
        let deletion = Deletion::random(cloud, duration);
        let state = &mut *cloud.state();
        if state.rates().error > 0 {
            for _ in 0..state.rng.below(4) {
                let from = now() + state.rng.seconds(duration.as_secs().unsigned_abs());
                // Rarely longer than a reminder may be late.
                let longest = if state.rng.happens(50) { 30 * 3_600 } else { 3_600 };
                let part = state.rng.pick(&[Part::Store, Part::Queue, Part::Ses]);
                let to = from + state.rng.seconds(longest);
                state.outages.push((part, from, to));
            }
        }
        Self { duration, next_at: Some(now()), script: None, deletion, hurry: 0 }
    }

    /// A short script with every kind of mail.
    pub(super) fn scripted(_: &Cloud) -> Self {
        let script = [
            (0, UserAction::CreateNear),
            (5, UserAction::Assign),
            (5, UserAction::DigestSoon),
            (5, UserAction::CreateSeries),
            (40, UserAction::Rename),
            (30, UserAction::Snooze),
            (300, UserAction::Complete),
            (1_300, UserAction::DigestOff),
        ];
        let duration = SignedDuration::from_mins(40);
        Self { duration, next_at: Some(now()), script: Some(script.into()), deletion: None, hurry: 0 }
    }

    pub(super) fn duration(&self) -> SignedDuration {
        self.duration
    }

    /// When the next action is due.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.next_at.into_iter().chain(self.deletion_at()).min()
    }

    fn deletion_at(&self) -> Option<Timestamp> {
        self.deletion.as_ref().and_then(|deletion| deletion.next_at)
    }

    /// Registers the users and creates their shared space.
    pub(super) fn set_up(&self, world: &SimWorld) {
        let set_up = async {
            for user in [ada(), collaborator(), operator()] {
                let credential = Credential { user: user.id, password_hash: password_hash() };
                world.store.register(&user, &credential, None).await.expect("no store error");
            }
            let (mut shared, owner) = space(1, &ada());
            world.store.create_space(&shared, &owner, None, None).await.expect("no store error");
            world.join(&mut shared, &collaborator(), Role::Member).await;
            if let Some(deletion) = &self.deletion {
                deletion.set_up(world).await;
            }
            // The invitation for joining is not part of the simulation.
            world.store.store.data().notifications.clear();
        };
        set_up.now_or_never().expect("the setup does not wait");
    }

    /// The next action as a request; `None` if it is not possible now.
    pub(super) fn act(&mut self, world: &SimWorld, cloud: &Cloud) -> Option<(String, Event)> {
        let now = world.clock.now();
        if self.deletion_at().is_some_and(|at| at <= now) {
            (self.hurry, self.next_at) = (5, Some(now));
            return self.deletion.as_mut()?.request(world, now);
        }
        let action = match &mut self.script {
            Some(script) => {
                let (_, action) = script.pop_front()?;
                let next = script.front().map(|(wait, _)| now + SignedDuration::from_secs(*wait));
                self.next_at = next;
                action
            }
            None => {
                self.next_at = Some(match self.hurry {
                    0 => next_time(world, cloud, now),
                    _ => now + cloud.state().rng.millis(500),
                });
                self.hurry = self.hurry.saturating_sub(1);
                cloud.state().rng.pick(&[
                    UserAction::Create,
                    UserAction::Create,
                    UserAction::Create,
                    UserAction::CreateNear,
                    UserAction::CreateNear,
                    UserAction::CreateSeries,
                    UserAction::Assign,
                    UserAction::Assign,
                    UserAction::Reschedule,
                    UserAction::Reschedule,
                    UserAction::Reschedule,
                    UserAction::MoveToSpace,
                    UserAction::Remind,
                    UserAction::Rename,
                    UserAction::Complete,
                    UserAction::Complete,
                    UserAction::Complete,
                    UserAction::Reopen,
                    UserAction::Delete,
                    UserAction::Skip,
                    UserAction::Snooze,
                    UserAction::Snooze,
                    UserAction::MailOff,
                    UserAction::MailOn,
                    UserAction::MailOn,
                    UserAction::VerifyEmail,
                    UserAction::DigestOn,
                    UserAction::DigestOff,
                    UserAction::RemoveMember,
                    UserAction::AddMember,
                ])
            }
        };
        match action {
            UserAction::AddMember => {
                add_member(world);
                None
            }
            _ => request(action, world, cloud, now),
        }
    }
}

/// Adds the collaborator to the shared space again.
fn add_member(world: &SimWorld) {
    let added = async {
        if !world.store.store.data().users.contains_key(&collaborator().id) {
            return;
        }
        let role = world.store.store.role(shared(), collaborator().id).await.expect("no store error");
        let space = world.store.store.space(shared()).await.expect("no store error");
        if let (None, Some(mut space)) = (role, space) {
            world.join(&mut space, &collaborator(), Role::Member).await;
        }
    };
    added.now_or_never().expect("nothing waits without faults");
}

/// The time of the next action: often within seconds of a timer, else up to a day later.
fn next_time(world: &SimWorld, cloud: &Cloud, now: Timestamp) -> Timestamp {
    let state = &mut *cloud.state();
    let data = world.store.store.data();
    let soon = data.tasks.values().filter_map(|(task, _)| task.timer()).map(|timer| timer.at);
    let soon = soon.filter(|at| *at > now + SignedDuration::from_secs(3)).min();
    match soon.filter(|_| state.rng.happens(500)) {
        Some(at) => (at - SignedDuration::from_secs(3) + state.rng.millis(6_000)).max(now),
        None if state.rng.happens(300) => now + state.rng.seconds(120),
        None => now + state.rng.seconds(86_400),
    }
}

fn request(
    action: UserAction,
    world: &SimWorld,
    cloud: &Cloud,
    now: Timestamp,
) -> Option<(String, Event)> {
    let (function, of, body) = choose(action, world, &mut cloud.state().rng, now)?;
    let (ada, none) = (ada(), task(1, &ada(), draft("none")));
    let event = world.event(function, &ada, &none).now_or_never();
    let mut event = event.expect("nothing waits without faults");
    if event.json["headers"]["idempotency-key"].is_string() {
        event = event.header("idempotency-key", &now.to_string());
    }
    if let Some(id) = of {
        event = event.path("task_id", &id.to_string());
    }
    if body != Value::Null && body != json!({}) {
        event = event.body(&body);
    }
    if matches!(action, UserAction::Assign) {
        event = event.query(&format!("space={}", shared()));
    }
    let what = of.map_or_else(|| format!("{action:?}"), |id| format!("{action:?} {id}"));
    Some((what, event))
}

/// The function, its task and its body.
fn choose(
    action: UserAction,
    world: &SimWorld,
    rng: &mut Rng,
    now: Timestamp,
) -> Option<(&'static str, Option<TaskId>, Value)> {
    let tasks: Vec<Task> =
        world.store.store.data().tasks.values().map(|(task, _)| task.clone()).collect();
    let any_task = |rng: &mut Rng, admits: &dyn Fn(&Task) -> bool| -> Option<TaskId> {
        let some: Vec<_> = tasks.iter().filter(|task| admits(task)).map(|task| task.id).collect();
        (!some.is_empty()).then(|| rng.pick(&some))
    };
    let open = |task: &Task| task.status != Status::Completed;
    let (function, of, body) = match action {
        UserAction::Create | UserAction::CreateNear | UserAction::CreateSeries | UserAction::Assign => {
            let ahead = match action {
                UserAction::Create => rng.seconds(3 * 86_400),
                _ => SignedDuration::from_secs(70) + rng.seconds(240),
            };
            let leads = ["PT0S", "PT10S", "PT1M", "PT30M", "P1D"];
            let mut before: Vec<&str> = leads.into_iter().filter(|_| rng.happens(400)).collect();
            if !matches!(action, UserAction::Create) {
                before = vec!["PT0S", "PT30S"];
            }
            let mut body = json!({
                "title": format!("{action:?}"),
                "due": (now + ahead).to_string(),
                "reminders": before.iter().map(|lead| json!({ "before": lead })).collect::<Vec<_>>(),
            });
            if matches!(action, UserAction::CreateSeries) {
                let due = (now + ahead).to_zoned(TimeZone::UTC).datetime();
                body["due"] = json!(format!("{}[Europe/Berlin]", due.strftime("%Y-%m-%dT%H:%M:%S")));
                body["recurrence"] = json!("FREQ=WEEKLY");
                body["auto_complete_after"] = json!("PT1H");
            }
            if matches!(action, UserAction::Assign) {
                body["assigned_to"] = json!(collaborator().id);
            }
            ("create-task", None, body)
        }
        UserAction::Reschedule => {
            let ahead = rng.seconds(2 * 86_400);
            ("update-task", any_task(rng, &|_| true), json!({ "due": (now + ahead).to_string() }))
        }
        UserAction::MoveToSpace => {
            let of = any_task(rng, &|_| true)?;
            let is_shared = tasks.iter().any(|task| task.id == of && task.space == shared());
            let to = if is_shared { SpaceId::personal(ada().id) } else { shared() };
            ("move-task", Some(of), json!({ "space": to }))
        }
        UserAction::Remind => {
            let body = json!({ "reminders": [{ "before": "PT2M" }, { "before": "PT0S" }] });
            ("update-task", any_task(rng, &|task| task.due.is_some()), body)
        }
        UserAction::Rename => ("update-task", any_task(rng, &|_| true), json!({ "title": "Another" })),
        UserAction::Complete => ("complete-task", any_task(rng, &open), json!({})),
        UserAction::Reopen => ("reopen-task", any_task(rng, &|task| !open(task)), json!({})),
        UserAction::Delete => ("delete-task", any_task(rng, &|_| true), json!({})),
        UserAction::Skip => ("skip-task", any_task(rng, &|task| task.recurrence.is_some()), json!({})),
        UserAction::Snooze => {
            let time = rng.pick(&["PT1M", "PT20M", "P1D"]);
            ("snooze-task", any_task(rng, &open), json!({ "for": time }))
        }
        UserAction::MailOff => ("update-profile", None, json!({ "mail": { "reminders": false } })),
        UserAction::MailOn => ("update-profile", None, json!({ "mail": { "reminders": true } })),
        UserAction::DigestOn => {
            let zone = rng.pick(&["Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC"]);
            let body =
                json!({"mail": {"digest": true}, "digest_hour": rng.below(24), "time_zone": zone});
            ("update-profile", None, body)
        }
        UserAction::VerifyEmail => ("verify-email", None, Value::Null),
        // 15 minutes after the start of the simulation.
        UserAction::DigestSoon => {
            let body =
                json!({"mail": {"digest": true}, "digest_hour": 14, "time_zone": "Asia/Kathmandu"});
            ("update-profile", None, body)
        }
        UserAction::DigestOff => ("update-profile", None, json!({ "mail": { "digest": false } })),
        UserAction::RemoveMember => ("remove-member", None, Value::Null),
        UserAction::AddMember => return None,
    };
    let needs_task =
        !matches!(function, "create-task" | "update-profile" | "remove-member" | "verify-email");
    (of.is_some() || !needs_task).then_some((function, of, body))
}
