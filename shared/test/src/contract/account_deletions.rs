//! Deletions of accounts.

use taskbell_domain::{
    account_deletion::AccountDeletion,
    id::SpaceId,
    ports::*,
    statistics::{Contribution, CounterGroups},
    timer::{Timer, TimerTarget},
    user::User,
};

use super::{Store, record_one, register};
use crate::fixtures::{api_token, draft, now, task, user};

/// A profile and its password are deleted together, at the version that was read, and a record is left until the rest is
/// deleted, too. The address is free again.
pub async fn an_account_is_deleted_with_its_password_and_leaves_a_record(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    register(store, &eve).await;
    let deletion = |of: &User| AccountDeletion { user: of.id, deleted_at: now() };
    let delete =
        async |user: &User| store.delete_account(user, &[], deletion(user)).await.expect("an answer");
    let unfinished = async || store.unfinished_deletions().await.expect("an answer");
    let stale = User { version: 7, ..ada.clone() };
    let moved = User { email: eve.email.clone(), ..ada.clone() };
    assert!(!delete(&stale).await && !delete(&moved).await && !delete(&user(3)).await);
    assert_eq!(unfinished().await, []);
    assert!(store.credential(&eve.email).await.expect("an answer").is_some());
    assert!(delete(&ada).await);
    assert_eq!(store.user(ada.id).await.expect("an answer"), None);
    assert_eq!(store.account_state(ada.id).await.expect("an answer"), None);
    assert!(store.credential(&ada.email).await.expect("an answer").is_none());
    assert!(!delete(&ada).await, "once");
    assert_eq!(unfinished().await, [deletion(&ada)]);
    let next = User { email: ada.email.clone(), ..user(3) };
    assert_eq!(register(store, &next).await, Registered::Done);
    assert!(delete(&eve).await);
    assert_eq!(unfinished().await.len(), 2);
    for _ in 0..2 {
        store.finish_deletion(ada.id).await.expect("a missing record is no error");
    }
    assert_eq!(unfinished().await, [deletion(&eve)]);
}

/// API tokens, the digest and the statistics of the personal space are deleted, and nothing of others.
pub async fn what_belongs_to_a_user_and_to_no_space_is_deleted(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    for (number, who) in (1..).zip([&ada, &eve]) {
        register(store, who).await;
        assert!(store.add_api_token(&api_token(number, who), 0, &[]).await.expect("an answer"));
        store
            .record_api_token_use(&api_token(number, who), "2026-03-01".parse().expect("a day"))
            .await
            .expect("an answer");
        let mut of = draft("t");
        of.tags = vec![taskbell_domain::text::Tag::parse("private").expect("a tag")];
        record_one(store, &Contribution::of(&task(number, who, of))).await.expect("an answer");
        let at = Timer { at: now(), target: TimerTarget::Digest(who.id) };
        let next = User { version: who.version + 1, ..who.clone() };
        store.replace_user(&next, who.version, Some(at)).await.expect("an answer");
    }
    let left = async |who: &User| {
        let space = SpaceId::personal(who.id);
        let tags = store.counter_groups(space, CounterGroups::Tags, None, None).await;
        (
            store.api_tokens(who.id).await.expect("an answer").tokens.len(),
            tags.expect("an answer").items.len(),
            store.digest(who.id).await.expect("an answer").is_some(),
        )
    };
    assert_eq!((left(&ada).await, left(&eve).await), ((1, 1, true), (1, 1, true)));
    for _ in 0..2 {
        store.delete_items_of(ada.id).await.expect("it can be repeated");
        assert_eq!((left(&ada).await, left(&eve).await), ((0, 0, false), (1, 1, true)));
    }
}
