//! The text part of a mail: its body, the line that begins a signature (RFC 3676 §4.3), and the footer.

use std::borrow::Cow;

/// The line before a signature, which ends in a space. Mail programs show what follows in grey, and leave it out of
/// replies.
const SIGNATURE_SEPARATOR: &str = "-- ";

/// A text whose lines all end with one line feed, whatever ended them before.
pub(super) fn normalize_lines(text: &str) -> Cow<'_, str> {
    const OTHERS: [char; 6] = ['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    if !text.contains(OTHERS) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace(OTHERS, "\n"))
}

/// A body and the footer below it. No line of either ends in white space, so the separator between them is the only
/// one, whatever users have written.
pub(super) fn with_footer(body: &str, footer: &str) -> String {
    let mut text = without_trailing_space(body);
    text.push_str(&format!("\n{SIGNATURE_SEPARATOR}\n"));
    text.push_str(&without_trailing_space(footer));
    text
}

fn without_trailing_space(text: &str) -> String {
    let text = normalize_lines(text.trim_end());
    text.split('\n').map(|line| format!("{}\n", line.trim_end())).collect()
}
