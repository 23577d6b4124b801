//! What a request checks again after another writer was faster.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;
use taskbell_domain::{
    id::SpaceId,
    membership::MemberChange,
    ports::{
        AtomicExtras, RateLimits, Replaced, SpaceChanges, SpaceReads, TaskChanges, TaskCreation,
        TaskReads,
    },
    rate_limit::{ASSIGNMENTS, RateLimitKey},
    space::Role,
    task::{Task, TaskPatch},
    text::Title,
};
use taskbell_test::{
    Faulty, Meddler, MemoryStore, SeededRandom,
    fixtures::{draft, now, space, task, user},
};
use taskbell_test_aws::{
    Server,
    intercept::{Interception, intercepted},
};

use crate::support::{World, collaborator};

/// Gives a member of the shared space another role. The space has another version then.
async fn change_role(store: &MemoryStore, number: u64, role: Role) {
    let id = space(1, &user(1)).0.id;
    let found = store.space_and_member(id, user(number).id).await.expect("an answer");
    let (mut space, member) = found.expect("a member");
    let (version, change) = (space.version, MemberChange::Role(member, role));
    space.apply(&change, now()).expect("a valid change");
    assert!(store.change_member(&space, version, &change).await.expect("an answer"));
}

/// Gives a task another title. It has another revision then.
async fn rename(store: &MemoryStore, task: &Task) {
    let mut task = store.task(task.id).await.expect("an answer").expect("the task");
    let revision = task.revision;
    let title = Some(Title::parse("Theirs").expect("a title"));
    let patch = TaskPatch { title, ..TaskPatch::default() };
    task.apply(patch, None, now(), &SeededRandom::new(5)).expect("a valid patch");
    let replaced = store.replace(&task, revision, AtomicExtras::default()).await.expect("an answer");
    assert_eq!(replaced, Replaced::Stored);
}

#[tokio::test]
async fn permissions_are_checked_again_after_a_conflict() {
    for (function, write, before, after) in [
        ("update-space", "replace_space", Role::Admin, Role::Member),
        ("delete-space", "replace_space", Role::Owner, Role::Admin),
        ("update-member", "change_member", Role::Admin, Role::Member),
        ("remove-member", "change_member", Role::Admin, Role::Member),
        ("delete-task", "delete", Role::Member, Role::Viewer),
        ("batch-tasks", "delete", Role::Member, Role::Viewer),
        ("move-task", "move_task", Role::Member, Role::Viewer),
    ] {
        for demoted in [false, true] {
            let memory = MemoryStore::default();
            let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
            world.seed().await;
            let caller = world.register(11).await;
            let (id, _) = space(1, &user(1));
            let mut shared = memory.space(id.id).await.expect("an answer").expect("the space");
            world.join(&mut shared, &caller, before).await;
            let task = Task { space: shared.id, ..task(77, &caller, draft("Shared")) };
            memory.create(&task, None, None).await.expect("an answer");

            let event = world.event(function, &caller, &task).await.without_header("if-match");
            let event = match function {
                "update-member" => event.body(&json!({ "role": "viewer" })),
                "move-task" => event.body(&json!({ "space": SpaceId::personal(caller.id) })),
                "update-space" => event.body(&json!({ "name": "Another name" })),
                "batch-tasks" => {
                    event.body(&json!({ "operations": [{ "op": "delete", "id": task.id }] }))
                }
                _ => event,
            };
            let (store, conflicting) = (memory.clone(), task.clone());
            world.store.faults.before(write, async move {
                if write == "delete" {
                    rename(&store, &conflicting).await;
                }
                let role = if demoted { after } else { before };
                change_role(&store, 11, role).await;
            });
            let answer = world.send(&event).await;
            assert!(world.store.faults.is_done(), "{function}: there was no conflict");
            let result = answer.body["results"][0]["status"].as_u64();
            let status = result.unwrap_or(answer.status.into());
            match demoted {
                true => assert_eq!(status, 403, "{function}: {}", answer.body),
                false => assert!(status < 300, "{function}: {}", answer.body),
            }
        }
    }
}

#[tokio::test]
async fn a_change_whose_response_was_lost_is_made_once() {
    let server = Server::start().await;
    let is_lossy = Arc::new(AtomicBool::new(false));
    let rule = is_lossy.clone();
    let client = intercepted(&server.client(), move |operation, _| match operation {
        "PutItem" if rule.load(Ordering::Relaxed) => Interception::SendTwice,
        _ => Interception::Send,
    });
    let world = World::on(server.store(client));
    let (ada, task) = world.seed().await;
    let create = world.event("create-task", &ada, &task).await.without_header("idempotency-key");
    let create = create.body(&json!({
        "title": "Wind the clock", "due": "2026-03-01T08:05:00Z", "reminders": [], "recurrence": "FREQ=DAILY"
    }));
    let created = world.send(&create).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.body["id"].as_str().expect("an id").to_owned();
    world.queue.take();
    is_lossy.store(true, Ordering::Relaxed);
    let of = async |function| {
        world.event(function, &ada, &task).await.path("task_id", &id).without_header("if-match")
    };
    let skipped = world.send(&of("skip-task").await.header("if-match", "\"1\"")).await;
    assert_eq!((skipped.status, skipped.headers["etag"].as_str()), (200, "\"2\""));
    assert_eq!(skipped.body["due"], "2026-03-02T08:05:00Z", "it skipped one occurrence");
    let remind = of("update-task").await.body(&json!({"reminders": [{"at": "2026-03-01T08:01:00Z"}]}));
    let updated = world.send(&remind).await;
    assert_eq!((updated.status, updated.headers["etag"].as_str()), (200, "\"3\""));
    assert_eq!(world.queue.take().len(), 1, "the reminder is queued, because it is soon");
}

#[tokio::test]
async fn an_inherited_assignment_is_counted_once_despite_a_conflict() {
    let memory = MemoryStore::default();
    let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
    let (ada, task) = world.seed().await;
    let create = world.event("create-task", &ada, &task).await.without_header("idempotency-key");
    let create = create.query(&format!("space={}", space(1, &ada).0.id)).body(&json!({
        "title": "Wind the clock", "due": "2026-03-02T09:00:00Z", "recurrence": "FREQ=DAILY",
        "assigned_to": collaborator().id,
    }));
    let created = world.send(&create).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.body["id"].as_str().expect("an id").parse().expect("an id");
    let series = memory.task(id).await.expect("an answer").expect("the task");
    let (store, stored) = (memory.clone(), series.clone());
    world.store.faults.before("replace", async move { rename(&store, &stored).await });
    let complete = world.event("complete-task", &ada, &series).await.without_header("if-match");
    assert_eq!(world.send(&complete).await.status, 200);
    assert!(world.store.faults.is_done(), "the concurrent change did not run");
    let key = RateLimitKey::user(ada.id);
    let used = world.store.record(&ASSIGNMENTS, &key, 0, now()).await.expect("an answer");
    assert_eq!(used, 2, "the task and its next occurrence");
}
