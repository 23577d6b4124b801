//! Comments.

use crate::fixtures::{comment, draft, now, task, user};
use taskbell_domain::{ports::*, text::CommentText};

use super::{Store, create};

/// Comments are listed in order of creation, page by page, changed one by one, and deleted with their task.
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
            Commented::Created(Created::Stored)
        );
    }
    let kept = comment(9, &other, &eve);
    assert_eq!(
        store.add_comment(&kept, None).await.expect("an answer"),
        Commented::Created(Created::Stored)
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
    assert_eq!(store.replace_comment(&edited, 1).await.expect("an answer"), Replaced::Stored);
    let conflict = Replaced::Conflict(Some(Box::new(edited.clone())));
    assert_eq!(store.replace_comment(&edited, 1).await.expect("an answer"), conflict);
    assert_eq!(store.comment(mine.id, edited.id).await.expect("an answer"), Some(edited.clone()));
    store.delete_comment(mine.id, edited.id).await.expect("an answer");
    assert_eq!(store.comment(mine.id, edited.id).await.expect("an answer"), None);
    assert_eq!(store.replace_comment(&edited, 2).await.expect("an answer"), Replaced::Conflict(None));

    assert_eq!(store.task_and_comments(mine.id).await.expect("an answer"), (Some(mine.clone()), true));
    assert_eq!(store.delete(mine.id, 1, true, None).await.expect("an answer"), Replaced::Stored);
    assert_eq!(store.comments(mine.id, None, 100).await.expect("a page").items, []);
    let refused = store.add_comment(&all[2], None).await.expect("an answer");
    assert_eq!(refused, Commented::NoTask, "its task was deleted");
    assert_eq!(store.comments(other.id, None, 100).await.expect("a page").items, [kept]);
}
