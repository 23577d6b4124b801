//! Who may do what in a space. Every handler asks here, and nowhere else.

use crate::id::{SpaceId, UserId};

/// What somebody wants to do in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See its tasks and their reminders.
    ReadTasks,
    /// Create, change, complete and delete its tasks.
    WriteTasks,
}

/// Whether the user may do that in the space.
///
/// A personal space belongs to the user whose id body it carries; that needs no read. A refusal is
/// answered exactly like a space or a task that does not exist.
pub fn permits(user: UserId, space: SpaceId, action: Action) -> bool {
    match action {
        Action::ReadTasks | Action::WriteTasks => space == SpaceId::personal(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personal_space_obeys_its_owner_and_nobody_else() {
        let owner = UserId::from_body("01JQ0000000000000000000001").unwrap();
        let other = UserId::from_body("01JQ0000000000000000000002").unwrap();
        for action in [Action::ReadTasks, Action::WriteTasks] {
            assert!(permits(owner, SpaceId::personal(owner), action));
            assert!(!permits(other, SpaceId::personal(owner), action));
        }
    }
}
