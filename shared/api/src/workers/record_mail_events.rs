//! `record-mail-events`, for each event of SES: writes what became of a mail into the ledger, and stops mail to
//! addresses where it is refused or unwanted. Events come late, twice and in any order; that changes nothing.

use jiff::Timestamp;
use taskbell_domain::{
    clock::Clock,
    delivery::News,
    id::{NoticeId, ReminderId, TaskId, UserId},
    notice::Content,
    ports::{
        About, Alongside, Notices, PortError, ProfileChanges, Replaced, StoppedAddresses, TaskChanges,
    },
    timer::Subject,
    user::StopReason,
};

/// How often a change is tried when others change the same thing.
const TRIES: usize = 10;

/// Why an event was not dealt with; it comes again.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something outside failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// What it tells of kept changing.
    #[error("it did not stand still")]
    Restless,
}

/// Records one event: what is told of a mail, and why no mail should go to its recipient any more.
///
/// # Errors
/// [`Failure`]; the event should then come again.
pub async fn handle(
    store: &(impl TaskChanges + Notices + ProfileChanges + StoppedAddresses),
    about: &About,
    news: &News,
    stops: Option<StopReason>,
    clock: &dyn Clock,
) -> Result<(), Failure> {
    match (about.subject, about.reminder) {
        (Subject::Task(task), Some(reminder)) => tell_task(store, task, reminder, news).await?,
        // A digest itself is no mail; the notice that it makes is.
        (Subject::Task(_), None) | (Subject::Digest(_), _) => {}
        (Subject::Notice(notice), _) => tell_notice(store, notice, news).await?,
    }
    let Some(reason) = stops else { return Ok(()) };
    match about.user {
        Some(user) => stop_user(store, user, reason, news.accepted_at, clock.now()).await,
        None => stop_stranger(store, about.subject, clock.now()).await,
    }
}

async fn tell_task(
    store: &impl TaskChanges,
    id: TaskId,
    reminder: ReminderId,
    news: &News,
) -> Result<(), Failure> {
    let mut found = store.task(id).await?;
    for _ in 0..TRIES {
        let Some(mut task) = found else { return Ok(()) };
        let read = task.version;
        if !task.learn(reminder, news) {
            return Ok(());
        }
        match store.replace(&task, read, Alongside::default()).await? {
            Replaced::Done => return Ok(()),
            Replaced::Conflict(present) => found = present.map(|task| *task),
        }
    }
    Err(Failure::Restless)
}

async fn tell_notice(store: &impl Notices, id: NoticeId, news: &News) -> Result<(), Failure> {
    let mut found = store.notice(id).await?;
    for _ in 0..TRIES {
        let Some(mut notice) = found else { return Ok(()) };
        let read = notice.version;
        if !notice.learn(news) {
            return Ok(());
        }
        match store.replace_notice(&notice, read).await? {
            Replaced::Done => return Ok(()),
            Replaced::Conflict(present) => found = present.map(|notice| *notice),
        }
    }
    Err(Failure::Restless)
}

async fn stop_user(
    store: &impl ProfileChanges,
    id: UserId,
    reason: StopReason,
    accepted_at: Timestamp,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut found = store.user(id).await?;
    for _ in 0..TRIES {
        let Some(mut user) = found else { return Ok(()) };
        let read = user.version;
        if !user.stop_mail(reason, accepted_at, now) {
            return Ok(());
        }
        match store.replace_user(&user, read, None).await? {
            Replaced::Done => {
                tracing::warn!(user = %id, reason = reason.as_str(), "mail to an address has stopped");
                return Ok(());
            }
            Replaced::Conflict(present) => found = present.map(|user| *user),
        }
    }
    Err(Failure::Restless)
}

/// An invitation went to an address that is nobody's account.
async fn stop_stranger(
    store: &(impl Notices + StoppedAddresses),
    subject: Subject,
    now: Timestamp,
) -> Result<(), Failure> {
    let Subject::Notice(id) = subject else { return Ok(()) };
    if let Some(Content::Invitation { to, .. }) = store.notice(id).await?.map(|notice| notice.content) {
        store.stop_address(&to.hash(), now).await?;
    }
    Ok(())
}
