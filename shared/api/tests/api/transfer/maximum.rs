//! Tasks and comments with every field at its limit: an export of them can be imported, and exported and imported again.

use serde_json::{Value, json};
use taskbell_domain::{
    checklist::{ChecklistItem, MAX_ITEMS},
    comment::MAX_COMMENTS,
    due::Due,
    id::{ItemId, SpaceId},
    recurrence::{AutoComplete, RecurrenceFrom, Rule},
    reminder::{LeadTime, MAX_REMINDERS, ReminderSpec},
    task::{ImportOrigin, Priority, Status, Task},
    text::{Category, CommentText, Description, ItemTitle, MAX_TAGS, Tag, Title},
    user::User,
};
use taskbell_test::{
    ManualClock, MemoryStore, SeededRandom,
    contract::Store,
    fixtures::{NOW, comment, draft, instant, now, task},
};
use taskbell_test_aws::Server;

use super::{World, any, expected, lines};

/// The longest characters, of four bytes each.
fn bells(count: usize) -> String {
    "\u{1f514}".repeat(count)
}

/// A task with every field at its limit.
fn largest(owner: &User) -> Task {
    let mut all = draft("any");
    all.title = Title::parse(&bells(500)).expect("a title");
    all.description = Description::parse(&bells(16_000)).expect("a description");
    all.category = Some(Category::parse(&bells(100)).expect("a category"));
    let tag = |number: usize| Tag::parse(&format!("{number:02}{}", bells(98))).expect("a tag");
    all.tags = (0..MAX_TAGS).map(tag).collect();
    all.priority = Priority::Urgent;
    all.status = Status::InProgress;
    let due = "2027-04-02T09:00:00[America/Argentina/ComodRivadavia]";
    all.due = Some(Due::parse(due).expect("a due time"));
    let before = |number: usize| LeadTime::parse(&format!("PT{}M", number + 1)).expect("a lead time");
    all.reminders = Some((0..MAX_REMINDERS).map(|n| ReminderSpec::Before(before(n))).collect());
    let days: Vec<_> = (1..=124).map(|day: u32| day.to_string()).collect();
    let rule = format!("FREQ=YEARLY;INTERVAL=2;COUNT=4294967295;BYYEARDAY={}", days.join(","));
    let rule = format!("{rule}{}", ",1".repeat((500 - rule.len()) / 2));
    assert!(rule.len() >= 499);
    all.recurrence = Some(Rule::parse(&rule).expect("a rule"));
    all.recurrence_from = Some(RecurrenceFrom::Due);
    all.auto_complete_after = Some(AutoComplete::parse("P366D").expect("a duration"));
    let mut all = task(1, owner, all);
    let title = ItemTitle::parse(&bells(200)).expect("a title");
    let item = |number: usize| ChecklistItem {
        id: ItemId::generate(&ManualClock::at(NOW), &SeededRandom::new(number as u64)),
        title: title.clone(),
        done: number.is_multiple_of(2),
    };
    all.checklist = (0..MAX_ITEMS).map(item).collect();
    all.snooze(instant("2027-03-01T00:00:00Z"), now(), &SeededRandom::new(9)).expect("it is open");
    all.recurrence.as_mut().expect("a series").number = u32::MAX;
    all
}

impl<S: Store> World<S> {
    /// Imports pages as they are. Returns the number of lines that were created.
    async fn import_all(&self, by: &User, from: SpaceId, pages: &[String]) -> u64 {
        let mut created = 0;
        for page in pages {
            // A user may carry out 1,000 operations a minute.
            self.clock.advance(jiff::SignedDuration::from_mins(1));
            let answer = self.import(by, &format!("from={from}"), page).await;
            assert_eq!((answer.status, &answer.body["failed"]), (200, &json!(0)), "{}", answer.body);
            created += answer.body["created"].as_u64().expect("a number");
        }
        created
    }
}

#[tokio::test]
async fn what_has_every_field_at_its_limit_is_exported_and_imported_twice() {
    let server = Server::start().await;
    check(World::on(server.store(server.client())), 20).await;
    check(World::on(MemoryStore::default()), MAX_COMMENTS.into()).await;
}

async fn check<S: Store>(world: World<S>, comments: u64) {
    let mut ada = world.register(1).await;
    let rename = world.event("update-profile", &ada, &any(&ada)).await;
    let rename = rename.without_header("if-match").body(&json!({ "name": bells(100) }));
    assert_eq!(world.send(&rename).await.status, 200);
    ada = world.store.user(ada.id).await.expect("an answer").expect("the user");
    let all = largest(&ada);
    world.store.create(&all, None, None).await.expect("an answer");
    for number in 0..comments {
        let mut one = comment(number, &all, &ada);
        one.text = CommentText::parse(&bells(4_000)).expect("a text");
        world.store.add_comment(&one, None).await.expect("an answer");
    }
    let (mut owner, mut from) = (ada, all.space);
    for number in [2, 3] {
        let pages = world.export(&owner, "limit=100").await;
        assert!(pages.iter().all(|page| page.len() <= 512 * 1024));
        let importer = world.register(number).await;
        let created = world.import_all(&importer, from, &pages).await;
        assert_eq!(created, 1 + comments);
        let target = SpaceId::personal(importer.id);
        let origin = ImportOrigin { importer: importer.id, target };
        let expected = expected::imported(&lines(&pages), &json!(from), origin, &importer);
        let again: Vec<Value> = lines(&world.export(&importer, "limit=100").await);
        assert!(expected::stored(&again, &json!(target)) == expected, "after {number}");
        (owner, from) = (importer, target);
    }
}
