//! `record-mail-events`, for each SES event: records the result of a mail in the delivery log, and suppresses addresses
//! that bounce or complain. Events may arrive late, repeatedly and in any order.

use jiff::Timestamp;
use taskbell_domain::{
    account_event::AccountEvent,
    clock::Clock,
    delivery::DeliveryEvent,
    id::{NotificationId, ReminderId, TaskId, UserId},
    notification::NotificationKind,
    ports::{
        AtomicExtras, MailTags, Notifications, PortError, ProfileChanges, Profiles,
        SuppressedAddresses, TaskChanges,
    },
    timer::TimerTarget,
    user::SuppressionReason,
};

use crate::{
    log_id::log_id,
    update::{TooManyConflicts, Update},
};

/// Why an event was not recorded. It should be received again.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A call to DynamoDB failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The item that it is about kept changing.
    #[error("the item kept changing")]
    TooManyConflicts,
}

impl From<TooManyConflicts> for RecordingError {
    fn from(_: TooManyConflicts) -> Self {
        Self::TooManyConflicts
    }
}

/// Records one event about the mail with these tags. `suppress` says why its recipient should get no more mail.
///
/// # Errors
/// [`RecordingError`]; the event should then be received again.
pub async fn handle(
    store: &(impl TaskChanges + Notifications + ProfileChanges + SuppressedAddresses),
    tags: &MailTags,
    event: &DeliveryEvent,
    suppress: Option<SuppressionReason>,
    clock: &dyn Clock,
) -> Result<(), RecordingError> {
    match (tags.target, tags.reminder) {
        (TimerTarget::Task(task), Some(reminder)) => {
            record_for_task(store, task, reminder, event).await?
        }
        // A digest itself is not mailed, but the notification that it creates.
        (TimerTarget::Task(_), None) | (TimerTarget::Digest(_), _) => {}
        (TimerTarget::Notification(notification), _) => {
            record_for_notification(store, notification, event).await?
        }
    }
    let Some(reason) = suppress else { return Ok(()) };
    match tags.user {
        Some(user) => suppress_user(store, user, reason, event.accepted_at, clock.now()).await,
        None => suppress_address(store, tags.target, clock.now()).await,
    }
}

async fn record_for_task(
    store: &impl TaskChanges,
    id: TaskId,
    reminder: ReminderId,
    event: &DeliveryEvent,
) -> Result<(), RecordingError> {
    let mut update = Update::of(store.task(id).await?);
    while let Some((mut task, expected)) = update.attempt()? {
        if !task.apply_event(reminder, event)
            || update.is_stored(store.replace(&task, expected, AtomicExtras::default()).await?)
        {
            break;
        }
    }
    Ok(())
}

async fn record_for_notification(
    store: &impl Notifications,
    id: NotificationId,
    event: &DeliveryEvent,
) -> Result<(), RecordingError> {
    let mut update = Update::of(store.notification(id).await?);
    while let Some((mut notification, expected)) = update.attempt()? {
        if !notification.apply_event(event)
            || update.is_stored(store.replace_notification(&notification, expected).await?)
        {
            break;
        }
    }
    Ok(())
}

async fn suppress_user(
    store: &impl ProfileChanges,
    id: UserId,
    reason: SuppressionReason,
    accepted_at: Timestamp,
    now: Timestamp,
) -> Result<(), RecordingError> {
    let mut update = Update::of(store.user(id).await?);
    while let Some((mut user, expected)) = update.attempt()? {
        if !user.stop_mail(reason, accepted_at, now) {
            break;
        }
        if update.is_stored(store.replace_user(&user, expected, None).await?) {
            tracing::warn!(user = log_id(id), reason = reason.as_str(), "mail suppressed");
            break;
        }
    }
    Ok(())
}

/// Suppresses the address of a mail that others have caused: an invitation, which may have no account, or a repeated
/// registration.
async fn suppress_address(
    store: &(impl Notifications + Profiles + SuppressedAddresses),
    target: TimerTarget,
    now: Timestamp,
) -> Result<(), RecordingError> {
    let TimerTarget::Notification(id) = target else { return Ok(()) };
    let kind = store.notification(id).await?.map(|notification| notification.kind);
    let address = match kind {
        Some(
            NotificationKind::Invitation { to, .. }
            | NotificationKind::RegistrationInvitation { to, .. },
        ) => Some(to),
        Some(NotificationKind::Account { to, event: AccountEvent::RegisteredAgain }) => {
            store.user(to).await?.map(|user| user.email)
        }
        _ => None,
    };
    if let Some(address) = address {
        store.suppress_address(&address.hash(), now).await?;
    }
    Ok(())
}
