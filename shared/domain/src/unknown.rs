//! What is stored with something and means nothing to this version of the program.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Attributes that a later version has stored. They are kept through every change: during an upgrade the old and the
/// new program work side by side for minutes, and neither may undo what the other has stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unknown(BTreeMap<String, Value>);

impl Unknown {
    /// Takes out what is known after all.
    #[must_use]
    pub fn without(mut self, known: &[&str]) -> Self {
        self.0.retain(|name, _| !known.contains(&name.as_str()));
        self
    }
}
