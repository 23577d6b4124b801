//! Deliveries, and the key of an item in the index of timers.

use jiff::{Timestamp, fmt::serde::timestamp::second};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    delivery::{Delivery, DeliveryStatus, Feedback, Reason},
    id::UserId,
    timer::Timer,
};

use super::InvalidAttribute;
use crate::dynamodb::keys;

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct DeliveryItem {
    #[serde(with = "second::required")]
    fire_at: Timestamp,
    status: DeliveryStatus,
    /// Also absent if the delivery is scheduled for `fire_at`, the usual case.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    next_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    attempts: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    uncertain_attempts: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    fence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    sent_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feedback: Option<Feedback>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient: Option<UserId>,
}

fn is_default(status: DeliveryStatus, next_at: Timestamp, fire_at: Timestamp) -> bool {
    status == DeliveryStatus::Scheduled && next_at == fire_at
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl From<&Delivery> for DeliveryItem {
    fn from(delivery: &Delivery) -> Self {
        Self {
            fire_at: delivery.fire_at,
            status: delivery.status,
            next_at: delivery.next_at.filter(|at| !is_default(delivery.status, *at, delivery.fire_at)),
            attempts: delivery.attempts.into(),
            uncertain_attempts: delivery.uncertain_attempts.into(),
            fence: delivery.fence,
            sent_at: delivery.sent_at,
            message_id: delivery.message_id.clone(),
            reason: delivery.reason,
            feedback: delivery.feedback,
            recipient: delivery.recipient,
        }
    }
}

impl TryFrom<DeliveryItem> for Delivery {
    type Error = InvalidAttribute;

    fn try_from(item: DeliveryItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            fire_at: item.fire_at,
            status: item.status,
            next_at: match item.status {
                DeliveryStatus::Scheduled => item.next_at.or(Some(item.fire_at)),
                _ => item.next_at,
            },
            attempts: u32::try_from(item.attempts).map_err(|_| "attempts")?,
            uncertain_attempts: u32::try_from(item.uncertain_attempts).map_err(|_| "attempts")?,
            fence: item.fence,
            sent_at: item.sent_at,
            message_id: item.message_id,
            reason: item.reason,
            feedback: item.feedback,
            recipient: item.recipient,
        })
    }
}

/// The key of an item in the index of timers ([`keys::DUE_TIMERS`]); absent without a timer.
#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct TimerKeys {
    #[serde(skip_serializing_if = "Option::is_none")]
    timer_shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer_key: Option<String>,
}

impl TimerKeys {
    pub(in crate::dynamodb) fn of(timer: Option<Timer>) -> Self {
        Self {
            timer_shard: timer.map(|timer| keys::timer_shard(keys::shard_of(timer.target))),
            timer_key: timer.as_ref().map(keys::timer),
        }
    }
}
