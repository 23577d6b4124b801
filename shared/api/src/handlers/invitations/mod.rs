//! Invitations into a space.

pub mod accept_invitation;
pub mod invite_member;
pub mod list_invitations;
pub mod revoke_invitation;

use serde_json::{Value, json};
use taskbell_domain::invitation::Invitation;

/// An invitation, as managers of members see it. Its id is the hash of the email address.
fn view(invitation: &Invitation) -> Value {
    json!({
        "id": invitation.email.hash(),
        "space": invitation.space,
        "email": invitation.email,
        "role": invitation.role,
        "invited_by": invitation.invited_by,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    })
}
