//! Idempotency keys: the write that carries out a request also records its key, so the same request is carried out once.

use std::str::FromStr;

use http::{HeaderName, StatusCode};
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    id::UserId,
    ports::{Created, IdempotencyRecord, IdempotencyRecords},
    secret::sha256_hex,
    violation::Violation,
};

use crate::http::{Call, Problem, Reply};

/// How long an idempotency key is remembered.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// Marks the response to a repeated request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The `Idempotency-Key` of a request, and the hash of what it was sent with. The key itself is stored as a hash.
pub(crate) struct Key {
    user: UserId,
    key: String,
    body_hash: String,
    now: Timestamp,
}

impl Key {
    /// The key in the request's header, if there is one. `sent` is everything that must be the same in a repeated
    /// request, besides the route.
    ///
    /// # Errors
    /// 400 `invalid_header`, 422.
    pub(crate) fn of(
        call: &Call<'_>,
        user: UserId,
        sent: &[&[u8]],
        now: Timestamp,
    ) -> Result<Option<Self>, Problem> {
        let Some(key) = call.header("idempotency-key")? else { return Ok(None) };
        if key.is_empty() || key.len() > MAX_KEY {
            let why = format!("It must have 1 to {MAX_KEY} characters.");
            return Err(Violation::new("invalid_length", why).for_field("Idempotency-Key").into());
        }
        let sent = [&[call.route().as_bytes()], sent].concat().concat();
        Ok(Some(Self { user, key: key.to_owned(), body_hash: sha256_hex(&sent), now }))
    }

    /// The record to store with the request's write: which resource it created or changed, and the response's status.
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

    /// The key of one operation of a batch. No client can send it: a header has no line break.
    pub(crate) fn of_operation(&self, index: usize) -> Self {
        Self { key: format!("{}\n{index}", self.key), body_hash: self.body_hash.clone(), ..*self }
    }

    /// The hash that identifies the record.
    pub(crate) fn hash(&self) -> String {
        sha256_hex(self.key.as_bytes())
    }

    /// The id of the resource in a record of this key.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused` if the record belongs to another request.
    pub(crate) fn resource_id<T: FromStr>(&self, used: &IdempotencyRecord) -> Result<T, Problem> {
        if used.body_hash != self.body_hash {
            let detail = "The Idempotency-Key was used for a different request: send a new key.";
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                detail,
            ));
        }
        used.resource_id.parse().map_err(|_| Problem::internal())
    }

    /// The id of the resource that the same request created before, if it did.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`.
    async fn created_before<Id: FromStr>(
        &self,
        store: &impl IdempotencyRecords,
    ) -> Result<Option<Id>, Problem> {
        let found = store.records(self.user, vec![self.hash()], self.now).await?;
        found.first().map(|used| self.resource_id(used)).transpose()
    }
}

/// The resource that the same request created before, as it is now. It is found without another attempt to create it:
/// before a check that would refuse the repeated request.
///
/// # Errors
/// 409 `already_deleted`, 422 `idempotency_key_reused`, and those of `find`.
pub(crate) async fn find_replay<T, Id: FromStr>(
    key: Option<&Key>,
    store: &impl IdempotencyRecords,
    find: impl AsyncFnOnce(Id) -> Result<Option<T>, Problem>,
) -> Result<Option<T>, Problem> {
    let Some(key) = key else { return Ok(None) };
    match key.created_before(store).await? {
        Some(id) => found(find(id).await?).map(Some),
        None => Ok(None),
    }
}

/// Creates the resource `id`: `store` stores it together with the record of the key. If the key was used before, it stores
/// nothing, and the result is the resource that the same request created, which `find` reads as it is now.
///
/// # Errors
/// 409 `already_deleted`, 422 `idempotency_key_reused`, and those of `store` and `find`.
pub(crate) async fn create_once<T, Id: FromStr + ToString>(
    key: Option<&Key>,
    id: Id,
    store: impl AsyncFnOnce(Option<IdempotencyRecord>) -> Result<Created, Problem>,
    find: impl AsyncFnOnce(Id) -> Result<Option<T>, Problem>,
) -> Result<Option<T>, Problem> {
    let record = key.map(|key| key.record(&id, StatusCode::CREATED.as_u16()));
    match (store(record).await?, key) {
        (Created::Replayed(used), Some(key)) => found(find(key.resource_id(&used)?).await?).map(Some),
        _ => Ok(None),
    }
}

fn found<T>(resource: Option<T>) -> Result<T, Problem> {
    let detail = "The resource that this Idempotency-Key created no longer exists.";
    resource.ok_or_else(|| Problem::conflict("already_deleted", detail))
}

/// The response to a repeated request, marked as such.
///
/// # Errors
/// Those of `reply`.
pub(crate) fn replayed(reply: Result<Reply, Problem>) -> Result<Reply, Problem> {
    reply?.with(REPLAYED, "true")
}

/// The response to a creation: with the resource that [`create_once`] found, or the one that it has created.
///
/// # Errors
/// Those of `reply`.
pub(crate) fn created<T>(
    replay: Option<T>,
    new: &T,
    reply: impl FnOnce(&T) -> Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    match replay {
        Some(before) => replayed(reply(&before)),
        None => reply(new),
    }
}
