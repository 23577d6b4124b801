//! Moving tasks between spaces.

mod followed;
mod reminded;

use serde_json::{Value, json};
use taskbell_domain::{
    id::SpaceId,
    membership::MemberChange,
    ports::{Comments as _, Replaced, SpaceChanges as _, SpaceReads as _, TaskReads as _},
    quota::Quota,
    space::Role,
    task::Task,
    user::User,
};
use taskbell_test::{
    Faults, Faulty, Meddler, MemoryStore, Side,
    contract::Store,
    fixtures::{now, space, user},
    injected,
};

use crate::support::{Answer, World, collaborator};

pub(super) fn shared() -> SpaceId {
    space(1, &user(1)).0.id
}

impl<S: Store> World<S> {
    /// A user moves a task.
    pub(crate) async fn move_to_space(&self, by: &User, task: &Task, to: SpaceId) -> Answer {
        let event = self.event("move-task", by, task).await;
        self.send(&event.body(&json!({ "space": to }))).await
    }

    async fn ids_in(&self, user: &User, query: &str) -> Vec<String> {
        let any = taskbell_test::fixtures::task(1, user, taskbell_test::fixtures::draft("any"));
        let listed = self.send(&self.event("list-tasks", user, &any).await.query(query)).await;
        assert_eq!(listed.status, 200, "{}", listed.body);
        let items = listed.body["items"].as_array().expect("items").iter();
        items.map(|task| task["id"].as_str().expect("an id").to_owned()).collect()
    }
}

#[tokio::test]
async fn a_moved_task_keeps_its_comments_checklist_and_reminders() {
    let (world, ada, task) = World::seeded().await;
    let update = world.event("update-task", &ada, &task).await.without_header("if-match");
    let update = update.body(&json!({ "checklist": [{ "title": "Rope" }], "tags": ["bell"] }));
    let before = world.send(&update).await;
    assert_eq!(before.status, 200, "{}", before.body);
    let log = world.as_user("list-task-reminders", &ada, &task).await.body;
    let comments = world.as_user("list-comments", &ada, &task).await.body;

    let moved = world.move_to_space(&ada, &task, shared()).await;
    assert_eq!((moved.status, moved.headers["etag"].as_str()), (200, "\"3\""), "{}", moved.body);
    let mut expected = before.body;
    expected["space"] = json!(shared());
    expected["version"] = json!(3);
    expected["moved_at"] = json!(now());
    assert_eq!(moved.body, expected);
    assert_eq!(world.as_user("list-task-reminders", &ada, &task).await.body, log);
    assert_eq!(world.as_user("list-comments", &ada, &task).await.body, comments);

    let id = vec![task.id.to_string()];
    for query in ["", "&sort=created", "&sort=-updated", "&sort=title", "&tag=bell", "&q=ring"] {
        let here = format!("space={}{query}", task.space);
        let there = format!("space={}{query}", shared());
        assert_eq!(world.ids_in(&ada, &here).await, [""; 0], "{query}");
        assert_eq!(world.ids_in(&ada, &there).await, id, "{query}");
        assert_eq!(world.ids_in(&collaborator(), &there).await, id, "{query}");
    }
    // The comments are those of a task in the shared space now.
    let eve = collaborator();
    assert_eq!(world.as_user("list-comments", &eve, &task).await.body, comments);
    assert_eq!(world.move_to_space(&ada, &task, task.space).await.status, 200);
    assert_eq!(world.as_user("list-comments", &eve, &task).await.status, 404);
    assert_eq!(world.as_user("create-comment", &eve, &task).await.status, 404);
}

#[tokio::test]
async fn a_task_that_moves_to_its_own_space_is_unchanged() {
    let (world, ada, task) = World::seeded().await;
    let before = world.store.contents();
    let full = Quota { tasks: 0, reminders: 0 };
    let world = World { quota: full, ..world };
    let answer = world.move_to_space(&ada, &task, task.space).await;
    assert_eq!((answer.status, answer.headers["etag"].as_str()), (200, "\"1\""), "{}", answer.body);
    assert!(world.store.contents() == before);
}

#[tokio::test]
async fn an_assignee_stays_assigned_only_as_a_member_of_the_other_space() {
    let (ada, eve) = (user(1), collaborator());
    let (mine, theirs) = (SpaceId::personal(ada.id), space(2, &eve).0.id);
    // Ada is a member of the shared space and of that of Eve.
    for (assignee, to, kept) in [
        (Some(&ada), mine, true),
        (Some(&eve), mine, false),
        (None, mine, false),
        (Some(&eve), theirs, true),
        (Some(&ada), theirs, true),
    ] {
        let (world, _, _) = World::seeded().await;
        let accept = world.event("accept-invitation", &ada, &task_of(&ada)).await;
        assert_eq!(world.send(&accept).await.status, 200);
        let body = json!({ "title": "Ours", "assigned_to": assignee.map(|user| user.id) });
        let made = world.shared_task(&ada, &body).await.body;
        let task = world.stored(made["id"].as_str().expect("an id").parse().expect("an id")).await;
        world.queue.take();
        let moved = world.move_to_space(&ada, &task, to).await;
        assert_eq!(moved.status, 200, "{}", moved.body);
        let expected = assignee.filter(|_| kept).map_or(Value::Null, |user| json!(user.id));
        assert_eq!(moved.body["assigned_to"], expected, "{assignee:?} {to}");
        assert_eq!(world.mails().await, [], "nobody is told of it again");
        for of in [&ada, &eve] {
            let listed = world.ids_in(of, "assigned_to=me").await;
            assert_eq!(listed.contains(&task.id.to_string()), expected == json!(of.id));
        }
    }
}

fn task_of(user: &User) -> Task {
    taskbell_test::fixtures::task(1, user, taskbell_test::fixtures::draft("any"))
}

#[tokio::test]
async fn a_task_does_not_move_into_a_full_space() {
    let (mut world, ada, task) = World::seeded().await;
    // The personal space has the only counted task, with one reminder.
    world.quota = Quota { tasks: 1, reminders: 1 };
    let made = world.shared_task(&ada, &json!({ "title": "Ours" })).await.body;
    let ours = world.stored(made["id"].as_str().expect("an id").parse().expect("an id")).await;
    let before = world.store.contents();
    let refused = world.move_to_space(&ada, &ours, task.space).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_tasks"));
    world.quota.tasks = 2;
    assert_eq!(world.move_to_space(&ada, &ours, task.space).await.status, 200, "it has no reminder");
    assert!(world.store.contents() != before);
    let remind = json!({ "title": "Ring", "due": "2026-03-02T09:00:00Z" });
    let made = world.shared_task(&ada, &remind).await.body;
    let rings = world.stored(made["id"].as_str().expect("an id").parse().expect("an id")).await;
    let refused = world.move_to_space(&ada, &rings, task.space).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_reminders"));
    let complete = world.as_user("complete-task", &ada, &rings).await;
    assert_eq!(complete.status, 200);
    let moved = world.move_to_space(&ada, &rings, task.space).await;
    assert_eq!(moved.status, 200, "the reminders of completed tasks do not count");
}

/// Marks the shared space as being deleted.
async fn hide(store: MemoryStore) {
    let mut found = store.space(shared()).await.expect("an answer").expect("the space");
    let read = found.version;
    found.begin_deletion(now());
    let hidden = store.replace_space(&found, read).await.expect("an answer");
    assert_eq!(hidden, Replaced::Stored);
}

/// Removes a member of the shared space, or changes their role.
async fn change_member(store: MemoryStore, of: User, role: Option<Role>) {
    let found = store.space_and_member(shared(), of.id).await.expect("an answer");
    let (mut space, member) = found.expect("a member");
    let change = role.map_or(MemberChange::Leave(member), |role| MemberChange::Role(member, role));
    let read = space.version;
    space.apply(&change, now()).expect("it is possible");
    assert!(store.change_member(&space, read, &change).await.expect("an answer"));
}

#[tokio::test]
async fn what_was_checked_still_holds_when_a_task_moves() {
    let eve = collaborator();
    for (what, out, status, assigned) in [
        ("the other space is being deleted", false, 404, None),
        ("the space is being deleted", true, 404, None),
        ("the caller has left the other space", false, 404, None),
        ("the caller has left the space", true, 404, None),
        ("the caller may only read the other space", false, 403, None),
        ("the assignee has left the other space", false, 200, Some(false)),
        ("the assignee has another role", false, 200, Some(true)),
    ] {
        let memory = MemoryStore::default();
        let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
        let (ada, mut task) = world.seed().await;
        // The caller is not the only owner.
        change_member(memory.clone(), eve.clone(), Some(Role::Owner)).await;
        let personal = task.space;
        if out {
            assert_eq!(world.move_to_space(&ada, &task, shared()).await.status, 200);
            task = world.stored(task.id).await;
        }
        if assigned.is_some() {
            let mut stored = memory.data();
            let (stored, _) = stored.tasks.get_mut(&task.id).expect("the task");
            stored.assigned_to = Some(eve.id);
        }
        let before = world.stored(task.id).await;
        let store = memory.clone();
        let (me, them) = (ada.clone(), eve.clone());
        world.store.faults.before("move_task", async move {
            match what {
                _ if what.contains("being deleted") => hide(store).await,
                _ if what.contains("may only read") => {
                    change_member(store, me, Some(Role::Viewer)).await
                }
                _ if what.contains("the caller") => change_member(store, me, None).await,
                _ if what.contains("another role") => {
                    change_member(store, them, Some(Role::Viewer)).await
                }
                _ => change_member(store, them, None).await,
            }
        });
        let to = if out { personal } else { shared() };
        let answer = world.move_to_space(&ada, &task, to).await;
        assert!(world.store.faults.is_done(), "{what}");
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        match assigned {
            None => assert_eq!(world.stored(task.id).await, before, "{what}"),
            Some(kept) => {
                let expected = if kept { json!(eve.id) } else { Value::Null };
                assert_eq!(answer.body["assigned_to"], expected, "{what}");
            }
        }
    }
}

/// The response to the first move is lost.
#[derive(Default)]
struct LostResponse(std::sync::atomic::AtomicBool);

impl Faults for LostResponse {
    async fn pass(
        &self,
        call: &'static str,
        side: Side,
    ) -> Result<(), taskbell_domain::ports::PortError> {
        let is_first = || !self.0.swap(true, std::sync::atomic::Ordering::Relaxed);
        match call == "move_task" && side == Side::After && is_first() {
            true => Err(injected("moving a task")),
            false => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_move_whose_response_was_lost_can_be_repeated() {
    let memory = MemoryStore::default();
    let world = World::on(Faulty { store: memory.clone(), faults: LostResponse::default() });
    let (ada, task) = world.seed().await;
    assert_eq!(world.move_to_space(&ada, &task, shared()).await.status, 503);
    let again = world.move_to_space(&ada, &task, shared()).await;
    assert_eq!((again.status, &again.body["version"]), (200, &json!(2)), "{}", again.body);
}

#[tokio::test]
async fn a_batch_moves_tasks_in_order_and_once() {
    let (mut world, ada, task) = World::seeded().await;
    let run = async |world: &World, operations: Value| {
        let event = world.event("batch-tasks", &ada, &task).await;
        let answer = world.send(&event.body(&json!({ "operations": operations }))).await;
        answer.body["results"].as_array().expect("results").clone()
    };
    let to = |space: SpaceId| json!({ "op": "move", "id": task.id, "space": space });
    let rename = json!({ "op": "update", "id": task.id, "task": { "title": "Moved" } });
    let operations = json!([to(shared()), rename, to(task.space), to(shared())]);
    let results = run(&world, operations.clone()).await;
    let statuses: Vec<_> = results.iter().map(|result| result["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 200, 200], "{results:?}");
    assert_eq!(results[3]["task"]["space"], json!(shared()));
    let before = world.store.contents();
    let replayed = run(&world, operations).await;
    assert!(replayed.iter().all(|result| result["replayed"] == true), "{replayed:?}");
    assert!(world.store.contents() == before);

    // The quota counts what the batch itself moves.
    let others: Vec<_> = [61, 62]
        .map(|number| Task {
            space: shared(),
            ..taskbell_test::fixtures::task(number, &ada, taskbell_test::fixtures::draft("Other"))
        })
        .into();
    for other in &others {
        taskbell_domain::ports::TaskCreation::create(&world.store, other, None, None)
            .await
            .expect("an answer");
    }
    world.quota.tasks = 2; // The personal space has one in its counters.
    let moves: Vec<_> = others
        .iter()
        .map(|other| json!({ "op": "move", "id": other.id, "space": SpaceId::personal(ada.id) }))
        .collect();
    let event = world.event("batch-tasks", &ada, &task).await.without_header("idempotency-key");
    let answer = world.send(&event.body(&json!({ "operations": moves }))).await;
    let mut statuses: Vec<_> =
        [0, 1].map(|index| answer.body["results"][index]["status"].as_u64()).into();
    statuses.sort_unstable();
    assert_eq!(statuses, [Some(200), Some(409)], "{}", answer.body);
    let comments = world.store.comments(task.id, None, 10).await.expect("an answer");
    assert_eq!(comments.items.len(), 1);
    assert!(world.store.task(task.id).await.expect("an answer").is_some());
}
