//! Sending mail, and addresses that get none.

use std::future::Future;

use jiff::Timestamp;

use super::PortError;
use crate::{
    email::EmailAddress,
    id::{ReminderId, UserId},
    timer::TimerTarget,
};

/// What a mail belongs to. The mail service returns the tags in each event about the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailTags {
    /// The task or notification.
    pub target: TimerTarget,
    /// The reminder, if it is a task.
    pub reminder: Option<ReminderId>,
    /// The recipient. `None` for an invitation, which is sent to an address.
    pub user: Option<UserId>,
}

/// A mail to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// What it belongs to.
    pub tags: MailTags,
    /// The recipient.
    pub to: EmailAddress,
    /// The message (RFC 5322), headers included.
    pub message: Vec<u8>,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The mail service refused it, with this code.
    #[error("refused: {0}")]
    Refused(String),
    /// It was not accepted for a reason that is not about this mail, such as throttling, a paused account or a failed
    /// connection. It can be sent later.
    #[error("deferred: {0}")]
    Deferred(String),
    /// It is unknown whether it was accepted.
    #[error("unknown whether it was accepted: {0}")]
    Unknown(String),
}

/// Sends mail.
pub trait Mailer: Send + Sync {
    /// Sends a mail without retries. Returns the message id.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<String, MailError>> + Send;
}

/// Stores addresses that get no mail, with or without an account.
pub trait SuppressedAddresses: Send + Sync {
    /// Suppresses mail to the address with this hash.
    fn suppress_address(
        &self,
        address_hash: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Whether mail to the address with this hash is suppressed.
    fn is_suppressed(&self, address_hash: &str)
    -> impl Future<Output = Result<bool, PortError>> + Send;
}
