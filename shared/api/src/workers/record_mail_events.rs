//! `record-mail-events`, for each event of SES: writes what became of a mail into the ledger, and stops mail to
//! addresses where it is refused or unwanted. Events come late, twice and in any order; that changes nothing.

use jiff::Timestamp;
use taskbell_domain::{
    clock::Clock,
    delivery::DeliveryEvent,
    id::{NotificationId, ReminderId, TaskId, UserId},
    notification::NotificationKind,
    ports::{
        AtomicExtras, MailTags, Notifications, PortError, ProfileChanges, SuppressedAddresses,
        TaskChanges,
    },
    timer::TimerTarget,
    user::StopReason,
};

use crate::update::{TooManyConflicts, Update};

/// Why an event was not dealt with; it comes again.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Something outside failed.
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

/// Records one event: what is told of a mail, and why no mail should go to its recipient any more.
///
/// # Errors
/// [`RecordingError`]; the event should then come again.
pub async fn handle(
    store: &(impl TaskChanges + Notifications + ProfileChanges + SuppressedAddresses),
    about: &MailTags,
    news: &DeliveryEvent,
    stops: Option<StopReason>,
    clock: &dyn Clock,
) -> Result<(), RecordingError> {
    match (about.subject, about.reminder) {
        (TimerTarget::Task(task), Some(reminder)) => {
            record_for_task(store, task, reminder, news).await?
        }
        // A digest itself is no mail; the notification that it makes is.
        (TimerTarget::Task(_), None) | (TimerTarget::Digest(_), _) => {}
        (TimerTarget::Notification(notification), _) => {
            record_for_notification(store, notification, news).await?
        }
    }
    let Some(reason) = stops else { return Ok(()) };
    match about.user {
        Some(user) => stop_user(store, user, reason, news.accepted_at, clock.now()).await,
        None => stop_stranger(store, about.subject, clock.now()).await,
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

async fn stop_user(
    store: &impl ProfileChanges,
    id: UserId,
    reason: StopReason,
    accepted_at: Timestamp,
    now: Timestamp,
) -> Result<(), RecordingError> {
    let mut update = Update::of(store.user(id).await?);
    while let Some((mut user, expected)) = update.attempt()? {
        if !user.stop_mail(reason, accepted_at, now) {
            break;
        }
        if update.is_stored(store.replace_user(&user, expected, None).await?) {
            tracing::warn!(user = %id, reason = reason.as_str(), "mail to an address has stopped");
            break;
        }
    }
    Ok(())
}

/// An invitation went to an address that is nobody's account.
async fn stop_stranger(
    store: &(impl Notifications + SuppressedAddresses),
    subject: TimerTarget,
    now: Timestamp,
) -> Result<(), RecordingError> {
    let TimerTarget::Notification(id) = subject else { return Ok(()) };
    if let Some(NotificationKind::Invitation { to, .. }) =
        store.notification(id).await?.map(|notification| notification.content)
    {
        store.suppress_address(&to.hash(), now).await?;
    }
    Ok(())
}
