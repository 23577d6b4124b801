//! `POST /v1/tasks/{task_id}/snooze`: lets a task be silent for a while. Two calls.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    policy::Action,
    ports::{Limits, TaskChanges, TimerQueue},
    reminder::{Lead, ReminderSpec},
    task::{Change, Task},
    violation::Violation,
};

use super::{Changing, permitted, task_id, view};
use crate::http::{Call, Fields, Preconditions, Problem, Reply, read};

/// For how long.
enum Time {
    For(Lead),
    Until(ReminderSpec),
}

impl Time {
    /// Until which instant, in the zone of the task.
    fn until(&self, task: &Task, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
        match self {
            Self::For(lead) => lead.after(now, &task.time_zone),
            Self::Until(spec) => spec.fire_at(None, &task.time_zone),
        }
    }
}

/// Passes over what was to ring before, and rings once at that moment. Snoozed again, the later call counts.
///
/// # Errors
/// 401, 403, 404, 409 `already_completed` or `busy`, 412, 422, and those of every body.
pub async fn handle(
    call: &Call,
    tasks: &(impl TaskChanges + Limits),
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let id = task_id(call)?;
    let mut fields = Fields::of(call)?;
    let lead = fields.optional("for", read::text(Lead::parse));
    let until = fields.optional("until", read::text(ReminderSpec::parse_at));
    let (lead, until) = fields.finish(Some((lead, until)))?;
    let (field, time) = match (lead, until) {
        (Some(lead), None) => ("for", Time::For(lead)),
        (None, Some(until)) => ("until", Time::Until(until)),
        _ => {
            let why = "Give it either for or until.";
            return Err(Violation::new("required", why).at("for").into());
        }
    };
    let task = permitted(tasks, tasks.task(id).await?, caller, Action::WriteTasks).await?;
    let preconditions = Preconditions::of(call)?;
    call.admitted().await?;
    let changing =
        Changing { store: tasks, queue, by: caller.user, now, random, preconditions, record: None };
    let task = changing
        .apply(task, |task| {
            let until = time.until(task, now).unwrap_or(jiff::Timestamp::MAX);
            task.snooze(until, now, random).map_err(|refusal| match refusal.code {
                "already_completed" => Problem::conflict(refusal.code, refusal.message),
                _ => refusal.at(field).into(),
            })?;
            Ok(Change { changed: true, next: None })
        })
        .await?;
    view::reply(StatusCode::OK, &task, caller.user)
}
