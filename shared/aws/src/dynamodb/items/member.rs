//! Members of spaces.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    id::{SpaceId, UserId},
    space::{Member, Role},
};

use super::InvalidAttribute;

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct MemberItem {
    space: SpaceId,
    user: UserId,
    role: String,
    joined_at: Timestamp,
}

impl From<&Member> for MemberItem {
    fn from(member: &Member) -> Self {
        let role = member.role.as_str().to_owned();
        Self { space: member.space, user: member.user, role, joined_at: member.joined_at }
    }
}

impl TryFrom<MemberItem> for Member {
    type Error = InvalidAttribute;

    fn try_from(item: MemberItem) -> Result<Self, InvalidAttribute> {
        let role = Role::parse(&item.role)?;
        Ok(Self { space: item.space, user: item.user, role, joined_at: item.joined_at })
    }
}
