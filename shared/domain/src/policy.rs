//! Who may do what in a space. Every handler asks here, and nowhere else.

use crate::{
    id::{SpaceId, UserId},
    space::Role,
};

/// What somebody wants to do in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See its tasks, their reminders and comments.
    ReadTasks,
    /// Create, change, complete and delete its tasks; comment on them.
    WriteTasks,
    /// See its name and who is in it.
    ReadSpace,
    /// Give it another name.
    RenameSpace,
    /// Invite and remove people, and change their roles.
    ManageMembers,
    /// Delete it with all that is in it.
    DeleteSpace,
}

/// The role of a user in a space, as far as that is known without reading anything: a personal space belongs
/// to the user whose id body it carries.
pub fn known_role(user: UserId, space: SpaceId) -> Option<Role> {
    (space == SpaceId::personal(user)).then_some(Role::Owner)
}

/// Whether somebody with that role may do that.
pub fn permits(role: Role, action: Action) -> bool {
    role >= match action {
        Action::ReadTasks | Action::ReadSpace => Role::Viewer,
        Action::WriteTasks => Role::Member,
        Action::RenameSpace | Action::ManageMembers => Role::Admin,
        Action::DeleteSpace => Role::Owner,
    }
}

/// Whether somebody with the role `actor` may give a member, who has the role `from` (none: nobody yet), the
/// role `to` (none: remove them). Only owners make, change and remove owners. That everybody may leave is no
/// matter of roles.
pub fn permits_role(actor: Role, from: Option<Role>, to: Option<Role>) -> bool {
    permits(actor, Action::ManageMembers) && from.max(to) <= Some(actor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personal_space_obeys_its_owner_and_nobody_else() {
        let owner = UserId::from_body("01JQ0000000000000000000001").unwrap();
        let other = UserId::from_body("01JQ0000000000000000000002").unwrap();
        assert_eq!(known_role(owner, SpaceId::personal(owner)), Some(Role::Owner));
        assert_eq!(known_role(other, SpaceId::personal(owner)), None);
    }

    #[test]
    fn every_role_may_do_what_the_table_says() {
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
    fn members_are_managed_by_admins_and_owners_by_owners_only() {
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
