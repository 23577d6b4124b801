//! Response size limits. Lambda fails an invocation whose response, including the JSON around the body, exceeds
//! 6,291,556 bytes (Lambda quotas: invocation payload). By then all writes are done.

/// The maximum size of a body, in bytes of its JSON-escaped form in Lambda's response. The rest is for the other parts:
/// API Gateway allows less than 10 KB of headers.
pub(super) const MAX_BODY: usize = 6_000_000;

/// The size of a text inside a JSON string, in bytes.
pub(crate) fn in_json(text: &str) -> usize {
    let one = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_computed_json_size_equals_the_serialized_size() {
        for text in ["", "plain", "\"\\\"", "a\nb\tc\r", "\u{8}\u{c}\u{1}\u{1f}", "é鐘🔔"] {
            let written = serde_json::to_string(text).unwrap();
            assert_eq!(in_json(text), written.len() - 2, "{text:?}");
        }
    }
}
