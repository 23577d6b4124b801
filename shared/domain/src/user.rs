//! The account's profile: who the user is and how they want to be reminded.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    clock::whole_seconds,
    delivery::Reason,
    digest::DigestHour,
    due::{Due, Fold},
    email::EmailAddress,
    id::UserId,
    reminder::ReminderSpec,
    text::PersonName,
    unknown::Unknown,
    words::word_enum,
    zone::Zone,
};

word_enum!(AccountRole, "What an account may do beyond its own spaces.",
    User = "user": "Nothing.",
    Operator = "operator": "Manage accounts, and write to their users.",
);

word_enum!(MailKind, "A kind of mail that can be turned off. Mails that an account itself asks for are of none.",
    Reminders = "reminders": "Reminders of tasks.",
    Digest = "digest": "What is due, once a day.",
    Assignments = "assignments": "Mail about tasks that others assign to them.",
    Invitations = "invitations": "Invitations into spaces of others.",
);

word_enum!(StopReason, "Why no mail goes to an address any more.",
    Bounced = "bounced": "Its mail server refuses mail for it, for good.",
    Complained = "complained": "Its owner has called a mail unwanted.",
);

/// How far ahead of the present one access tokens are revoked.
pub const REVOKED_AHEAD: SignedDuration = SignedDuration::from_secs(10);

/// That no mail goes to an address any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailSuppression {
    /// Why.
    pub reason: StopReason,
    /// Since when.
    pub at: Timestamp,
}

/// A user's profile. The password hash is kept elsewhere, where no task function can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Names the account.
    pub id: UserId,
    /// Where mail goes.
    pub email: EmailAddress,
    /// How they want to be addressed.
    pub name: PersonName,
    /// Where all-day tasks begin and end, and how times are written in mails.
    pub time_zone: Zone,
    /// The reminders of tasks that are created with a due time and without reminders of their own.
    pub default_reminders: Vec<ReminderSpec>,
    /// Which mails they want.
    pub mail: MailSettings,
    /// When in the day the digest comes.
    pub digest_hour: DigestHour,
    /// What the account may do beyond its own spaces.
    pub role: AccountRole,
    /// Since when an operator has disabled the account: nobody can use it, and no mail goes to it.
    pub disabled_at: Option<Timestamp>,
    /// Since when the user has proven that the address is theirs: only then mail goes there.
    pub email_verified_at: Option<Timestamp>,
    /// That no mail goes to the address any more, until the user proves it again.
    pub mail_stopped: Option<MailSuppression>,
    /// Signs the links in mails to this user.
    pub link_secret: String,
    /// When the password was last set by a code: sessions that were opened before have ended.
    pub password_set_at: Option<Timestamp>,
    /// Access tokens that were issued before are not valid.
    pub tokens_valid_from: Option<Timestamp>,
    /// Counts the changes of the profile.
    pub version: u64,
    /// When they registered.
    pub created_at: Timestamp,
    /// When the profile last changed.
    pub updated_at: Timestamp,
    /// What a later version has stored with it.
    pub unknown: Unknown,
}

/// Which mails a user wants: all but those turned off. At first that is the digest, which nobody has asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    off: BTreeSet<MailKind>,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self { off: [MailKind::Digest].into() }
    }
}

impl MailSettings {
    /// Whether mails of a kind are wanted.
    pub fn wants(&self, kind: MailKind) -> bool {
        !self.off.contains(&kind)
    }

    /// Turns mails of a kind on or off.
    pub fn set(&mut self, kind: MailKind, wanted: bool) {
        if wanted {
            self.off.remove(&kind);
        } else {
            self.off.insert(kind);
        }
    }
}

impl Serialize for MailSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(MailKind::ALL.iter().map(|kind| (kind.as_str(), self.wants(*kind))))
    }
}

impl<'de> Deserialize<'de> for MailSettings {
    /// A kind that is not named is as it is at first: there may be more of them now.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let told = BTreeMap::<String, bool>::deserialize(deserializer)?;
        let mut settings = Self::default();
        for kind in MailKind::ALL {
            let wanted = told.get(kind.as_str()).copied();
            settings.set(*kind, wanted.unwrap_or_else(|| settings.wants(*kind)));
        }
        Ok(settings)
    }
}

/// A merge patch (RFC 7396) of the profile, checked field by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserPatch {
    /// A new name.
    pub name: Option<PersonName>,
    /// A new zone.
    pub time_zone: Option<Zone>,
    /// New default reminders; each counts from the due time.
    pub default_reminders: Option<Vec<ReminderSpec>>,
    /// Which kinds of mail are wanted, and which are not.
    pub mail: Vec<(MailKind, bool)>,
    /// Another hour for the digest.
    pub digest_hour: Option<DigestHour>,
    /// Another role, which an operator gives.
    pub role: Option<AccountRole>,
    /// Whether an operator disables or enables the account.
    pub disabled: Option<bool>,
}

impl User {
    /// Applies a patch. Returns whether anything changed; then the version is one higher.
    pub fn apply(&mut self, patch: UserPatch, now: Timestamp) -> bool {
        let before = self.clone();
        let UserPatch { name, time_zone, default_reminders, .. } = patch;
        let UserPatch { mail, digest_hour, role, disabled, .. } = patch;
        self.name = name.unwrap_or_else(|| self.name.clone());
        self.time_zone = time_zone.unwrap_or_else(|| self.time_zone.clone());
        self.default_reminders = default_reminders.unwrap_or_else(|| self.default_reminders.clone());
        mail.into_iter().for_each(|(kind, wanted)| self.mail.set(kind, wanted));
        self.digest_hour = digest_hour.unwrap_or(self.digest_hour);
        self.role = role.unwrap_or(self.role);
        self.disabled_at = match disabled {
            Some(true) => self.disabled_at.or(Some(now)),
            Some(false) => None,
            None => self.disabled_at,
        };
        if self.role != before.role || self.disabled_at.is_some() != before.disabled_at.is_some() {
            self.revoke_tokens(now);
        }
        self.touch(&before, now)
    }

    /// Another password has been set by a code that was mailed to the address: what was issued or signed before is not
    /// valid, and the address is the user's.
    pub fn set_password(&mut self, link_secret: String, now: Timestamp) {
        let before = self.clone();
        (self.link_secret, self.password_set_at) = (link_secret, Some(now));
        self.revoke_tokens(now);
        self.email_verified_at =
            self.email_verified_at.filter(|_| self.mail_stopped.is_none()).or(Some(now));
        self.mail_stopped = None;
        self.touch(&before, now);
    }

    /// Also what is issued until this is stored, and by clocks that are ahead, is not valid. What is issued then is dated
    /// that much ahead.
    fn revoke_tokens(&mut self, now: Timestamp) {
        self.tokens_valid_from = Some(whole_seconds(now) + REVOKED_AHEAD);
    }

    /// The user has proven that the address is theirs. Returns whether that is news.
    pub fn verify_email(&mut self, now: Timestamp) -> bool {
        let before = self.clone();
        if self.email_verified_at.is_none() || self.mail_stopped.is_some() {
            self.email_verified_at = Some(now);
            self.mail_stopped = None;
        }
        self.touch(&before, now)
    }

    /// Learns that a mail which was accepted at a moment came back, or was unwanted. What is older than the user's last
    /// proof of the address says nothing. Returns whether it stops mail to it now.
    pub fn stop_mail(&mut self, reason: StopReason, accepted_at: Timestamp, now: Timestamp) -> bool {
        let before = self.clone();
        if self.mail_stopped.is_none() && self.email_verified_at.is_none_or(|at| at <= accepted_at) {
            self.mail_stopped = Some(MailSuppression { reason, at: now });
        }
        self.touch(&before, now)
    }

    /// The day that it is for the user at a moment.
    pub fn local_date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.time_zone.rules().clone()).date()
    }

    /// When a day begins for the user.
    pub fn start_of(&self, day: Date) -> Timestamp {
        self.wall_time(day, 0)
    }

    /// When the clocks of the user show an hour of a day. An hour that they leap over is the one after it; of one that
    /// comes twice, the first counts.
    pub(crate) fn wall_time(&self, day: Date, hour: i8) -> Timestamp {
        Due::Wall(day.at(hour, 0, 0, 0), self.time_zone.clone(), Fold::Earlier).at(&self.time_zone)
    }

    /// Whether mail may go to the user, whatever its kind.
    ///
    /// # Errors
    /// Why not.
    pub fn reachable(&self) -> Result<(), Reason> {
        match self.mail_stopped {
            _ if self.disabled_at.is_some() => Err(Reason::AccountDisabled),
            Some(MailSuppression { reason: StopReason::Bounced, .. }) => Err(Reason::Bounced),
            Some(MailSuppression { reason: StopReason::Complained, .. }) => Err(Reason::Complained),
            None if self.email_verified_at.is_none() => Err(Reason::Unverified),
            None => Ok(()),
        }
    }

    fn touch(&mut self, before: &Self, now: Timestamp) -> bool {
        let changed = self != before;
        if changed {
            self.version += 1;
            self.updated_at = now;
        }
        changed
    }
}
