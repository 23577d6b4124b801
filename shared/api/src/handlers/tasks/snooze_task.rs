//! Snoozes a task.

use taskbell_domain::{
    api_token::ApiScope,
    ports::{RateLimits, TaskChanges, TimerQueue},
    reminder::{LeadTime, ReminderSpec},
    task::{Task, TaskChange},
    violation::Violation,
};

use super::change::change_task;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Fields, Problem, Reply, read},
};

/// How long to snooze.
enum Time {
    For(LeadTime),
    Until(ReminderSpec),
}

impl Time {
    /// The time at which the snooze ends, in the task's time zone.
    fn until(&self, task: &Task, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
        match self {
            Self::For(lead_time) => lead_time.after(now, &task.time_zone),
            Self::Until(spec) => spec.fire_at(None, &task.time_zone),
        }
    }
}

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "snooze-task",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/snooze",
    operations: &[Operation {
        method: "POST",
        summary: "Snooze a task",
        description: "Silences the task's reminders until a time, then sends one. Earlier reminders are skipped; later ones still fire.",
        parameters: &["If-Match", "If-None-Match"],
        request: Some("SnoozeTaskRequest"),
        responses: &[(200, Body::Json("Task"))],
        errors: &["forbidden", "already_completed"],
    }],
};

/// Skips reminders before the end of the snooze and sends one at that time. The latest snooze replaces an earlier one.
pub async fn handle(
    call: &Call<'_>,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let lead_time = fields.optional("for", read::text(LeadTime::parse));
    let until = fields.optional("until", read::text(ReminderSpec::parse_at));
    let (lead_time, until) = fields.finish(Some((lead_time, until)))?;
    let (field, time) = match (lead_time, until) {
        (Some(lead_time), None) => ("for", Time::For(lead_time)),
        (None, Some(until)) => ("until", Time::Until(until)),
        _ => {
            let why = "Give either for or until.";
            return Err(Violation::new("required", why).for_field("for").into());
        }
    };
    let now = call.now();
    change_task(call, tasks, queue, |task| {
        let until = time.until(task, now).unwrap_or(jiff::Timestamp::MAX);
        task.snooze(until, now, call.random()).map_err(|refusal| match refusal.code {
            "already_completed" => Problem::refused(refusal),
            _ => refusal.for_field(field).into(),
        })?;
        Ok(TaskChange { changed: true, next: None })
    })
    .await
}
