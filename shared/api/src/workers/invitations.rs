//! Mails that others cause: invitations, which go to an address with or without an account, and those about repeated
//! registrations.

use taskbell_domain::{
    delivery::Reason,
    email::EmailAddress,
    id::{NotificationId, SpaceId, UserId},
    invitation::InvitationToken,
    notification::Notification,
    ports::{Mailer, PortError, TimerQueue},
    secret::{link_token, sha256_hex},
    user::{MailKind, User},
};

use super::{
    notifications::ComposedMail,
    send_reminders::{Worker, WorkerStore},
};
use crate::{
    mail::{invitation_mail, registration_mail},
    update::{Update, is_own},
};

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// The secret of an invitation is generated when its mail is written, and only its hash is stored. A mail that is sent
    /// again has a new secret, which replaces the previous one.
    pub(super) async fn write_invitation(
        &self,
        (notification, fence): (NotificationId, u64),
        to: &EmailAddress,
        space: SpaceId,
    ) -> Result<ComposedMail, PortError> {
        let now = self.clock.now();
        let invitation = self.store.invitation(space, &to.hash()).await?;
        let current =
            invitation.filter(|found| found.notification == notification && found.expires_at > now);
        let Some(invitation) = current else { return Ok(Err(Reason::Replaced)) };
        let space = self.store.space(space).await?.filter(|space| !space.deleting);
        let Some(space) = space else { return Ok(Err(Reason::Replaced)) };
        if let Err(reason) = self.reachable(invitation.invited_by).await? {
            return Ok(Err(reason));
        }
        let user = match self.invited(to).await? {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        let token = InvitationToken::generate(&invitation, self.random);
        if !self.store.set_invitation_secret(&invitation, &sha256_hex(token.secret.as_bytes())).await? {
            return Ok(Err(Reason::Replaced));
        }
        let by = self.name_of(invitation.invited_by).await?;
        let invited = (&invitation, &token);
        Ok(Ok(invitation_mail(self.mail, fence, invited, user.as_ref(), &space, &by, now)))
    }

    /// The account that has verified the invited address, if there is one; or why no mail is sent to the address.
    async fn invited(&self, to: &EmailAddress) -> Result<Result<Option<User>, Reason>, PortError> {
        let address = to.canonical();
        let found = self.store.users(&address, None, 1).await?.items.into_iter().next();
        // The settings of an account apply only if it has verified the address.
        let verified =
            |user: &User| user.email.canonical() == address && user.email_verified_at.is_some();
        let Some(user) = found.filter(verified) else {
            let suppressed = self.store.is_suppressed(&to.hash()).await?;
            return Ok(if suppressed { Err(Reason::MailOff) } else { Ok(None) });
        };
        Ok(match user.reachable() {
            Ok(()) | Err(Reason::Unverified) if user.mail.wants(MailKind::Invitations) => {
                Ok(Some(user))
            }
            Ok(()) | Err(Reason::Unverified) => Err(Reason::MailOff),
            Err(reason) => Err(reason),
        })
    }

    /// The account that someone has tried to register again, or why it gets no mail. If its address is not verified, links from
    /// before stop working: the first registration may be a stranger's, whose password a link would bring into force. Setting a
    /// new password is the way that is left, and it replaces that one. They stop working also if the mail is over its daily limit:
    /// the stranger could exceed that on purpose to keep them.
    pub(super) async fn registered_again(&self, id: UserId) -> Result<Result<User, Reason>, PortError> {
        let account = self.account(id).await?.and_then(|user| match user.reachable() {
            // The request is a stranger's as likely as not, so nobody gets it who has stopped all mail.
            Ok(()) | Err(Reason::Unverified) => Ok(user),
            // It bounced before it was verified, and may exist by now.
            Err(Reason::Bounced) if user.email_verified_at.is_none() => Ok(user),
            Err(reason) => Err(reason),
        });
        let user = match account {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        if self.store.is_suppressed(&user.email.hash()).await? {
            return Ok(Err(Reason::MailOff));
        }
        let mut update = Update::of(Some(user));
        while let Ok(Some((mut user, expected))) = update.attempt() {
            if user.email_verified_at.is_some() {
                return Ok(Ok(user));
            }
            user.renew_links(link_token(self.random), self.clock.now());
            let replaced = self.store.replace_user(&user, expected, None).await?;
            if is_own(&user, &replaced) || update.is_stored(replaced) {
                return Ok(Ok(user));
            }
        }
        // It was deleted at this moment.
        Ok(Err(Reason::NoRecipient))
    }

    /// Is not sent to an address that an account has verified meanwhile, or if the operator was blocked.
    pub(super) async fn write_registration_invitation(
        &self,
        notification: &Notification,
        fence: u64,
        to: &EmailAddress,
        by: UserId,
    ) -> Result<ComposedMail, PortError> {
        if let Err(reason) = self.reachable(by).await? {
            return Ok(Err(reason));
        }
        match self.invited(to).await? {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(Err(Reason::Replaced)),
            Err(reason) => return Ok(Err(reason)),
        }
        let by = self.name_of(by).await?;
        Ok(Ok(registration_mail(self.mail, (notification, fence), to, &by, self.clock.now())))
    }
}
