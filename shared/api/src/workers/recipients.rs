//! Who gets a mail, and why somebody does not.

use taskbell_domain::{
    delivery::Reason,
    id::UserId,
    ports::{Mailer, PortError, TimerQueue},
    user::{MailKind, User},
};

use super::send_reminders::{Worker, WorkerStore};

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// The account that a requested mail goes to, or why it is not sent.
    pub(super) async fn account(&self, id: UserId) -> Result<Result<User, Reason>, PortError> {
        Ok(match self.store.user(id).await? {
            None => Err(Reason::NoRecipient),
            Some(user) if user.disabled_at.is_some() => Err(Reason::AccountDisabled),
            Some(user) => Ok(user),
        })
    }

    /// The account that any other mail goes to, or why it is not sent.
    pub(super) async fn reachable(&self, id: UserId) -> Result<Result<User, Reason>, PortError> {
        let account = self.account(id).await?;
        Ok(account.and_then(|user| user.reachable().map(|()| user)))
    }

    /// The account that a mail of this kind goes to, or why it is not sent.
    pub(super) async fn reader(
        &self,
        id: UserId,
        kind: MailKind,
    ) -> Result<Result<User, Reason>, PortError> {
        let reachable = self.reachable(id).await?;
        Ok(reachable
            .and_then(|user| if user.mail.wants(kind) { Ok(user) } else { Err(Reason::MailOff) }))
    }
}
