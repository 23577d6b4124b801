//! Password hashing (Argon2id with the parameters that OWASP recommends) and the rules for new passwords.

use argon2::{
    Argon2, PasswordHasher, PasswordVerifier,
    password_hash::{Error, phc::PasswordHash},
};
use taskbell_domain::{clock::Random, violation::Violation};

use crate::http::Problem;

/// The length of a password, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// How many characters of a password zxcvbn estimates. Its time grows with the square of this, and with the number of
/// letters that look like others.
const ESTIMATED: usize = 24;

/// How many words of a user's name and address a password is compared with.
const MAX_CONTEXT: usize = 20;

/// How many characters a password must have besides these words.
const MIN_OWN: usize = 6;

/// A word that is guessed first, like the user's name and address.
const PRODUCT: &str = "taskbell";

/// The start of every hash with the current parameters.
const PARAMETERS: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// A hash that matches no password: that of an account whose password is locked, and of a reserved address. A log-in with an
/// unknown address is checked against it, so that it takes as long as one with a wrong password.
pub const LOCKED: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyBpdC4$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Checks a new password. `context` is what an attacker would try first: the user's name and address.
///
/// # Errors
/// A [`Violation`]: `too_short`, `too_long` or `too_common`.
pub fn check_new(password: &str, context: &[&str]) -> Result<(), Violation> {
    let (min, max) = (LENGTH.start(), LENGTH.end());
    match password.chars().count() {
        n if n < *min => {
            return Err(Violation::new("too_short", format!("Use at least {min} characters.")));
        }
        n if n > *max => {
            return Err(Violation::new("too_long", format!("Use at most {max} characters.")));
        }
        _ => {}
    }
    let words = context.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let words = words.filter(|word| word.chars().count() > 2).take(MAX_CONTEXT);
    let context: Vec<&str> = std::iter::once(PRODUCT).chain(words).collect();
    // Without the words of the context: several of them together would score high.
    let left = context
        .iter()
        .fold(password.to_lowercase(), |left, word| left.replace(&word.to_lowercase(), ""));
    // Scores are 0 to 4; below 2, a million guesses find the password.
    let weak = |part| zxcvbn::zxcvbn(part, &context).score() < zxcvbn::Score::Two;
    if left.chars().count() < MIN_OWN || estimated_parts(password).into_iter().all(weak) {
        return Err(Violation::new(
            "too_common",
            "This password is easy to guess: use several unrelated words.",
        ));
    }
    Ok(())
}

/// The start and the end of a password: if one of them is strong, so is the whole.
fn estimated_parts(password: &str) -> [&str; 2] {
    let end = password.char_indices().nth(ESTIMATED).map_or(password.len(), |(end, _)| end);
    let start = password.char_indices().nth_back(ESTIMATED - 1).map_or(0, |(start, _)| start);
    [password.get(..end).unwrap_or(password), password.get(start..).unwrap_or(password)]
}

/// Whether a hash was created with other parameters than the current ones.
pub fn is_outdated(hash: &str) -> bool {
    !hash.starts_with(PARAMETERS)
}

/// Hashes a password with a new salt; returns a PHC string.
///
/// # Errors
/// 500 if there is not enough memory.
pub fn new_hash(password: &str, random: &dyn Random) -> Result<String, Problem> {
    hash(password, random).map_err(|error| {
        tracing::error!(%error, "password could not be hashed");
        Problem::internal()
    })
}

fn hash(password: &str, random: &dyn Random) -> Result<String, Error> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let hash: PasswordHash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt)?;
    Ok(hash.to_string())
}

/// Whether a password matches a hash. Without a hash it does not, and the check takes as long.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    let matches = Argon2::default().verify_password(password.as_bytes(), hash.unwrap_or(LOCKED));
    matches.is_ok() && hash.is_some()
}

#[cfg(test)]
mod tests {
    use taskbell_test::SeededRandom;

    use super::*;

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let stored = hash("correct horse battery", &SeededRandom::new(1)).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse battery", Some(&stored)));
        assert!(!verify("correct horse batterz", Some(&stored)));
        assert!(!verify("correct horse battery", None));
        assert!(!verify("correct horse battery", Some("not a hash")));
        assert!(!verify("correct horse battery", Some(LOCKED)) && !verify("", Some(LOCKED)));
    }

    #[test]
    fn the_dummy_hash_costs_as_much_as_a_real_one() {
        let dummy = PasswordHash::new(LOCKED).expect("a valid PHC string");
        let real = hash("correct horse battery", &SeededRandom::new(1)).unwrap();
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!((dummy.algorithm, &dummy.params), (real.algorithm, &real.params));
        let lengths = |hash: &PasswordHash| (hash.salt.map(|s| s.len()), hash.hash.map(|h| h.len()));
        assert_eq!(lengths(&dummy).1, lengths(&real).1);
    }

    #[test]
    fn weak_passwords_are_refused_with_a_reason() {
        let code = |password: &str| {
            check_new(password, &["ada.lovelace@example.com"]).err().map_or("ok", |v| v.code)
        };
        assert_eq!(code("shortpasswo"), "too_short");
        assert_eq!(code(&"x1".repeat(65)), "too_long");
        assert_eq!(code("password1234"), "too_common");
        assert_eq!(code("aaaaaaaaaaaa"), "too_common");
        assert_eq!(code("123456789012"), "too_common");
        assert_eq!(code("correct horse battery staple"), "ok");
        assert_eq!(code("taskbelltaskbell"), "too_common");
        assert_eq!(code("Taskbell-2026"), "too_common");
        assert_eq!(code("AdaLovelaceAdaLovelace"), "too_common");
        assert_eq!(code(&format!("{}correct horse battery staple", "a".repeat(40))), "ok");
    }

    #[test]
    fn estimating_a_long_password_is_bounded() {
        for long in ["4@8({[<3691!|0$5+7%2".repeat(6), "ab".repeat(64), "ß\u{1F600}".repeat(60)] {
            let long: String = long.chars().take(128).collect();
            let parts = estimated_parts(&long);
            assert!(parts.iter().all(|part| part.chars().count() == ESTIMATED), "{long}");
            assert!(long.starts_with(parts[0]) && long.ends_with(parts[1]));
        }
        assert_eq!(estimated_parts("short"), ["short", "short"]);
    }
}
