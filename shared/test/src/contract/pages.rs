//! Pages of comments, counter groups and users.

use crate::fixtures::{comment, draft, task, user};
use taskbell_domain::{
    ports::*,
    statistics::{Contribution, CounterGroup, CounterGroups},
    text::Tag,
};

use super::{Store, create, record_one, register, statistics::counter_groups};

/// Pages of three contain every item once, in order, whether or not the last page is full.
pub async fn pages_contain_every_item_once(store: &impl Store) {
    for many in [5, 6, 7_u64] {
        let author = user(many);
        let of = task(1_000 * many, &author, draft("t"));
        create(store, &of).await;
        let mut expected: Vec<_> =
            (0..many).map(|number| comment(100 * many + number, &of, &author)).collect();
        for one in &expected {
            assert_eq!(
                store.add_comment(one, None).await.expect("an answer"),
                Commented::Created(Created::Stored)
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
        record_one(store, &Contribution::of(&tagged)).await.expect("an answer");
        let found = counter_groups(store, of.space, CounterGroups::Tags, Some(3)).await.into_iter();
        let found: Vec<_> = found.map(|(group, _)| group).collect();
        assert_eq!(found, (0..many).map(|number| CounterGroup::Tag(tag(number))).collect::<Vec<_>>());
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
