//! Digests.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use taskbell_domain::{
    digest::Digest,
    id::UserId,
    notification::Notification,
    ports::{Digests, PortError, Replaced},
    timer::{Timer, TimerTarget},
};

use super::{
    DynamoDb,
    items::{DigestItem, build_item, format_attribute, parse_item},
    key_attributes,
    keys::{self, DUE_TIMERS},
    number, text,
    write::{Condition, put},
};
use crate::error::invalid_request;

impl Digests for DynamoDb {
    async fn digest(&self, user: UserId) -> Result<Option<Digest>, PortError> {
        const OPERATION: &str = "reading a digest";
        let found = self.get_item(OPERATION, &self.tasks, keys::digest(user)).await?;
        found.map(|item| parse_item::<DigestItem, _>(OPERATION, item)).transpose()
    }

    async fn replace_digest(
        &self,
        digest: &Digest,
        expected: u64,
        notification: Option<&Notification>,
    ) -> Result<Replaced<Digest>, PortError> {
        const OPERATION: &str = "changing a digest";
        let stored = build_item(OPERATION, keys::digest(digest.user), &DigestItem::from(digest))?;
        let mut actions = vec![put(OPERATION, &self.tasks, stored, Condition::Version(expected))?];
        actions.extend(self.put_notification(OPERATION, notification)?);
        self.transact_replace::<DigestItem, _>(OPERATION, actions).await
    }
}

impl DynamoDb {
    /// Sets the time of a user's next digest and creates its item if necessary. Keeps the date of the last run.
    pub(super) fn reschedule_digest(
        &self,
        operation: &'static str,
        user: UserId,
        timer: Timer,
    ) -> Result<TransactWriteItem, PortError> {
        let shard = keys::timer_shard(keys::shard_of(TimerTarget::Digest(user)));
        let update = Update::builder()
            .table_name(&self.tasks)
            .set_key(Some(key_attributes(keys::digest(user))))
            .update_expression(
                "SET #user = :user, #at = :at, #shard = :shard, #timer = :timer, #format = :format \
                 ADD #version :one",
            )
            .expression_attribute_names("#user", "user")
            .expression_attribute_names("#at", "at")
            .expression_attribute_names("#shard", DUE_TIMERS.partition)
            .expression_attribute_names("#timer", DUE_TIMERS.sort)
            .expression_attribute_names("#version", keys::VERSION)
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_values(":format", format_attribute())
            .expression_attribute_values(":user", text(user.to_string()))
            .expression_attribute_values(":at", text(timer.at.to_string()))
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":timer", text(keys::timer(&timer)))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|e| invalid_request(operation, e))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
