//! Secrets and their hashes.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::clock::Random;

/// A new secret of 128 random bits, as 32 hexadecimal digits. For links and codes in mails.
pub fn link_token(random: &dyn Random) -> String {
    let mut secret = [0; 16];
    random.fill(&mut secret);
    hex(&secret)
}

/// The SHA-256 hash as 64 hexadecimal digits in lower case.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether two secrets or hashes are equal. The duration depends on their lengths only, not on where they differ.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    let difference = left.iter().zip(right).fold(0, |all, (one, other)| all | (one ^ other));
    // Without the black box, the compiler may end the comparison at the first difference.
    left.len() == right.len() && std::hint::black_box(difference) == 0
}

/// Hexadecimal digits in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether the text is `length` hexadecimal digits in lower case.
pub(crate) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_only_if_all_their_bytes_are() {
        assert!(constant_time_eq(b"", b"") && constant_time_eq(b"abc", b"abc"));
        for other in ["", "ab", "abcd", "abd", "bbc", "ABC"] {
            assert!(!constant_time_eq(b"abc", other.as_bytes()), "{other}");
        }
    }
}
