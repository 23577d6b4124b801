//! Links in mails, by which their readers do one thing without logging in. Each is signed with a secret of its
//! reader (HMAC-SHA-256, RFC 2104), is good for one deed, and most expire.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use taskbell_domain::{
    id::{TaskId, UserId},
    reminder::Lead,
    user::{MailKind, User},
};

/// How long the links of a reminder work.
pub const TASK_LINK_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long the link works that proves an address.
pub const VERIFICATION_LIFETIME: SignedDuration = SignedDuration::from_hours(48);

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Completes a task.
    Complete(TaskId),
    /// Lets a task ring again after so long a time.
    Snooze(TaskId, Lead),
    /// Proves that the address of the account is the reader's.
    VerifyEmail,
    /// Turns mails of a kind off. Such a link works for ever, as mails are kept for ever.
    Unsubscribe(MailKind),
}

impl Deed {
    fn parse(text: &str) -> Option<Self> {
        let (deed, of) = text.split_once('-').unwrap_or((text, ""));
        Some(match deed {
            "complete" => Self::Complete(TaskId::from_body(of).ok()?),
            "snooze" => {
                let (time, task) = of.split_once('-')?;
                Self::Snooze(TaskId::from_body(task).ok()?, Lead::parse(time).ok()?)
            }
            "verify" => Self::VerifyEmail,
            "unsubscribe" => Self::Unsubscribe(MailKind::parse(of).ok()?),
            _ => return None,
        })
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete(task) => write!(f, "complete-{}", task.body()),
            Self::Snooze(task, time) => write!(f, "snooze-{time}-{}", task.body()),
            Self::VerifyEmail => f.write_str("verify"),
            Self::Unsubscribe(kind) => write!(f, "unsubscribe-{}", kind.as_str()),
        }
    }
}

/// A link that somebody has followed. Nothing of it is true before [`Link::is_signed`].
pub struct Link {
    /// Whose it says it is.
    pub user: UserId,
    /// What it says it is good for.
    pub deed: Deed,
    expires_at: Option<Timestamp>,
    signed: String,
    signature: Vec<u8>,
}

impl Link {
    /// The token of a link for a user.
    pub fn token(user: &User, deed: Deed, expires_at: Option<Timestamp>) -> String {
        let until = expires_at.map_or(0, Timestamp::as_second);
        let signed = format!("{}.{deed}.{until}", user.id.body());
        let signature = hmac::sign(&key(user), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Reads a token; nothing for a text that is none.
    pub fn parse(token: &str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let mut parts = signed.split('.');
        let (user, deed, until) = (parts.next()?, parts.next()?, parts.next()?);
        let until: i64 = until.parse().ok()?;
        parts.next().is_none().then_some(())?;
        Some(Self {
            user: UserId::from_body(user).ok()?,
            deed: Deed::parse(deed)?,
            expires_at: if until == 0 { None } else { Some(Timestamp::from_second(until).ok()?) },
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether it was made for this user. The time this takes says nothing about the signature.
    pub fn is_signed(&self, user: &User) -> bool {
        user.id == self.user
            && hmac::verify(&key(user), self.signed.as_bytes(), &self.signature).is_ok()
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|until| until <= now)
    }
}

fn key(user: &User) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, user.link_secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use taskbell_test::fixtures::{draft, now, task, user};

    use super::*;

    #[test]
    fn a_link_reads_back_what_it_was_made_for() {
        let ada = user(1);
        let id = task(1, &ada, draft("t")).id;
        let later = now() + TASK_LINK_LIFETIME;
        for (deed, until) in [
            (Deed::Complete(id), Some(later)),
            (Deed::Snooze(id, Lead::parse("P1D").unwrap()), Some(later)),
            (Deed::VerifyEmail, Some(later)),
            (Deed::Unsubscribe(MailKind::Reminders), None),
        ] {
            let link = Link::parse(&Link::token(&ada, deed, until)).expect("a link");
            assert_eq!((link.user, link.deed), (ada.id, deed));
            assert!(link.is_signed(&ada) && !link.is_expired(now()));
            assert_eq!(link.is_expired(later), until.is_some());
        }
    }

    #[test]
    fn no_change_of_a_link_is_signed() {
        let (ada, eve) = (user(1), user(2));
        let (one, other) = (task(1, &ada, draft("t")).id, task(2, &ada, draft("t")).id);
        let token = Link::token(&ada, Deed::Complete(one), Some(now()));
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
            assert!(!link.is_signed(&ada) && !link.is_signed(&eve), "{text}");
        }
        for text in ["", ".", "...", "a.b.c.d", &token[..token.len() - 1], &format!("{token}A")] {
            assert!(!Link::parse(text).is_some_and(|link| link.is_signed(&ada)), "{text}");
        }
    }
}
