//! Moving tasks between spaces.

use crate::{
    SeededRandom,
    fixtures::{comment, draft, due_draft, instant, now, space, task, user},
};
use taskbell_domain::{
    id::SpaceId,
    list::{Scope, Sort, TaskFilter, TaskQuery},
    membership::MemberChange,
    ports::*,
    space::{Member, Role, Space},
    statistics::{Contribution, Counter, Counters},
    task::{Task, TaskPatch},
    text::Title,
    user::User,
};

use super::{Store, create, idempotency::record, record_one, register};

/// A task of user 1 in their personal space, and a shared space of theirs.
async fn begin(store: &impl Store) -> (User, Task, Space, Member) {
    let ada = user(1);
    register(store, &ada).await;
    let (shared, owner) = space(1, &ada);
    store.create_space(&shared, &owner, None, None).await.expect("an answer");
    let made = task(1, &ada, due_draft("one", "2026-03-02T09:00:00Z", &["PT1H"]));
    create(store, &made).await;
    (ada, made, shared, owner)
}

fn moved_to(task: &Task, space: SpaceId) -> Task {
    let mut moved = task.clone();
    assert!(moved.move_to(space, true, now()));
    moved
}

/// A task moves if it has the expected revision, neither space is being deleted, and all members have their roles.
pub async fn a_task_moves_only_while_both_spaces_and_the_members_remain(store: &impl Store) {
    let (ada, made, mut shared, _) = begin(store).await;
    let (personal, missing) = (made.space, space(9, &ada).0.id);
    let attempt = async |task: &Task, expected, from, members: &[_], record| {
        let step = TaskMove { task, expected, from, members, record };
        store.move_task(step).await
    };
    let there = moved_to(&made, shared.id);
    let owner = (shared.id, ada.id, Role::Owner);
    let admin = (shared.id, ada.id, Role::Admin);
    let stranger = (shared.id, user(2).id, Role::Member);
    let outdated = [
        (&there, missing, vec![owner]),
        (&moved_to(&made, missing), personal, vec![]),
        (&there, personal, vec![admin]),
        (&there, personal, vec![owner, stranger]),
    ];
    for (task, from, members) in outdated {
        let found = attempt(task, 1, from, &members, None).await.expect("an answer");
        assert_eq!(found, Moved::Outdated, "{members:?}");
    }
    let conflict = Moved::Conflict(Some(Box::new(made.clone())));
    let found = attempt(&there, 2, personal, &[owner], None).await.expect("an answer");
    assert_eq!(found, conflict, "another revision");
    let found = attempt(&there, 2, personal, &[admin], None).await.expect("an answer");
    assert_eq!(found, conflict, "the revision is more important");
    let unknown = moved_to(&task(5, &ada, draft("five")), shared.id);
    let found = attempt(&unknown, 1, personal, &[owner], None).await.expect("an answer");
    assert_eq!(found, Moved::Conflict(None));

    let key = record("move", &made, "2026-03-01T08:00:00Z");
    let found = attempt(&there, 1, personal, &[owner], Some(&key)).await.expect("an answer");
    assert_eq!(found, Moved::Stored);
    assert_eq!(store.task(made.id).await.expect("an answer"), Some(there.clone()));
    let back = moved_to(&there, personal);
    let again = attempt(&back, 2, shared.id, &[owner], Some(&key)).await;
    assert!(again.expect_err("the key was used").transient);

    shared.begin_deletion(now());
    assert_eq!(store.replace_space(&shared, 1).await.expect("an answer"), Replaced::Stored);
    let found = attempt(&back, 2, shared.id, &[owner], None).await.expect("an answer");
    assert_eq!(found, Moved::Outdated, "out of a space that is being deleted");
    let other = task(2, &ada, draft("two"));
    create(store, &other).await;
    let into = moved_to(&other, shared.id);
    let found = attempt(&into, 1, personal, &[owner], None).await.expect("an answer");
    assert_eq!(found, Moved::Outdated, "into a space that is being deleted");
    assert_eq!(store.task(other.id).await.expect("an answer"), Some(other));
}

/// A moved task is in the lists and statistics of its new space, however often and late its changes are recorded.
pub async fn a_moved_task_is_listed_and_counted_in_its_new_space_only(store: &impl Store) {
    let (ada, made, shared, _) = begin(store).await;
    let (here, there) = (made.space, shared.id);
    let counters = async |space| store.counters(space).await.expect("an answer");
    let record = async |one: &Contribution| record_one(store, one).await.expect("an answer");
    let stored = async |task: &Task, from| {
        let step = TaskMove { task, expected: task.revision - 1, from, members: &[], record: None };
        assert_eq!(store.move_task(step).await.expect("an answer"), Moved::Stored);
    };
    let moved = moved_to(&made, there);
    let mut edited = moved.clone();
    let title = Some(Title::parse("another").expect("a title"));
    let patch = TaskPatch { title, due: Some(None), ..TaskPatch::default() };
    edited.apply(patch, Some(&ada), now(), &SeededRandom::new(1)).expect("a patch");
    let back = moved_to(&edited, here);
    stored(&moved, here).await;
    let of_space = |space| TaskQuery {
        scope: Scope::Space(space),
        filter: TaskFilter::default(),
        sort: Sort::DEFAULT,
        limit: 10,
        after: None,
    };
    let listed = async |space| store.list(&of_space(space)).await.expect("an answer").items.len();
    assert_eq!([listed(here).await, listed(there).await], [0, 1]);

    let one = Counters::from([(Counter::All, 1), (Counter::Open, 1), (Counter::Reminders, 1)]);
    let bare = Counters::from([(Counter::All, 1), (Counter::Open, 1)]);
    let none = Counters::new();
    let present =
        |counters: Counters| counters.into_iter().filter(|(_, many)| *many != 0).collect::<Counters>();
    let totals = async || (present(counters(here).await), present(counters(there).await));
    let step =
        |task: &Task, before: SpaceId| Contribution { space_before: before, ..Contribution::of(task) };
    record(&Contribution::of(&made)).await;
    record(&step(&moved, here)).await;
    assert_eq!(totals().await, (none.clone(), one.clone()));
    record(&Contribution::of(&made)).await; // late
    record(&step(&moved, here)).await;
    assert_eq!(totals().await, (none.clone(), one.clone()));
    // The move back is recorded before the change that precedes it.
    record(&step(&back, there)).await;
    record(&step(&edited, there)).await;
    assert_eq!(totals().await, (bare.clone(), none.clone()));
    // It moves and is deleted, and the move is never recorded.
    let last = moved_to(&back, there);
    record(&Contribution::removed(&last)).await;
    record(&Contribution::removed(&last)).await;
    assert_eq!(totals().await, (none.clone(), none));
}

/// The purge of a space deletes nothing of tasks that have moved to another space.
pub async fn a_purge_leaves_tasks_that_have_moved(store: &impl Store) {
    let (ada, _, mut shared, owner) = begin(store).await;
    let mut left = task(7, &ada, draft("left"));
    left.space = shared.id;
    let stays = Task { space: shared.id, ..task(8, &ada, draft("stays")) };
    for one in [&left, &stays] {
        create(store, one).await;
        store.add_comment(&comment(1, one, &ada), None).await.expect("an answer");
    }
    let moved = moved_to(&left, SpaceId::personal(ada.id));
    let members = [(shared.id, ada.id, Role::Owner)];
    let from = shared.id;
    let step = TaskMove { task: &moved, expected: 1, from, members: &members, record: None };
    assert_eq!(store.move_task(step).await.expect("an answer"), Moved::Stored);
    shared.begin_deletion(instant("2026-03-01T09:00:00Z"));
    store.replace_space(&shared, 1).await.expect("an answer");
    store.purge_space(shared.id).await.expect("an answer");
    assert_eq!(store.task(moved.id).await.expect("an answer"), Some(moved.clone()));
    assert_eq!(store.comments(moved.id, None, 10).await.expect("an answer").items.len(), 1);
    assert_eq!(store.task(stays.id).await.expect("an answer"), None);
    // The space does not come back with a member.
    let leave = MemberChange::Leave(owner);
    assert!(!store.change_member(&shared, 2, &leave).await.expect("an answer"));
}
