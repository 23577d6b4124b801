//! What every store must do, as tests that run against each of them. [`contract_tests!`] makes one test
//! of each function here.
//!
//! [`contract_tests!`]: crate::contract_tests

use crate::{
    ManualClock, SeededRandom,
    fixtures::{NOW, comment, draft, due_draft, instant, notice, now, space, task, user},
};
use taskbell_domain::{
    checklist::WantedItem,
    counts::{Counted, Counts, Number, Numbers, Tallies, Tally},
    credential::{Credential, RefreshToken, SESSION_LIFETIME, Session},
    delivery::Outcome,
    email::EmailAddress,
    id::{SessionId, SpaceId, TaskId},
    limit::{self, Limit},
    list::{Position, Scope, Sort, SortBy, TaskFilter, TaskQuery},
    notice::{Content, Notice, NoticeStep},
    ports::*,
    recurrence::{AutoComplete, RecurrenceFrom, Rule},
    space::{INVITATION_LIFETIME, Invitation, Member, MemberChange, Role, Space},
    task::{Completion, Priority, Status, Task, TaskPatch},
    text::{Category, CommentText, ItemTitle, Needle, Tag, Title},
    timer::{Subject, Timer},
    user::User,
};

/// All store ports together.
pub trait Store:
    Accounts
    + Registrations
    + Credentials
    + Sessions
    + Limits
    + SpaceChanges
    + Comments
    + TaskCreation
    + TaskChanges
    + Counting
    + CountReads
    + Notices
    + Timers
{
}
impl<T> Store for T where
    T: Accounts
        + Registrations
        + Credentials
        + Sessions
        + Limits
        + SpaceChanges
        + Comments
        + TaskCreation
        + TaskChanges
        + Counting
        + CountReads
        + Notices
        + Timers
{
}

async fn register(store: &impl Store, user: &User) -> Registered {
    let credential = Credential { user: user.id, password_hash: "a hash".to_owned() };
    store.register(user, &credential).await.expect("an answer")
}

async fn create(store: &impl Store, task: &Task) {
    assert_eq!(store.create(task, None, None).await.expect("an answer"), Created::Done);
}

fn task_of(timer: Timer) -> TaskId {
    match timer.subject {
        Subject::Task(id) => id,
        Subject::Notice(_) => panic!("it belongs to a task"),
    }
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

/// What somebody does is counted by subject, by limit and by window.
pub async fn what_somebody_does_is_counted_in_each_window(store: &impl Store) {
    let (limit, other) = (Limit::requests(2), Limit::registrations(2));
    let (ada, bob) = (limit::Subject::user(user(1).id), limit::Subject::user(user(2).id));
    let count = async |limit, subject, at| {
        store.count(limit, subject, instant(at)).await.expect("an answer").expect("not shut out")
    };
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:00Z").await, 1);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:30Z").await, 2);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:59Z").await, 3);
    assert_eq!(count(&limit, &bob, "2026-03-01T08:00:59Z").await, 1, "each has their own");
    assert_eq!(count(&other, &ada, "2026-03-01T08:00:59Z").await, 1, "each limit has its own");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 1, "a new window");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 2);
}

/// Accounts are found by the beginning of their address, page by page.
pub async fn accounts_are_found_by_the_beginning_of_their_address(store: &impl Store) {
    for number in [1, 10, 11, 2] {
        register(store, &user(number)).await;
    }
    let find = async |begins: &str, after, limit| {
        let page = store.users(begins, after, limit).await.expect("an answer");
        (page.items.iter().map(|user| user.email.as_str().to_owned()).collect::<Vec<_>>(), page.next)
    };
    let (all, _) = find("", None, 100).await;
    assert_eq!(all, [10, 11, 1, 2].map(|n| format!("user{n}@example.com")));
    let (first, next) = find("user1", None, 2).await;
    assert_eq!(first, ["user10@example.com", "user11@example.com"]);
    let (rest, _) = find("user1", next, 2).await;
    assert_eq!(rest, ["user1@example.com"]);
    assert_eq!(find("nobody", None, 2).await, (Vec::new(), None));
}

/// Whoever is shut out is not counted, until they are let in again; and their sessions can be ended all at once.
pub async fn a_user_is_shut_out_and_let_in_again(store: &impl Store) {
    let (ada, bob, limit) = (user(1), user(2), Limit::requests(9));
    let count = async |user: &User| {
        store.count(&limit, &limit::Subject::user(user.id), now()).await.expect("an answer")
    };
    assert_eq!(count(&ada).await, Some(1));
    for user in [&ada, &bob] {
        store.shut_out(user.id, &limit, true).await.expect("an answer");
        store.shut_out(user.id, &limit, true).await.expect("an answer");
        assert_eq!(count(user).await, None);
    }
    store.shut_out(ada.id, &limit, false).await.expect("an answer");
    assert!(count(&ada).await.is_some());
    assert_eq!(count(&bob).await, None);

    let random = SeededRandom::new(7);
    let mut tokens = Vec::new();
    for owner in [&ada, &ada, &bob] {
        let session = SessionId::generate(&ManualClock::at(NOW), &random);
        let token = RefreshToken::generate(owner.id, session, &random);
        let (user, token_hash) = (owner.id, token.hash());
        let session = Session { id: session, user, token_hash, expires_at: now() + SESSION_LIFETIME };
        store.open_session(&session).await.expect("an answer");
        tokens.push((token, session));
    }
    store.close_sessions(ada.id).await.expect("an answer");
    let mut ends = Vec::new();
    for (token, session) in &tokens {
        ends.push(store.rotate_session(session, &token.hash(), now()).await.expect("an answer"));
    }
    assert_eq!(ends, [Rotated::Unknown, Rotated::Unknown, Rotated::Done]);
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
    full.recurrence = Some(Rule::parse("FREQ=WEEKLY;COUNT=4").expect("a rule"));
    full.recurrence_from = Some(RecurrenceFrom::Completion);
    full.checklist = ["Climb", "Pull"]
        .iter()
        .map(|title| WantedItem {
            id: None,
            title: ItemTitle::parse(title).expect("a title"),
            done: *title == "Pull",
        })
        .collect();
    full.auto_complete_after = Some(AutoComplete::parse("P1DT2M").expect("a duration"));
    let mut stored = task(1, &ada, full);
    stored.reminders[0].delivery.message_id = Some("m-1".to_owned());
    stored.past_reminders.push(stored.reminders[1].clone());
    stored.next_occurrence = Some(task(2, &ada, draft("next")).id);
    stored.completed_by = Some(Completion::Timer);
    create(store, &stored).await;
    assert_eq!(store.task(stored.id).await.expect("an answer"), Some(stored.clone()));
    store.count_task(&Counted::of(&stored)).await.expect("an answer");
    let numbers = store.numbers(stored.space).await.expect("an answer");
    assert_eq!(numbers[&Number::All], 1);
    let all = store.task_user_and_numbers(stored.id, ada.id).await.expect("an answer");
    assert_eq!(all, (Some(stored.clone()), Some(ada.clone()), numbers.clone()));
    let both = store.user_and_numbers(ada.id, stored.space).await.expect("an answer");
    assert_eq!(both, (Some(ada.clone()), numbers));
    let other = task(2, &user(2), draft("x"));
    let none = store.task_user_and_numbers(other.id, user(2).id).await.expect("an answer");
    assert_eq!(none, (None, None, Numbers::new()));
    let neither = store.user_and_numbers(user(2).id, other.space).await.expect("an answer");
    assert_eq!(neither, (None, Numbers::new()));
}

/// A task is replaced and deleted only at the version that was read, and the refusal shows the present one.
pub async fn a_task_changes_only_at_the_version_that_was_read(store: &impl Store) {
    let ada = user(1);
    let old = task(1, &ada, draft("old"));
    create(store, &old).await;
    let new = Task { version: 2, ..old.clone() };
    assert_eq!(store.replace(&new, 1, Alongside::default()).await.expect("an answer"), Replaced::Done);
    let conflict = Replaced::Conflict(Some(Box::new(new.clone())));
    assert_eq!(store.replace(&new, 1, Alongside::default()).await.expect("an answer"), conflict);
    assert_eq!(store.delete(new.id, 1, false, None).await.expect("an answer"), conflict);
    assert_eq!(store.delete(new.id, 2, false, None).await.expect("an answer"), Replaced::Done);
    assert_eq!(store.delete(new.id, 2, false, None).await.expect("an answer"), Replaced::Done, "gone");
    assert_eq!(
        store.replace(&new, 2, Alongside::default()).await.expect("an answer"),
        Replaced::Conflict(None)
    );
    assert_eq!(store.task(new.id).await.expect("an answer"), None);
}

/// The occurrence that a completion makes is stored together with the completed one, or not at all.
pub async fn a_completion_and_the_next_occurrence_are_stored_together(store: &impl Store) {
    let ada = user(1);
    let first = task(1, &ada, draft("first"));
    create(store, &first).await;
    let done = Task { version: 2, status: Status::Completed, ..first.clone() };
    let with = |next| Alongside { next: Some(next), ..Alongside::default() };
    let (second, third) = (task(2, &ada, draft("second")), task(3, &ada, draft("third")));
    assert_eq!(store.replace(&done, 1, with(&second)).await.expect("an answer"), Replaced::Done);
    let late = store.replace(&done, 1, with(&third)).await.expect("an answer");
    assert_eq!(late, Replaced::Conflict(Some(Box::new(done))));
    assert_eq!(store.task(second.id).await.expect("an answer"), Some(second));
    assert_eq!(store.task(third.id).await.expect("an answer"), None);
}

/// An idempotency key creates one task, until its record expires.
pub async fn an_idempotency_key_creates_one_task(store: &impl Store) {
    let ada = user(1);
    let (first, second) = (task(1, &ada, draft("one")), task(2, &ada, draft("two")));
    let made = store.create(&first, Some(&record("k", &first, NOW)), None).await.expect("an answer");
    assert_eq!(made, Created::Done);
    let again = store.create(&second, Some(&record("k", &second, NOW)), None).await.expect("an answer");
    assert_eq!(again, Created::KeyUsed(record("k", &first, NOW)));
    assert_eq!(store.task(second.id).await.expect("an answer"), None);
    let later = record("k", &second, "2026-03-02T08:00:00Z");
    let expired = store.create(&second, Some(&later), None).await.expect("an answer");
    assert_eq!(expired, Created::Done);
}

/// What a key has done is done once: a change and a deletion leave their records, and nothing happens where
/// there is one.
pub async fn a_change_with_a_key_is_made_once(store: &impl Store) {
    let ada = user(1);
    let old = task(1, &ada, draft("old"));
    create(store, &old).await;
    let (change, delete) = (record("change", &old, NOW), record("delete", &old, NOW));
    let hashes = || vec!["change".repeat(8), "delete".repeat(8), "none".repeat(8)];
    assert_eq!(store.records(ada.id, hashes(), now()).await.expect("an answer"), []);
    let new = Task { version: 2, ..old.clone() };
    let also = |record| Alongside { record: Some(record), ..Alongside::default() };
    assert_eq!(store.replace(&new, 1, also(&change)).await.expect("an answer"), Replaced::Done);
    let newer = Task { version: 3, ..old.clone() };
    let stale = store.replace(&newer, 1, also(&delete)).await.expect("an answer");
    assert_eq!(stale, Replaced::Conflict(Some(Box::new(new.clone()))));
    let twice = store.replace(&newer, 2, also(&change)).await.expect_err("the key is used");
    assert!(twice.transient);
    assert!(store.delete(old.id, 2, false, Some(&change)).await.is_err());
    assert_eq!(store.task(old.id).await.expect("an answer"), Some(new));
    let gone = store.delete(old.id, 2, false, Some(&delete)).await.expect("an answer");
    assert_eq!(gone, Replaced::Done);
    let mut found = store.records(ada.id, hashes(), now()).await.expect("an answer");
    found.sort_by(|a, b| a.key_hash.cmp(&b.key_hash));
    assert_eq!(found, [change, delete]);
    let later = instant("2026-03-02T08:00:00Z");
    assert_eq!(store.records(ada.id, hashes(), later).await.expect("an answer"), []);
}

/// Whatever is made under a key is made once: a space, a comment, a notice.
pub async fn whatever_is_made_under_a_key_is_made_once(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let of = task(1, &ada, draft("one"));
    create(store, &of).await;
    let record = |key| record(key, &of, NOW);
    let used = |key| Created::KeyUsed(record(key));
    for (number, expected) in [(1, Created::Done), (2, used("space"))] {
        let (space, owner) = space(number, &ada);
        let created = store.create_space(&space, &owner, Some(&record("space"))).await;
        assert_eq!(created.expect("an answer"), expected);
        let found = store.space(space.id).await.expect("an answer");
        assert_eq!(found.is_some(), expected == Created::Done);
    }
    for (number, expected) in [(1, Created::Done), (2, used("comment"))] {
        let comment = comment(number, &of, &ada);
        let created = store.add_comment(&comment, Some(&record("comment"))).await;
        assert_eq!(created.expect("an answer"), Some(expected.clone()));
        let found = store.comment(of.id, comment.id).await.expect("an answer");
        assert_eq!(found.is_some(), expected == Created::Done);
    }
    for (number, expected) in [(1, Created::Done), (2, used("notice"))] {
        let content = Content::Assignment { to: ada.id, task: of.id, by: ada.id };
        let notice = notice(number, content);
        let created = store.add_notice(&notice, Some(&record("notice"))).await;
        assert_eq!(created.expect("an answer"), expected);
        let found = store.notice(notice.id).await.expect("an answer");
        assert_eq!(found.is_some(), expected == Created::Done);
    }
}

fn record(key: &str, task: &Task, at: &str) -> IdempotencyRecord {
    IdempotencyRecord {
        user: task.created_by,
        key_hash: key.repeat(8),
        body_hash: "b".repeat(64),
        made: task.id.to_string(),
        status: 201,
        created_at: instant(at),
        expires_at: instant(at) + jiff::SignedDuration::from_hours(24),
    }
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
        let words = ["Ring", "ring the BELL", "Élan", "elan vital", "鐘", "Ring"];
        made.title = Title::parse(words[number as usize % 6]).expect("a title");
        let mut made = task(100 + number, &ada, made);
        made.updated_at = now() + jiff::SignedDuration::from_secs((number * 31 % 40) as i64);
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
        TaskFilter { open: true, ..TaskFilter::default() },
        TaskFilter { words: Some(Needle::parse("ÉL").expect("words")), ..TaskFilter::default() },
        TaskFilter {
            open: true,
            status: Some(Status::Completed),
            words: Some(Needle::parse("ring").expect("words")),
            ..TaskFilter::default()
        },
        TaskFilter {
            open: true,
            due_before: Some(instant("2026-03-15T00:00:00Z")),
            words: Some(Needle::parse("bell").expect("words")),
            ..TaskFilter::default()
        },
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
    for by in [SortBy::Due, SortBy::Created, SortBy::Priority, SortBy::Updated, SortBy::Title] {
        for descending in [false, true] {
            for filter in &filters {
                let mut expected: Vec<_> = all.iter().filter(|t| filter.admits(t)).collect();
                expected.sort_by_key(|t| Position::of(t, by));
                if descending {
                    expected.reverse();
                }
                for limit in [9, 100] {
                    let query = TaskQuery {
                        scope: Scope::Space(SpaceId::personal(ada.id)),
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

/// What is assigned to somebody is found across spaces, by due time, and only while it is assigned to them.
pub async fn assigned_tasks_are_found_across_spaces(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let (shared, _) = space(1, &eve);
    let mut mine = Vec::new();
    for number in 0..12_u64 {
        let due = format!("2026-03-{:02}", 20 - number);
        let mut made = task(number, &ada, due_draft("t", &due, &[]));
        made.status = Status::ALL[number as usize % 3];
        made.space = if number % 2 == 0 { shared.id } else { made.space };
        made.assigned_to = (number % 4 != 3).then_some(if number % 4 == 2 { eve.id } else { ada.id });
        create(store, &made).await;
        mine.extend((made.assigned_to == Some(ada.id)).then_some(made));
    }
    let query = |filter| TaskQuery {
        scope: Scope::AssignedTo(ada.id),
        filter,
        sort: Sort::DEFAULT,
        limit: 2,
        after: None,
    };
    mine.sort_by_key(|task| Position::of(task, SortBy::Due));
    assert_eq!(walk(store, query(TaskFilter::default())).await, mine);
    for filter in [
        TaskFilter { status: Some(Status::Pending), ..TaskFilter::default() },
        TaskFilter { status: Some(Status::Completed), ..TaskFilter::default() },
        TaskFilter { space: Some(shared.id), ..TaskFilter::default() },
    ] {
        let expected: Vec<_> = mine.iter().filter(|task| filter.admits(task)).cloned().collect();
        assert_eq!(walk(store, query(filter)).await, expected);
    }
    let mut taken = mine[0].clone();
    (taken.assigned_to, taken.version) = (None, 2);
    store.replace(&taken, 1, Alongside::default()).await.expect("an answer");
    assert_eq!(walk(store, query(TaskFilter::default())).await, mine[1..]);
}

/// A space is found by its members only, and changes only at the version that was read.
pub async fn a_space_is_known_to_its_members(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    let (mut made, owner) = space(1, &ada);
    store.create_space(&made, &owner, None).await.expect("an answer");
    let (second, second_owner) = space(2, &ada);
    store.create_space(&second, &second_owner, None).await.expect("an answer");
    assert_eq!(store.role(made.id, ada.id).await.expect("an answer"), Some(Role::Owner));
    assert_eq!(store.role(made.id, eve.id).await.expect("an answer"), None);
    let found = store.space_and_member(made.id, ada.id).await.expect("an answer");
    assert_eq!(found, Some((made.clone(), owner)));
    assert_eq!(store.space(made.id).await.expect("an answer"), Some(made.clone()));
    let mut all = vec![(made.clone(), Role::Owner), (second, Role::Owner)];
    all.sort_by_key(|(space, _)| space.id);
    assert_eq!(store.spaces_of(ada.id).await.expect("an answer"), all);
    assert_eq!(store.spaces_of(eve.id).await.expect("an answer"), []);
    assert_eq!(store.members(made.id).await.expect("an answer"), [(owner, ada.clone())]);

    let old = made.clone();
    made.begin_deletion(now());
    assert_eq!(store.replace_space(&made, 1).await.expect("an answer"), Replaced::Done);
    let conflict = Replaced::Conflict(Some(Box::new(made.clone())));
    assert_eq!(store.replace_space(&old, 1).await.expect("an answer"), conflict);
    assert_eq!(store.role(made.id, ada.id).await.expect("an answer"), None, "it is being deleted");
    assert_eq!(store.spaces_of(ada.id).await.expect("an answer").len(), 1);
    let found = store.space_and_member(made.id, ada.id).await.expect("an answer");
    assert_eq!(found.map(|(space, _)| space), Some(made));
}

/// People join with the secret of their invitation, once; roles change and people leave only as they were read.
pub async fn members_join_change_and_leave(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    register(store, &eve).await;
    let (mut made, owner) = space(1, &ada);
    store.create_space(&made, &owner, None).await.expect("an answer");
    let content = Content::Invitation { to: eve.email.clone(), space: made.id };
    let (first, second) = (notice(1, content.clone()), notice(2, content));
    let invitation = |carrier: &Notice| Invitation {
        space: made.id,
        email: eve.email.clone(),
        role: Role::Member,
        invited_by: ada.id,
        notice: carrier.id,
        secret_hash: None,
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    let (replaced, mut invited) = (invitation(&first), invitation(&second));
    store.invite(&replaced, &first, None).await.expect("an answer");
    store.invite(&invited, &second, None).await.expect("an answer");
    assert!(!store.arm_invitation(&replaced, "old").await.expect("an answer"), "it was replaced");
    assert!(store.arm_invitation(&invited, "secret").await.expect("an answer"));
    assert_eq!(store.notice(second.id).await.expect("an answer"), Some(second.clone()));
    invited.secret_hash = Some("secret".to_owned());
    assert_eq!(store.invitations(made.id).await.expect("an answer"), [invited.clone()]);
    let upper = EmailAddress::parse("USER2@example.com").expect("an address");
    let found = store.invitation(made.id, &upper.hash()).await.expect("an answer");
    assert_eq!(found, Some(invited.clone()));

    let member = Member { space: made.id, user: eve.id, role: Role::Member, joined_at: now() };
    let forged = Invitation { secret_hash: Some("forged".to_owned()), ..invited.clone() };
    let mut change = async |change: MemberChange| {
        let (read, mut next) = (made.version, made.clone());
        next.count(&change, now()).expect("a valid change");
        let done = store.change_member(&next, read, &change).await.expect("an answer");
        let stale = store.change_member(&next, read, &change).await.expect("an answer");
        assert!(!stale, "nothing happens twice");
        if done {
            made = next;
        }
        done
    };
    assert!(!change(MemberChange::Join(member, forged)).await);
    assert!(change(MemberChange::Join(member, invited.clone())).await);
    assert!(!change(MemberChange::Join(member, invited)).await, "it works once");
    let viewer = Member { role: Role::Viewer, ..member };
    assert!(!change(MemberChange::Role(viewer, Role::Admin)).await, "they are no viewer");
    assert!(change(MemberChange::Role(member, Role::Viewer)).await);
    assert_eq!(store.role(viewer.space, eve.id).await.expect("an answer"), Some(Role::Viewer));
    let mut everybody = store.members(viewer.space).await.expect("an answer");
    everybody.sort_by_key(|(member, _)| member.role);
    assert_eq!(everybody, [(viewer, eve.clone()), (owner, ada.clone())]);
    assert!(change(MemberChange::Leave(viewer)).await);
    assert_eq!(store.role(viewer.space, eve.id).await.expect("an answer"), None);
    assert_eq!(store.spaces_of(eve.id).await.expect("an answer"), []);
    assert_eq!((made.members, made.owners), (1, 1));
}

/// A purge deletes the tasks of one space, piece by piece, and in the end the space.
pub async fn a_purge_leaves_nothing_of_a_space_and_all_of_others(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let ((doomed, owner), (other, other_owner)) = (space(1, &ada), space(2, &ada));
    store.create_space(&doomed, &owner, None).await.expect("an answer");
    store.create_space(&other, &other_owner, None).await.expect("an answer");
    let mut full = doomed.clone();
    for number in 30..60 {
        join(store, &mut full, &user(number)).await;
    }
    let mut ids = Vec::new();
    for number in 0..130_u64 {
        let mut made = task(number, &ada, draft("t"));
        made.space = if number == 0 { other.id } else { doomed.id };
        create(store, &made).await;
        if number < 3 {
            assert_eq!(
                store.add_comment(&comment(number, &made, &ada), None).await.expect("an answer"),
                Some(Created::Done)
            );
        }
        ids.push(made.id);
    }
    assert!(!store.purge_space(doomed.id, 100).await.expect("an answer"), "there is more");
    assert!(store.space_and_member(doomed.id, ada.id).await.expect("an answer").is_some());
    assert!(store.purge_space(doomed.id, 100).await.expect("an answer"));
    assert_eq!(store.space_and_member(doomed.id, ada.id).await.expect("an answer"), None);
    assert_eq!(store.spaces_of(ada.id).await.expect("an answer"), [(other, Role::Owner)]);
    for (number, id) in ids.iter().enumerate() {
        let left = store.task(*id).await.expect("an answer");
        assert_eq!(left.is_some(), number == 0);
    }
    for (number, id) in ids.iter().enumerate().take(3) {
        let comments = store.comments(*id, None, 10).await.expect("a page").items;
        assert_eq!(comments.len(), usize::from(number == 0));
    }
    for number in 30..60 {
        assert_eq!(store.spaces_of(user(number).id).await.expect("an answer"), []);
    }
    assert_eq!(store.invitations(doomed.id).await.expect("an answer"), []);
}

async fn join(store: &impl Store, space: &mut Space, who: &User) {
    register(store, who).await;
    let content = Content::Invitation { to: who.email.clone(), space: space.id };
    let carrier = notice(10_000 + u64::from(space.members), content);
    let invitation = Invitation {
        space: space.id,
        email: who.email.clone(),
        role: Role::Member,
        invited_by: who.id,
        notice: carrier.id,
        secret_hash: Some("secret".to_owned()),
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    store.invite(&invitation, &carrier, None).await.expect("an answer");
    let member = Member { space: space.id, user: who.id, role: Role::Member, joined_at: now() };
    let (read, change) = (space.version, MemberChange::Join(member, invitation));
    space.count(&change, now()).expect("there is room");
    assert!(store.change_member(space, read, &change).await.expect("an answer"));
}

/// Comments come in the order in which they were made, page by page, change alone, and go with their task.
pub async fn comments_are_paged_changed_and_deleted_with_their_task(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let (mine, other) = (task(1, &ada, draft("t")), task(2, &ada, draft("t")));
    create(store, &mine).await;
    create(store, &other).await;
    assert_eq!(store.task_and_comments(mine.id).await.expect("an answer"), (Some(mine.clone()), false));
    let mut all: Vec<_> = (0..7).map(|number| comment(number, &mine, &eve)).collect();
    for one in &all {
        assert_eq!(store.add_comment(one, None).await.expect("an answer"), Some(Created::Done));
    }
    let kept = comment(9, &other, &eve);
    assert_eq!(store.add_comment(&kept, None).await.expect("an answer"), Some(Created::Done));
    all.sort_by_key(|comment| comment.id);
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..5 {
        let page = store.comments(mine.id, after, 3).await.expect("a page");
        assert!(page.items.len() <= 3);
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, all);
    let mut edited = all[0].clone();
    assert!(edited.edit(CommentText::parse("Else").expect("a text"), now()));
    assert_eq!(store.replace_comment(&edited, 1).await.expect("an answer"), Replaced::Done);
    let conflict = Replaced::Conflict(Some(Box::new(edited.clone())));
    assert_eq!(store.replace_comment(&edited, 1).await.expect("an answer"), conflict);
    assert_eq!(store.comment(mine.id, edited.id).await.expect("an answer"), Some(edited.clone()));
    store.delete_comment(mine.id, edited.id).await.expect("an answer");
    assert_eq!(store.comment(mine.id, edited.id).await.expect("an answer"), None);
    assert_eq!(store.replace_comment(&edited, 2).await.expect("an answer"), Replaced::Conflict(None));

    assert_eq!(store.task_and_comments(mine.id).await.expect("an answer"), (Some(mine.clone()), true));
    assert_eq!(store.delete(mine.id, 1, true, None).await.expect("an answer"), Replaced::Done);
    assert_eq!(store.comments(mine.id, None, 100).await.expect("a page").items, []);
    let gone = store.add_comment(&all[2], None).await.expect("an answer");
    assert_eq!(gone, None, "its task is gone");
    assert_eq!(store.comments(other.id, None, 100).await.expect("a page").items, [kept]);
}

/// A notice keeps its contents, has a timer until it is done with, and changes at the version that was read.
pub async fn a_notice_is_read_back_whole_and_has_a_timer(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let made = task(1, &ada, draft("t"));
    let told = notice(1, Content::Assignment { to: ada.id, task: made.id, by: eve.id });
    assert_eq!(store.create(&made, None, Some(&told)).await.expect("an answer"), Created::Done);
    assert_eq!(store.notice(told.id).await.expect("an answer"), Some(told.clone()));
    let mut next = Task { version: 2, ..made.clone() };
    next.assigned_to = Some(eve.id);
    let assigned = notice(2, Content::Assignment { to: eve.id, task: made.id, by: ada.id });
    let also = Alongside { notice: Some(&assigned), ..Alongside::default() };
    assert_eq!(store.replace(&next, 1, also).await.expect("an answer"), Replaced::Done);
    assert_eq!(store.notice(assigned.id).await.expect("an answer"), Some(assigned.clone()));

    let timers = async || {
        let mut found = Vec::new();
        for shard in 0..TIMER_SHARDS {
            found.extend(store.timers(shard, now(), None).await.expect("a page").timers);
        }
        found
    };
    assert_eq!(timers().await.len(), 2);
    let timer = assigned.timer().expect("a timer");
    store.postpone(timer, instant("2026-03-01T09:00:00Z")).await.expect("an answer");
    assert_eq!(timers().await, [told.timer().expect("a timer")]);
    let mut sent = told.clone();
    let NoticeStep::Send(fence) = sent.begin_delivery(now()) else { panic!("it is due") };
    sent.finish_delivery(fence, &Outcome::Accepted("m-1".to_owned()), now());
    assert_eq!(store.replace_notice(&sent, 1).await.expect("an answer"), Replaced::Done);
    let conflict = Replaced::Conflict(Some(Box::new(sent.clone())));
    assert_eq!(store.replace_notice(&sent, 1).await.expect("an answer"), conflict);
    assert_eq!(timers().await, []);
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
    assert_eq!(store.delete(task_of(gone), 1, false, None).await.expect("an answer"), Replaced::Done);
    let silent = expected.remove(0);
    let mut task = store.task(task_of(silent)).await.expect("an answer").expect("the task");
    task.reminders.clear();
    task.version = 2;
    assert_eq!(store.replace(&task, 1, Alongside::default()).await.expect("an answer"), Replaced::Done);
    store.postpone(gone, instant("2026-03-01T09:00:00Z")).await.expect("an answer");
    assert_eq!(store.task(task_of(gone)).await.expect("an answer"), None, "it must not come back");
    assert_eq!(found().await, expected);
}

async fn counted(store: &impl Store, space: SpaceId, of: Tallies) -> Counts {
    let page = store.tallies(space, of, None, None).await.expect("an answer");
    assert_eq!(page.next, None);
    page.items.into_iter().collect()
}

/// A task is counted as it is now: once, however often and in which order it is told.
pub async fn a_task_is_counted_once_as_it_is_now(store: &impl Store) {
    let ada = user(1);
    let mut first = task(1, &ada, due_draft("one", "2026-03-02T09:20:00Z", &["PT1H", "PT2H"]));
    first.category = Some(Category::parse("home").expect("a category"));
    first.tags = vec![Tag::parse("a").expect("a tag"), Tag::parse("b#c").expect("a tag")];
    let space = first.space;
    let all = async |of| counted(store, space, of).await;
    let tags = |tags: &[(&str, &[(Number, i64)])]| -> Counts {
        let tag = |tag| Tally::Tag(Tag::parse(tag).expect("a tag"));
        tags.iter().map(|(name, numbers)| (tag(name), numbers.iter().copied().collect())).collect()
    };
    let day = |day: &str| day.parse().expect("a day");
    let one_open = [(Number::All, 1), (Number::Open, 1)];
    for _ in 0..2 {
        store.count_task(&Counted::of(&first)).await.expect("an answer");
    }
    let total = Numbers::from([(Number::All, 1), (Number::Open, 1), (Number::Reminders, 2)]);
    assert_eq!(all(Tallies::Tasks).await, Counts::from([(Tally::Tasks, total)]));
    assert_eq!(all(Tallies::Tags).await, tags(&[("a", &one_open), ("b#c", &one_open)]));
    let due = Numbers::from([(Number::All, 1), (Number::Quarter(37), 1)]);
    let due = Counts::from([(Tally::Due(day("2026-03-02")), due)]);
    assert_eq!(all(Tallies::DueUntil(day("2026-03-02"))).await, due);
    assert_eq!(all(Tallies::DueUntil(day("2026-03-01"))).await, Counts::new());

    let mut done = first.clone();
    let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    done.apply(patch, None, instant("2026-03-01T08:30:00Z"), &SeededRandom::new(1)).expect("a change");
    done.tags.pop();
    store.count_task(&Counted::of(&done)).await.expect("an answer");
    store.count_task(&Counted::of(&first)).await.expect("an answer"); // late
    assert_eq!(all(Tallies::Tags).await, tags(&[("a", &[(Number::All, 1)])]));
    assert_eq!(all(Tallies::DueUntil(day("2026-03-31"))).await, Counts::new());
    let completed = all(Tallies::CompletedSince(day("2026-03-01"))).await;
    let numbers = &completed[&Tally::Completed(day("2026-03-01"))];
    assert_eq!((numbers[&Number::All], numbers[&Number::Quarter(34)]), (1, 1));
    assert_eq!(all(Tallies::CompletedSince(day("2026-03-02"))).await, Counts::new());

    // Every tag is another one: more than one transaction holds.
    let many =
        |first: usize| (first..first + 50).map(|n| Tag::parse(&format!("t{n:03}")).expect("a tag"));
    for (version, tags) in [(10, many(100)), (11, many(200))] {
        (done.version, done.tags) = (version, tags.collect());
        store.count_task(&Counted::of(&done)).await.expect("an answer");
    }
    let page = store.tallies(space, Tallies::Tags, None, Some(30)).await.expect("an answer");
    let rest = store.tallies(space, Tallies::Tags, page.next, Some(30)).await.expect("an answer");
    let found = page.items.iter().chain(&rest.items).map(|(tally, _)| tally.clone());
    let found: Vec<_> = found.collect();
    assert_eq!(found, many(200).map(Tally::Tag).collect::<Vec<_>>());

    store.count_task(&Counted::gone(&done)).await.expect("an answer");
    store.count_task(&Counted::gone(&done)).await.expect("an answer");
    for of in
        [Tallies::Tasks, Tallies::Tags, Tallies::Categories, Tallies::CompletedSince(day("2000-01-01"))]
    {
        assert_eq!(all(of).await, Counts::new(), "{of:?}");
    }
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
            what_somebody_does_is_counted_in_each_window
            accounts_are_found_by_the_beginning_of_their_address
            a_user_is_shut_out_and_let_in_again
            a_refresh_token_works_once
            a_task_is_read_back_whole
            a_task_changes_only_at_the_version_that_was_read
            a_completion_and_the_next_occurrence_are_stored_together
            a_task_is_counted_once_as_it_is_now
            an_idempotency_key_creates_one_task
            a_change_with_a_key_is_made_once
            whatever_is_made_under_a_key_is_made_once
            lists_are_sorted_filtered_and_paged
            assigned_tasks_are_found_across_spaces
            a_space_is_known_to_its_members
            members_join_change_and_leave
            a_purge_leaves_nothing_of_a_space_and_all_of_others
            comments_are_paged_changed_and_deleted_with_their_task
            a_notice_is_read_back_whole_and_has_a_timer
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
