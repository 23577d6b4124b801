//! JSON (RFC 8259) without duplicate keys. Parsers differ in which duplicate they use (RFC 8259 §4), so such a body can
//! pass a check with one value and be used with the other. I-JSON forbids duplicates (RFC 7493 §2.3).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use taskbell_domain::violation::{FieldError, Violation};

use super::Problem;

/// Parses a body.
///
/// # Errors
/// 400 `malformed_json` if it is not UTF-8, not JSON, nested more than 127 levels deep, or has a duplicate key.
pub(super) fn parse(body: &[u8]) -> Result<Value, Problem> {
    let malformed = |detail: String| Problem::malformed("malformed_json", detail);
    // RFC 8259 §8.1. The parser checks UTF-8 only inside strings.
    let text = std::str::from_utf8(body).map_err(|error| {
        malformed(format!("The body is not valid UTF-8 (byte {}).", error.valid_up_to() + 1))
    })?;
    if text.trim_ascii().is_empty() {
        return Err(malformed("The body is empty: send JSON.".to_owned()));
    }
    serde_json::from_str(text).map(|Unambiguous(value)| value).map_err(|error| {
        let what = if error.is_data() { "repeats a key in one object" } else { "is not valid JSON" };
        malformed(format!("The body {what} (line {}, column {}).", error.line(), error.column()))
    })
}

/// Parses a line of newline-delimited JSON.
///
/// # Errors
/// A [`FieldError`] `malformed_json`, for the same reasons.
pub(crate) fn parse_line(line: &[u8]) -> Result<Value, FieldError> {
    parse(line).map_err(|problem| {
        let why = problem.detail.replacen("The body", "The line", 1);
        Violation::new(problem.code, why).for_field("line")
    })
}

/// A value without duplicate keys in any object.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unambiguous(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((name, Unambiguous(value))) = members.next_entry::<String, _>()? {
            // Keys are compared after unescaping.
            if values.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn detail(body: &[u8]) -> String {
        parse(body).expect_err("a problem").detail
    }

    #[test]
    fn a_duplicate_key_is_refused_at_any_depth_and_in_any_escape() {
        for body in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1, "b": 2, "a": null}"#,
            r#"{"a": 1, "\u0061": 2}"#,
            r#"{"é": 1, "\u00e9": 2}"#,
            r#"{"\ud83d\udd14": 1, "🔔": 2}"#,
            r#"{"": 1, "": 2}"#,
            r#"{"a": {"b": 1, "b": 2}}"#,
            r#"[{}, {"a": [{"b": 1, "b": 2}]}]"#,
        ] {
            assert!(
                detail(body.as_bytes()).contains("repeats a key in one object (line 1, column "),
                "{body}"
            );
        }
        for body in [r#"{"a": {"a": 1}}"#, r#"[{"a": 1}, {"a": 2}]"#, r#"{"a": 1, "A": 2, "а": 3}"#] {
            assert!(parse(body.as_bytes()).is_ok(), "{body}");
        }
    }

    #[test]
    fn invalid_json_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for body in [
            "{",
            "nul",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e999",
            "-1e999",
            "01",
            "+1",
            ".5",
            "{} {}",
            "{}x",
            "{}\u{0}",
            "[1,]",
            r#"{"a":1,}"#,
            "{'a': 1}",
            r#"{a: 1}"#,
            "/* */ {}",
            "\u{feff}{}",
            r#""\ud800""#,
            r#""\udc00\ud800""#,
            r#"{"\ud800": 1}"#,
            r#""\x41""#,
            "\"a\nb\"",
            &nested(200),
            &nested(200_000),
        ] {
            assert!(detail(body.as_bytes()).starts_with("The body is not valid JSON"), "{body:.40}");
        }
        for empty in ["", " \r\n\t"] {
            assert_eq!(detail(empty.as_bytes()), "The body is empty: send JSON.");
        }
        assert!(parse(nested(100).as_bytes()).is_ok());
        for (body, byte) in
            [(&b"\"\xff\""[..], 2), (b"\xc3", 1), (b"{}\xed\xa0\x80", 3), (b"\"\xc0\xaf\"", 2)]
        {
            assert_eq!(detail(body), format!("The body is not valid UTF-8 (byte {byte})."));
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300..1e300).prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_read_as_it_was_written(value in value()) {
            let written = value.to_string();
            let plain: Value = serde_json::from_str(&written).expect("JSON");
            prop_assert_eq!(parse(written.as_bytes()).expect("JSON"), plain);
        }
    }
}
