//! Notifications.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::TransactWriteItem};
use taskbell_domain::{
    id::NotificationId,
    invitation::Invitation,
    notification::Notification,
    ports::{Created, IdempotencyRecord, Notifications, PortError, Replaced},
};

use super::{
    DynamoDb,
    items::{NotificationItem, build_item, parse_item},
    key_attributes, keys, text,
    write::{Condition, put},
};
use crate::{
    error::{corrupt, port_error},
    send_boxed::SendBoxed,
};

impl Notifications for DynamoDb {
    async fn notification(&self, id: NotificationId) -> Result<Option<Notification>, PortError> {
        const OPERATION: &str = "reading a notification";
        let found = self.get_item(OPERATION, &self.tasks, keys::notification(id)).await?;
        found.map(|item| parse_item::<NotificationItem, _>(OPERATION, item)).transpose()
    }

    async fn add_notification(
        &self,
        notification: &Notification,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Created, PortError> {
        const OPERATION: &str = "storing a notification";
        let actions = self.put_notification(OPERATION, Some(notification))?.into_iter().collect();
        let created = self.transact_with_record(OPERATION, actions, record).await?;
        created.ok_or_else(|| corrupt(OPERATION, "the id exists"))
    }

    async fn replace_notification(
        &self,
        notification: &Notification,
        expected: u64,
    ) -> Result<Replaced<Notification>, PortError> {
        const OPERATION: &str = "changing a notification";
        let stored = build_item(
            OPERATION,
            keys::notification(notification.id),
            &NotificationItem::from(notification),
        )?;
        self.replace_item::<NotificationItem, _>(
            OPERATION,
            &self.tasks,
            stored,
            Condition::Version(expected),
        )
        .await
    }

    async fn set_invitation_secret(
        &self,
        invitation: &Invitation,
        secret_hash: &str,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "setting the secret of an invitation";
        let result = self
            .client
            .update_item()
            .table_name(&self.tasks)
            .set_key(Some(key_attributes(keys::invitation(invitation.space, &invitation.email.hash()))))
            .update_expression("SET secret_hash = :secret")
            .condition_expression("notice = :notification")
            .expression_attribute_values(":secret", text(secret_hash))
            .expression_attribute_values(":notification", text(invitation.notification.to_string()))
            .send_boxed()
            .await;
        match result {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }
}

impl DynamoDb {
    pub(super) fn put_notification(
        &self,
        operation: &'static str,
        notification: Option<&Notification>,
    ) -> Result<Option<TransactWriteItem>, PortError> {
        let Some(notification) = notification else { return Ok(None) };
        let stored = build_item(
            operation,
            keys::notification(notification.id),
            &NotificationItem::from(notification),
        )?;
        put(operation, &self.tasks, stored, Condition::NotExists).map(Some)
    }
}
