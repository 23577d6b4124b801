//! Who gets a mail, and why someone does not.

use taskbell_domain::{
    delivery::Reason,
    id::{SpaceId, UserId},
    policy,
    ports::{Mailer, PortError, TimerQueue},
    space::Role,
    text::SpaceName,
    user::{MailKind, User},
};

use super::send_reminders::{Worker, WorkerStore};

/// A user's role in a space, and the name of the space unless it is their personal one.
pub(super) type Membership = (Role, Option<SpaceName>);

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

    /// A user's membership of a space, if they are a member. A personal space needs no read, a shared one needs one.
    pub(super) async fn membership(
        &self,
        user: UserId,
        space: SpaceId,
    ) -> Result<Option<Membership>, PortError> {
        if let Some(role) = policy::known_role(user, space) {
            return Ok(Some((role, None)));
        }
        let found = self.store.space_and_member(space, user).await?;
        let found = found.filter(|(space, _)| !space.deleting);
        Ok(found.map(|(space, member)| (member.role, Some(space.name))))
    }
}
