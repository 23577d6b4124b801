//! Tasks.

mod batch_operations;
pub mod batch_tasks;
mod change;
pub mod complete_task;
pub mod create_task;
pub mod delete_task;
mod fields;
pub mod get_task;
pub(crate) mod link_actions;
pub mod list_task_occurrences;
pub mod list_task_reminders;
pub mod list_tasks;
pub mod move_task;
pub mod reopen_task;
pub mod skip_task;
pub mod snooze_task;
pub mod update_task;
mod view;

pub(super) use view::TaskView;

use taskbell_domain::{
    id::SpaceId,
    policy::Action,
    ports::{Memberships, Quotas},
    quota::Quota,
    statistics::Counters,
    task::Task,
};

use crate::{
    access::require,
    http::{Caller, Problem},
};

/// The task, if it exists and the caller may perform the action. 404 if the caller cannot see it.
async fn permitted(
    store: &impl Memberships,
    task: Option<Task>,
    caller: Caller,
    action: Action,
) -> Result<Task, Problem> {
    let task = task.ok_or_else(Problem::not_found)?;
    require(store, caller, task.space, action).await?;
    Ok(task)
}

/// Enforces the limit of reminders per space. The usage of the caller's personal space is given; that of a shared space
/// is read.
async fn admit_reminders(
    store: &impl Quotas,
    caller: Caller,
    task: &Task,
    more: usize,
    personal: Counters,
    quota: Quota,
) -> Result<(), Problem> {
    if more == 0 {
        return Ok(());
    }
    let counters = match task.space == SpaceId::personal(caller.user) {
        true => personal,
        false => store.counters(task.space).await?,
    };
    quota.admit_reminders(&counters, more).map_err(Problem::refused)
}
