//! Spaces: sets of tasks that several people share, and what each of them may do there.

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::Random,
    credential::link_token,
    credential::sha256_hex,
    email::EmailAddress,
    id::{NotificationId, SpaceId, UserId},
    text::SpaceName,
    unknown::Unknown,
    violation::Violation,
    words::word_enum,
};

/// The most members of a space.
pub const MAX_MEMBERS: u32 = 100;

/// The most spaces that a user can be a member of, besides the personal one.
pub const MAX_SPACES: usize = 50;

/// The most invitations into a space that are open at a time.
pub const MAX_INVITATIONS: usize = 50;

/// How long an address is not invited again into the same space.
pub const INVITATION_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// How long an invitation can be accepted.
pub const INVITATION_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

word_enum!(Role, "What a member may do in a space, from the least to the most.",
    Viewer = "viewer": "See its tasks.",
    Member = "member": "Change its tasks, too.",
    Admin = "admin": "Manage its members and its name, too.",
    Owner = "owner": "Delete it, and manage its owners, too.",
);

/// A space that people share. Personal spaces are not stored like this: they have one member, and nothing
/// about them changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Names the space.
    pub id: SpaceId,
    /// What people call it.
    pub name: SpaceName,
    /// How many owners it has: at least one.
    pub owners: u32,
    /// How many members it has, owners included.
    pub members: u32,
    /// Whether it is being deleted. To everybody but its owners it is gone then.
    pub deleting: bool,
    /// Counts the changes of the space and of its membership.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What a later version has stored with it.
    pub unknown: Unknown,
}

/// Somebody in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The space.
    pub space: SpaceId,
    /// Who.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
}

/// How many spaces a user is in, besides the personal one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memberships {
    /// How many, those that are being deleted included.
    pub spaces: usize,
    /// Counts the spaces that they have ever created or joined.
    pub version: u64,
}

/// What is known before somebody is invited into a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationBook {
    /// All invitations, also those that count no more and are not deleted yet.
    pub invitations: Vec<Invitation>,
    /// When the address at hand was last invited, whatever became of that.
    pub last_invited: Option<Timestamp>,
    /// Counts the invitations that were ever made.
    pub version: u64,
}

/// A change of who is in a space, with the role that is there before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// Somebody accepts an invitation; its token works no more. If a version of their memberships is given, it must be
    /// the present one: nobody joins two spaces at once.
    Join(Member, Invitation, Option<u64>),
    /// Somebody gets another role.
    Role(Member, Role),
    /// Somebody leaves, or is removed.
    Leave(Member),
}

impl Space {
    /// A new space, with its first owner.
    pub fn create(id: SpaceId, name: SpaceName, owner: UserId, now: Timestamp) -> (Self, Member) {
        let space = Self {
            id,
            name,
            owners: 1,
            members: 1,
            deleting: false,
            version: 1,
            created_at: now,
            updated_at: now,
            unknown: Unknown::default(),
        };
        (space, Member { space: id, user: owner, role: Role::Owner, joined_at: now })
    }

    /// Renames it. Returns whether that changes anything; then the version is one higher.
    pub fn rename(&mut self, name: SpaceName, now: Timestamp) -> bool {
        let changed = self.name != name;
        if changed {
            self.name = name;
            self.touch(now);
        }
        changed
    }

    /// Hides it from everybody, before what is in it is deleted.
    pub fn begin_deletion(&mut self, now: Timestamp) {
        self.deleting = true;
        self.touch(now);
    }

    /// Counts a change of its members.
    ///
    /// # Errors
    /// A [`Violation`]: `last_owner` if nobody would own it any more, `space_full`.
    pub fn apply(&mut self, change: &MemberChange, now: Timestamp) -> Result<(), Violation> {
        let (before, after) = match change {
            MemberChange::Join(member, ..) => (None, Some(member.role)),
            MemberChange::Role(member, role) => (Some(member.role), Some(*role)),
            MemberChange::Leave(member) => (Some(member.role), None),
        };
        let owners = |role| u32::from(role == Some(Role::Owner));
        let people = |role: Option<Role>| u32::from(role.is_some());
        let next_owners = (self.owners + owners(after)).saturating_sub(owners(before));
        let next_members = (self.members + people(after)).saturating_sub(people(before));
        if next_owners == 0 {
            let why = "A space needs an owner: make somebody else one first, or delete it.";
            return Err(Violation::new("last_owner", why));
        }
        if next_members > MAX_MEMBERS {
            let why = format!("A space has at most {MAX_MEMBERS} members.");
            return Err(Violation::new("space_full", why));
        }
        (self.owners, self.members) = (next_owners, next_members);
        self.touch(now);
        Ok(())
    }

    fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        self.updated_at = now;
    }
}

/// What the mail of an invitation carries: it names the invitation, and proves that its reader got the mail.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationToken {
    /// Into which space.
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

    /// Reads what [`Self::to_text`] wrote; nothing for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (space, hash, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        (parts.next().is_none() && hex(hash, 64) && hex(secret, 32)).then_some(())?;
        let space = SpaceId::from_body(space).ok()?;
        Some(Self { space, address_hash: hash.to_owned(), secret: secret.to_owned() })
    }

    /// The token as it stands in the mail.
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.space.body(), self.address_hash, self.secret)
    }
}

/// An invitation into a space. There is one for an address at a time: a new one takes the place of the old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Into which space.
    pub space: SpaceId,
    /// Who is invited.
    pub email: EmailAddress,
    /// As what.
    pub role: Role,
    /// By whom.
    pub invited_by: UserId,
    /// The mail that carries it. An invitation that has been replaced has another one.
    pub notification: NotificationId,
    /// Hash of the secret that the mail carries; none until the mail is written.
    pub secret_hash: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it counts no more.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// Whether that is the token in its latest mail.
    pub fn is_opened_by(&self, token: &InvitationToken) -> bool {
        self.secret_hash == Some(sha256_hex(token.secret.as_bytes()))
    }
}
