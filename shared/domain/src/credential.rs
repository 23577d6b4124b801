//! What proves who somebody is: the stored password hash, and sessions with their refresh tokens.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::{
    clock::Random,
    email::EmailAddress,
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

/// How far the clocks of functions may be apart.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// A session: the family of refresh tokens that began with one log-in. Exactly one of them is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names the session; access tokens carry it as `sid`.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Hash of the part of the refresh token's secret that all tokens of the session share: whoever presents it has
    /// had one of them.
    pub family_hash: String,
    /// Hash of the one refresh token that is valid now.
    pub token_hash: String,
    /// When the session ends unless it is refreshed.
    pub expires_at: Timestamp,
}

impl Session {
    /// The session that a refresh token belongs to, with this token as the valid one, from `now` on.
    pub fn of(token: &RefreshToken, now: Timestamp) -> Self {
        Self {
            id: token.session,
            user: token.user,
            family_hash: token.family_hash(),
            token_hash: token.hash(),
            expires_at: now + SESSION_LIFETIME,
        }
    }
}

/// A password that was checked at a log-in.
#[derive(Clone, Copy)]
pub struct CheckedPassword<'a> {
    /// The address that it was given with.
    pub email: &'a EmailAddress,
    /// The hash that it has.
    pub hash: &'a str,
    /// The hash to store in its place, if that one was made with parameters of before.
    pub rehashed: Option<&'a str>,
}

/// A refresh token: it names its session and proves the right to continue it.
///
/// Its secret is 32 hexadecimal digits that all tokens of the session share, and 32 of its own.
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

    /// The token that takes the place of this one.
    pub fn next(&self, random: &dyn Random) -> Self {
        let mut own = [0; 16];
        random.fill(&mut own);
        Self { secret: format!("{}{}", self.family(), hex(&own)), ..self.clone() }
    }

    fn family(&self) -> &str {
        self.secret.get(..32).unwrap_or_default()
    }

    /// Whether its session was opened before a moment, as far as clocks agree.
    pub fn is_older_than(&self, moment: Timestamp) -> bool {
        self.session.made_at() + CLOCK_SKEW < moment
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

    /// Hash of the part that all tokens of the session share.
    pub fn family_hash(&self) -> String {
        sha256_hex(self.family().as_bytes())
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
