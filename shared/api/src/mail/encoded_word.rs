//! Encoded words in headers (RFC 2047), for texts that themselves look like some.

use base64::{Engine, engine::general_purpose::STANDARD};

/// The most octets of a text in one word: with its 12 characters of overhead and the name of the header, it fits the 76
/// characters that a line may have (RFC 2047 §2).
const WORD_OCTETS: usize = 39;

/// Whether a program that looks for encoded words finds the beginning of one, although the text has never been encoded.
pub(super) fn looks_encoded(text: &str) -> bool {
    text.contains("=?")
}

/// A text as encoded words (RFC 2047). Its own encoded words are encoded again, so that a decoder shows them as typed.
pub(super) fn encode(text: &str) -> String {
    let (mut words, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        // Each word has whole characters (RFC 2047 §5).
        let word;
        (word, rest) = rest.split_at(rest.floor_char_boundary(WORD_OCTETS));
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
    }
    words.join(" ")
}
