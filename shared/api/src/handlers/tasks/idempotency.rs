//! Idempotency keys: what a request with one has done is recorded in the write that does it.

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    credential::sha256_hex,
    id::{TaskId, UserId},
    ports::IdempotencyRecord,
    violation::Violation,
};

use crate::http::{Call, Problem};

/// How long an idempotency key is remembered.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// The key of a request, and what it was sent with. Both are kept as hashes.
pub(super) struct Key {
    user: UserId,
    key: String,
    body_hash: String,
    now: Timestamp,
}

impl Key {
    /// The key in the request's header, if there is one. `sent` is all that must be the same when it comes
    /// again.
    ///
    /// # Errors
    /// 400 `invalid_header`, 422.
    pub(super) fn of(
        call: &Call,
        user: UserId,
        sent: &[&[u8]],
        now: Timestamp,
    ) -> Result<Option<Self>, Problem> {
        let Some(key) = call.header("idempotency-key")? else { return Ok(None) };
        if key.is_empty() || key.len() > MAX_KEY {
            let why = format!("It must have 1 to {MAX_KEY} characters.");
            return Err(Violation::new("invalid_length", why).at("Idempotency-Key").into());
        }
        Ok(Some(Self { user, key: key.to_owned(), body_hash: sha256_hex(&sent.concat()), now }))
    }

    /// The record of what the request has done: to which task, with which status.
    pub(super) fn record(&self, task: TaskId, status: u16) -> IdempotencyRecord {
        IdempotencyRecord {
            user: self.user,
            key_hash: sha256_hex(self.key.as_bytes()),
            body_hash: self.body_hash.clone(),
            task,
            status,
            created_at: self.now,
            expires_at: self.now + LIFETIME,
        }
    }

    /// The key of one operation of a batch. No client can choose it: theirs have no line break.
    pub(super) fn of_operation(&self, index: usize) -> Self {
        Self { key: format!("{}\n{index}", self.key), body_hash: self.body_hash.clone(), ..*self }
    }

    /// The hash that the record is found by.
    pub(super) fn hash(&self) -> String {
        sha256_hex(self.key.as_bytes())
    }

    /// Refuses a key that was used for something else.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`.
    pub(super) fn check(&self, used: &IdempotencyRecord) -> Result<(), Problem> {
        if used.body_hash == self.body_hash {
            return Ok(());
        }
        let detail = "The Idempotency-Key was used for another body.";
        Err(Problem::new(http::StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail))
    }
}
