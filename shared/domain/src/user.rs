//! The account's profile: who the user is and how they want to be reminded.

use jiff::Timestamp;

use crate::{
    email::EmailAddress, id::UserId, reminder::ReminderSpec, text::PersonName, words::word_enum,
    zone::Zone,
};

word_enum!(AccountRole, "What an account may do beyond its own spaces.",
    User = "user": "Nothing.",
    Operator = "operator": "Manage accounts, and write to their users.",
);

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
    /// What the account may do beyond its own spaces.
    pub role: AccountRole,
    /// Since when an operator has disabled the account: nobody can use it, and no mail goes to it.
    pub disabled_at: Option<Timestamp>,
    /// Proves, in the link of a mail, that its reader received that mail.
    pub unsubscribe_token: String,
    /// Counts the changes of the profile.
    pub version: u64,
    /// When they registered.
    pub created_at: Timestamp,
    /// When the profile last changed.
    pub updated_at: Timestamp,
}

/// Which mails a user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct MailSettings {
    /// Reminders of tasks.
    pub reminders: bool,
    /// News of tasks that others assign to them.
    pub assignments: bool,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self { reminders: true, assignments: true }
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
    /// Whether reminder mails are wanted.
    pub mail_reminders: Option<bool>,
    /// Whether news of assignments is wanted.
    pub mail_assignments: Option<bool>,
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
        let UserPatch { mail_reminders, mail_assignments, role, disabled, .. } = patch;
        self.name = name.unwrap_or_else(|| self.name.clone());
        self.time_zone = time_zone.unwrap_or_else(|| self.time_zone.clone());
        self.default_reminders = default_reminders.unwrap_or_else(|| self.default_reminders.clone());
        self.mail.reminders = mail_reminders.unwrap_or(self.mail.reminders);
        self.mail.assignments = mail_assignments.unwrap_or(self.mail.assignments);
        self.role = role.unwrap_or(self.role);
        self.disabled_at = match disabled {
            Some(true) => self.disabled_at.or(Some(now)),
            Some(false) => None,
            None => self.disabled_at,
        };
        let changed = *self != before;
        if changed {
            self.version += 1;
            self.updated_at = now;
        }
        changed
    }
}
