//! What proves who somebody is: the stored password hash, and sessions with their refresh tokens.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::{
    clock::Random,
    id::{SessionId, UserId},
};

/// How long a session lives after its last refresh.
pub const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a log-in is checked against. Stored under the canonical e-mail address.
#[derive(Clone)]
pub struct Credential {
    /// Whose it is.
    pub user: UserId,
    /// Argon2id hash in PHC string format.
    pub password_hash: String,
}

/// A session: the family of refresh tokens that began with one log-in. Exactly one of them is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names the session; access tokens carry it as `sid`.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Hash of the one refresh token that is valid now.
    pub token_hash: String,
    /// When the session ends unless it is refreshed.
    pub expires_at: Timestamp,
}

/// A refresh token: it names its session and proves the right to continue it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The user whose session it is.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    secret: String,
}

impl RefreshToken {
    /// A new token with 256 random bits.
    pub fn generate(user: UserId, session: SessionId, random: &dyn Random) -> Self {
        let mut secret = [0; 32];
        random.fill(&mut secret);
        Self { user, session, secret: hex(&secret) }
    }

    /// Reads what [`Self::to_text`] wrote; nothing for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (user, session, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let well_formed = parts.next().is_none()
            && secret.len() == 64
            && secret.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then_some(())?;
        Some(Self {
            user: UserId::from_body(user).ok()?,
            session: SessionId::from_body(session).ok()?,
            secret: secret.to_owned(),
        })
    }

    /// The token as the client keeps it.
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.user.body(), self.session.body(), self.secret)
    }

    /// What is stored instead of the token. The secret has 256 random bits, so a plain SHA-256 cannot be
    /// turned back by trying.
    pub fn hash(&self) -> String {
        sha256_hex(self.secret.as_bytes())
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RefreshToken({}, …)", self.session)
    }
}

/// A random token of 128 bits for a link in a mail.
pub fn link_token(random: &dyn Random) -> String {
    let mut secret = [0; 16];
    random.fill(&mut secret);
    hex(&secret)
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Constant;
    impl Random for Constant {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0xab);
        }
    }

    fn token() -> RefreshToken {
        let body = "01JQ0000000000000000000000";
        RefreshToken::generate(
            UserId::from_body(body).unwrap(),
            SessionId::from_body(body).unwrap(),
            &Constant,
        )
    }

    #[test]
    fn a_refresh_token_reads_back_what_it_writes_and_hides_its_secret() {
        let text = token().to_text();
        assert_eq!(RefreshToken::parse(&text), Some(token()));
        assert!(!format!("{:?}", token()).contains("abab"));
        assert!(!text.contains(&token().hash()));
    }

    #[test]
    fn a_malformed_refresh_token_is_no_token() {
        let text = token().to_text();
        for bad in
            ["", "..", &text[1..], &text[..text.len() - 1], &format!("{text}.x"), &text.to_uppercase()]
        {
            assert_eq!(RefreshToken::parse(bad), None, "{bad}");
        }
    }
}
