//! Readers: each converts a JSON value to a checked value, or reports what is wrong and where.
//!
//! The `field` of an error is relative to the value: empty for the value itself, `[3]` for an element, `.before` for a
//! member. [`Fields`] adds the name of the field.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use jiff::Timestamp;
use serde_json::Value;
use taskbell_domain::{
    api_token::ApiScope,
    checklist::{ChecklistItemInput, MAX_ITEMS},
    due::Due,
    list::PAGE_LIMITS,
    reminder::{LeadTime, MAX_REMINDERS, ReminderSpec},
    text::{ItemTitle, MAX_TAGS, Tag},
    user::DigestHour,
    violation::Violation,
    zone::Zone,
};

use super::{Errors, Fields};

/// The result of a reader.
pub type Read<T> = Result<T, Errors>;

fn refuse<T>(violation: Violation) -> Read<T> {
    Err(violation.for_field("").into())
}

pub(super) fn wrong_type<T>(expected: &str) -> Read<T> {
    refuse(Violation::new("wrong_type", format!("It must be {expected}.")))
}

/// A string that passes `check`.
pub fn text<T>(check: impl Fn(&str) -> Result<T, Violation>) -> impl Fn(&Value) -> Read<T> {
    move |value| match value {
        Value::String(text) => check(text).or_else(refuse),
        _ => wrong_type("a string"),
    }
}

/// Any string.
pub fn any_text(value: &Value) -> Read<String> {
    text(|text| Ok(text.to_owned()))(value)
}

/// A non-negative integer.
pub fn whole_number(value: &Value) -> Read<u64> {
    value.as_u64().map_or_else(|| wrong_type("a whole number"), Ok)
}

/// `true` or `false`.
pub fn boolean(value: &Value) -> Read<bool> {
    value.as_bool().map_or_else(|| wrong_type("true or false"), Ok)
}

/// An hour of the day, from 0 to 23.
pub fn digest_hour(value: &Value) -> Read<DigestHour> {
    let hour =
        if value.as_i64().is_some_and(|hour| hour < 0) { u64::MAX } else { whole_number(value)? };
    DigestHour::new(hour).or_else(refuse)
}

/// An array of at most `max` elements. Errors in all elements are reported.
pub fn list<T>(max: usize, element: impl Fn(&Value) -> Read<T>) -> impl Fn(&Value) -> Read<Vec<T>> {
    move |value| {
        let Value::Array(values) = value else { return wrong_type("an array") };
        if values.len() > max {
            let found = values.len();
            return refuse(Violation::new(
                "too_many",
                format!("It has {found} elements; the limit is {max}."),
            ));
        }
        let (mut read, mut errors) = (Vec::with_capacity(values.len()), Errors::default());
        for (index, value) in values.iter().enumerate() {
            match element(value) {
                Ok(element) => read.push(element),
                Err(found) => errors.append(found.under(format_args!("[{index}]"))),
            }
        }
        if errors.is_empty() { Ok(read) } else { Err(errors) }
    }
}

/// The scopes of an API token, sorted.
pub fn api_scopes(value: &Value) -> Read<Vec<ApiScope>> {
    let mut scopes = list(ApiScope::ALL.len(), text(ApiScope::parse))(value)?;
    scopes.sort();
    scopes.dedup();
    if scopes.is_empty() {
        return refuse(Violation::new("too_short", "Give at least one scope."));
    }
    Ok(scopes)
}

/// The tags of a task.
pub fn tags(value: &Value) -> Read<Vec<Tag>> {
    let tags = list(MAX_TAGS, text(Tag::parse))(value)?;
    let repeated = tags.iter().enumerate().filter(|(index, tag)| tags[..*index].contains(tag));
    let mut errors = Errors::default();
    for (index, _) in repeated {
        let why = "Duplicate tag: tags that differ only in case are the same.";
        errors.add(|| Violation::new("duplicate", why).for_field(format!("[{index}]")));
    }
    if errors.is_empty() { Ok(tags) } else { Err(errors) }
}

/// The reminders of a task.
pub fn reminders(value: &Value) -> Read<Vec<ReminderSpec>> {
    list(MAX_REMINDERS, reminder)(value)
}

/// The default reminders of a user. Each is relative to the due time.
pub fn default_reminders(value: &Value) -> Read<Vec<ReminderSpec>> {
    list(MAX_REMINDERS, |value| match reminder(value)? {
        ReminderSpec::At(_) | ReminderSpec::Snoozed(_) => {
            let why = "A default reminder is relative to the due time: use before.";
            Err(Violation::new("unknown_field", why).for_field(".at").into())
        }
        before => Ok(before),
    })(value)
}

fn reminder(value: &Value) -> Read<ReminderSpec> {
    let Value::Object(members) = value else { return wrong_type("an object") };
    let mut errors = Errors::default();
    for name in members.keys().filter(|name| !matches!(name.as_str(), "before" | "at")) {
        errors.add(|| unknown_field().for_field(format!(".{}", shown(name))));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    match (members.get("before"), members.get("at")) {
        (Some(lead_time), None) => text(LeadTime::parse)(lead_time)
            .map(ReminderSpec::Before)
            .map_err(|errors| errors.under(".before")),
        (None, Some(time)) => text(ReminderSpec::parse_at)(time).map_err(|errors| errors.under(".at")),
        _ => refuse(Violation::new("wrong_type", "Give either before or at.")),
    }
}

/// An id of the expected type.
pub fn id<T: FromStr>(text: &str) -> Result<T, Violation> {
    text.parse().map_err(|_| Violation::new("invalid_id", "It is not a valid id of this type."))
}

/// An instant or a zoned time. A date alone is rejected, because its start depends on the time zone.
pub fn instant(text: &str) -> Result<Timestamp, Violation> {
    let no_instant = || {
        let why = "Give an instant (2026-03-01T08:00:00Z) or a time in a time zone. Encode + as %2B.";
        Violation::new("invalid_time", why)
    };
    match Due::parse(text) {
        Ok(Due::Date(_)) => Err(no_instant()),
        Ok(time) => Ok(time.at(&Zone::utc())),
        Err(violation) if violation.code == "invalid_time" => Err(no_instant()),
        Err(violation) => Err(violation),
    }
}

/// An integer within a range.
pub fn within<N>(range: RangeInclusive<N>) -> impl Fn(&str) -> Result<N, Violation>
where
    N: FromStr + PartialOrd + Display,
{
    move |text| {
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            Violation::new("out_of_range", format!("It must be a whole number from {min} to {max}."))
        })
    }
}

/// The page size.
pub fn page_limit(text: &str) -> Result<u8, Violation> {
    within(PAGE_LIMITS)(text)
}

/// The checklist of a task.
pub fn checklist(value: &Value) -> Read<Vec<ChecklistItemInput>> {
    list(MAX_ITEMS, |value| {
        Fields::inside(value, |item| {
            let id = item.optional("id", text(id));
            let title = item.required("title", text(ItemTitle::parse));
            let done = item.optional("done", boolean).unwrap_or(false);
            title.map(|title| ChecklistItemInput { id, title, done })
        })
    })(value)
}

/// The violation for an unknown field.
pub(super) fn unknown_field() -> Violation {
    Violation::new("unknown_field", "Unknown field.")
}

/// The name of a field as sent, truncated so that it is safe to return.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
