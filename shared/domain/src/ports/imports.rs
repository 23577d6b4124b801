//! Importing tasks.

use std::future::Future;

use super::{Comments, PortError, TaskCreation};
use crate::task::Task;

/// The result of importing a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// It was stored.
    Created,
    /// A task with its id exists. Nothing was stored.
    Exists,
}

/// Imports tasks, whose ids say what they were imported from, and comments on them.
pub trait TaskImports: TaskCreation + Comments {
    /// Stores a task unless one with its id exists.
    fn import_task(&self, task: &Task) -> impl Future<Output = Result<Imported, PortError>> + Send;
}
