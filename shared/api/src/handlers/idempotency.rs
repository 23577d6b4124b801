//! Idempotency keys: what a request with one has done is recorded in the write that does it.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    credential::sha256_hex,
    id::UserId,
    ports::{IdempotencyRecord, IdempotencyRecords},
    violation::Violation,
};

use crate::http::{Call, Problem, Reply};

/// How long an idempotency key is remembered.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// The key of a request, and what it was sent with. Both are kept as hashes.
pub(crate) struct Key {
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
    pub(crate) fn of(
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
        let sent = [&[call.route().as_bytes()], sent].concat().concat();
        Ok(Some(Self { user, key: key.to_owned(), body_hash: sha256_hex(&sent), now }))
    }

    /// The record of what the request has done: to what, with which status.
    pub(crate) fn record(&self, resource_id: &impl ToString, status: u16) -> IdempotencyRecord {
        IdempotencyRecord {
            user: self.user,
            key_hash: self.hash(),
            body_hash: self.body_hash.clone(),
            resource_id: resource_id.to_string(),
            status,
            created_at: self.now,
            expires_at: self.now + LIFETIME,
        }
    }

    /// The key of one operation of a batch. No client can choose it: theirs have no line break.
    pub(crate) fn of_operation(&self, index: usize) -> Self {
        Self { key: format!("{}\n{index}", self.key), body_hash: self.body_hash.clone(), ..*self }
    }

    /// The hash that the record is found by.
    pub(crate) fn hash(&self) -> String {
        sha256_hex(self.key.as_bytes())
    }

    /// What was made under the key, if it was used before for the same.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`.
    pub(crate) async fn find_replay<T: FromStr>(
        &self,
        store: &impl IdempotencyRecords,
    ) -> Result<Option<T>, Problem> {
        let found = store.records(self.user, vec![self.hash()], self.now).await?;
        found.first().map(|used| self.resource_id(used)).transpose()
    }

    /// What was made, as its record says.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`.
    pub(crate) fn resource_id<T: FromStr>(&self, used: &IdempotencyRecord) -> Result<T, Problem> {
        self.check(used)?;
        used.resource_id.parse().map_err(|_| Problem::internal())
    }

    /// Refuses a key that was used for something else.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`.
    fn check(&self, used: &IdempotencyRecord) -> Result<(), Problem> {
        if used.body_hash == self.body_hash {
            return Ok(());
        }
        let detail = "The Idempotency-Key was used for another body.";
        Err(Problem::new(http::StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail))
    }
}

/// The answer to a request that was carried out before: as it was then, with what it made as it is now.
///
/// # Errors
/// 409 `already_deleted` if that is gone.
pub(crate) fn replayed(reply: Option<Reply>) -> Result<Reply, Problem> {
    let gone = "What this Idempotency-Key made is gone.";
    let reply = reply.ok_or_else(|| Problem::conflict("already_deleted", gone))?;
    reply.with(http::HeaderName::from_static("idempotent-replayed"), "true")
}
