//! How often somebody may do something. Windows are fixed: counting costs one write, and is exact in each.
//!
//! What anybody can try without an account is counted by the address that it comes from, alone or together with
//! the account that it is tried on. So nobody can use up what another person has, unless they share an address.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::{credential::sha256_hex, email::EmailAddress, id::UserId};

/// So much in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Names it, in keys and in the header of answers.
    pub name: &'static str,
    /// How many in one window.
    pub max: u32,
    /// How long a window is.
    pub window: SignedDuration,
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Log-ins to one account from one address, whatever came of them.
pub const LOG_INS_TO_ACCOUNT: RateLimit =
    RateLimit { name: "log-ins-to-account", max: 10, window: SignedDuration::from_mins(10) };

/// Refreshes of sessions from one address.
pub const REFRESHES: RateLimit = RateLimit { name: "refreshes", max: 120, window: MINUTE };

/// Uses of links in mails from one address.
pub const LINKS: RateLimit = RateLimit { name: "links", max: 60, window: MINUTE };

/// Invitations that one user sends.
pub const INVITATIONS: RateLimit =
    RateLimit { name: "invitations", max: 50, window: SignedDuration::from_hours(24) };

/// Operations in batches of one user.
pub const OPERATIONS: RateLimit = RateLimit { name: "operations", max: 1_000, window: MINUTE };

/// Assignments to others that one user makes, each of which can be a mail.
pub const ASSIGNMENTS: RateLimit =
    RateLimit { name: "assignments", max: 500, window: SignedDuration::from_hours(24) };

/// Reminders of tasks in a user's personal space, and digests. Others cannot use them up.
pub const OWN_MAILS: RateLimit =
    RateLimit { name: "own-mails", max: 500, window: SignedDuration::from_hours(24) };

/// Reminders of tasks in shared spaces and news of assignments that one user gets.
pub const SHARED_MAILS: RateLimit =
    RateLimit { name: "shared-mails", max: 200, window: SignedDuration::from_hours(24) };

/// Those of them that one other user has caused.
pub const MAILS_BETWEEN: RateLimit =
    RateLimit { name: "mails-between", max: 50, window: SignedDuration::from_hours(24) };

/// Reminders and news of assignments that one user causes to be mailed to others.
pub const MAILS_TO_OTHERS: RateLimit =
    RateLimit { name: "mails-to-others", max: 300, window: SignedDuration::from_hours(24) };

/// Invitations to one address.
pub const INVITATIONS_TO_ADDRESS: RateLimit =
    RateLimit { name: "invitations-to-address", max: 5, window: SignedDuration::from_hours(24) };

/// Codes to one address that nobody has verified: anybody can ask for them.
pub const CODES_TO_ADDRESS: RateLimit =
    RateLimit { name: "codes-to-address", max: 5, window: SignedDuration::from_hours(24) };

/// Requests to verify one address: whoever has the account can ask for them.
pub const VERIFICATIONS_OF_ADDRESS: RateLimit =
    RateLimit { name: "verifications-of-address", max: 5, window: SignedDuration::from_hours(24) };

/// Codes for passwords that are mailed to one account, from wherever they are asked for.
pub const RESETS_OF_ACCOUNT: RateLimit =
    RateLimit { name: "resets-of-account", max: 10, window: SignedDuration::from_hours(1) };

/// Codes, and questions for the address, that one user asks for, or one network for one account.
pub const CODES: RateLimit = RateLimit { name: "codes", max: 5, window: SignedDuration::from_hours(1) };

impl RateLimit {
    /// All requests of one user.
    pub const fn requests(a_minute: u32) -> Self {
        Self { name: "requests", max: a_minute, window: MINUTE }
    }

    /// Log-ins from one address.
    pub const fn log_ins(a_minute: u32) -> Self {
        Self { name: "log-ins", max: a_minute, window: MINUTE }
    }

    /// Accounts that are made from one address.
    pub const fn registrations(an_hour: u32) -> Self {
        Self { name: "registrations", max: an_hour, window: SignedDuration::from_hours(1) }
    }

    /// When the window began in which a moment lies.
    pub fn window_of(&self, now: Timestamp) -> Timestamp {
        let begun = now.as_second() - now.as_second().rem_euclid(self.window.as_secs());
        Timestamp::from_second(begun).unwrap_or(now)
    }

    /// What is left after `count` in the window of a moment, the one at hand included.
    pub fn after(&self, count: u32, now: Timestamp) -> Allowance {
        let end = self.window_of(now) + self.window;
        Allowance {
            limit: *self,
            exceeded: count > self.max,
            remaining: self.max.saturating_sub(count),
            reset: end.duration_since(now),
        }
    }
}

/// How much of a limit is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Of which limit.
    pub limit: RateLimit,
    /// Whether the one at hand was already too much.
    pub exceeded: bool,
    /// How many more there may be in this window.
    pub remaining: u32,
    /// How long until the next window.
    pub reset: SignedDuration,
}

/// What is known of a subject that is not blocked, once something was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// How many there are in the window.
    pub count: u32,
    /// Access tokens of the user that were issued before are not valid.
    pub tokens_valid_from: Option<Timestamp>,
}

/// Whose doings are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RateLimitKey(String);

impl RateLimitKey {
    /// A user.
    pub fn user(id: UserId) -> Self {
        Self(format!("USER#{}", id.body()))
    }

    /// Whoever is at an address of the network. Of an IPv6 address the first 64 bits count: the rest is one's own
    /// to choose (RFC 4291 §2.5.4). It is kept as a hash.
    pub fn address(address: &str) -> Self {
        Self(format!("ADDRESS#{}", sha256_hex(network(address).as_bytes())))
    }

    /// Whoever at an address of the network tries to get into an account.
    pub fn account(address: &str, account: &EmailAddress) -> Self {
        let pair = format!("{} {}", network(address), account.canonical());
        Self(format!("ACCOUNT#{}", sha256_hex(pair.as_bytes())))
    }

    /// One user, in what they cause for another.
    pub fn pair(from: UserId, to: UserId) -> Self {
        Self(format!("PAIR#{}#{}", from.body(), to.body()))
    }

    /// A mailbox, whoever has it. It is kept as a hash.
    pub fn mailbox(address: &EmailAddress) -> Self {
        Self(format!("MAILBOX#{}", address.hash()))
    }

    /// The text of it, for a key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        Ok(IpAddr::V6(address)) => address.to_canonical().to_string(),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(instant: &str) -> Timestamp {
        instant.parse().unwrap()
    }

    #[test]
    fn the_last_one_that_is_allowed_leaves_none_and_the_next_is_too_much() {
        let (limit, now) = (RateLimit::requests(3), at("2026-03-01T08:00:59Z"));
        let left = |count| (limit.after(count, now).exceeded, limit.after(count, now).remaining);
        assert_eq!([left(1), left(3), left(4)], [(false, 2), (false, 0), (true, 0)]);
        assert_eq!(limit.after(1, now).reset, SignedDuration::from_secs(1));
    }

    #[test]
    fn a_window_ends_where_the_next_begins() {
        let limit = RateLimit::registrations(1);
        let begin = at("2026-03-01T08:00:00Z");
        assert_eq!(limit.window_of(begin), begin);
        assert_eq!(limit.window_of(at("2026-03-01T08:59:59Z")), begin);
        assert_eq!(limit.window_of(at("2026-03-01T09:00:00Z")), at("2026-03-01T09:00:00Z"));
        assert_eq!(limit.window_of(at("1969-12-31T23:30:00Z")), at("1969-12-31T23:00:00Z"));
    }

    #[test]
    fn an_ipv6_network_is_one_subject_however_it_is_written() {
        let one = RateLimitKey::address("2001:db8:1:2::1");
        assert_eq!(one, RateLimitKey::address("2001:0DB8:0001:0002:ffff::9"));
        assert_ne!(one, RateLimitKey::address("2001:db8:1:3::1"));
        assert_eq!(RateLimitKey::address("::ffff:192.0.2.1"), RateLimitKey::address("192.0.2.1"));
        assert_ne!(RateLimitKey::address("192.0.2.1"), RateLimitKey::address("192.0.2.2"));
    }

    #[test]
    fn one_account_from_two_addresses_is_two_subjects() {
        let ada = EmailAddress::parse("ada@example.com").unwrap();
        assert_ne!(RateLimitKey::account("192.0.2.1", &ada), RateLimitKey::account("192.0.2.2", &ada));
        assert!(!RateLimitKey::account("192.0.2.1", &ada).as_str().contains("ada"));
    }
}
