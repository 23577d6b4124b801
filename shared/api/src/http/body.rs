//! Reads a JSON body field by field and collects all errors, so that one response reports all of them.

use serde_json::{Map, Value};
use taskbell_domain::violation::Violation;

use super::{
    Call, Errors, Problem, json,
    read::{Read, shown, unknown_field, wrong_type},
};

/// The unread fields of a JSON object, and the errors found so far.
pub struct Fields {
    prefix: &'static str,
    values: Map<String, Value>,
    errors: Errors,
}

impl Fields {
    /// Parses a request body.
    ///
    /// # Errors
    /// 400 `malformed_json` or `malformed_request`, 413, 415; 422 if the JSON value is not an object.
    pub fn of(call: &Call<'_>) -> Result<Self, Problem> {
        match json::parse(call.json()?)? {
            Value::Object(values) => Ok(Self { prefix: "", values, errors: Errors::default() }),
            _ => Err(Violation::new("wrong_type", "It must be an object.").for_field("body").into()),
        }
    }

    /// Reads an object inside the body. The fields of its errors are relative to the object.
    ///
    /// # Errors
    /// Every error found in the object.
    pub fn inside<T>(value: &Value, inner: impl FnOnce(&mut Self) -> Option<T>) -> Read<T> {
        let Value::Object(values) = value else { return wrong_type("an object") };
        let mut fields = Self { prefix: ".", values: values.clone(), errors: Errors::default() };
        let value = inner(&mut fields);
        fields.refuse_rest();
        match value {
            Some(value) if fields.errors.is_empty() => Ok(value),
            _ => Err(fields.errors),
        }
    }

    fn read<T>(&mut self, name: &str, value: &Value, read: impl Fn(&Value) -> Read<T>) -> Option<T> {
        let prefix = format_args!("{}{name}", self.prefix);
        read(value).map_err(|errors| self.errors.append(errors.under(prefix))).ok()
    }

    fn refuse_absence(&mut self, name: &str, is_null: bool) {
        let why = if is_null { "This field must not be null." } else { "This field is required." };
        self.errors.add(|| Violation::new("required", why).for_field(format!("{}{name}", self.prefix)));
    }

    /// A required field.
    pub fn required<T>(&mut self, name: &str, read: impl Fn(&Value) -> Read<T>) -> Option<T> {
        match self.values.remove(name) {
            Some(value) if !value.is_null() => self.read(name, &value, read),
            absent => {
                self.refuse_absence(name, absent.is_some());
                None
            }
        }
    }

    /// An optional field. Null is the same as absent.
    pub fn optional<T>(&mut self, name: &str, read: impl Fn(&Value) -> Read<T>) -> Option<T> {
        match self.values.remove(name) {
            None | Some(Value::Null) => None,
            Some(value) => self.read(name, &value, read),
        }
    }

    /// A field of a merge patch that cannot be cleared with null.
    pub fn changed<T>(&mut self, name: &str, read: impl Fn(&Value) -> Read<T>) -> Option<T> {
        if self.values.contains_key(name) { self.required(name, read) } else { None }
    }

    /// A field of a merge patch that null clears: absent is `None`, null is `Some(None)`.
    pub fn clearable<T>(&mut self, name: &str, read: impl Fn(&Value) -> Read<T>) -> Option<Option<T>> {
        match self.values.remove(name)? {
            Value::Null => Some(None),
            value => self.read(name, &value, read).map(Some),
        }
    }

    /// The fields of a nested object, read by `inner`. `None` if it is absent. `prefix` is the object's name and a dot.
    pub fn nested<T>(
        &mut self,
        prefix: &'static str,
        inner: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let name = prefix.trim_end_matches('.');
        match self.values.remove(name)? {
            Value::Object(values) => {
                let mut fields = Self { prefix, values, errors: Errors::default() };
                let read = inner(&mut fields);
                fields.refuse_rest();
                self.errors.append(fields.errors);
                read
            }
            _ => {
                self.errors
                    .add(|| Violation::new("wrong_type", "It must be an object.").for_field(name));
                None
            }
        }
    }

    /// Reports what is wrong with the object as a whole.
    pub fn refuse<T>(&mut self, code: &'static str, why: &str) -> Option<T> {
        let prefix = self.prefix.trim_end_matches('.');
        self.errors.add(|| Violation::new(code, why).for_field(prefix));
        None
    }

    fn refuse_rest(&mut self) {
        for name in std::mem::take(&mut self.values).keys() {
            self.errors.add(|| unknown_field().for_field(format!("{}{}", self.prefix, shown(name))));
        }
    }

    /// Returns `value` if there are no errors and no unread fields.
    ///
    /// # Errors
    /// 422 `validation_failed` with every error found.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        self.refuse_rest();
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.errors)),
        }
    }
}
