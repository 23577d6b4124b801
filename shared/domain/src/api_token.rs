//! API tokens: credentials of programs. A token has a name, scopes and an expiry, and can be confined to one space.

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    clock::Random,
    id::{ApiTokenId, NotificationId, SpaceId, UserId},
    secret::{hex, is_hex, sha256_hex},
    string_enum::string_enum,
    text::ApiTokenName,
    violation::Violation,
};

/// The maximum number of tokens of a user.
pub const MAX_API_TOKENS: usize = 20;

/// The longest lifetime of a token.
pub const MAX_API_TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(366 * 24);

/// How long before a token expires its owner is reminded.
pub const REMIND_BEFORE_EXPIRY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The start of every token. Scanners for leaked secrets recognize it.
const PREFIX: &str = "tbk_";

/// Hexadecimal digits of the secret: 160 bits.
const SECRET_DIGITS: usize = 40;

/// Hexadecimal digits of the checksum: a CRC-32 of everything before it.
const CHECKSUM_DIGITS: usize = 8;

string_enum!(ApiScope, "What an API token may be used for.",
    TasksRead = "tasks:read": "Read tasks, comments, statistics and changes, with the spaces and members that have changed.",
    TasksWrite = "tasks:write": "Create, change, complete and delete tasks and comments.",
    SpacesRead = "spaces:read": "Read spaces, members and invitations.",
    SpacesWrite = "spaces:write": "Create, change and delete spaces; manage members and invitations.",
    ProfileRead = "profile:read": "Read the profile.",
);

/// A token, as it is stored: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: ApiTokenId,
    /// Its owner.
    pub user: UserId,
    /// Its name.
    pub name: ApiTokenName,
    /// What it may be used for: at least one scope, sorted, none twice.
    pub scopes: Vec<ApiScope>,
    /// The only space that it gives access to, if it is confined to one.
    pub space: Option<SpaceId>,
    /// Hash of its secret.
    pub secret_hash: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it is not valid.
    pub expires_at: Timestamp,
    /// The notification that reminds its owner of the expiry, if one was scheduled.
    pub expiry_notification: Option<NotificationId>,
}

impl ApiToken {
    /// Whether the token is valid, for a program that presents this secret.
    pub fn accepts(&self, presented: &ApiTokenSecret, now: Timestamp) -> bool {
        presented.user == self.user
            && presented.id == self.id
            && presented.hash() == self.secret_hash
            && now < self.expires_at
    }
}

/// Checks when a new token is to expire.
///
/// # Errors
/// A [`Violation`] with code `out_of_range`.
pub fn check_expiry(expires_at: Timestamp, now: Timestamp) -> Result<Timestamp, Violation> {
    if expires_at <= now {
        return Err(Violation::new("out_of_range", "It must be in the future."));
    }
    if expires_at > now + MAX_API_TOKEN_LIFETIME {
        return Err(Violation::new("out_of_range", "It must be within a year from now."));
    }
    Ok(expires_at)
}

/// The tokens of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenList {
    /// The tokens, oldest first, each with the day (UTC) on which it was last used. Expired ones may be included.
    pub tokens: Vec<(ApiToken, Option<Date>)>,
    /// The number of tokens that were ever created.
    pub version: u64,
}

/// The text of a token, which its owner sees once: `tbk_<user><id>_<secret><checksum>`.
///
/// Anyone can compute the checksum. It lets scanners recognize tokens, and refuses mistyped ones without a read.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiTokenSecret {
    /// The owner.
    pub user: UserId,
    /// The token.
    pub id: ApiTokenId,
    secret: String,
}

impl ApiTokenSecret {
    /// A new token with 160 random bits.
    pub fn generate(user: UserId, id: ApiTokenId, random: &dyn Random) -> Self {
        let mut secret = [0; SECRET_DIGITS / 2];
        random.fill(&mut secret);
        Self { user, id, secret: hex(&secret) }
    }

    /// Whether a text claims to be an API token, valid or not.
    pub fn is_like(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads the output of [`Self::to_text`]. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (ids, digits) = text.strip_prefix(PREFIX)?.split_once('_')?;
        is_hex(digits, SECRET_DIGITS + CHECKSUM_DIGITS).then_some(())?;
        let (secret, _) = digits.split_at_checked(SECRET_DIGITS)?;
        let (user, id) = ids.split_at_checked(ids.len() / 2)?;
        let parsed = Self {
            user: UserId::from_body(user).ok()?,
            id: ApiTokenId::from_body(id).ok()?,
            secret: secret.to_owned(),
        };
        (parsed.to_text() == text).then_some(parsed)
    }

    /// The text.
    pub fn to_text(&self) -> String {
        let text = format!("{PREFIX}{}{}_{}", self.user.body(), self.id.body(), self.secret);
        let checksum = crc32fast::hash(text.as_bytes());
        format!("{text}{checksum:08x}")
    }

    /// The hash that is stored instead of the secret. A secret of 160 random bits cannot be guessed, so plain SHA-256 is
    /// sufficient.
    pub fn hash(&self) -> String {
        sha256_hex(self.secret.as_bytes())
    }
}

/// Hides the secret.
impl std::fmt::Debug for ApiTokenSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiTokenSecret({}, …)", self.id)
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

    fn secret() -> ApiTokenSecret {
        let body = "01JQ0000000000000000000000";
        let (user, id) = (UserId::from_body(body).unwrap(), ApiTokenId::from_body(body).unwrap());
        ApiTokenSecret::generate(user, id, &Constant)
    }

    fn token() -> ApiToken {
        let secret = secret();
        ApiToken {
            id: secret.id,
            user: secret.user,
            name: ApiTokenName::parse("Backup").unwrap(),
            scopes: vec![ApiScope::TasksRead],
            space: None,
            secret_hash: secret.hash(),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1),
            expiry_notification: None,
        }
    }

    #[test]
    fn a_token_is_parsed_from_its_text_and_its_debug_form_hides_the_secret() {
        let text = secret().to_text();
        assert_eq!(text.len(), 4 + 52 + 1 + 48);
        assert_eq!(ApiTokenSecret::parse(&text), Some(secret()));
        assert!(!format!("{:?}", secret()).contains("abab"));
        assert!(!text.contains(&secret().hash()));
    }

    #[test]
    fn a_text_with_any_other_character_is_no_token() {
        let text = secret().to_text();
        for at in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(ApiTokenSecret::parse(&other), None, "{other}");
        }
        for bad in
            ["", "tbk_", "tbk__", "tbk_é_", &text[1..], &text[..text.len() - 1], &format!("{text}0")]
        {
            assert_eq!(ApiTokenSecret::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_accepts_its_own_secret_until_it_expires() {
        let (token, secret) = (token(), secret());
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        assert!(token.accepts(&secret, at(3_599)));
        assert!(!token.accepts(&secret, at(3_600)));
        let other = ApiTokenSecret { secret: "00".repeat(20), ..secret.clone() };
        assert!(!token.accepts(&other, at(0)));
        let other = UserId::from_body("01JQ0000000000000000000001").unwrap();
        assert!(!token.accepts(&ApiTokenSecret { user: other, ..secret }, at(0)));
    }

    #[test]
    fn a_token_expires_within_a_year() {
        let now = Timestamp::UNIX_EPOCH;
        let is_valid = |hours| check_expiry(now + SignedDuration::from_hours(hours), now).is_ok();
        assert_eq!([-1, 0, 1, 366 * 24, 366 * 24 + 1].map(is_valid), [false, false, true, true, false]);
    }

    #[test]
    fn scopes_are_written_as_in_requests() {
        for scope in ApiScope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }
}
