//! Rate limits. Windows are fixed.
//!
//! Requests without an account are counted per IP address, or per IP address and account. So a user cannot exhaust the
//! limit of another user, unless both share an IP address.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::{
    email::EmailAddress,
    id::{ApiTokenId, UserId},
    secret::sha256_hex,
};

/// A maximum number of requests, mails or operations per window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Identifies the limit in the store and in the `RateLimit` header.
    pub name: &'static str,
    /// The maximum per window.
    pub max: u32,
    /// The length of a window.
    pub window: SignedDuration,
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Log-ins per IP address and account, successful or not.
pub const LOG_INS_TO_ACCOUNT: RateLimit =
    RateLimit { name: "log-ins-to-account", max: 10, window: SignedDuration::from_mins(10) };

/// Refreshes of sessions per IP address.
pub const REFRESHES: RateLimit = RateLimit { name: "refreshes", max: 120, window: MINUTE };

/// Clicks on links in mails per IP address.
pub const LINKS: RateLimit = RateLimit { name: "links", max: 60, window: MINUTE };

/// Messages on live connections per user. A client sends one every few minutes.
pub const LIVE_MESSAGES: RateLimit = RateLimit { name: "live-messages", max: 60, window: MINUTE };

/// Invitations sent per user.
pub const INVITATIONS: RateLimit = RateLimit { name: "invitations", max: 50, window: DAY };

/// Operations in batches per user.
pub const OPERATIONS: RateLimit = RateLimit { name: "operations", max: 1_000, window: MINUTE };

/// Assignments to other users per user. Each can cause a mail.
pub const ASSIGNMENTS: RateLimit = RateLimit { name: "assignments", max: 500, window: DAY };

/// Reminders of tasks in the personal space, and digests, per recipient. Other users cannot exhaust it.
pub const OWN_MAILS: RateLimit = RateLimit { name: "own-mails", max: 500, window: DAY };

/// Reminders of tasks in shared spaces and mails about assignments, per recipient.
pub const SHARED_MAILS: RateLimit = RateLimit { name: "shared-mails", max: 200, window: DAY };

/// Mails of [`SHARED_MAILS`] that one user causes for one other user.
pub const MAILS_BETWEEN: RateLimit = RateLimit { name: "mails-between", max: 50, window: DAY };

/// Reminders and mails about assignments that one user causes for all others.
pub const MAILS_TO_OTHERS: RateLimit = RateLimit { name: "mails-to-others", max: 300, window: DAY };

/// Invitations per invited address.
pub const INVITATIONS_TO_ADDRESS: RateLimit =
    RateLimit { name: "invitations-to-address", max: 5, window: DAY };

/// Mails about repeated registrations per address. Anybody can cause them.
pub const REGISTRATIONS_OF_ADDRESS: RateLimit =
    RateLimit { name: "registrations-of-address", max: 5, window: DAY };

/// Operators' invitations to register, per address.
pub const OPERATOR_INVITATIONS_TO_ADDRESS: RateLimit =
    RateLimit { name: "operator-invitations", max: 5, window: DAY };

/// Codes per address that an account is to change to. Users can request them for any address.
pub const CODES_TO_NEW_ADDRESS: RateLimit =
    RateLimit { name: "codes-to-new-address", max: 5, window: DAY };

/// Codes per address of an account that has not verified it. Anybody can request them.
pub const CODES_TO_ADDRESS: RateLimit = RateLimit { name: "codes-to-address", max: 5, window: DAY };

/// Verification mails per address. The owner of the account can request them.
pub const VERIFICATIONS_OF_ADDRESS: RateLimit =
    RateLimit { name: "verifications-of-address", max: 5, window: DAY };

/// Password reset codes per address, with or without an account, from all IP addresses.
pub const RESETS_OF_ACCOUNT: RateLimit = RateLimit { name: "resets-of-account", max: 10, window: HOUR };

/// Requests for codes and verification mails per user, or per IP address and account.
pub const CODES: RateLimit = RateLimit { name: "codes", max: 5, window: HOUR };

/// Changes of the address per user. Each reserves an address for some days.
pub const EMAIL_CHANGES: RateLimit = RateLimit { name: "email-changes", max: 5, window: DAY };

/// Checks of the own password per user, before changes that need it.
pub const PASSWORD_CHECKS: RateLimit =
    RateLimit { name: "password-checks", max: 10, window: SignedDuration::from_mins(10) };

/// Codes of a second factor per user, tried by a person who has the password, from all IP addresses. Six digits would not
/// withstand many more: of a million codes three are valid at a time.
pub const SECOND_FACTORS: RateLimit =
    RateLimit { name: "second-factors", max: 5, window: SignedDuration::from_mins(10) };

/// Codes that are to confirm a new second factor, per user. They need no password, so they do not count against
/// [`SECOND_FACTORS`].
pub const SECOND_FACTOR_CONFIRMATIONS: RateLimit =
    RateLimit { name: "second-factor-confirmations", max: 10, window: SignedDuration::from_mins(10) };

/// Mails with a code that removes a second factor, per user.
pub const SECOND_FACTOR_REMOVALS: RateLimit =
    RateLimit { name: "second-factor-removals", max: 3, window: DAY };

/// API tokens that do not exist, have expired or have another secret, per IP address and function instance.
pub const FAILED_API_TOKENS: RateLimit =
    RateLimit { name: "failed-api-tokens", max: 30, window: MINUTE };

/// API tokens created per user.
pub const API_TOKENS_CREATED: RateLimit =
    RateLimit { name: "api-tokens-created", max: 50, window: DAY };

impl RateLimit {
    /// All requests per user.
    pub const fn requests(per_minute: u32) -> Self {
        Self { name: "requests", max: per_minute, window: MINUTE }
    }

    /// Log-ins per IP address.
    pub const fn log_ins(per_minute: u32) -> Self {
        Self { name: "log-ins", max: per_minute, window: MINUTE }
    }

    /// New accounts per IP address.
    pub const fn registrations(per_hour: u32) -> Self {
        Self { name: "registrations", max: per_hour, window: HOUR }
    }

    /// The start of the window that contains `now`.
    pub fn window_of(&self, now: Timestamp) -> Timestamp {
        let start = now.as_second() - now.as_second().rem_euclid(self.window.as_secs());
        Timestamp::from_second(start).unwrap_or(now)
    }

    /// The remaining allowance after `count` in the window of `now`. `count` includes the current request.
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

/// What remains of a limit in the current window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The limit.
    pub limit: RateLimit,
    /// Whether the current request exceeds the limit.
    pub exceeded: bool,
    /// How many more are allowed in this window.
    pub remaining: u32,
    /// The time until the next window.
    pub reset: SignedDuration,
}

/// What a limit is counted per. Addresses are kept as hashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RateLimitKey {
    /// A user.
    User(UserId),
    /// An API token. A program cannot exhaust the limit of its user.
    ApiToken(ApiTokenId),
    /// An IP address, by its hash.
    IpAddress(String),
    /// An IP address together with an account, by the hash of both.
    Account(String),
    /// What one user causes for another.
    Pair {
        /// The user who causes it.
        from: UserId,
        /// The user who is affected.
        to: UserId,
    },
    /// An email address, by its hash.
    Mailbox(String),
}

impl RateLimitKey {
    /// The key of a user.
    pub fn user(id: UserId) -> Self {
        Self::User(id)
    }

    /// The key of what one user causes for another.
    pub fn pair(from: UserId, to: UserId) -> Self {
        Self::Pair { from, to }
    }

    /// The key of an IP address. Of an IPv6 address only the first 64 bits count: a client can choose the rest
    /// (RFC 4291 §2.5.4).
    pub fn ip_address(address: &str) -> Self {
        Self::IpAddress(sha256_hex(network(address).as_bytes()))
    }

    /// The key of an IP address together with the account that it tries to access.
    pub fn account(ip_address: &str, account: &EmailAddress) -> Self {
        let both = format!("{} {}", network(ip_address), account.canonical());
        Self::Account(sha256_hex(both.as_bytes()))
    }

    /// The key of an email address, whether or not it has an account.
    pub fn mailbox(address: &EmailAddress) -> Self {
        Self::Mailbox(address.hash())
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
    fn the_last_allowed_request_leaves_none_and_the_next_exceeds_the_limit() {
        let (limit, now) = (RateLimit::requests(3), at("2026-03-01T08:00:59Z"));
        let left = |count| (limit.after(count, now).exceeded, limit.after(count, now).remaining);
        assert_eq!([left(1), left(3), left(4)], [(false, 2), (false, 0), (true, 0)]);
        assert_eq!(limit.after(1, now).reset, SignedDuration::from_secs(1));
    }

    #[test]
    fn a_window_ends_where_the_next_one_starts() {
        let limit = RateLimit::registrations(1);
        let start = at("2026-03-01T08:00:00Z");
        assert_eq!(limit.window_of(start), start);
        assert_eq!(limit.window_of(at("2026-03-01T08:59:59Z")), start);
        assert_eq!(limit.window_of(at("2026-03-01T09:00:00Z")), at("2026-03-01T09:00:00Z"));
        assert_eq!(limit.window_of(at("1969-12-31T23:30:00Z")), at("1969-12-31T23:00:00Z"));
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_have_the_same_key() {
        let one = RateLimitKey::ip_address("2001:db8:1:2::1");
        assert_eq!(one, RateLimitKey::ip_address("2001:0DB8:0001:0002:ffff::9"));
        assert_ne!(one, RateLimitKey::ip_address("2001:db8:1:3::1"));
        assert_eq!(RateLimitKey::ip_address("::ffff:192.0.2.1"), RateLimitKey::ip_address("192.0.2.1"));
        assert_ne!(RateLimitKey::ip_address("192.0.2.1"), RateLimitKey::ip_address("192.0.2.2"));
    }

    #[test]
    fn an_account_has_a_different_key_for_each_ip_address() {
        let ada = EmailAddress::parse("ada@example.com").unwrap();
        let key = RateLimitKey::account("192.0.2.1", &ada);
        assert_ne!(key, RateLimitKey::account("192.0.2.2", &ada));
        assert!(!format!("{key:?}").contains("ada"));
    }
}
