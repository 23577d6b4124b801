//! `POST /v1/tasks`: creates a task. Two calls: the profile is read, the task is written.

use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    clock::{Clock, Random},
    credential::sha256_hex,
    id::{SpaceId, TaskId, UserId},
    policy::Action,
    ports::{Created, IdempotencyRecord, TaskCreation, TimerQueue},
    task::Task,
    violation::Violation,
};

use super::{fields, permitted, view};
use crate::{
    http::{Call, Fields, Problem, Reply, authenticate},
    ring_soon::ring_soon,
    tokens::{Identity, Verifier},
};

/// How long an idempotency key is remembered.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// Creates; answers 201 with the task. With an `Idempotency-Key` that was used before for the same body it
/// answers 201 with the task of that time, as it is now, and `Idempotent-Replayed: true`.
///
/// # Errors
/// 401, 409 `task_deleted` (the key's task is gone), 422 also for `idempotency_key_reused`, and those of
/// every body.
pub async fn handle(
    call: &Call,
    store: &impl TaskCreation,
    queue: &impl TimerQueue,
    verifier: &Verifier,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = authenticate(call, verifier, now)?;
    let key_hash = idempotency_key(call)?;
    let draft = fields::draft(Fields::of(call)?)?;
    let body_hash = sha256_hex(call.json()?);

    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    let id = TaskId::generate(clock, random);
    let task = Task::create(id, SpaceId::personal(caller.user), draft, &user, now, random)?;
    let record = key_hash.map(|key_hash| record(caller.user, key_hash, &body_hash, id, now));
    match store.create(&task, record.as_ref(), now).await? {
        Created::Done => {
            ring_soon(queue, &task, now).await;
            created(&task)
        }
        Created::KeyUsed(used) if used.body_hash != body_hash => {
            let detail = "The Idempotency-Key was used for another body.";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail))
        }
        Created::KeyUsed(used) => replay(store, caller, used.task).await,
    }
}

fn record(
    user: UserId,
    key_hash: String,
    body_hash: &str,
    task: TaskId,
    now: Timestamp,
) -> IdempotencyRecord {
    let (body_hash, expires_at) = (body_hash.to_owned(), now + KEY_LIFETIME);
    IdempotencyRecord { user, key_hash, body_hash, task, expires_at }
}

fn idempotency_key(call: &Call) -> Result<Option<String>, Problem> {
    let Some(key) = call.header("idempotency-key")? else { return Ok(None) };
    if key.is_empty() || key.len() > MAX_KEY {
        let why = format!("It must have 1 to {MAX_KEY} characters.");
        return Err(Violation::new("invalid_length", why).at("Idempotency-Key").into());
    }
    Ok(Some(sha256_hex(key.as_bytes())))
}

fn created(task: &Task) -> Result<Reply, Problem> {
    view::reply(StatusCode::CREATED, task)?.with(header::LOCATION, &format!("/v1/tasks/{}", task.id))
}

async fn replay(store: &impl TaskCreation, caller: Identity, id: TaskId) -> Result<Reply, Problem> {
    let task = permitted(store.task(id).await?, caller, Action::ReadTasks).map_err(|_| {
        Problem::conflict("task_deleted", "The task that this Idempotency-Key created is gone.")
    })?;
    created(&task)?.with(http::HeaderName::from_static("idempotent-replayed"), "true")
}
