//! Reminders: attributes of tasks and profiles.

use jiff::{Timestamp, fmt::serde::timestamp::second};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
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

#[derive(Serialize, Deserialize)]
pub(super) struct ReminderItem {
    id: ReminderId,
    #[serde(flatten)]
    spec: SpecItem,
    #[serde(flatten)]
    delivery: DeliveryItem,
}

impl From<&Reminder> for ReminderItem {
    fn from(reminder: &Reminder) -> Self {
        let (spec, delivery) = ((&reminder.spec).into(), (&reminder.delivery).into());
        Self { id: reminder.id, spec, delivery }
    }
}

impl TryFrom<ReminderItem> for Reminder {
    type Error = InvalidAttribute;

    fn try_from(item: ReminderItem) -> Result<Self, InvalidAttribute> {
        let (spec, delivery) = (item.spec.try_into()?, item.delivery.try_into()?);
        Ok(Self { id: item.id, spec, delivery })
    }
}
