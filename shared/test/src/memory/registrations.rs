//! Registrations, and the invitations that allow them.

use jiff::Timestamp;
use taskbell_domain::{
    credential::Credential,
    id::UserId,
    notification::Notification,
    ports::{PortError, Registered, RegistrationInvitations, Registrations},
    registration::RegistrationInvitation,
    user::User,
};

use super::MemoryStore;

impl Registrations for MemoryStore {
    async fn register(
        &self,
        user: &User,
        credential: &Credential,
        notification: Option<&Notification>,
    ) -> Result<Registered, PortError> {
        let mut data = self.data();
        let address = user.email.canonical();
        if data.is_taken(&address, None, user.created_at) {
            return Ok(Registered::EmailTaken);
        }
        data.reserved_until.remove(&address);
        data.users.insert(user.id, user.clone());
        data.credentials.insert(address, credential.clone());
        data.notifications.extend(
            notification
                .map(|notification| (notification.id, (notification.clone(), notification.timer()))),
        );
        Ok(Registered::Done)
    }

    async fn inviters(
        &self,
        address_hash: &str,
        now: Timestamp,
        max: usize,
    ) -> Result<Vec<UserId>, PortError> {
        let data = self.data();
        let spaces = data.invitations.iter().filter(|((_, hash), _)| hash == address_hash);
        let spaces = spaces.map(|(_, invitation)| (invitation.invited_by, invitation.expires_at));
        let operators = data.registration_invitations.get(address_hash);
        let operators = operators.map(|invitation| (invitation.invited_by, invitation.expires_at()));
        let open =
            operators.into_iter().chain(spaces).take(max).filter(|(_, expires_at)| *expires_at > now);
        Ok(open.map(|(by, _)| by).collect())
    }
}

impl RegistrationInvitations for MemoryStore {
    async fn registration_invitation(
        &self,
        address_hash: &str,
    ) -> Result<Option<RegistrationInvitation>, PortError> {
        Ok(self.data().registration_invitations.get(address_hash).cloned())
    }

    async fn revoke_registration(&self, address_hash: &str) -> Result<(), PortError> {
        self.data().registration_invitations.remove(address_hash);
        Ok(())
    }

    async fn invite_to_register(
        &self,
        invitation: &RegistrationInvitation,
        notification: &Notification,
    ) -> Result<(), PortError> {
        let mut data = self.data();
        data.registration_invitations.insert(invitation.email.hash(), invitation.clone());
        data.notifications.insert(notification.id, (notification.clone(), notification.timer()));
        Ok(())
    }
}
