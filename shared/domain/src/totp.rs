//! Two-factor authentication: time-based one-time passwords (TOTP, RFC 6238) and recovery codes.
//!
//! The parameters are those that every authenticator app supports: HMAC-SHA-1, 6 digits, steps of 30 seconds from the Unix
//! epoch. SHA-1 is sound here, because HMAC does not depend on the collision resistance that SHA-1 lost.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;

use crate::{
    clock::Random,
    id::UserId,
    secret::{constant_time_eq, sha256_hex},
};

/// The length of a step in seconds (RFC 6238 §4.1).
pub const STEP_SECONDS: i64 = 30;

/// The number of digits of a code (RFC 4226 §5.3).
pub const DIGITS: u32 = 6;

/// The number of steps before and after the current one whose codes are accepted, for clocks that differ and for the time
/// it takes to type. RFC 6238 §5.2 recommends at most one step for the delay.
const WINDOW: u64 = 1;

/// The length of a secret in bytes: that of the output of HMAC-SHA-1, as RFC 4226 §4 (R6) recommends.
const SECRET_BYTES: usize = 20;

/// The length of a block of SHA-1 in bytes.
const BLOCK_BYTES: usize = 64;

/// The number of recovery codes of an account.
pub const RECOVERY_CODES: usize = 10;

/// The number of characters of a recovery code. Each has 5 bits.
const RECOVERY_CODE_LENGTH: usize = 10;

/// The maximum length in bytes of an entered code, spaces and hyphens included.
const MAX_INPUT: usize = 64;

/// The alphabet of base32 (RFC 4648 §6).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The alphabet of Crockford's base32 in lower case: without i, l and o, which look like digits, and without u.
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Everything except the unreserved characters of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secret that an account shares with an authenticator app: 160 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; SECRET_BYTES]);

impl TotpSecret {
    /// A new secret.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads the output of [`Self::to_base32`], ignoring case, spaces and hyphens. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = compact(text)?;
        let mut bytes = [0; SECRET_BYTES];
        let (mut buffer, mut bits, mut output) = (0_u32, 0, bytes.iter_mut());
        for digit in digits.bytes() {
            let value = position(BASE32, digit.to_ascii_uppercase())?;
            (buffer, bits) = ((buffer << 5 | value) & 0xfff, bits + 5);
            if bits >= 8 {
                bits -= 8;
                *output.next()? = low_byte(buffer >> bits);
            }
        }
        // 160 bits are exactly 32 digits, so no bits are left over.
        (bits == 0 && output.next().is_none()).then_some(Self(bytes))
    }

    /// The secret in base32 without padding (RFC 4648 §6): 32 characters. For users who cannot scan a QR code, and for
    /// storage.
    pub fn to_base32(&self) -> String {
        let (mut buffer, mut bits, mut text) = (0_u32, 0, String::with_capacity(32));
        for byte in self.0 {
            (buffer, bits) = ((buffer << 8 | u32::from(byte)) & 0xfff, bits + 8);
            while bits >= 5 {
                bits -= 5;
                text.push(letter(BASE32, buffer >> bits));
            }
        }
        text
    }

    /// The code of a step, as 6 digits.
    pub fn code(&self, step: u64) -> String {
        let code = truncated_hmac(&self.0, step) % 10_u32.pow(DIGITS);
        format!("{code:06}")
    }

    /// Checks an entered code against the current step and one step before and after it. Spaces and hyphens are ignored.
    ///
    /// Returns the step that the code belongs to, and `None` if the code is wrong. A code must be used only once (RFC 6238
    /// §5.2): refuse a step that is not greater than the last one that was accepted, and store the accepted one. All
    /// candidates are compared, so the duration does not depend on which one matches.
    pub fn verify(&self, code: &str, now: Timestamp) -> Option<u64> {
        let code = compact(code)?;
        let current = step_at(now);
        let window = current.saturating_sub(WINDOW)..=current.saturating_add(WINDOW);
        window.fold(None, |matched, step| {
            let equal = constant_time_eq(self.code(step).as_bytes(), code.as_bytes());
            if equal { Some(step) } else { matched }
        })
    }

    /// The URI of the QR code that an authenticator app scans, such as
    /// `otpauth://totp/Taskbell:ada%40example.com?secret=…&issuer=Taskbell&algorithm=SHA1&digits=6&period=30`. It contains
    /// the secret.
    ///
    /// The format is Google Authenticator's "Key URI Format". It separates issuer and account by a colon and allows none in
    /// them, so colons are removed.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let encode = |text: &str| utf8_percent_encode(&text.replace(':', ""), RESERVED).to_string();
        let (issuer, account, secret) = (encode(issuer), encode(account), self.to_base32());
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
        )
    }
}

/// Hides the secret.
impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

/// The number of the step of an instant. 0 before the Unix epoch.
pub fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.as_second().div_euclid(STEP_SECONDS)).unwrap_or_default()
}

/// HOTP before the reduction to digits: dynamic truncation of the HMAC to 31 bits (RFC 4226 §5.3).
fn truncated_hmac(secret: &[u8; SECRET_BYTES], counter: u64) -> u32 {
    // HMAC pads a key with zeros to the length of a block (RFC 2104 §2). A key of that length cannot be refused.
    let mut key = [0; BLOCK_BYTES];
    key.iter_mut().zip(secret).for_each(|(padded, byte)| *padded = *byte);
    let mut mac = Hmac::<Sha1>::new(&key.into());
    mac.update(&counter.to_be_bytes());
    let digest: [u8; 20] = mac.finalize().into_bytes().into();
    let offset = digest.last().map_or(0, |last| usize::from(last & 0xf));
    let bytes = digest.get(offset..).and_then(<[u8]>::first_chunk);
    // The offset is at most 15 of 20 bytes, so there are always four bytes.
    bytes.map_or(0, |four| u32::from_be_bytes(*four) & 0x7fff_ffff)
}

/// A code that replaces the authenticator app once: 50 random bits, as `k7mq2-9xw4t`.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    /// The codes of an account.
    pub fn generate_all(random: &dyn Random) -> Vec<Self> {
        std::iter::repeat_with(|| Self::generate(random)).take(RECOVERY_CODES).collect()
    }

    fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; RECOVERY_CODE_LENGTH];
        random.fill(&mut bytes);
        // 256 is a multiple of 32, so the low bits of a byte are evenly distributed.
        Self(bytes.iter().map(|byte| letter(CROCKFORD, u32::from(*byte))).collect())
    }

    /// Reads an entered code. Case, spaces and hyphens are ignored, `o` is read as 0, and `i` and `l` as 1. Returns `None` if
    /// it cannot be a code.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = compact(text)?.to_ascii_lowercase();
        let digits = digits.replace('o', "0").replace(['i', 'l'], "1");
        let valid = digits.bytes().all(|digit| CROCKFORD.contains(&digit));
        (valid && digits.len() == RECOVERY_CODE_LENGTH).then_some(Self(digits))
    }

    /// The code as it is shown: two groups of five characters.
    pub fn to_text(&self) -> String {
        let (first, second) = self.0.split_at_checked(RECOVERY_CODE_LENGTH / 2).unwrap_or_default();
        format!("{first}-{second}")
    }

    /// The hash that is stored instead of the code: SHA-256 of the account's id and the code, as 64 hexadecimal digits. With
    /// the id, one computation cannot test the codes of several accounts.
    pub fn hash(&self, user: UserId) -> String {
        sha256_hex(format!("{user}.{}", self.0).as_bytes())
    }

    /// Removes the code's hash from the stored ones, so that it is used at most once. Returns whether it was among them.
    ///
    /// All hashes are compared, so the duration does not depend on which one matches. Store the remaining ones on condition
    /// that the stored ones did not change in between.
    pub fn redeem(&self, user: UserId, hashes: &mut Vec<String>) -> bool {
        let (hash, before) = (self.hash(user), hashes.len());
        hashes.retain(|stored| !constant_time_eq(stored.as_bytes(), hash.as_bytes()));
        hashes.len() < before
    }
}

/// Hides the code.
impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

/// The text without spaces and hyphens. `None` if it is too long to be a code or has other characters than ASCII letters
/// and digits.
fn compact(text: &str) -> Option<String> {
    let kept = |c: &char| !c.is_whitespace() && *c != '-';
    let compact = (text.len() <= MAX_INPUT).then(|| text.chars().filter(kept).collect::<String>())?;
    compact.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(compact)
}

/// The digit for the low 5 bits of a number.
fn letter(alphabet: &[u8; 32], number: u32) -> char {
    let index = usize::try_from(number & 0x1f).unwrap_or_default();
    alphabet.get(index).map_or('0', |byte| char::from(*byte))
}

/// The number that a digit stands for.
fn position(alphabet: &[u8; 32], digit: u8) -> Option<u32> {
    u32::try_from(alphabet.iter().position(|letter| *letter == digit)?).ok()
}

fn low_byte(number: u32) -> u8 {
    let [.., low] = number.to_be_bytes();
    low
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// Counts up, so that no two bytes in a row are equal.
    struct Counting(AtomicU8);
    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill_with(|| self.0.fetch_add(7, Ordering::Relaxed));
        }
    }

    fn random() -> Counting {
        Counting(AtomicU8::new(3))
    }

    fn rfc_secret() -> TotpSecret {
        TotpSecret(*b"12345678901234567890")
    }

    fn user(last: char) -> UserId {
        UserId::from_body(&format!("01JQ000000000000000000000{last}")).unwrap()
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn truncated_values_and_codes_are_those_of_rfc_4226_appendix_d() {
        let expected = [
            (1_284_755_224, "755224"),
            (1_094_287_082, "287082"),
            (137_359_152, "359152"),
            (1_726_969_429, "969429"),
            (1_640_338_314, "338314"),
            (868_254_676, "254676"),
            (1_918_287_922, "287922"),
            (82_162_583, "162583"),
            (673_399_871, "399871"),
            (645_520_489, "520489"),
        ];
        for (counter, (truncated, code)) in (0..).zip(expected) {
            assert_eq!(truncated_hmac(&rfc_secret().0, counter), truncated, "{counter}");
            assert_eq!(rfc_secret().code(counter), code, "{counter}");
        }
    }

    #[test]
    fn codes_of_eight_digits_are_those_of_rfc_6238_appendix_b() {
        for (time, step, code) in [
            (59, 0x1, 94_287_082),
            (1_111_111_109, 0x0235_23ec, 7_081_804),
            (1_111_111_111, 0x0235_23ed, 14_050_471),
            (1_234_567_890, 0x0273_ef07, 89_005_924),
            (2_000_000_000, 0x03f9_40aa, 69_279_037),
            (20_000_000_000, 0x27bc_86aa, 65_353_130),
        ] {
            assert_eq!(step_at(second(time)), step, "{time}");
            assert_eq!(truncated_hmac(&rfc_secret().0, step) % 100_000_000, code, "{time}");
        }
    }

    #[test]
    fn a_code_is_accepted_one_step_early_and_late_and_names_its_step() {
        let secret = TotpSecret::generate(&random());
        let now = second(3_000_000);
        for step in 99_999..=100_001 {
            assert_eq!(secret.verify(&secret.code(step), now), Some(step));
        }
        for step in [99_998, 100_002] {
            assert_eq!(secret.verify(&secret.code(step), now), None);
        }
        assert_eq!(secret.verify(&secret.code(99_999), second(2_999_999)), Some(99_999));
    }

    #[test]
    fn spaces_in_a_code_are_ignored_and_other_forms_are_wrong() {
        let (secret, now) = (rfc_secret(), second(59));
        for right in ["287082", " 287 082 ", "287-082"] {
            assert_eq!(secret.verify(right, now), Some(1), "{right:?}");
        }
        for wrong in ["", "28708", "0287082", "94287082", "28708a", "２87082", &"2".repeat(100_000)] {
            assert_eq!(secret.verify(wrong, now), None);
        }
    }

    #[test]
    fn steps_before_the_epoch_and_at_the_end_of_time_do_not_panic() {
        for now in [Timestamp::MIN, second(-1), second(0), Timestamp::MAX] {
            assert_eq!(rfc_secret().verify("000000", now), None);
        }
        assert_eq!(step_at(second(-1)), 0);
    }

    #[test]
    fn a_secret_is_32_digits_of_base32_without_padding() {
        assert_eq!(rfc_secret().to_base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let spaced = "gezd gnbv gy3t qojq gezd gnbv gy3t qojq";
        assert_eq!(TotpSecret::parse(spaced), Some(rfc_secret()));
        for bad in ["", "GEZD", &"A".repeat(31), &"A".repeat(33), &"1".repeat(32), &"é".repeat(16)] {
            assert_eq!(TotpSecret::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_uri_percent_encodes_issuer_and_account() {
        assert_eq!(
            rfc_secret().uri("Task: bell & Co", "ada+x@example.com"),
            "otpauth://totp/Task%20bell%20%26%20Co:ada%2Bx%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Task%20bell%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn debug_output_hides_secrets_and_codes() {
        let code = RecoveryCode::parse("k7mq2-9xw4t").unwrap();
        assert_eq!(format!("{:?} {code:?}", rfc_secret()), "TotpSecret(…) RecoveryCode(…)");
    }

    #[test]
    fn ten_recovery_codes_differ_and_each_is_used_once() {
        let codes = RecoveryCode::generate_all(&random());
        let mut hashes: Vec<_> = codes.iter().map(|code| code.hash(user('1'))).collect();
        assert_eq!(hashes.len(), RECOVERY_CODES);
        for (used, code) in codes.iter().enumerate() {
            assert!(!code.redeem(user('2'), &mut hashes), "the hash belongs to one account");
            assert!(code.redeem(user('1'), &mut hashes));
            assert!(!code.redeem(user('1'), &mut hashes));
            assert_eq!(hashes.len(), RECOVERY_CODES - used - 1);
        }
    }

    #[test]
    fn a_recovery_code_is_read_regardless_of_case_spaces_hyphens_and_look_alikes() {
        let code = RecoveryCode::parse("k7m01-9xw41").unwrap();
        assert_eq!(code.to_text(), "k7m01-9xw41");
        for text in ["K7MO1-9XW41", " k7mol9xw4i ", "k7m01 9xw4L", "k-7-m-0-1-9-x-w-4-1"] {
            assert_eq!(RecoveryCode::parse(text), Some(code.clone()), "{text:?}");
        }
        for bad in ["", "k7m01-9xw4", "k7m01-9xw411", "u7m01-9xw41", "k7m01-9xw4é"] {
            assert_eq!(RecoveryCode::parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_secret_is_parsed_from_its_text(bytes: [u8; SECRET_BYTES]) {
            let secret = TotpSecret(bytes);
            prop_assert_eq!(TotpSecret::parse(&secret.to_base32()), Some(secret));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = (TotpSecret::parse(&text), RecoveryCode::parse(&text), rfc_secret().verify(&text, second(59)));
        }
    }
}
