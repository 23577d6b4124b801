//! How large answers may be. Lambda gives up an invocation whose response, the JSON around the body included, is
//! larger than 6,291,556 bytes (Lambda quotas: invocation payload), after all has been done.

/// The most bytes of a body, written as the string that it is in the response. The rest is for what is around it:
/// headers that API Gateway lets through are less than 10 KB.
pub(super) const MAX_BODY: usize = 6_000_000;

/// How many bytes a text takes inside a string of JSON.
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
    fn the_size_in_json_is_that_of_what_is_written() {
        for text in ["", "plain", "\"\\\"", "a\nb\tc\r", "\u{8}\u{c}\u{1}\u{1f}", "é鐘🔔"] {
            let written = serde_json::to_string(text).unwrap();
            assert_eq!(in_json(text), written.len() - 2, "{text:?}");
        }
    }
}
