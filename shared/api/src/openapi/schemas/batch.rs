//! Batches of operations on tasks.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    problem::Problem,
    tasks::{CreateTaskRequest, Task, UpdateTaskRequest},
    values::{SpaceId, TaskId},
};

words!(/// Kind of the operation.
    CreateOp: Create);
words!(/// Kind of the operation.
    UpdateOp: Update);
words!(/// Kind of the operation.
    CompleteOp: Complete);
words!(/// Kind of the operation.
    MoveOp: Move);
words!(/// Kind of the operation.
    DeleteOp: Delete);

/// Operations on tasks, executed one after the other. One that fails does not stop the others.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// The operations, in the order of their execution. An invalid operation is reported in its own result.
    #[schema(min_items = 1, max_items = 100)]
    pub operations: Vec<BatchOperation>,
}

/// One operation of a batch.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "op", mapping(
    ("create" = "#/components/schemas/CreateOperation"),
    ("update" = "#/components/schemas/UpdateOperation"),
    ("complete" = "#/components/schemas/CompleteOperation"),
    ("move" = "#/components/schemas/MoveOperation"),
    ("delete" = "#/components/schemas/DeleteOperation")
)))]
pub enum BatchOperation {
    /// Creates a task.
    Create(CreateOperation),
    /// Changes a task.
    Update(UpdateOperation),
    /// Completes a task.
    Complete(CompleteOperation),
    /// Moves a task to another space.
    Move(MoveOperation),
    /// Deletes a task.
    Delete(DeleteOperation),
}

/// Creates a task.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOperation {
    /// Always `create`.
    pub op: CreateOp,
    /// The task to be created.
    pub task: CreateTaskRequest,
    /// Space of the task. The personal space if absent or null.
    pub space: Option<SpaceId>,
}

/// Changes a task.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateOperation {
    /// Always `update`.
    pub op: UpdateOp,
    /// The task.
    pub id: TaskId,
    /// The merge patch.
    pub task: UpdateTaskRequest,
    /// Version that the task must have. Any version if absent or null.
    pub version: Option<u64>,
}

/// Completes a task.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteOperation {
    /// Always `complete`.
    pub op: CompleteOp,
    /// The task.
    pub id: TaskId,
    /// Version that the task must have. Any version if absent or null.
    pub version: Option<u64>,
}

/// Moves a task to another space.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveOperation {
    /// Always `move`.
    pub op: MoveOp,
    /// The task.
    pub id: TaskId,
    /// Space that the task moves to.
    pub space: SpaceId,
    /// Version that the task must have. Any version if absent or null.
    pub version: Option<u64>,
}

/// Deletes a task with its comments.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteOperation {
    /// Always `delete`.
    pub op: DeleteOp,
    /// The task.
    pub id: TaskId,
    /// Version that the task must have. Any version if absent or null.
    pub version: Option<u64>,
}

/// Results of a batch.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchResponse {
    /// One result for each operation, in the order of the operations.
    #[schema(min_items = 1, max_items = 100)]
    pub results: Vec<BatchResult>,
}

/// Result of one operation.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchResult {
    /// HTTP status that the operation would have had as a request of its own.
    #[schema(minimum = 200, maximum = 599, examples(201))]
    pub status: u16,
    /// Identifier of the task. Absent if the operation failed.
    #[schema(nullable = false)]
    pub id: Option<TaskId>,
    /// The task after the operation. Null if it was deleted or is no longer accessible. Absent if the operation failed
    /// or the task was omitted.
    pub task: Option<Task>,
    /// True if the operation succeeded, and the task was omitted because the response is large. Absent otherwise.
    #[schema(nullable = false)]
    pub task_omitted: Option<bool>,
    /// Whether the operation was executed by an earlier request with the same `Idempotency-Key`. Absent if the
    /// operation failed.
    #[schema(nullable = false)]
    pub replayed: Option<bool>,
    /// Why the operation failed. Absent if it succeeded.
    #[schema(nullable = false)]
    pub problem: Option<Problem>,
}
