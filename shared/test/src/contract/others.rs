//! Comments, notices, timers, and what is counted.

use crate::{
    SeededRandom,
    fixtures::{comment, draft, due_draft, instant, notice, now, task, user},
};
use jiff::Timestamp;
use taskbell_domain::{
    counts::{Counted, Counts, Number, Numbers, Tallies, Tally},
    delivery::{DeliveryStatus, Outcome},
    digest::Digest,
    id::{SpaceId, TaskId},
    notice::{Content, NoticeStep, Purpose},
    ports::*,
    task::{Status, Task, TaskPatch},
    text::{Category, CommentText, Tag},
    timer::{Subject, Timer},
    user::User,
};

use super::{Store, create, register};

/// Comments come in the order in which they were made, page by page, change alone, and go with their task.
pub async fn comments_are_paged_changed_and_deleted_with_their_task(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let (mine, other) = (task(1, &ada, draft("t")), task(2, &ada, draft("t")));
    create(store, &mine).await;
    create(store, &other).await;
    assert_eq!(store.task_and_comments(mine.id).await.expect("an answer"), (Some(mine.clone()), false));
    let mut all: Vec<_> = (0..7).map(|number| comment(number, &mine, &eve)).collect();
    for one in &all {
        assert_eq!(
            store.add_comment(one, None).await.expect("an answer"),
            Commented::Created(Created::Done)
        );
    }
    let kept = comment(9, &other, &eve);
    assert_eq!(
        store.add_comment(&kept, None).await.expect("an answer"),
        Commented::Created(Created::Done)
    );
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
    assert_eq!(gone, Commented::NoTask, "its task is gone");
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

    let timers = async || timers_until(store, now()).await;
    assert_eq!(timers().await.len(), 2);
    let timer = assigned.timer().expect("a timer");
    store.postpone(timer, instant("2026-03-01T09:00:00Z")).await.expect("an answer");
    assert_eq!(timers().await, [told.timer().expect("a timer")]);
    for (number, content) in [
        Content::Verification { to: ada.id },
        Content::Code {
            to: ada.id,
            purpose: Purpose::PasswordReset,
            secret_hash: Some("h".to_owned()),
        },
        Content::Code { to: ada.id, purpose: Purpose::Operator, secret_hash: None },
    ]
    .into_iter()
    .enumerate()
    {
        let mut other = notice(10 + number as u64, content);
        other.delivery.next_at = None;
        other.delivery.status = DeliveryStatus::Sent;
        assert_eq!(store.add_notice(&other, None).await.expect("an answer"), Created::Done);
        assert_eq!(store.notice(other.id).await.expect("an answer"), Some(other));
    }
    let mut sent = told.clone();
    let NoticeStep::Send(fence) = sent.begin_delivery(now()) else { panic!("it is due") };
    sent.finish_delivery(fence, &Outcome::Accepted("m-1".to_owned()), now());
    assert_eq!(store.replace_notice(&sent, 1).await.expect("an answer"), Replaced::Done);
    let conflict = Replaced::Conflict(Some(Box::new(sent.clone())));
    assert_eq!(store.replace_notice(&sent, 1).await.expect("an answer"), conflict);
    assert_eq!(timers().await, []);
}

/// A digest is made by moving it, changes at the version that was read, and has a timer while there is a next one.
pub async fn a_digest_moves_with_the_profile_and_changes_with_its_notice(store: &impl Store) {
    let mut ada = user(1);
    register(store, &ada).await;
    assert_eq!(store.digest(ada.id).await.expect("an answer"), None);
    let subject = Subject::Digest(ada.id);
    let first = Timer { at: instant("2026-03-01T09:00:00Z"), subject };
    ada.version = 2;
    assert_eq!(store.replace_user(&ada, 1, Some(first)).await.expect("an answer"), Replaced::Done);
    let mut digest = Digest::new(ada.id, Some(first.at), 1);
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest.clone()));
    let timers = async || timers_until(store, instant("2026-03-09T09:00:00Z")).await;
    assert_eq!(timers().await, [first]);
    let later = instant("2026-03-01T09:10:00Z");
    store.postpone(first, later).await.expect("an answer");
    assert_eq!(timers().await, [Timer { at: later, subject }]);

    let day = "2026-03-01".parse().expect("a day");
    let told = notice(1, Content::Digest { to: ada.id, day });
    digest.version = 2;
    digest.made_for = Some(day);
    digest.at = Some(instant("2026-03-02T09:00:00Z"));
    let replaced = store.replace_digest(&digest, 1, Some(&told)).await.expect("an answer");
    assert_eq!(replaced, Replaced::Done);
    assert_eq!(store.notice(told.id).await.expect("an answer"), Some(told));
    let other = notice(2, Content::Digest { to: ada.id, day });
    let conflict = Replaced::Conflict(Some(Box::new(digest.clone())));
    assert_eq!(store.replace_digest(&digest, 1, Some(&other)).await.expect("an answer"), conflict);
    assert_eq!(store.notice(other.id).await.expect("an answer"), None);

    // A profile that has changed meanwhile moves nothing.
    let refused = store.replace_user(&User { version: 3, ..ada.clone() }, 1, Some(first)).await;
    assert_eq!(refused.expect("an answer"), Replaced::Conflict(Some(Box::new(ada.clone()))));
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest.clone()));
    // Moved, it still knows for which day it was made last.
    ada.version = 3;
    assert_eq!(store.replace_user(&ada, 2, Some(first)).await.expect("an answer"), Replaced::Done);
    digest = Digest { at: Some(first.at), version: 3, ..digest };
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest.clone()));
    digest = Digest { at: None, version: 4, ..digest };
    assert_eq!(store.replace_digest(&digest, 3, None).await.expect("an answer"), Replaced::Done);
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest));
    let left: Vec<_> = timers().await.into_iter().filter(|timer| timer.subject == subject).collect();
    assert_eq!(left, []);
}

/// The most pages of anything here: a cursor that does not move must not keep a test for ever.
const PAGES: usize = 1_000;

/// The timers of one shard up to a moment, page by page, and how many pages those were.
async fn timers_of(store: &impl Store, shard: u8, until: Timestamp) -> (Vec<Timer>, usize) {
    let (mut found, mut after) = (Vec::new(), None);
    for number in 1..=PAGES {
        let page = store.timers(shard, until, after).await.expect("a page");
        found.extend(page.timers);
        after = page.next;
        if after.is_none() {
            assert!(found.is_sorted());
            return (found, number);
        }
    }
    panic!("the timers have no end");
}

/// The timers of all shards up to a moment.
async fn timers_until(store: &impl Store, until: Timestamp) -> Vec<Timer> {
    let mut found = Vec::new();
    for shard in 0..TIMER_SHARDS {
        found.extend(timers_of(store, shard, until).await.0);
    }
    found.sort();
    found
}

/// However many timers of a shard are due at the same moment, each is found once.
pub async fn a_shard_with_more_timers_than_a_page_holds_is_read_to_its_end(store: &impl Store) {
    let ada = user(1);
    let mut expected = Vec::new();
    for number in 0..10_000_u64 {
        let made = notice(number, Content::Verification { to: ada.id });
        let timer = made.timer().expect("a timer");
        if timer.subject.spread() % TIMER_SHARDS == 3 {
            assert_eq!(store.add_notice(&made, None).await.expect("an answer"), Created::Done);
            expected.push(timer);
        }
        if expected.len() == 250 {
            break;
        }
    }
    expected.sort();
    let (found, _) = timers_of(store, 3, now()).await;
    assert_eq!(found, expected);
    // From any of them on, the rest.
    for place in [0, 99, 100, 248] {
        let page = store.timers(3, now(), Some(expected[place])).await.expect("a page");
        assert_eq!(page.timers.first(), expected.get(place + 1));
    }
    let last = store.timers(3, now(), expected.last().copied()).await.expect("a page");
    assert_eq!((last.timers, last.next), (Vec::new(), None));
}

fn task_of(timer: Timer) -> TaskId {
    match timer.subject {
        Subject::Task(id) => id,
        Subject::Notice(_) | Subject::Digest(_) => panic!("it belongs to a task"),
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
    let found = async || timers_until(store, until).await;
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
    tallies(store, space, of, None).await.into_iter().collect()
}

/// All tallies, page by page.
async fn tallies(
    store: &impl Store,
    space: SpaceId,
    of: Tallies,
    limit: Option<u8>,
) -> Vec<(Tally, Numbers)> {
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = store.tallies(space, of, after, limit).await.expect("an answer");
        assert!(limit.is_none_or(|limit| page.items.len() <= limit.into()));
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
    panic!("the tallies have no end");
}

/// Pages of three hold everything once, in order, whether or not the last one is full.
pub async fn pages_of_three_hold_everything_once(store: &impl Store) {
    for many in [5, 6, 7_u64] {
        let author = user(many);
        let of = task(1_000 * many, &author, draft("t"));
        create(store, &of).await;
        let mut expected: Vec<_> =
            (0..many).map(|number| comment(100 * many + number, &of, &author)).collect();
        for one in &expected {
            assert_eq!(
                store.add_comment(one, None).await.expect("an answer"),
                Commented::Created(Created::Done)
            );
        }
        expected.sort_by_key(|comment| comment.id);
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..4 {
            let page = store.comments(of.id, after, 3).await.expect("a page");
            assert!(page.items.len() == 3 || page.next.is_none(), "only the last page is short");
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((found, after), (expected, None), "{many} comments");

        let mut tagged = of.clone();
        tagged.version = 2;
        let tag = |number| Tag::parse(&format!("t{number}")).expect("a tag");
        tagged.tags = (0..many).map(tag).collect();
        store.count_task(&Counted::of(&tagged)).await.expect("an answer");
        let found = tallies(store, of.space, Tallies::Tags, Some(3)).await.into_iter();
        let found: Vec<_> = found.map(|(tally, _)| tally).collect();
        assert_eq!(found, (0..many).map(|number| Tally::Tag(tag(number))).collect::<Vec<_>>());
    }

    let mut expected = Vec::new();
    for number in 20..29 {
        register(store, &user(number)).await;
        expected.push(user(number).id);
    }
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..5 {
        let page = store.users("user2", after, 3).await.expect("a page");
        assert!(page.items.len() == 3 || page.next.is_none(), "only the last page is short");
        found.extend(page.items.iter().map(|user| user.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found, after), (expected, None));
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
    assert_eq!(store.numbers(space).await.expect("an answer"), total);
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
    assert_eq!(store.numbers(space).await.expect("an answer"), Numbers::new());
    for of in [Tallies::Tags, Tallies::Categories, Tallies::CompletedSince(day("2000-01-01"))] {
        assert_eq!(all(of).await, Counts::new(), "{of:?}");
    }
}
