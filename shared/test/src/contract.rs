//! What every store must do, as tests that run against each of them. [`contract_tests!`] makes one test
//! of each function here.
//!
//! [`contract_tests!`]: crate::contract_tests

use crate::{
    ManualClock, SeededRandom,
    fixtures::{NOW, draft, due_draft, instant, now, task, user},
};
use taskbell_domain::{
    credential::{Credential, RefreshToken, SESSION_LIFETIME, Session},
    email::EmailAddress,
    id::{SessionId, SpaceId},
    list::{Position, Sort, SortBy, TaskFilter, TaskQuery},
    ports::*,
    task::{Priority, Status, Task},
    text::{Category, Tag},
    timer::Timer,
    user::User,
};

/// All store ports together.
pub trait Store:
    ProfileChanges + Registrations + Credentials + Sessions + TaskCreation + TaskChanges + Timers
{
}
impl<T> Store for T where
    T: ProfileChanges + Registrations + Credentials + Sessions + TaskCreation + TaskChanges + Timers
{
}

async fn register(store: &impl Store, user: &User) -> Registered {
    let credential = Credential { user: user.id, password_hash: "a hash".to_owned() };
    store.register(user, &credential).await.expect("an answer")
}

async fn create(store: &impl Store, task: &Task) {
    assert_eq!(store.create(task, None, now()).await.expect("an answer"), Created::Done);
}

/// Walks all pages, and checks that they fit together.
async fn walk(store: &impl Store, mut query: TaskQuery) -> Vec<Task> {
    let mut all = Vec::new();
    for _ in 0..1_000 {
        let page = store.list(&query).await.expect("a page");
        assert!(page.items.len() <= usize::from(query.limit));
        all.extend(page.items);
        query.after = page.next;
        if query.after.is_none() {
            return all;
        }
    }
    panic!("the list has no end");
}

/// A registered profile and its credential come back as they were stored.
pub async fn a_registered_account_is_read_back_whole(store: &impl Store) {
    let ada = user(1);
    assert_eq!(register(store, &ada).await, Registered::Done);
    assert_eq!(store.user(ada.id).await.expect("an answer"), Some(ada.clone()));
    let upper = EmailAddress::parse("USER1@EXAMPLE.COM").expect("an address");
    let credential = store.credential(&upper).await.expect("an answer").expect("a credential");
    assert_eq!((credential.user, credential.password_hash.as_str()), (ada.id, "a hash"));
    assert_eq!(store.user(user(2).id).await.expect("an answer"), None);
}

/// A second account with the same address, in any spelling, is refused and leaves no trace.
pub async fn an_address_belongs_to_one_account(store: &impl Store) {
    register(store, &user(1)).await;
    let twin = User { email: EmailAddress::parse("User1@Example.com").expect("an address"), ..user(2) };
    assert_eq!(register(store, &twin).await, Registered::EmailTaken);
    assert_eq!(store.user(twin.id).await.expect("an answer"), None);
}

/// A profile is replaced only at the version that was read.
pub async fn a_profile_changes_only_at_the_version_that_was_read(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let newer = User { version: 2, ..ada.clone() };
    assert_eq!(store.replace_user(&newer, 1).await.expect("an answer"), Replaced::Done);
    let refused = store.replace_user(&newer, 1).await.expect("an answer");
    assert_eq!(refused, Replaced::Conflict(Some(Box::new(newer))));
    let nobody = user(9);
    assert_eq!(store.replace_user(&nobody, 1).await.expect("an answer"), Replaced::Conflict(None));
}

/// A refresh token works once; presented again it is known as used; after the end nothing works.
pub async fn a_refresh_token_works_once(store: &impl Store) {
    let random = SeededRandom::new(7);
    let ada = user(1);
    let id = SessionId::generate(&ManualClock::at(NOW), &random);
    let hash = || RefreshToken::generate(ada.id, id, &random).hash();
    let session = |token_hash: &str| Session {
        id,
        user: ada.id,
        token_hash: token_hash.to_owned(),
        expires_at: now() + SESSION_LIFETIME,
    };
    let (first, second, third) = (hash(), hash(), hash());
    store.open_session(&session(&first)).await.expect("an answer");
    let rotate = async |to: &str, presented: &str, at| {
        store.rotate_session(&session(to), presented, at).await.expect("an answer")
    };
    assert_eq!(rotate(&second, &first, now()).await, Rotated::Done);
    assert_eq!(rotate(&second, &first, now()).await, Rotated::Done, "the same exchange, sent again");
    assert_eq!(rotate(&third, &first, now()).await, Rotated::Reused);
    assert_eq!(rotate(&third, &second, now() + SESSION_LIFETIME).await, Rotated::Unknown);
    assert_eq!(rotate(&third, &second, now()).await, Rotated::Done);
    store.close_session(ada.id, id).await.expect("an answer");
    store.close_session(ada.id, id).await.expect("closing twice is no error");
    assert_eq!(rotate(&first, &third, now()).await, Rotated::Unknown);
}

/// A task comes back with every field, alone and together with a profile.
pub async fn a_task_is_read_back_whole(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let mut full = due_draft("Ring the bell", "2026-03-29T02:30[Europe/Berlin]", &["PT30M", "P1D"]);
    full.category = Some(Category::parse("Tower").expect("a category"));
    full.tags = vec![Tag::parse("bell").expect("a tag"), Tag::parse("höhe").expect("a tag")];
    full.priority = Priority::Urgent;
    let mut stored = task(1, &ada, full);
    stored.reminders[0].message_id = Some("m-1".to_owned());
    stored.past_reminders.push(stored.reminders[1].clone());
    create(store, &stored).await;
    assert_eq!(store.task(stored.id).await.expect("an answer"), Some(stored.clone()));
    let both = store.task_and_user(stored.id, ada.id).await.expect("an answer");
    assert_eq!(both, (Some(stored), Some(ada.clone())));
    let neither = store.task_and_user(task(2, &ada, draft("x")).id, user(2).id).await;
    assert_eq!(neither.expect("an answer"), (None, None));
}

/// A task is replaced and deleted only at the version that was read, and the refusal shows the present one.
pub async fn a_task_changes_only_at_the_version_that_was_read(store: &impl Store) {
    let ada = user(1);
    let old = task(1, &ada, draft("old"));
    create(store, &old).await;
    let new = Task { version: 2, ..old.clone() };
    assert_eq!(store.replace(&new, 1).await.expect("an answer"), Replaced::Done);
    let conflict = Replaced::Conflict(Some(Box::new(new.clone())));
    assert_eq!(store.replace(&new, 1).await.expect("an answer"), conflict);
    assert_eq!(store.delete(new.id, 1).await.expect("an answer"), conflict);
    assert_eq!(store.delete(new.id, 2).await.expect("an answer"), Replaced::Done);
    assert_eq!(store.delete(new.id, 2).await.expect("an answer"), Replaced::Conflict(None));
    assert_eq!(store.replace(&new, 2).await.expect("an answer"), Replaced::Conflict(None));
    assert_eq!(store.task(new.id).await.expect("an answer"), None);
}

/// An idempotency key creates one task, until its record expires.
pub async fn an_idempotency_key_creates_one_task(store: &impl Store) {
    let ada = user(1);
    let (first, second) = (task(1, &ada, draft("one")), task(2, &ada, draft("two")));
    let record = |task: &Task| IdempotencyRecord {
        user: ada.id,
        key_hash: "k".repeat(64),
        body_hash: "b".repeat(64),
        task: task.id,
        expires_at: instant("2026-03-02T08:00:00Z"),
    };
    let made = store.create(&first, Some(&record(&first)), now()).await.expect("an answer");
    assert_eq!(made, Created::Done);
    let again = store.create(&second, Some(&record(&second)), now()).await.expect("an answer");
    assert_eq!(again, Created::KeyUsed(record(&first)));
    assert_eq!(store.task(second.id).await.expect("an answer"), None);
    let later = instant("2026-03-02T08:00:00Z");
    let expired = store.create(&second, Some(&record(&second)), later).await.expect("an answer");
    assert_eq!(expired, Created::Done);
}

/// Every order, with every filter, page by page, gives the tasks that a plain sort and filter give.
pub async fn lists_are_sorted_filtered_and_paged(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let mut all = Vec::new();
    for number in 0..150_u64 {
        let due = (number % 4 != 0).then(|| format!("2026-03-{:02}", 1 + number * 7 % 28));
        let mut made = match &due {
            Some(due) => due_draft("t", due, &[]),
            None => draft("t"),
        };
        made.priority = Priority::ALL[number as usize % 4];
        made.status = Status::ALL[number as usize % 3];
        made.category = (number % 5 == 0).then(|| Category::parse("home").expect("a category"));
        made.tags = (number % 6 == 0).then(|| Tag::parse("x").expect("a tag")).into_iter().collect();
        let made = task(100 + number, &ada, made);
        create(store, &made).await;
        all.push(made);
    }
    create(store, &task(999, &eve, draft("not yours"))).await;
    let filters = [
        TaskFilter::default(),
        TaskFilter { status: Some(Status::Pending), ..TaskFilter::default() },
        TaskFilter { status: Some(Status::Completed), ..TaskFilter::default() },
        TaskFilter { priority: Some(Priority::High), ..TaskFilter::default() },
        TaskFilter {
            category: Some(Category::parse("home").expect("a category")),
            ..TaskFilter::default()
        },
        TaskFilter { tag: Some(Tag::parse("x").expect("a tag")), ..TaskFilter::default() },
        TaskFilter { due_before: Some(instant("2026-03-15T00:00:00Z")), ..TaskFilter::default() },
        TaskFilter { due_after: Some(instant("2026-03-15T00:00:00Z")), ..TaskFilter::default() },
        TaskFilter {
            status: Some(Status::InProgress),
            priority: Some(Priority::Low),
            due_after: Some(instant("2026-03-03T22:59:59Z")),
            due_before: Some(instant("2026-03-24T22:59:59Z")),
            ..TaskFilter::default()
        },
    ];
    for by in [SortBy::Due, SortBy::Created, SortBy::Priority] {
        for descending in [false, true] {
            for filter in &filters {
                let mut expected: Vec<_> = all.iter().filter(|t| filter.admits(t)).collect();
                expected.sort_by_key(|t| Position::of(t, by));
                if descending {
                    expected.reverse();
                }
                for limit in [9, 100] {
                    let query = TaskQuery {
                        space: SpaceId::personal(ada.id),
                        filter: filter.clone(),
                        sort: Sort { by, descending },
                        limit,
                        after: None,
                    };
                    let found = walk(store, query.clone()).await;
                    assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
                }
            }
        }
    }
}

/// Timers are found in order up to a moment, each in its shard, and move with their task.
pub async fn timers_are_found_until_a_moment_and_move_with_their_task(store: &impl Store) {
    let ada = user(1);
    let mut expected = Vec::new();
    for number in 0..20_u64 {
        let due = format!("2026-03-01T09:{number:02}:00Z");
        let made = task(number, &ada, due_draft("t", &due, &["PT0S"]));
        create(store, &made).await;
        expected.extend(made.timer());
    }
    let until = instant("2026-03-01T09:14:00Z");
    let found = async || {
        let mut found = Vec::new();
        for shard in 0..TIMER_SHARDS {
            let page = store.timers(shard, until, None).await.expect("a page");
            assert!(page.timers.is_sorted() && page.next.is_none());
            if let Some(first) = page.timers.first() {
                let rest = store.timers(shard, until, Some(*first)).await.expect("a page");
                assert_eq!(rest.timers, page.timers[1..]);
            }
            found.extend(page.timers);
        }
        found.sort();
        found
    };
    expected.truncate(15);
    assert_eq!(found().await, expected);

    // Postponed beyond the moment it is not found; a stale postponement changes nothing.
    let first = expected.remove(0);
    store.postpone(first, instant("2026-03-01T10:00:00Z")).await.expect("an answer");
    store.postpone(first, instant("2026-03-01T09:05:00Z")).await.expect("an answer");
    store.postpone(Timer { at: now(), ..expected[0] }, now()).await.expect("an answer");
    assert_eq!(found().await, expected);

    // Deleting the task, or taking its reminders, takes its timer along in the same write.
    let gone = expected.remove(0);
    assert_eq!(store.delete(gone.task_id, 1).await.expect("an answer"), Replaced::Done);
    let silent = expected.remove(0);
    let mut task = store.task(silent.task_id).await.expect("an answer").expect("the task");
    task.reminders.clear();
    task.version = 2;
    assert_eq!(store.replace(&task, 1).await.expect("an answer"), Replaced::Done);
    store.postpone(gone, instant("2026-03-01T09:00:00Z")).await.expect("an answer");
    assert_eq!(store.task(gone.task_id).await.expect("an answer"), None, "it must not come back");
    assert_eq!(found().await, expected);
}

/// Makes one test of each function of the contract. `$store` is an async expression that gives a store
/// and whatever must live as long as it does.
#[macro_export]
macro_rules! contract_tests {
    ($store:expr) => {
        $crate::contract_tests!($store =>
            a_registered_account_is_read_back_whole
            an_address_belongs_to_one_account
            a_profile_changes_only_at_the_version_that_was_read
            a_refresh_token_works_once
            a_task_is_read_back_whole
            a_task_changes_only_at_the_version_that_was_read
            an_idempotency_key_creates_one_task
            lists_are_sorted_filtered_and_paged
            timers_are_found_until_a_moment_and_move_with_their_task
        );
    };
    ($store:expr => $($name:ident)+) => {
        $(#[tokio::test]
        async fn $name() {
            let (store, _alive) = $store.await;
            $crate::contract::$name(&store).await;
        })+
    };
}
