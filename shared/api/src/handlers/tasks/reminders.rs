//! `GET /v1/tasks/{task_id}/reminders`: the delivery ledger of a task. One call.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{clock::Clock, policy::Action, ports::TaskReads};

use super::{permitted, task_id, view::ReminderView};
use crate::{
    http::{Call, Problem, Reply, authenticate},
    tokens::Verifier,
};

/// Answers with every reminder that the task wants, and those it no longer wants whose delivery had
/// begun, in the order of their moments.
///
/// # Errors
/// 401, 404.
pub async fn handle(
    call: &Call,
    tasks: &impl TaskReads,
    verifier: &Verifier,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let caller = authenticate(call, verifier, clock.now())?;
    let task = permitted(tasks.task(task_id(call)?).await?, caller, Action::ReadTasks)?;
    let mut ledger: Vec<_> = task.past_reminders.iter().chain(&task.reminders).collect();
    ledger.sort_by_key(|reminder| (reminder.fire_at, reminder.id));
    let items: Vec<_> = ledger.into_iter().map(ReminderView::from).collect();
    Reply::json(StatusCode::OK, &json!({ "items": items, "next_cursor": null }))
}
