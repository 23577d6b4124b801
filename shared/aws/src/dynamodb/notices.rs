//! Notices, and what goes with their sending.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use taskbell_domain::{
    id::NoticeId,
    notice::Notice,
    ports::{Created, IdempotencyRecord, Notices, PortError, Replaced},
    space::Invitation,
};

use super::{
    DynamoDb,
    items::{NoticeItem, item, read},
    key, keys, text,
};
use crate::{
    error::{corrupt, port_error},
    sent::Sent,
};

impl Notices for DynamoDb {
    async fn notice(&self, id: NoticeId) -> Result<Option<Notice>, PortError> {
        const OPERATION: &str = "reading a notice";
        let found = self.get(OPERATION, &self.tasks, keys::notice(id)).await?;
        found.map(|item| read::<NoticeItem, _>(OPERATION, item)).transpose()
    }

    async fn add_notice(
        &self,
        notice: &Notice,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Created, PortError> {
        const OPERATION: &str = "storing a notice";
        let actions = self.put_notice(OPERATION, Some(notice))?.into_iter().collect();
        let created = self.transact_recorded(OPERATION, actions, record).await?;
        created.ok_or_else(|| corrupt(OPERATION, "a new id is in use"))
    }

    async fn replace_notice(
        &self,
        notice: &Notice,
        expected: u64,
    ) -> Result<Replaced<Notice>, PortError> {
        const OPERATION: &str = "changing a notice";
        let stored = item(OPERATION, keys::notice(notice.id), &NoticeItem::from(notice))?;
        self.replace_item::<NoticeItem, _>(OPERATION, &self.tasks, stored, expected).await
    }

    async fn arm_invitation(
        &self,
        invitation: &Invitation,
        secret_hash: &str,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "giving an invitation its secret";
        let result = self
            .client
            .update_item()
            .table_name(&self.tasks)
            .set_key(Some(key(keys::invitation(invitation.space, &invitation.email.hash()))))
            .update_expression("SET secret_hash = :secret")
            .condition_expression("notice = :notice")
            .expression_attribute_values(":secret", text(secret_hash))
            .expression_attribute_values(":notice", text(invitation.notice.to_string()))
            .sent()
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
