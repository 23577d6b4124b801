//! Profiles of accounts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    clock::whole_seconds,
    credential::RefreshToken,
    delivery::Reason,
    due::{Due, Fold},
    email::EmailAddress,
    id::{NotificationId, SessionId, UserId},
    reminder::ReminderSpec,
    string_enum::string_enum,
    text::PersonName,
    unknown::Unknown,
    violation::Violation,
    zone::Zone,
};

string_enum!(AccountRole, "What an account may do outside its spaces.",
    User = "user": "Nothing.",
    Operator = "operator": "Manage accounts, and send messages to users.",
);

string_enum!(OperatorSecondFactor, "Whether operators of a stack need a second factor.",
    Optional = "optional": "They decide themselves.",
    Required = "required": "Without one they cannot act as operators.",
);

string_enum!(MailKind, "A kind of mail that a user can turn off. Mails that a user requests, such as codes, have no kind.",
    Reminders = "reminders": "Reminders of tasks.",
    Digest = "digest": "The daily digest.",
    Assignments = "assignments": "Tasks that others assign to the user.",
    Invitations = "invitations": "Invitations into spaces.",
);

string_enum!(SuppressionReason, "Why mail to an address is suppressed.",
    Bounced = "bounced": "Its mail server refused a mail permanently.",
    Complained = "complained": "Its owner reported a mail as spam.",
);

/// How far into the future access tokens are revoked. It covers tokens issued before the revocation is stored, and clock
/// skew.
pub const REVOKED_AHEAD: SignedDuration = SignedDuration::from_secs(10);

/// The suppression of mail to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailSuppression {
    /// The reason.
    pub reason: SuppressionReason,
    /// When it began.
    pub at: Timestamp,
}

/// The profile of an account. The password hash is stored separately, where functions for tasks cannot read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its address.
    pub email: EmailAddress,
    /// The user's name.
    pub name: PersonName,
    /// The time zone of all-day tasks and of times in mails.
    pub time_zone: Zone,
    /// The reminders of new tasks that have a due time and no reminders of their own.
    pub default_reminders: Vec<ReminderSpec>,
    /// Which kinds of mail are turned on.
    pub mail: MailSettings,
    /// The hour of the digest.
    pub digest_hour: DigestHour,
    /// What the account may do outside its spaces.
    pub role: AccountRole,
    /// When an operator blocked the account. A blocked account cannot be used and gets no mail.
    pub disabled_at: Option<Timestamp>,
    /// When the address was verified. An address that is not verified gets only mails that the
    /// verification needs.
    pub email_verified_at: Option<Timestamp>,
    /// Set while mail to the address is suppressed. Verifying the address again ends it.
    pub mail_stopped: Option<MailSuppression>,
    /// The key that signs links in mails to the user.
    pub link_secret: String,
    /// When the password was last changed or reset. Sessions opened before have ended.
    pub password_set_at: Option<Timestamp>,
    /// When the address was last changed. Codes mailed before are not valid.
    pub email_set_at: Option<Timestamp>,
    /// The notifications with the codes that undo changes of the address, oldest first. Expired ones may be included.
    pub email_undos: Vec<NotificationId>,
    /// Access tokens issued before this time are not valid.
    pub tokens_valid_from: Option<Timestamp>,
    /// API tokens created before this time are not valid.
    pub api_tokens_valid_from: Option<Timestamp>,
    /// When a second factor was confirmed. `None` if log-ins need none.
    pub second_factor_at: Option<Timestamp>,
    /// The session that confirmed it. Other sessions that were opened before have ended.
    pub second_factor_session: Option<SessionId>,
    /// The number of changes.
    pub version: u64,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When the profile was last changed.
    pub updated_at: Timestamp,
    /// Attributes stored by a later version.
    pub unknown: Unknown,
}

/// The hour of the day at which a user gets the digest: 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestHour(i8);

impl DigestHour {
    /// The default hour.
    pub const DEFAULT: Self = Self(7);

    /// Checks an hour.
    ///
    /// # Errors
    /// A [`Violation`] with code `out_of_range`.
    pub fn new(hour: u64) -> Result<Self, Violation> {
        match i8::try_from(hour) {
            Ok(hour) if hour < 24 => Ok(Self(hour)),
            _ => Err(Violation::new("out_of_range", "It must be a whole hour from 0 to 23.")),
        }
    }

    /// The hour, 0 to 23.
    pub fn get(self) -> i8 {
        self.0
    }
}

/// Which kinds of mail a user wants. By default only the digest is turned off.
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
    /// Whether a kind is turned on.
    pub fn wants(&self, kind: MailKind) -> bool {
        !self.off.contains(&kind)
    }

    /// Turns a kind on or off.
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
    /// A kind that is not named has its default: it may be newer than the stored profile.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = BTreeMap::<String, bool>::deserialize(deserializer)?;
        let mut settings = Self::default();
        for kind in MailKind::ALL {
            let wanted = stored.get(kind.as_str()).copied();
            settings.set(*kind, wanted.unwrap_or_else(|| settings.wants(*kind)));
        }
        Ok(settings)
    }
}

/// A merge patch (RFC 7396) of a profile. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserPatch {
    /// A new name.
    pub name: Option<PersonName>,
    /// A new time zone.
    pub time_zone: Option<Zone>,
    /// New default reminders. All count from the due time.
    pub default_reminders: Option<Vec<ReminderSpec>>,
    /// Kinds of mail to turn on or off.
    pub mail: Vec<(MailKind, bool)>,
    /// A new hour for the digest.
    pub digest_hour: Option<DigestHour>,
    /// A new role, set by an operator.
    pub role: Option<AccountRole>,
    /// Whether an operator blocks (`true`) or unblocks the account.
    pub disabled: Option<bool>,
}

/// What decides whether the access tokens of an account are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountState {
    /// Whether an operator has blocked the account.
    pub is_blocked: bool,
    /// Access tokens issued before this time are not valid.
    pub tokens_valid_from: Option<Timestamp>,
    /// API tokens created before this time are not valid.
    pub api_tokens_valid_from: Option<Timestamp>,
}

impl User {
    /// Whether its access tokens are accepted.
    pub fn state(&self) -> AccountState {
        AccountState {
            is_blocked: self.disabled_at.is_some(),
            tokens_valid_from: self.tokens_valid_from,
            api_tokens_valid_from: self.api_tokens_valid_from,
        }
    }

    /// Applies a patch. Returns whether the profile changed; then its version increased by one.
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

    /// Records that the password was reset by a code that was mailed to the address. Tokens, API tokens and links issued
    /// before become invalid, because someone else may have created them; and the address becomes verified.
    pub fn reset_password(&mut self, link_secret: String, now: Timestamp) {
        let before = self.clone();
        (self.link_secret, self.password_set_at) = (link_secret, Some(now));
        self.revoke_tokens(now);
        self.api_tokens_valid_from = Some(now);
        self.email_verified_at =
            self.email_verified_at.filter(|_| self.mail_stopped.is_none()).or(Some(now));
        self.mail_stopped = None;
        self.touch(&before, now);
    }

    /// Records that a session has confirmed a second factor. Access tokens become invalid, and all other sessions end: they
    /// were opened without it.
    pub fn add_second_factor(&mut self, session: SessionId, now: Timestamp) {
        let before = self.clone();
        (self.second_factor_at, self.second_factor_session) = (Some(now), Some(session));
        self.revoke_tokens(now);
        self.touch(&before, now);
    }

    /// Records that the second factor was removed. Sessions and access tokens stay valid.
    pub fn remove_second_factor(&mut self, now: Timestamp) {
        // Always a change: it is stored on condition of the version that was read.
        (self.second_factor_at, self.second_factor_session) = (None, None);
        self.version += 1;
        self.updated_at = now;
    }

    /// Whether the session of a refresh token was opened before a second factor was confirmed, and by a log-in without one.
    pub fn lacks_second_factor(&self, token: &RefreshToken) -> bool {
        let is_exempt = self.second_factor_session == Some(token.session);
        !is_exempt && self.second_factor_at.is_some_and(|at| token.is_older_than(at))
    }

    /// Revokes all access tokens, and those issued in the next [`REVOKED_AHEAD`]. New tokens are dated after that.
    pub(crate) fn revoke_tokens(&mut self, now: Timestamp) {
        self.tokens_valid_from = Some(whole_seconds(now) + REVOKED_AHEAD);
    }

    /// Makes the links in earlier mails invalid.
    pub fn renew_links(&mut self, link_secret: String, now: Timestamp) {
        let before = self.clone();
        self.link_secret = link_secret;
        self.touch(&before, now);
    }

    /// Records that the address was verified. Returns whether the profile changed.
    pub fn verify_email(&mut self, now: Timestamp) -> bool {
        let before = self.clone();
        if self.email_verified_at.is_none() || self.mail_stopped.is_some() {
            self.email_verified_at = Some(now);
            self.mail_stopped = None;
        }
        self.touch(&before, now)
    }

    /// Suppresses mail to the address because a mail accepted at `accepted_at` bounced or was reported as spam. A mail
    /// accepted before the address was last verified is ignored. Returns whether the profile changed.
    pub fn stop_mail(
        &mut self,
        reason: SuppressionReason,
        accepted_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        let before = self.clone();
        if self.mail_stopped.is_none() && self.email_verified_at.is_none_or(|at| at <= accepted_at) {
            self.mail_stopped = Some(MailSuppression { reason, at: now });
        }
        self.touch(&before, now)
    }

    /// The date in the user's time zone.
    pub fn local_date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.time_zone.rules().clone()).date()
    }

    /// The start of a day in the user's time zone.
    pub fn start_of(&self, day: Date) -> Timestamp {
        self.wall_time(day, 0)
    }

    /// An hour of a day in the user's time zone. If DST skips the hour, the next hour is used. If it occurs twice, the
    /// first is used.
    pub(crate) fn wall_time(&self, day: Date, hour: i8) -> Timestamp {
        Due::Wall(day.at(hour, 0, 0, 0), self.time_zone.clone(), Fold::Earlier).at(&self.time_zone)
    }

    /// Checks whether mail of any kind may be sent to the user.
    ///
    /// # Errors
    /// The reason why not.
    pub fn reachable(&self) -> Result<(), Reason> {
        match self.mail_stopped {
            _ if self.disabled_at.is_some() => Err(Reason::AccountDisabled),
            Some(MailSuppression { reason: SuppressionReason::Bounced, .. }) => Err(Reason::Bounced),
            Some(MailSuppression { reason: SuppressionReason::Complained, .. }) => {
                Err(Reason::Complained)
            }
            None if self.email_verified_at.is_none() => Err(Reason::Unverified),
            None => Ok(()),
        }
    }

    pub(crate) fn touch(&mut self, before: &Self, now: Timestamp) -> bool {
        let changed = self != before;
        if changed {
            self.version += 1;
            self.updated_at = now;
        }
        changed
    }
}
