//! Events of API Gateway, and answers to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Value,
}

impl Answer {
    /// The code of a problem.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    /// `(field, code)` of every error in a problem.
    pub(crate) fn errors(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors
            .iter()
            .map(|e| (e["field"].as_str().unwrap_or(""), e["code"].as_str().unwrap_or("")))
            .collect()
    }
}

/// An event of `events/`, to be changed and sent.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) function: String,
    pub(crate) json: Value,
}

impl Event {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.json["headers"][name] = json!(value);
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.json["headers"].as_object_mut().expect("headers").remove(name);
        self
    }

    /// Cookies as `name=value`.
    pub(crate) fn cookies(mut self, cookies: &[&str]) -> Self {
        self.json["cookies"] = json!(cookies);
        self
    }

    pub(crate) fn body(mut self, body: &Value) -> Self {
        self.json["body"] = json!(body.to_string());
        self
    }

    pub(crate) fn raw_body(mut self, body: &str) -> Self {
        self.json["body"] = json!(body);
        self
    }

    pub(crate) fn query(mut self, query: &str) -> Self {
        self.json["rawQueryString"] = json!(query);
        self
    }

    pub(crate) fn path(mut self, name: &str, value: &str) -> Self {
        self.json["pathParameters"][name] = json!(value);
        self
    }
}
