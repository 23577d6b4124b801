//! Registrations, and the invitations that allow them.

use jiff::Timestamp;
use taskbell_domain::{
    credential::Credential,
    id::{SpaceId, UserId},
    notification::Notification,
    ports::{PortError, Registered, RegistrationInvitations, Registrations},
    registration::RegistrationInvitation,
    user::User,
};

use super::{
    DynamoDb,
    items::{
        CredentialItem, INVITED_BY, PersonalSpaceItem, RegistrationInvitationItem, UserItem,
        build_item, expires_at, inviter, parse_item,
    },
    key_attributes, keys,
    write::{Condition, TransactionResult, put},
};
use crate::{
    error::{corrupt, port_error},
    send_boxed::SendBoxed,
};

impl Registrations for DynamoDb {
    async fn register(
        &self,
        user: &User,
        credential: &Credential,
        notification: Option<&Notification>,
    ) -> Result<Registered, PortError> {
        const OPERATION: &str = "creating an account";
        let space = SpaceId::personal(user.id);
        let owner = PersonalSpaceItem { owner: user.id, created_at: user.created_at };
        let credential_key = keys::credential(&user.email.canonical());
        let credential = build_item(OPERATION, credential_key, &CredentialItem::from(credential))?;
        let profile = build_item(OPERATION, keys::profile(user.id), &UserItem::from(user))?;
        let owner = build_item(OPERATION, keys::space(space), &owner)?;
        let is_free = Condition::NotExistsOrExpired(user.created_at.as_second());
        let mut puts = vec![
            put(OPERATION, &self.accounts, credential, is_free)?,
            put(OPERATION, &self.accounts, profile, Condition::NotExists)?,
            put(OPERATION, &self.tasks, owner, Condition::NotExists)?,
        ];
        puts.extend(self.put_notification(OPERATION, notification)?);
        Ok(match self.transact(OPERATION, puts).await? {
            TransactionResult::Committed => Registered::Done,
            TransactionResult::ConditionFailed(_) => Registered::EmailTaken,
        })
    }

    async fn inviters(
        &self,
        address_hash: &str,
        now: Timestamp,
        max: usize,
    ) -> Result<Vec<UserId>, PortError> {
        const OPERATION: &str = "reading the invitations of an address";
        let partition = keys::invitations_of_address(address_hash);
        // "REGISTRATION" sorts before the spaces.
        let query =
            self.partition_query(&self.tasks, &partition).limit(i32::try_from(max).unwrap_or(i32::MAX));
        let found = query.send_boxed().await.map_err(port_error(OPERATION))?.items.unwrap_or_default();
        // DynamoDB deletes expired items only within days.
        let open = found.iter().filter(|item| expires_at(item).is_some_and(|at| at > now));
        open.map(|item| inviter(item).ok_or_else(|| corrupt(OPERATION, INVITED_BY))).collect()
    }
}

impl RegistrationInvitations for DynamoDb {
    async fn registration_invitation(
        &self,
        address_hash: &str,
    ) -> Result<Option<RegistrationInvitation>, PortError> {
        const OPERATION: &str = "reading an invitation to register";
        let key = keys::registration_invitation(address_hash);
        let found = self.get_item(OPERATION, &self.tasks, key).await?;
        found.map(|item| parse_item::<RegistrationInvitationItem, _>(OPERATION, item)).transpose()
    }

    async fn revoke_registration(&self, address_hash: &str) -> Result<(), PortError> {
        let key = key_attributes(keys::registration_invitation(address_hash));
        let delete = self.client.delete_item().table_name(&self.tasks).set_key(Some(key));
        delete.send_boxed().await.map(drop).map_err(port_error("revoking an invitation to register"))
    }

    async fn invite_to_register(
        &self,
        invitation: &RegistrationInvitation,
        notification: &Notification,
    ) -> Result<(), PortError> {
        const OPERATION: &str = "creating an invitation to register";
        let key = keys::registration_invitation(&invitation.email.hash());
        let stored = build_item(OPERATION, key, &RegistrationInvitationItem::from(invitation))?;
        let mut actions = vec![put(OPERATION, &self.tasks, stored, Condition::Unconditional)?];
        actions.extend(self.put_notification(OPERATION, Some(notification))?);
        match self.transact(OPERATION, actions).await? {
            TransactionResult::Committed => Ok(()),
            TransactionResult::ConditionFailed(_) => Err(corrupt(OPERATION, keys::PK)),
        }
    }
}
