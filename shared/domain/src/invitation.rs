//! Invitations into spaces.

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::Random,
    email::EmailAddress,
    id::{NotificationId, SpaceId, UserId},
    secret::{is_hex, link_token, sha256_hex},
    space::Role,
};

/// The maximum number of open invitations into a space.
pub const MAX_INVITATIONS: usize = 50;

/// The minimum time between two invitations of one address into the same space.
pub const INVITATION_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// How long an invitation can be accepted.
pub const INVITATION_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An invitation into a space. Each address has at most one per space: a new one replaces the previous one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The space.
    pub space: SpaceId,
    /// The invited address.
    pub email: EmailAddress,
    /// The role that the new member gets.
    pub role: Role,
    /// The member who invited the address.
    pub invited_by: UserId,
    /// The notification that carries the invitation. A replacement is carried by a different one.
    pub notification: NotificationId,
    /// Hash of the secret in the mail. `None` until the mail is written.
    pub secret_hash: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it is not valid.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// Whether the token is the one in the latest mail of this invitation.
    pub fn accepts(&self, token: &InvitationToken) -> bool {
        self.secret_hash == Some(sha256_hex(token.secret.as_bytes()))
    }
}

/// What must be known before an address is invited into a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationBook {
    /// All stored invitations, expired ones included.
    pub invitations: Vec<Invitation>,
    /// When the address in question was last invited, accepted and revoked invitations included.
    pub last_invited: Option<Timestamp>,
    /// The number of invitations that were ever created in the space.
    pub version: u64,
}

/// The token in the mail of an invitation. It identifies the invitation, and proves that its sender received the mail.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationToken {
    /// The space.
    pub space: SpaceId,
    /// Hash of the invited address.
    pub address_hash: String,
    /// 128 random bits.
    pub secret: String,
}

impl InvitationToken {
    /// A new token for an invitation.
    pub fn generate(invitation: &Invitation, random: &dyn Random) -> Self {
        let address_hash = invitation.email.hash();
        Self { space: invitation.space, address_hash, secret: link_token(random) }
    }

    /// Reads the output of [`Self::to_text`]. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (space, hash, secret) = (parts.next()?, parts.next()?, parts.next()?);
        (parts.next().is_none() && is_hex(hash, 64) && is_hex(secret, 32)).then_some(())?;
        let space = SpaceId::from_body(space).ok()?;
        Some(Self { space, address_hash: hash.to_owned(), secret: secret.to_owned() })
    }

    /// The token as it is mailed: `<space>.<address hash>.<secret>`.
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.space.body(), self.address_hash, self.secret)
    }
}
