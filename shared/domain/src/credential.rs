//! Passwords and sessions.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{
    clock::Random,
    email::EmailAddress,
    id::{SessionId, UserId},
    second_factor::SecondFactor,
    secret::{hex, is_hex, sha256_hex},
    session_label::SessionLabel,
};

/// How long a session lives after its last refresh.
pub const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long an exchange of a refresh token can be repeated, since its response may be lost.
pub const EXCHANGE_REPEATABLE: SignedDuration = SignedDuration::from_mins(10);

/// The maximum difference between the clocks of two functions.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// The password of an account. Stored under the canonical form of the account's address.
#[derive(Clone)]
pub struct Credential {
    /// The account.
    pub user: UserId,
    /// Argon2id hash in PHC string format.
    pub password_hash: String,
}

/// A session: the family of refresh tokens that started with one log-in. The latest is valid, and for some minutes the one before
/// it, unless the latest is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, which access tokens carry as `sid`.
    pub id: SessionId,
    /// The account.
    pub user: UserId,
    /// Hash of the part of the secret that all refresh tokens of the session share. A client that presents it has had one
    /// of them.
    pub family_hash: String,
    /// Hash of the latest refresh token.
    pub token_hash: String,
    /// The token that was exchanged for it. `None` after the log-in, or if a release before 0.3.0 stored it.
    pub previous: Option<PreviousToken>,
    /// When the session ends unless it is refreshed.
    pub expires_at: Timestamp,
    /// What it was opened with. `None` if that is unknown, or if a release before 0.3.0 stored it.
    pub label: Option<SessionLabel>,
    /// The day (UTC) of the log-in or of the last refresh. `None` if a release before 0.3.0 stored it.
    pub last_used_on: Option<Date>,
}

impl Session {
    /// The session of a refresh token, which becomes its latest one. Its lifetime starts at `now`.
    pub fn of(token: &RefreshToken, now: Timestamp) -> Self {
        Self {
            id: token.session,
            user: token.user,
            family_hash: token.family_hash(),
            token_hash: token.hash(),
            previous: None,
            expires_at: now + SESSION_LIFETIME,
            label: None,
            last_used_on: Some(now.to_zoned(TimeZone::UTC).date()),
        }
    }

    /// Whether it is open: it has not expired, and the password of the account was not set since it was opened.
    pub fn is_open(&self, password_set_at: Option<Timestamp>, now: Timestamp) -> bool {
        now < self.expires_at && !password_set_at.is_some_and(|at| is_older(self.id, at))
    }
}

/// A refresh token that was exchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousToken {
    /// Its hash.
    pub hash: String,
    /// Until when the exchange can be repeated. Repeating it does not prolong that.
    pub until: Timestamp,
}

impl PreviousToken {
    /// A token with this hash that is exchanged at `now`, for the first time. Stores keep whole seconds.
    pub fn exchanged(hash: &str, now: Timestamp) -> Self {
        let until = now + EXCHANGE_REPEATABLE;
        let until = Timestamp::from_second(until.as_second()).unwrap_or(until);
        Self { hash: hash.to_owned(), until }
    }
}

/// Whether a session was opened before `at`, allowing for clock skew.
fn is_older(session: SessionId, at: Timestamp) -> bool {
    session.created_at() + CLOCK_SKEW < at
}

/// A password that was verified at a log-in.
#[derive(Clone, Copy)]
pub struct CheckedPassword<'a> {
    /// The address of the log-in.
    pub email: &'a EmailAddress,
    /// The stored hash that the password was verified against.
    pub hash: &'a str,
    /// A new hash to store, if the stored one was computed with outdated parameters.
    pub rehashed: Option<&'a str>,
    /// The second factor that has accepted a code, with the version increased by one. `None` if the account has no confirmed
    /// one.
    pub factor: Option<&'a SecondFactor>,
}

/// A refresh token: identifies its session and authorizes continuing it.
///
/// Its secret is 32 hexadecimal digits that all tokens of the session share, and 32 digits of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The account.
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

    /// The token that replaces this one.
    pub fn next(&self, random: &dyn Random) -> Self {
        let mut own = [0; 16];
        random.fill(&mut own);
        Self { secret: format!("{}{}", self.family(), hex(&own)), ..self.clone() }
    }

    fn family(&self) -> &str {
        self.secret.get(..32).unwrap_or_default()
    }

    /// Whether the session was opened before `at`, allowing for clock skew.
    pub fn is_older_than(&self, at: Timestamp) -> bool {
        is_older(self.session, at)
    }

    /// Reads the output of [`Self::to_text`]. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (user, session, secret) = (parts.next()?, parts.next()?, parts.next()?);
        (parts.next().is_none() && is_hex(secret, 64)).then_some(())?;
        Some(Self {
            user: UserId::from_body(user).ok()?,
            session: SessionId::from_body(session).ok()?,
            secret: secret.to_owned(),
        })
    }

    /// The token as the client gets it: `<user>.<session>.<secret>`.
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.user.body(), self.session.body(), self.secret)
    }

    /// The hash that is stored instead of the token. A secret of 256 random bits cannot be guessed, so plain SHA-256 is
    /// sufficient.
    pub fn hash(&self) -> String {
        sha256_hex(self.secret.as_bytes())
    }

    /// Hash of the part that all tokens of the session share.
    pub fn family_hash(&self) -> String {
        sha256_hex(self.family().as_bytes())
    }
}

/// Hides the secret.
impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RefreshToken({}, …)", self.session)
    }
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
    fn a_refresh_token_is_parsed_from_its_text_and_its_debug_form_hides_the_secret() {
        let text = token().to_text();
        assert_eq!(RefreshToken::parse(&text), Some(token()));
        assert!(!format!("{:?}", token()).contains("abab"));
        assert!(!text.contains(&token().hash()));
    }

    #[test]
    fn a_malformed_refresh_token_is_not_parsed() {
        let text = token().to_text();
        for bad in
            ["", "..", &text[1..], &text[..text.len() - 1], &format!("{text}.x"), &text.to_uppercase()]
        {
            assert_eq!(RefreshToken::parse(bad), None, "{bad}");
        }
    }
}
