//! Live connections.

use taskbell_domain::{
    id::SessionId,
    live::{CONNECTION_LIFETIME, Connection, Connections, RedeemedTicket, TICKET_LIFETIME},
    ports::Replaced,
};

use super::Store;
use crate::fixtures::{now, user};

fn connections(number: u64, of: &[&str]) -> Connections {
    let session = SessionId::from_body("01JQ0000000000000000000001").expect("an id");
    let open = of.iter().map(|id| Connection {
        id: (*id).to_owned(),
        session,
        issued_at: now(),
        expires_at: now() + CONNECTION_LIFETIME,
    });
    let redeemed = of.iter().map(|id| RedeemedTicket {
        id: format!("ticket of {id}"),
        expires_at: now() + TICKET_LIFETIME,
    });
    let (open, redeemed) = (open.collect(), redeemed.collect());
    Connections { user: user(number).id, open, redeemed, version: 1 }
}

/// Connections are replaced at the expected version only, and read as they were stored.
pub async fn connections_are_replaced_at_the_expected_version_only(store: &impl Store) {
    let ada = user(1).id;
    assert_eq!(store.connections(ada).await.expect("an answer"), Connections::none(ada));
    let first = connections(1, &["a=", "b"]);
    let replace = async |connections: &Connections, expected| {
        store.replace_connections(connections, expected).await.expect("an answer")
    };
    assert_eq!(replace(&first, 3).await, Replaced::Conflict(None));
    assert_eq!(replace(&first, 0).await, Replaced::Stored);
    assert_eq!(replace(&first, 0).await, Replaced::Conflict(Some(Box::new(first.clone()))));
    assert_eq!(store.connections(ada).await.expect("an answer"), first);
    let second = Connections { version: 2, ..connections(1, &[]) };
    assert_eq!(replace(&second, 1).await, Replaced::Stored);
    assert_eq!(replace(&first, 1).await, Replaced::Conflict(Some(Box::new(second.clone()))));
    assert_eq!(store.connections(ada).await.expect("an answer"), second);
}

/// The connections of several users are found together.
pub async fn connections_of_several_users_are_found(store: &impl Store) {
    for number in [1, 3] {
        let stored = connections(number, &["a"]);
        store.replace_connections(&stored, 0).await.expect("an answer");
    }
    let users: Vec<_> = (1..=4).map(|number| user(number).id).collect();
    let mut found = store.connections_of(&users).await.expect("an answer");
    found.sort_by_key(|connections| connections.user);
    let mut expected = [connections(1, &["a"]), connections(3, &["a"])];
    expected.sort_by_key(|connections| connections.user);
    assert_eq!(found, expected);
    assert_eq!(store.connections_of(&[]).await.expect("an answer"), []);
}

/// The user of a connection is known until it is forgotten.
pub async fn the_user_of_a_connection_is_known_until_it_is_forgotten(store: &impl Store) {
    let (ada, until) = (user(1).id, now() + CONNECTION_LIFETIME);
    assert_eq!(store.connected_user("a=").await.expect("an answer"), None);
    store.remember_connection("a=", ada, until).await.expect("an answer");
    assert_eq!(store.connected_user("a=").await.expect("an answer"), Some(ada));
    assert_eq!(store.connected_user("b").await.expect("an answer"), None);
    store.forget_connection("a=").await.expect("an answer");
    store.forget_connection("a=").await.expect("forgetting twice is no error");
    assert_eq!(store.connected_user("a=").await.expect("an answer"), None);
}
