//! Changes of the members of a space.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::{
    id::UserId,
    invitation::Invitation,
    space::{MAX_MEMBERS, Member, Role, Space},
    violation::Violation,
};

/// A change of the members of a space. The member is the one before the change, or the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// A user accepts an invitation, which is used up. If a version of the user's memberships is given, it must be the
    /// current one: a user cannot join two spaces at the same time.
    Join(Member, Invitation, Option<u64>),
    /// A member gets another role.
    Role(Member, Role),
    /// A member leaves or is removed.
    Leave(Member),
}

/// The member who becomes an owner when the last one leaves without having chosen: of those with the highest role, the one
/// who joined first. `None` if nobody else is a member.
pub fn heir(members: &[Member], leaving: UserId) -> Option<Member> {
    let others = members.iter().filter(|member| member.user != leaving);
    others.min_by_key(|member| (Reverse(member.role), member.joined_at, member.user)).copied()
}

impl Space {
    /// Applies a change to the numbers of members and owners. The version increases by one.
    ///
    /// # Errors
    /// A [`Violation`]: `last_owner` if the space would have no owner, `space_full`.
    pub fn apply(&mut self, change: &MemberChange, now: Timestamp) -> Result<(), Violation> {
        let (before, after) = match change {
            MemberChange::Join(member, ..) => (None, Some(member.role)),
            MemberChange::Role(member, role) => (Some(member.role), Some(*role)),
            MemberChange::Leave(member) => (Some(member.role), None),
        };
        let owners = |role| u32::from(role == Some(Role::Owner));
        let members = |role: Option<Role>| u32::from(role.is_some());
        let next_owners = (self.owner_count + owners(after)).saturating_sub(owners(before));
        let next_members = (self.member_count + members(after)).saturating_sub(members(before));
        if next_owners == 0 {
            let why =
                "A space needs an owner: make another member an owner first, or delete the space.";
            return Err(Violation::new("last_owner", why));
        }
        if next_members > MAX_MEMBERS {
            let why = format!("The space is full: the limit is {MAX_MEMBERS} members.");
            return Err(Violation::new("space_full", why));
        }
        (self.owner_count, self.member_count) = (next_owners, next_members);
        self.touch(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::id::SpaceId;

    #[test]
    fn the_first_of_the_members_with_the_highest_role_succeeds_the_last_owner() {
        let user =
            |number: u8| UserId::from_body(&format!("01JQ00000000000000000000{number:02}")).unwrap();
        let member = |number, role, day: i64| Member {
            space: SpaceId::personal(user(99)),
            user: user(number),
            role,
            joined_at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day),
        };
        let members = [
            member(1, Role::Owner, 0),
            member(2, Role::Viewer, 1),
            member(3, Role::Admin, 4),
            member(4, Role::Admin, 3),
            member(5, Role::Member, 2),
        ];
        assert_eq!(heir(&members, user(1)).map(|heir| heir.user), Some(user(4)));
        assert_eq!(heir(&members, user(4)).map(|heir| heir.user), Some(user(1)));
        assert_eq!(heir(&members[1..2], user(1)).map(|heir| heir.user), Some(user(2)));
        assert_eq!(heir(&members[..1], user(1)), None);
    }
}
