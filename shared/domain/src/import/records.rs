//! Records of a JSON file. Each is parsed by itself, so that one that is malformed does not affect the others, and unknown
//! members cost nothing.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use super::{ImportProblem, MAX_TASKS};
use crate::{secret::sha256_hex, violation::Violation};

/// The maximum length of a record, in bytes.
const MAX_RECORD: usize = 200_000;

/// The maximum number of elements that are kept of a list. More than there may be tasks, because a task can have several
/// comments.
const MAX_ELEMENTS: usize = 5 * MAX_TASKS;

/// The first elements of a list. The others are parsed and dropped.
pub(super) struct Limited<T> {
    pub(super) kept: Vec<T>,
    /// Whether elements were dropped.
    pub(super) more: bool,
}

/// A list of records.
pub(super) type Records<'a> = Limited<&'a RawValue>;

impl<T> Default for Limited<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), more: false }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Limited<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
            type Value = Limited<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Limited::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < MAX_ELEMENTS {
                    match list.next_element()? {
                        Some(element) => kept.push(element),
                        None => return Ok(Limited { kept, more: false }),
                    }
                }
                let mut more = false;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    more = true;
                }
                Ok(Limited { kept, more })
            }
        }

        deserializer.deserialize_any(Elements(PhantomData))
    }
}

/// Parses a file.
///
/// # Errors
/// An [`ImportProblem`] `invalid_file`.
pub(super) fn file<'a, T: Deserialize<'a>>(text: &'a str, format: &str) -> Result<T, ImportProblem> {
    serde_json::from_str(text).map_err(|_| {
        ImportProblem::of_file("invalid_file", &format!("This is not a JSON file of {format}."))
    })
}

/// Parses a record.
///
/// # Errors
/// A [`Violation`]: `too_large` or `invalid_record`.
pub(super) fn record(raw: &RawValue) -> Result<Map<String, Value>, Violation> {
    if raw.get().len() > MAX_RECORD {
        return Err(Violation::new("too_large", "The record is too large: it was left out."));
    }
    serde_json::from_str(raw.get()).map_err(|_| {
        Violation::new("invalid_record", "The record does not have the expected form: it was left out.")
    })
}

/// What identifies a record: its id, otherwise a hash of its number and content.
pub(super) fn source_id(record: &Map<String, Value>, raw: &RawValue, line: usize) -> String {
    id(record, "id").unwrap_or_else(|| sha256_hex(format!("{line}\n{}", raw.get()).as_bytes()))
}

/// A text that is not empty.
pub(super) fn text<'a>(record: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    record.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// An id: a text or a number. `None` for 0, which old versions of Todoist's API use for no parent.
pub(super) fn id(record: &Map<String, Value>, name: &str) -> Option<String> {
    match record.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.as_i64() != Some(0) => Some(number.to_string()),
        _ => None,
    }
}

/// A flag: `true`, or 1 as in old versions of Todoist's API.
pub(super) fn flag(record: &Map<String, Value>, name: &str) -> bool {
    match record.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        _ => false,
    }
}

pub(super) fn number(record: &Map<String, Value>, name: &str) -> Option<i64> {
    record.get(name).and_then(Value::as_i64)
}

pub(super) fn object<'a>(record: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    record.get(name).and_then(Value::as_object)
}

/// The elements of a list, which may be missing.
pub(super) fn list<'a>(record: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    record.get(name).and_then(Value::as_array).into_iter().flatten()
}
