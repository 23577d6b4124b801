//! The operations of a batch, as they are sent.

use serde_json::Value;
use taskbell_domain::{
    id::{SpaceId, TaskId},
    task::{Status, TaskDraft, TaskPatch},
    violation::Violation,
};

use super::fields;
use crate::http::{Errors, Fields, Preconditions, read};

/// The supported operations.
const OPERATION_NAMES: [&str; 5] = ["create", "update", "complete", "move", "delete"];

/// An operation whose fields were checked.
pub(super) enum BatchOperation {
    Create { space: Option<SpaceId>, draft: Box<TaskDraft> },
    Update { id: TaskId, patch: Box<TaskPatch>, preconditions: Preconditions },
    Move { id: TaskId, space: SpaceId, preconditions: Preconditions },
    Delete { id: TaskId, preconditions: Preconditions },
}

impl BatchOperation {
    /// The task that the operation changes. `None` if it creates one.
    pub(super) fn target(&self) -> Option<TaskId> {
        match self {
            Self::Create { .. } => None,
            Self::Update { id, .. } | Self::Move { id, .. } | Self::Delete { id, .. } => Some(*id),
        }
    }
}

/// Checks the fields of an operation.
pub(super) fn read_operation(value: &Value) -> Result<BatchOperation, Errors> {
    let op = value.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
    let read = Fields::inside(value, |fields| {
        fields.required("op", read::text(known));
        if op == "create" {
            let space = fields.optional("space", read::text(read::id));
            let draft = fields.required("task", |task| Fields::inside(task, fields::draft));
            return draft.map(|draft| BatchOperation::Create { space, draft: Box::new(draft) });
        }
        let id = fields.required("id", read::text(read::id));
        let preconditions = Preconditions::version(fields.optional("version", read::whole_number));
        match op.as_str() {
            "update" => {
                let patch = fields.required("task", |task| {
                    Fields::inside(task, |fields| Some(fields::patch(fields)))
                });
                let (id, patch) = id.zip(patch)?;
                Some(BatchOperation::Update { id, patch: Box::new(patch), preconditions })
            }
            "complete" => {
                let done = TaskPatch::status(Status::Completed);
                Some(BatchOperation::Update { id: id?, patch: Box::new(done), preconditions })
            }
            "move" => {
                let (id, space) = id.zip(fields.required("space", read::text(read::id)))?;
                Some(BatchOperation::Move { id, space, preconditions })
            }
            _ => Some(BatchOperation::Delete { id: id?, preconditions }),
        }
    });
    // Fields at the top level of an operation have no leading dot, and an operation that is no object has no field.
    read.map_err(|errors| {
        errors.map(|field| match field.trim_start_matches('.') {
            "" => "operation".to_owned(),
            field => field.to_owned(),
        })
    })
}

fn known(op: &str) -> Result<(), Violation> {
    let why = || format!("It must be one of {}.", OPERATION_NAMES.join(", "));
    let known = OPERATION_NAMES.contains(&op);
    known.then_some(()).ok_or_else(|| Violation::new("unknown_value", why()))
}
