//! Tickets: each opens or renews one live connection, within 30 seconds. A browser cannot send a header when it opens a
//! WebSocket, so the ticket is in the URL; unlike an access token it is worthless once it was used.

use jiff::Timestamp;
use taskbell_domain::{
    clock::Random,
    id::{SessionId, UserId},
    live::TICKET_LIFETIME,
    secret::link_token,
};

use crate::{links::LinkKeys, tokens::Identity};

/// What tickets are signed for.
const PURPOSE: &str = "live tickets";

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The user, their session and their access token.
    pub identity: Identity,
    /// Its id.
    pub id: String,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Ticket {
    /// A new ticket.
    pub fn generate(identity: Identity, random: &dyn Random, now: Timestamp) -> Self {
        Self { identity, id: link_token(random), expires_at: now + TICKET_LIFETIME }
    }

    /// The ticket as the client gets it.
    pub fn to_text(&self, keys: &LinkKeys, now: Timestamp) -> String {
        let Identity { user, session, issued_at } = self.identity;
        let (issued, until) = (issued_at.as_second(), self.expires_at.as_second());
        let signed = format!("{}.{}.{issued}.{until}.{}", user.body(), session.body(), self.id);
        let signature = keys.sign(PURPOSE, &signed, now);
        format!("{signed}.{signature}")
    }

    /// Reads what [`Self::to_text`] wrote with one of the keys. `None` for any other text.
    pub fn parse(text: &str, keys: &LinkKeys) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        keys.has_signed(PURPOSE, signed, signature).then_some(())?;
        let mut parts = signed.split('.');
        let mut next = || parts.next();
        let (user, session) = (next()?, next()?);
        let (issued, until, id) = (next()?.parse().ok()?, next()?.parse().ok()?, next()?);
        let identity = Identity {
            user: UserId::from_body(user).ok()?,
            session: SessionId::from_body(session).ok()?,
            issued_at: Timestamp::from_second(issued).ok()?,
        };
        let expires_at = Timestamp::from_second(until).ok()?;
        Some(Self { identity, id: id.to_owned(), expires_at })
    }
}

#[cfg(test)]
mod tests {
    use taskbell_test::fixtures::{now, user};

    use super::*;
    use crate::{keys::KeyRing, system::SystemRandom};

    fn keys() -> LinkKeys {
        LinkKeys::parse(&KeyRing::generate("1").unwrap().link_keys().to_string()).unwrap()
    }

    fn ticket() -> Ticket {
        let session = SessionId::from_body("01JQ0000000000000000000001").unwrap();
        let identity = Identity { user: user(1).id, session, issued_at: now() };
        Ticket::generate(identity, &SystemRandom, now())
    }

    #[test]
    fn a_ticket_is_read_as_it_was_issued() {
        let (keys, ticket) = (keys(), ticket());
        assert_eq!(Ticket::parse(&ticket.to_text(&keys, now()), &keys), Some(ticket));
    }

    #[test]
    fn a_changed_or_foreign_ticket_is_none() {
        let (keys, ticket) = (keys(), ticket());
        let text = ticket.to_text(&keys, now());
        assert_eq!(Ticket::parse(&text, &super::tests::keys()), None);
        let later = (ticket.expires_at.as_second() + 1).to_string();
        let changed = [
            text.replace(&user(1).id.body(), &user(2).id.body()),
            text.replace(&ticket.expires_at.as_second().to_string(), &later),
            text.replace(&ticket.id, &"0".repeat(32)),
            format!("{text}A"),
            text.get(1..).unwrap().to_owned(),
            String::new(),
            ".".to_owned(),
            ".....".to_owned(),
        ];
        for other in changed {
            assert_ne!(other, text);
            assert_eq!(Ticket::parse(&other, &keys), None, "{other}");
        }
        // Signed for another purpose.
        let (signed, _) = text.rsplit_once('.').unwrap();
        let other = format!("{signed}.{}", keys.sign("opt-out", signed, now()));
        assert_eq!(Ticket::parse(&other, &keys), None);
    }
}
