//! Spaces, members, invitations and comments.

use serde::Serialize;
use utoipa::ToSchema;

use super::values::{
    CommentId, CommentText, DateTime, Email, InvitationId, NewEmail, PersonName, ShownCommentText,
    SpaceId, SpaceName, TaskId, UserId,
};

words!(/// Role of a member in a space. `viewer` reads tasks. `member` also changes tasks. `admin` also manages members
    /// and renames the space. `owner` also manages owners and deletes the space.
    SpaceRole: Viewer, Member, Admin, Owner);

/// A space, as one of its members sees it.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Identifier of the space.
    pub id: SpaceId,
    /// Name of the space.
    pub name: SpaceName,
    /// Whether it is the caller's personal space, which cannot be shared, renamed or deleted.
    pub personal: bool,
    /// Role of the caller in the space.
    pub role: SpaceRole,
    /// Number of members, including the caller.
    #[schema(minimum = 1, maximum = 100)]
    pub members: u32,
    /// When the space was created.
    pub created_at: DateTime,
    /// When the space or its membership last changed.
    pub updated_at: DateTime,
}

/// A shared space to be created.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSpaceRequest {
    /// Name of the space.
    pub name: SpaceName,
}

/// A merge patch (RFC 7396) of a space. An absent field keeps its value.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSpaceRequest {
    /// New name.
    #[schema(nullable = false)]
    pub name: Option<SpaceName>,
}

/// A member of a space.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Account of the member.
    pub user_id: UserId,
    /// Name of the member.
    pub name: PersonName,
    /// Role of the member in the space.
    pub role: SpaceRole,
    /// When the member joined the space.
    pub joined_at: DateTime,
}

/// A change of a member's role.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMemberRequest {
    /// New role.
    pub role: SpaceRole,
}

/// An invitation that can be accepted.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// Identifier of the invitation within its space.
    pub id: InvitationId,
    /// The space.
    pub space: SpaceId,
    /// Address that the invitation was sent to.
    pub email: Email,
    /// Role that the invited person will have in the space.
    pub role: SpaceRole,
    /// Account of the member who sent the invitation.
    pub invited_by: UserId,
    /// When the invitation was created.
    pub created_at: DateTime,
    /// When the invitation expires, 7 days after it was created.
    pub expires_at: DateTime,
}

/// An invitation to be sent.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteMemberRequest {
    /// Address that the invitation is sent to. It replaces an older invitation for the same address.
    pub email: NewEmail,
    /// Role that the invited person will have. `member` if absent or null.
    pub role: Option<SpaceRole>,
}

/// Token of an invitation.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitationRequest {
    /// Token from the invitation email. It works once, for 7 days, also for an account with another address.
    pub token: String,
}

/// A comment on a task.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// Identifier of the comment.
    pub id: CommentId,
    /// The task.
    pub task: TaskId,
    /// Account of the author.
    pub author: UserId,
    /// Text of the comment.
    pub text: ShownCommentText,
    /// When the comment was created.
    pub created_at: DateTime,
    /// When the comment last changed.
    pub updated_at: DateTime,
}

/// A comment to be created.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCommentRequest {
    /// Text of the comment.
    pub text: CommentText,
}

/// A merge patch (RFC 7396) of a comment. An absent field keeps its value.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateCommentRequest {
    /// New text.
    #[schema(nullable = false)]
    pub text: Option<CommentText>,
}
