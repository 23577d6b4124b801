//! Reasons why a value is refused.

/// The reason why a value is refused, without the field that contains the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// A stable code in snake_case for clients.
    pub code: &'static str,
    /// A message for users. It never contains the refused value.
    pub message: String,
}

impl Violation {
    /// A violation with a code and a message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The error of a field with this violation. `field` is a path such as `title`, `tags[3]` or `mail.reminders`.
    pub fn for_field(self, field: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), code: self.code, message: self.message }
    }
}

/// A [`Violation`] and its field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// The path of the field in the request body, or the name of the query parameter.
    pub field: String,
    /// A stable code in snake_case for clients.
    pub code: &'static str,
    /// A message for users.
    pub message: String,
}
