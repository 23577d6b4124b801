//! Single-use codes that are mailed to the address of an account.

use http::StatusCode;
use jiff::Timestamp;
use taskbell_domain::{
    email::EmailAddress,
    id::{NotificationId, UserId},
    notification::{Notification, NotificationKind},
    one_time_code::{Code, Purpose},
    ports::{Notifications, TimerQueue},
};

use crate::{
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, Problem},
};

/// Mails a code to the address of an account, or to another address that its owner has given.
///
/// # Errors
/// 503 if the code cannot be stored.
pub(crate) async fn send(
    call: &Call<'_>,
    store: &impl Notifications,
    queue: &impl TimerQueue,
    (to, address): (UserId, Option<EmailAddress>),
    purpose: Purpose,
) -> Result<(), Problem> {
    let now = call.now();
    let kind = NotificationKind::Code { to, purpose, address, secret_hash: None };
    let notification =
        Notification::new(NotificationId::generate(call.clock(), call.random()), kind, now);
    store.add_notification(&notification, None).await?;
    enqueue_if_soon(queue, [notification.timer()], now).await;
    Ok(())
}

/// The response to an invalid code.
pub(crate) fn invalid() -> Problem {
    let detail = "The code is invalid, expired or already used: request a new one.";
    Problem::new(StatusCode::NOT_FOUND, "invalid_code", detail)
}

/// A code that was verified and not used yet.
pub(crate) struct VerifiedCode {
    /// The account of the code.
    pub(crate) user: UserId,
    /// The notification that carried the code.
    pub(crate) notification: Notification,
}

/// Verifies a code.
///
/// # Errors
/// 404 `invalid_code`.
pub(crate) async fn verify(
    store: &impl Notifications,
    code: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<VerifiedCode, Problem> {
    let code = Code::parse(code).ok_or_else(invalid)?;
    let notification = store.notification(code.notification).await?.ok_or_else(invalid)?;
    let NotificationKind::Code { to, purpose: of, secret_hash, .. } = &notification.kind else {
        return Err(invalid());
    };
    let is_code = *of == purpose && *secret_hash == Some(code.hash());
    if !is_code || notification.created_at + purpose.lifetime() <= now {
        return Err(invalid());
    }
    Ok(VerifiedCode { user: *to, notification })
}

impl VerifiedCode {
    /// The address that the code was mailed to, if it is not that of the account.
    pub(crate) fn address(&self) -> Option<&EmailAddress> {
        match &self.notification.kind {
            NotificationKind::Code { address, .. } => address.as_ref(),
            _ => None,
        }
    }

    /// The notification with its code marked as used, to store together with the effect of the code.
    pub(crate) fn mark_used(self) -> Notification {
        let mut notification = self.notification;
        if let NotificationKind::Code { secret_hash, .. } = &mut notification.kind {
            *secret_hash = None;
        }
        notification.version += 1;
        notification
    }
}
