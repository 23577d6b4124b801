//! `record-mail-events`, for each event of SES: writes what became of a mail into the ledger, and stops mail to
//! addresses where it is refused or unwanted. Events come late, twice and in any order; that changes nothing.

use jiff::Timestamp;
use taskbell_domain::{
    clock::Clock,
    delivery::DeliveryEvent,
    id::{NotificationId, ReminderId, TaskId, UserId},
    notification::NotificationKind,
    ports::{
        AtomicExtras, MailTags, Notifications, PortError, ProfileChanges, Replaced,
        SuppressedAddresses, TaskChanges,
    },
    timer::TimerTarget,
    user::StopReason,
};

/// How often a change is tried when others change the same thing.
const TRIES: usize = 10;

/// Why an event was not dealt with; it comes again.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Something outside failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// What it tells of kept changing.
    #[error("it did not stand still")]
    TooManyConflicts,
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
    news: &DeliveryEvent,
) -> Result<(), RecordingError> {
    let mut found = store.task(id).await?;
    for _ in 0..TRIES {
        let Some(mut task) = found else { return Ok(()) };
        let read = task.version;
        if !task.apply_event(reminder, news) {
            return Ok(());
        }
        match store.replace(&task, read, AtomicExtras::default()).await? {
            Replaced::Stored => return Ok(()),
            Replaced::Conflict(present) => found = present.map(|task| *task),
        }
    }
    Err(RecordingError::TooManyConflicts)
}

async fn record_for_notification(
    store: &impl Notifications,
    id: NotificationId,
    news: &DeliveryEvent,
) -> Result<(), RecordingError> {
    let mut found = store.notification(id).await?;
    for _ in 0..TRIES {
        let Some(mut notification) = found else { return Ok(()) };
        let read = notification.version;
        if !notification.apply_event(news) {
            return Ok(());
        }
        match store.replace_notification(&notification, read).await? {
            Replaced::Stored => return Ok(()),
            Replaced::Conflict(present) => found = present.map(|notification| *notification),
        }
    }
    Err(RecordingError::TooManyConflicts)
}

async fn stop_user(
    store: &impl ProfileChanges,
    id: UserId,
    reason: StopReason,
    accepted_at: Timestamp,
    now: Timestamp,
) -> Result<(), RecordingError> {
    let mut found = store.user(id).await?;
    for _ in 0..TRIES {
        let Some(mut user) = found else { return Ok(()) };
        let read = user.version;
        if !user.stop_mail(reason, accepted_at, now) {
            return Ok(());
        }
        match store.replace_user(&user, read, None).await? {
            Replaced::Stored => {
                tracing::warn!(user = %id, reason = reason.as_str(), "mail to an address has stopped");
                return Ok(());
            }
            Replaced::Conflict(present) => found = present.map(|user| *user),
        }
    }
    Err(RecordingError::TooManyConflicts)
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
