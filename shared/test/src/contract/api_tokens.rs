//! API tokens.

use jiff::{SignedDuration, civil::date};
use taskbell_domain::{
    account_event::AccountEvent,
    api_token::{ApiToken, ApiTokenList},
    notification::NotificationKind,
};

use super::Store;
use crate::fixtures::{api_token, notification, now, user};

/// A token and the notifications about it are stored together, once, and deleted together.
pub async fn an_api_token_is_stored_with_its_notifications(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let notice = |number| {
        let event = AccountEvent::ApiTokenExpires {
            token: api_token(1, &ada).id,
            name: api_token(1, &ada).name,
            expires_at: now(),
        };
        notification(number, NotificationKind::Account { to: ada.id, event })
    };
    let notices = [notice(1), notice(2)];
    let token = ApiToken { expiry_notification: Some(notices[1].id), ..api_token(1, &ada) };
    let read = async |of| store.api_token(of, token.id).await.expect("an answer");
    let notified = async |number: usize| {
        store.notification(notices[number].id).await.expect("an answer").is_some()
    };
    assert!(!store.add_api_token(&token, 1, &notices).await.expect("an answer"), "the list changed");
    assert_eq!((read(ada.id).await, notified(0).await), (None, false));
    assert!(store.add_api_token(&token, 0, &notices).await.expect("an answer"));
    assert_eq!((read(ada.id).await, read(eve.id).await), (Some(token.clone()), None));
    assert_eq!((notified(0).await, notified(1).await), (true, true));
    let further = ApiToken { space: Some(crate::fixtures::space(1, &ada).0.id), ..api_token(2, &ada) };
    assert!(!store.add_api_token(&further, 0, &[]).await.expect("an answer"), "the list changed");
    assert!(store.add_api_token(&further, 1, &[]).await.expect("an answer"));
    for _ in 0..2 {
        store.delete_api_token(&token).await.expect("a missing token is no error");
    }
    assert_eq!((read(ada.id).await, notified(0).await, notified(1).await), (None, true, false));
    let left = store.api_tokens(ada.id).await.expect("an answer");
    assert_eq!(left, ApiTokenList { tokens: vec![(further, None)], version: 2 });
}

/// A list has the tokens of one user, oldest first, each with the day of its last use.
pub async fn api_tokens_are_listed_with_the_day_of_their_last_use(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let list = async |of| store.api_tokens(of).await.expect("an answer");
    assert_eq!(list(ada.id).await, ApiTokenList { tokens: vec![], version: 0 });
    for (expected, number) in [(0, 1), (1, 2)] {
        let token = api_token(number, &ada);
        assert!(store.add_api_token(&token, expected, &[]).await.expect("an answer"));
    }
    let theirs = api_token(3, &eve);
    assert!(store.add_api_token(&theirs, 0, &[]).await.expect("an answer"));
    let (first, second) = (api_token(1, &ada), api_token(2, &ada));
    for day in [date(2026, 3, 1), date(2026, 3, 2)] {
        store.record_api_token_use(&second, day).await.expect("an answer");
    }
    let tokens = vec![(first.clone(), None), (second.clone(), Some(date(2026, 3, 2)))];
    assert_eq!(list(ada.id).await, ApiTokenList { tokens, version: 2 });
    assert_eq!(list(eve.id).await, ApiTokenList { tokens: vec![(theirs, None)], version: 1 });
    for one in [&first, &second] {
        store.delete_api_token(one).await.expect("an answer");
    }
    // The day of the last use is deleted with the token.
    assert!(store.add_api_token(&second, 2, &[]).await.expect("an answer"));
    assert_eq!(list(ada.id).await, ApiTokenList { tokens: vec![(second, None)], version: 3 });
    assert!(first.expires_at > now() + SignedDuration::from_hours(1));
}
