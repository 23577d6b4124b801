//! Reminders: attributes of tasks and profiles.

use jiff::{Timestamp, fmt::serde::timestamp::second};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    delivery::Delivery,
    id::ReminderId,
    reminder::{LeadTime, Reminder, ReminderSpec},
};

use super::{InvalidAttribute, delivery::DeliveryItem};

#[derive(Serialize, Deserialize)]
pub(super) struct SpecItem {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default, with = "second::optional")]
    snoozed: Option<Timestamp>,
}

impl From<&ReminderSpec> for SpecItem {
    fn from(spec: &ReminderSpec) -> Self {
        let none = Self { before: None, at: None, snoozed: None };
        match spec {
            ReminderSpec::Before(lead) => Self { before: Some(lead.to_string()), ..none },
            ReminderSpec::At(time) => Self { at: Some(time.to_string()), ..none },
            ReminderSpec::Snoozed(until) => Self { snoozed: Some(*until), ..none },
        }
    }
}

impl TryFrom<SpecItem> for ReminderSpec {
    type Error = InvalidAttribute;

    fn try_from(item: SpecItem) -> Result<Self, InvalidAttribute> {
        match (item.before, item.at, item.snoozed) {
            (Some(lead), None, None) => Ok(Self::Before(LeadTime::parse(&lead)?)),
            (None, Some(time), None) => Ok(Self::parse_at(&time)?),
            (None, None, Some(until)) => Ok(Self::Snoozed(until)),
            _ => Err("reminder".into()),
        }
    }
}

/// A current reminder, as a client sees it.
#[derive(Serialize, Deserialize)]
pub(super) struct ReminderItem {
    id: ReminderId,
    #[serde(flatten)]
    spec: SpecItem,
    #[serde(with = "second::required")]
    fire_at: Timestamp,
}

impl From<&Reminder> for ReminderItem {
    fn from(reminder: &Reminder) -> Self {
        Self { id: reminder.id, spec: (&reminder.spec).into(), fire_at: reminder.delivery.fire_at }
    }
}

impl TryFrom<ReminderItem> for Reminder {
    type Error = InvalidAttribute;

    fn try_from(item: ReminderItem) -> Result<Self, InvalidAttribute> {
        Ok(Self::scheduled(item.id, item.spec.try_into()?, item.fire_at))
    }
}

/// The delivery of a current reminder.
#[derive(Serialize, Deserialize)]
pub(super) struct DeliveryOf {
    pub(super) id: ReminderId,
    #[serde(flatten)]
    pub(super) delivery: DeliveryItem,
}

impl DeliveryOf {
    /// The delivery of a reminder, unless it is as the reminder was created.
    pub(super) fn changed(reminder: &Reminder) -> Option<Self> {
        let created = Delivery::scheduled(reminder.delivery.fire_at);
        let delivery = (reminder.delivery != created).then(|| (&reminder.delivery).into())?;
        Some(Self { id: reminder.id, delivery })
    }
}

/// A reminder that was replaced, with its delivery.
#[derive(Serialize, Deserialize)]
pub(super) struct PastReminderItem {
    id: ReminderId,
    #[serde(flatten)]
    spec: SpecItem,
    #[serde(flatten)]
    delivery: DeliveryItem,
}

impl From<&Reminder> for PastReminderItem {
    fn from(reminder: &Reminder) -> Self {
        let (spec, delivery) = ((&reminder.spec).into(), (&reminder.delivery).into());
        Self { id: reminder.id, spec, delivery }
    }
}

impl TryFrom<PastReminderItem> for Reminder {
    type Error = InvalidAttribute;

    fn try_from(item: PastReminderItem) -> Result<Self, InvalidAttribute> {
        let (spec, delivery) = (item.spec.try_into()?, item.delivery.try_into()?);
        Ok(Self { id: item.id, spec, delivery })
    }
}
