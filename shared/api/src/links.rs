//! Links in mails that carry out one action without logging in. Each is signed (HMAC-SHA-256, RFC 2104) with a secret of its
//! user and one of the stack, so neither alone can create a link. Most links expire.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use taskbell_domain::{
    id::{TaskId, UserId},
    reminder::LeadTime,
    user::{MailKind, User},
};

use crate::keys::{InvalidKey, Rotation};

/// How long the links of a reminder are valid.
pub const TASK_LINK_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long the link that verifies an address is valid.
pub const VERIFICATION_LIFETIME: SignedDuration = SignedDuration::from_hours(48);

/// The action of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkAction {
    /// Completes a task.
    Complete(TaskId),
    /// Snoozes a task for this long.
    Snooze(TaskId, LeadTime),
    /// Verifies the address of the account.
    VerifyEmail,
    /// Turns off mails of a kind. Such a link does not expire, because mails are kept indefinitely.
    Unsubscribe(MailKind),
}

impl LinkAction {
    fn parse(text: &str) -> Option<Self> {
        let (link_action, of) = text.split_once('-').unwrap_or((text, ""));
        Some(match link_action {
            "complete" => Self::Complete(TaskId::from_body(of).ok()?),
            "snooze" => {
                let (time, task) = of.split_once('-')?;
                Self::Snooze(TaskId::from_body(task).ok()?, LeadTime::parse(time).ok()?)
            }
            "verify" => Self::VerifyEmail,
            "unsubscribe" => Self::Unsubscribe(MailKind::parse(of).ok()?),
            _ => return None,
        })
    }
}

impl fmt::Display for LinkAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete(task) => write!(f, "complete-{}", task.body()),
            Self::Snooze(task, time) => write!(f, "snooze-{time}-{}", task.body()),
            Self::VerifyEmail => f.write_str("verify"),
            Self::Unsubscribe(kind) => write!(f, "unsubscribe-{}", kind.as_str()),
        }
    }
}

/// The secrets of the stack that sign links. Links that were signed with the previous secret are valid until the next
/// rotation.
#[derive(Clone)]
pub struct LinkKeys(Rotation<hmac::Key>);

impl LinkKeys {
    /// Parses [`KeyRing::link_keys`](crate::keys::KeyRing::link_keys).
    ///
    /// # Errors
    /// [`InvalidKey`] unless each key is 32 bytes in base64url.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let key = |text: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 32);
            bytes.map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes)).ok_or(InvalidKey)
        };
        Rotation::parse(text, key).map(Self)
    }

    /// The token of a link for a user. Without `expires_at` it is valid as long as its key is published.
    pub fn token(
        &self,
        user: &User,
        link_action: LinkAction,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> String {
        let until = expires_at.map_or(0, Timestamp::as_second);
        let signed = format!("{}.{link_action}.{until}", user.id.body());
        let signature =
            self.0.current(now).map(|key| hmac::sign(&user_key(key, user), signed.as_bytes()));
        let signature = signature.map(|tag| URL_SAFE_NO_PAD.encode(tag)).unwrap_or_default();
        format!("{signed}.{signature}")
    }

    /// The token of a link that suppresses an address without an account. It does not depend on the invitation, and is valid
    /// as long as its key is published.
    pub fn opt_out_token(&self, address_hash: &str, now: Timestamp) -> String {
        format!("{OPT_OUT}.{address_hash}.{}", self.sign(OPT_OUT, address_hash, now))
    }

    /// The address hash of such a token; none for any other text.
    pub fn opted_out(&self, token: &str) -> Option<String> {
        let (address_hash, signature) =
            token.strip_prefix(OPT_OUT)?.strip_prefix('.')?.split_once('.')?;
        self.has_signed(OPT_OUT, address_hash, signature).then(|| address_hash.to_owned())
    }

    /// The signature of a text for a purpose.
    pub(crate) fn sign(&self, purpose: &str, text: &str, now: Timestamp) -> String {
        let signature =
            self.0.current(now).map(|key| hmac::sign(&purpose_key(key, purpose), text.as_bytes()));
        signature.map(|tag| URL_SAFE_NO_PAD.encode(tag)).unwrap_or_default()
    }

    /// Whether [`Self::sign`] made a signature. Signatures are compared in constant time.
    pub(crate) fn has_signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let is_valid =
            |key| hmac::verify(&purpose_key(key, purpose), text.as_bytes(), &signature).is_ok();
        self.0.all().any(|(key, _)| is_valid(key))
    }

    /// Whether a link was signed for this user. Signatures are compared in constant time.
    pub fn have_signed(&self, link: &Link, user: &User) -> bool {
        let is_valid =
            |key| hmac::verify(&user_key(key, user), link.signed.as_bytes(), &link.signature).is_ok();
        user.id == link.user && self.0.all().any(|(key, _)| is_valid(key))
    }
}

/// The start of a token for an address instead of a user.
const OPT_OUT: &str = "opt-out";

/// The key for what is signed without the secret of a user.
fn purpose_key(key: &hmac::Key, purpose: &str) -> hmac::Key {
    let secret = hmac::sign(key, purpose.as_bytes());
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref())
}

/// The key for one user.
fn user_key(key: &hmac::Key, user: &User) -> hmac::Key {
    let secret = hmac::sign(key, user.link_secret.as_bytes());
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref())
}

/// A link as it was received. Nothing in it can be trusted before [`LinkKeys::have_signed`].
pub struct Link {
    /// The user that it claims to be for.
    pub user: UserId,
    /// The action that it claims to be for.
    pub link_action: LinkAction,
    expires_at: Option<Timestamp>,
    signed: String,
    signature: Vec<u8>,
}

impl Link {
    /// Parses a token; none for any other text.
    pub fn parse(token: &str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let mut parts = signed.split('.');
        let (user, link_action, until) = (parts.next()?, parts.next()?, parts.next()?);
        let until: i64 = until.parse().ok()?;
        parts.next().is_none().then_some(())?;
        Some(Self {
            user: UserId::from_body(user).ok()?,
            link_action: LinkAction::parse(link_action)?,
            expires_at: if until == 0 { None } else { Some(Timestamp::from_second(until).ok()?) },
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether the link has expired at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use taskbell_test::fixtures::{draft, now, task, user};

    use super::*;
    use crate::keys::{HANDOVER, KeyRing};

    fn keys() -> LinkKeys {
        LinkKeys::parse(&KeyRing::generate("1").unwrap().link_keys().to_string()).unwrap()
    }

    #[test]
    fn a_link_is_valid_after_one_rotation_and_not_after_two() {
        let mut ring = KeyRing::generate("1").unwrap();
        let keys = |ring: &KeyRing| LinkKeys::parse(&ring.link_keys().to_string()).unwrap();
        let ada = user(1);
        let token = keys(&ring).token(&ada, LinkAction::Unsubscribe(MailKind::Digest), None, now());
        let link = Link::parse(&token).expect("a link");
        for (version, holds) in [("1", true), ("2", true), ("3", false)] {
            ring.rotate(version, now()).unwrap();
            assert_eq!(keys(&ring).have_signed(&link, &ada), holds, "{version}");
        }
        // The new key signs only after all functions that verify know it.
        let present = keys(&ring);
        let [early, late] = [now(), now() + HANDOVER].map(|at| {
            present.token(&ada, LinkAction::VerifyEmail, Some(now() + VERIFICATION_LIFETIME), at)
        });
        assert_ne!(early, late);
        for token in [early, late] {
            assert!(present.have_signed(&Link::parse(&token).expect("a link"), &ada));
        }
    }

    #[test]
    fn neither_the_secret_of_the_stack_nor_of_the_user_alone_creates_a_link() {
        let (ada, keys, other) = (user(1), keys(), keys());
        let token = keys.token(&ada, LinkAction::VerifyEmail, Some(now()), now());
        let link = Link::parse(&token).expect("a link");
        assert!(keys.have_signed(&link, &ada));
        assert!(!other.have_signed(&link, &ada));
        let changed = User { link_secret: "another".to_owned(), ..ada };
        assert!(!keys.have_signed(&link, &changed));
        for bad in ["", "AAAA@0", "not base64!@0"] {
            assert!(LinkKeys::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_parsed_link_has_the_user_and_action_that_it_was_created_for() {
        let (ada, keys) = (user(1), keys());
        let id = task(1, &ada, draft("t")).id;
        let later = now() + TASK_LINK_LIFETIME;
        for (link_action, until) in [
            (LinkAction::Complete(id), Some(later)),
            (LinkAction::Snooze(id, LeadTime::parse("P1D").unwrap()), Some(later)),
            (LinkAction::VerifyEmail, Some(later)),
            (LinkAction::Unsubscribe(MailKind::Reminders), None),
        ] {
            let link = Link::parse(&keys.token(&ada, link_action, until, now())).expect("a link");
            assert_eq!((link.user, link.link_action), (ada.id, link_action));
            assert!(keys.have_signed(&link, &ada) && !link.is_expired(now()));
            assert_eq!(link.is_expired(later), until.is_some());
        }
    }

    #[test]
    fn a_changed_link_is_not_valid() {
        let (ada, eve, keys) = (user(1), user(2), keys());
        let (one, other) = (task(1, &ada, draft("t")).id, task(2, &ada, draft("t")).id);
        let token = keys.token(&ada, LinkAction::Complete(one), Some(now()), now());
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        let (_, later) = signed.rsplit_once('.').expect("a time");
        let forged = [
            signed.replace(&*one.body(), &other.body()),
            signed.replace("complete-", "snooze-PT1H-"),
            signed.replace(later, "0"),
            signed.replace(later, "99999999999"),
            signed.replace(&*ada.id.body(), &eve.id.body()),
        ];
        for text in forged {
            assert_ne!(text, signed);
            let link = Link::parse(&format!("{text}.{signature}")).expect("it looks like a link");
            assert!(!keys.have_signed(&link, &ada) && !keys.have_signed(&link, &eve), "{text}");
        }
        for text in ["", ".", "...", "a.b.c.d", &token[..token.len() - 1], &format!("{token}A")] {
            assert!(!Link::parse(text).is_some_and(|link| keys.have_signed(&link, &ada)), "{text}");
        }
    }
}
