//! Deletions of accounts in the simulation: who is deleted and when, and that nothing is left of them.

use std::sync::LazyLock;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use taskbell_api::{passwords, workers::finish_deletions};
use taskbell_domain::{
    id::SpaceId,
    ports::*,
    task::{Status, Task},
    user::User,
};
use taskbell_test::{
    MemoryStore, SeededRandom,
    fixtures::{api_token, draft, due_draft, now, space, task},
};

use super::{
    FINISHER_LIMIT, MINUTE, SimWorld,
    actor::Done,
    checks::{History, Verdict},
    cloud::{Cloud, Offer},
    run::Run,
    users::ada,
};
use crate::support::{Event, PASSWORD, collaborator, operator};

/// How often the deletion is requested, if it fails.
const MAX_REQUESTS: u32 = 5;

/// The hash of the password of all users.
static HASH: LazyLock<String> =
    LazyLock::new(|| passwords::new_hash(PASSWORD, &SeededRandom::new(1)).expect("a hash"));

/// The hash of the password of all users. Hashing takes longer than a run.
pub(super) fn password_hash() -> String {
    HASH.clone()
}

/// The deletion of an account in a run.
#[derive(Debug, Clone)]
pub(super) struct Deletion {
    of: User,
    /// When it is requested first, and again if it failed.
    pub(super) next_at: Option<Timestamp>,
    requests: u32,
}

impl Deletion {
    /// That of user 1 or of the collaborator in half of the runs, at any time.
    pub(super) fn random(cloud: &Cloud, duration: SignedDuration) -> Option<Self> {
        let state = &mut *cloud.state();
        let seconds = duration.as_secs().unsigned_abs();
        let at = now() + MINUTE * 10 + state.rng.seconds(seconds - 3_600);
        let of = match state.rng.below(4) {
            0 => ada(),
            1 => collaborator(),
            _ => return None,
        };
        Some(Self { of, next_at: Some(at), requests: 0 })
    }

    /// Gives the user what an account can have, and tasks with reminders around the time of the deletion: own ones, and tasks
    /// of user 1 that are assigned to the collaborator.
    pub(super) async fn set_up(&self, world: &SimWorld) {
        let store = &world.store.store;
        assert!(store.add_api_token(&api_token(1, &self.of), 0, &[]).await.expect("no store error"));
        world.connect_elsewhere(&self.of, "connection").await;
        let (alone, owner) = space(7, &self.of);
        store.create_space(&alone, &owner, None, None).await.expect("no store error");
        let at = self.next_at.expect("a time");
        for (number, seconds) in (0..).zip([-30, -10, 0, 10, 30, 200, 900, 90_000]) {
            let due = (at + SignedDuration::from_secs(seconds)).to_string();
            let own = task(500 + number, &self.of, due_draft("Own", &due, &["PT0S"]));
            let mut assigned = due_draft("Assigned", &due, &["PT0S"]);
            assigned.assigned_to = Some(collaborator().id);
            let shared = space(1, &ada()).0.id;
            let assigned = Task { space: shared, ..task(600 + number, &ada(), assigned) };
            for one in [own, assigned] {
                store.create(&one, None, None).await.expect("no store error");
            }
        }
    }

    /// The next request, unless the account was deleted. The collaborator deletes the own account. User 1 is the last owner of a
    /// space with others, so an operator deletes that account.
    pub(super) fn request(&mut self, world: &SimWorld, at: Timestamp) -> Option<(String, Event)> {
        let is_deleted = !world.store.store.data().users.contains_key(&self.of.id);
        self.requests += 1;
        let is_last = is_deleted || self.requests == MAX_REQUESTS;
        self.next_at = (!is_last).then(|| at + MINUTE);
        if is_deleted {
            return None;
        }
        let (function, by) = match self.of == ada() {
            true => ("delete-user", operator()),
            false => ("delete-account", collaborator()),
        };
        let event = world.event(function, &by, &task(1, &by, draft("none"))).now_or_never();
        let event = event.expect("nothing waits without faults");
        let event = match function {
            "delete-user" => event.path("user_id", &self.of.id.to_string()),
            _ => event.body(&json!({ "password": PASSWORD })),
        };
        Some((format!("{function} {}", self.of.id), event))
    }
}

impl Run<'_> {
    /// Up to five minutes later, as long as there are deletions: the schedule knows nothing of them.
    pub(super) fn next_finish(&self) -> Option<Timestamp> {
        let unfinished = self.world.store.store.unfinished_deletions().now_or_never();
        let unfinished = unfinished.expect("no wait").expect("no store error");
        let wait = || self.cloud.state().rng.seconds(300);
        (!unfinished.is_empty()).then(|| self.now() + wait())
    }

    pub(super) fn finish_deletions(&mut self) {
        let (world, skew) = (self.world, self.skew());
        let deadline = self.now() + skew + *FINISHER_LIMIT;
        self.cloud.state().note(|| format!("finisher: runs, {skew} ahead"));
        self.start("finisher", (*FINISHER_LIMIT, skew), Vec::new(), async move {
            let ports = (&world.clock as &_, &world.random as &_);
            // A failure raises an alarm. The next run continues.
            let _ = finish_deletions::handle(&world.store, &world.pushes, ports, deadline).await;
            Done::Dispatch
        });
    }
}

/// Checks that of an account that was deleted nothing is left.
pub(super) fn check_deletions(
    history: &History,
    store: &MemoryStore,
    offers: &[Offer],
    verdict: &mut Verdict,
) -> Result<(), String> {
    if !store.unfinished_deletions().now_or_never().expect("no wait").expect("no error").is_empty() {
        return Err("a deletion has not finished".to_owned());
    }
    let (_, first) = history.users.first().expect("the users at the beginning");
    for user in first.values() {
        let gone = history.users.iter().find(|(_, users)| !users.contains_key(&user.id));
        let Some((at, _)) = gone else { continue };
        *verdict.entry("accounts deleted".to_owned()).or_default() += 1;
        let to_user = offers.iter().filter(|offer| offer.to == user.email.as_str() && offer.at > *at);
        *verdict.entry("sent after a deletion, claimed before".to_owned()).or_default() +=
            to_user.count() as u64;
        let left = left(store, user, history).now_or_never().expect("no wait");
        if let Some(left) = left {
            return Err(format!("{} was deleted at {at}, but {left} is left", user.id));
        }
    }
    Ok(())
}

/// What is left of a user, if anything.
async fn left(store: &MemoryStore, user: &User, history: &History) -> Option<&'static str> {
    let personal = SpaceId::personal(user.id);
    let is_in = |what: bool, name| what.then_some(name);
    let tokens = store.api_tokens(user.id).await.expect("no error").tokens;
    let connections = store.connections(user.id).await.expect("no error").open;
    let sessions = store.sessions(user.id, 10).await.expect("no error");
    let credential = store.credential(&user.email).await.expect("no error");
    let factor = store.second_factor(user.id).await.expect("no error");
    let data = store.data();
    // Assignments of completed tasks stay, also when the tasks are reopened.
    let was_completed = |task: &Task| {
        let mut versions = history.tasks[&task.id].iter().filter_map(|version| version.task.as_ref());
        versions.any(|version| version.status == Status::Completed)
    };
    let mut tasks = data.tasks.values().map(|(task, _)| task);
    let mut assigned = tasks.clone().filter(|task| !was_completed(task));
    [
        is_in(data.users.contains_key(&user.id), "the profile"),
        is_in(credential.is_some(), "the password"),
        is_in(!sessions.is_empty(), "a session"),
        is_in(!tokens.is_empty(), "an API token"),
        is_in(!connections.is_empty(), "a connection"),
        is_in(factor.is_some(), "the second factor"),
        is_in(data.digests.contains_key(&user.id), "the digest"),
        is_in(tasks.any(|task| task.space == personal), "a task in the personal space"),
        is_in(assigned.any(|task| task.assigned_to == Some(user.id)), "an assignment"),
        is_in(data.members.keys().any(|(_, of)| *of == user.id), "a membership"),
    ]
    .into_iter()
    .flatten()
    .next()
}
