//! The policy: what each role may do in a space. All authorization in spaces is decided here.

use crate::{
    id::{SpaceId, UserId},
    space::Role,
};

/// An action in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Read its tasks, and their reminders and comments.
    ReadTasks,
    /// Create, change, complete and delete its tasks, and comment on them.
    WriteTasks,
    /// Read its name and its members.
    ReadSpace,
    /// Change its name.
    RenameSpace,
    /// Invite and remove members, and change their roles.
    ManageMembers,
    /// Delete it and its contents.
    DeleteSpace,
}

/// The role of a user in a space, if it is known without a read: a personal space has the id body of its owner.
pub fn known_role(user: UserId, space: SpaceId) -> Option<Role> {
    (space == SpaceId::personal(user)).then_some(Role::Owner)
}

/// Whether a role permits an action.
pub fn permits(role: Role, action: Action) -> bool {
    role >= match action {
        Action::ReadTasks | Action::ReadSpace => Role::Viewer,
        Action::WriteTasks => Role::Member,
        Action::RenameSpace | Action::ManageMembers => Role::Admin,
        Action::DeleteSpace => Role::Owner,
    }
}

/// Whether a member with the role `actor` may change the role of a member from `from` to `to`. `None` means that the user is
/// not a member before or after the change. Only owners may add, change and remove owners. Leaving a space is always
/// allowed and is not checked here.
pub fn permits_role(actor: Role, from: Option<Role>, to: Option<Role>) -> bool {
    permits(actor, Action::ManageMembers) && from.max(to) <= Some(actor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_of_a_personal_space_has_a_role_in_it() {
        let owner = UserId::from_body("01JQ0000000000000000000001").unwrap();
        let other = UserId::from_body("01JQ0000000000000000000002").unwrap();
        assert_eq!(known_role(owner, SpaceId::personal(owner)), Some(Role::Owner));
        assert_eq!(known_role(other, SpaceId::personal(owner)), None);
    }

    #[test]
    fn each_role_permits_the_actions_in_the_table() {
        let (yes, no) = (true, false);
        //                                viewer member admin owner
        let table = [
            (Action::ReadTasks, [yes, yes, yes, yes]),
            (Action::WriteTasks, [no, yes, yes, yes]),
            (Action::ReadSpace, [yes, yes, yes, yes]),
            (Action::RenameSpace, [no, no, yes, yes]),
            (Action::ManageMembers, [no, no, yes, yes]),
            (Action::DeleteSpace, [no, no, no, yes]),
        ];
        for (action, expected) in table {
            for (role, expected) in Role::ALL.iter().zip(expected) {
                assert_eq!(permits(*role, action), expected, "{role:?} {action:?}");
            }
        }
    }

    #[test]
    fn admins_manage_members_and_only_owners_manage_owners() {
        let roles = || std::iter::once(None).chain(Role::ALL.iter().copied().map(Some));
        for actor in Role::ALL.iter().copied() {
            for (from, to) in roles().flat_map(|from| roles().map(move |to| (from, to))) {
                let of_an_owner = from == Some(Role::Owner) || to == Some(Role::Owner);
                let expected = match actor {
                    Role::Viewer | Role::Member => false,
                    Role::Admin => !of_an_owner,
                    Role::Owner => true,
                };
                assert_eq!(permits_role(actor, from, to), expected, "{actor:?}: {from:?} to {to:?}");
            }
        }
    }
}
