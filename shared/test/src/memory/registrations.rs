//! Registrations, and the invitations that allow them.

use jiff::Timestamp;
use taskbell_domain::{
    credential::Credential,
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

    async fn is_invited(&self, address_hash: &str, now: Timestamp) -> Result<bool, PortError> {
        let data = self.data();
        let mut spaces = data.invitations.iter().filter(|((_, hash), _)| hash == address_hash);
        let operators = data.registration_invitations.get(address_hash);
        Ok(spaces.any(|(_, invitation)| invitation.expires_at > now)
            || operators.is_some_and(|invitation| invitation.expires_at() > now))
    }
}

impl RegistrationInvitations for MemoryStore {
    async fn registration_invitation(
        &self,
        address_hash: &str,
    ) -> Result<Option<RegistrationInvitation>, PortError> {
        Ok(self.data().registration_invitations.get(address_hash).cloned())
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
