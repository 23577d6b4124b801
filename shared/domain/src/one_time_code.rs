//! One-time codes that are mailed to an account.

use jiff::SignedDuration;

use crate::{
    clock::Random,
    id::NotificationId,
    second_factor::REMOVAL_LIFETIME,
    secret::{link_token, sha256_hex},
    string_enum::string_enum,
};

/// How long a change of an account's address can be undone, and how long nobody else can register the previous address.
pub const EMAIL_CHANGE_UNDO: SignedDuration = SignedDuration::from_hours(72);

string_enum!(Purpose, "What a code authorizes.",
    Operator = "operator": "Makes the account an operator.",
    PasswordReset = "password_reset": "Sets a new password.",
    EmailChange = "email_change": "Makes the address that it was mailed to that of the account.",
    EmailChangeUndo = "email_change_undo": "Makes the address that it was mailed to that of the account again, and locks the password.",
    SecondFactorRemoval = "second_factor_removal": "Removes the second factor, once its waiting time is over.",
);

impl Purpose {
    /// How long a code is valid.
    pub fn lifetime(self) -> SignedDuration {
        match self {
            Self::Operator => SignedDuration::from_hours(24),
            Self::PasswordReset => SignedDuration::from_hours(1),
            Self::EmailChange => SignedDuration::from_hours(24),
            Self::EmailChangeUndo => EMAIL_CHANGE_UNDO,
            Self::SecondFactorRemoval => REMOVAL_LIFETIME,
        }
    }
}

/// A one-time code. It identifies the notification that carries it, and proves that its sender received the mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// The notification that carries the code.
    pub notification: NotificationId,
    /// 128 random bits.
    pub secret: String,
}

impl Code {
    /// A new code.
    pub fn generate(notification: NotificationId, random: &dyn Random) -> Self {
        Self { notification, secret: link_token(random) }
    }

    /// Reads the output of [`Self::to_text`]. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (notification, secret) = text.trim().split_once('.')?;
        Some(Self {
            notification: NotificationId::from_body(notification).ok()?,
            secret: secret.to_owned(),
        })
    }

    /// The code as it is mailed: `<notification>.<secret>`.
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.notification.body(), self.secret)
    }

    /// The hash that is stored instead of the secret.
    pub fn hash(&self) -> String {
        sha256_hex(self.secret.as_bytes())
    }
}
