//! Attributes stored by a later version of the program.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Attributes that this version does not know. Every change keeps them: during an upgrade both versions run for minutes, and
/// neither may remove what the other has stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unknown(BTreeMap<String, Value>);

impl Unknown {
    /// Without the attributes that this version knows.
    #[must_use]
    pub fn without(mut self, known: &[&str]) -> Self {
        self.0.retain(|name, _| !known.contains(&name.as_str()));
        self
    }
}
