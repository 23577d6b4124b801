//! How connections are opened, kept open and ended.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::workers::{connect_live, disconnect_live};
use taskbell_domain::{
    clock::Clock as _,
    feed::{Operation, Place, Subject},
    live::{CONNECTION_LIFETIME, MAX_CONNECTIONS, TICKET_LIFETIME},
    ports::{LiveConnections as _, PortError, ProfileChanges as _, Sessions as _},
    rate_limit::LIVE_MESSAGES,
    task::Task,
    user::User,
};
use taskbell_test::{Faults, Faulty, Meddler, MemoryStore, Side, fixtures::draft, injected};

use crate::support::{World, collaborator, link_keys};

const HEARTBEAT: &str = r#"{"action": "heartbeat"}"#;

async fn open(world: &World, user: &User) -> Vec<String> {
    let found = world.store.connections(user.id).await.expect("an answer");
    found.open.into_iter().map(|connection| connection.id).collect()
}

/// Which of these connections get a change of a task.
async fn reached<'a>(world: &World, task: &Task, connections: &[&'a str]) -> Vec<&'a str> {
    world.relay(Place::Space(task.space), Subject::Task(task.id), Operation::Updated).await;
    world.push().await;
    connections.iter().copied().filter(|name| !world.channel.take(name).is_empty()).collect()
}

#[tokio::test]
async fn a_ticket_opens_one_connection_within_thirty_seconds() {
    let (world, ada, mine) = World::seeded().await;
    let ticket = world.ticket(&ada, &mine).await;
    assert_eq!(world.redeem("first", &ticket).await, 200);
    assert_eq!(world.redeem("second", &ticket).await, 401, "it was used");
    world.clock.advance(SignedDuration::from_secs(29));
    assert_eq!(world.redeem("second", &ticket).await, 401, "it was used");
    let late = world.ticket(&ada, &mine).await;
    world.clock.advance(TICKET_LIFETIME);
    assert_eq!(world.redeem("second", &late).await, 401, "it has expired");
    for bad in ["", "x", "a.b.c.d.e.f", &world.access_token(&ada), &late[1..], &format!("{late}A")] {
        assert_eq!(world.redeem("second", bad).await, 401, "{bad}");
    }
    let World { store, pushes, clock, .. } = &world;
    let none = connect_live::handle(store, pushes, &link_keys(), clock, "second", None).await;
    assert_eq!(none, 401);
    assert_eq!(open(&world, &ada).await, ["first"]);
}

#[tokio::test]
async fn a_session_that_has_ended_gets_no_ticket() {
    let (world, ada, mine) = World::seeded().await;
    let event = world.event("open-live", &ada, &mine).await;
    assert_eq!(world.send(&event).await.status, 200);
    assert_eq!(world.send(&world.event("log-out", &ada, &mine).await).await.status, 204);
    let answer = world.send(&event).await;
    assert_eq!((answer.status, answer.code()), (401, "unauthorized"));
}

#[tokio::test]
async fn a_refused_ticket_is_not_worth_a_call_and_stores_nothing() {
    let (world, ada, mine) = World::seeded().await;
    let ticket = world.ticket(&ada, &mine).await;
    for (name, status, user) in [("first", 200, Some(ada.id)), ("second", 401, None)] {
        assert_eq!(world.redeem(name, &ticket).await, status);
        assert_eq!(world.store.connected_user(name).await.expect("an answer"), user);
    }
    let ended = world.ticket(&ada, &mine).await;
    world.store.close_session(ada.id, world.session()).await.expect("an answer");
    assert_eq!(world.redeem("third", &ended).await, 401);
    assert_eq!(world.store.connected_user("third").await.expect("an answer"), None);
    let fails = Faulty { store: MemoryStore::default(), faults: Never };
    let forged = "01JQ0000000000000000000000.01JQ0000000000000000000000.1.9999999999.00.AAAA";
    let (pushes, keys) = (&world.pushes, link_keys());
    let status = connect_live::handle(&fails, pushes, &keys, &world.clock, "x", Some(forged)).await;
    assert_eq!(status, 401);
}

/// No call may happen.
struct Never;

impl Faults for Never {
    async fn pass(&self, call: &'static str, _: Side) -> Result<(), PortError> {
        panic!("{call}");
    }
}

#[tokio::test]
async fn the_eleventh_connection_closes_the_oldest() {
    let (world, ada, mine) = World::seeded().await;
    let names: Vec<_> = (0..=MAX_CONNECTIONS).map(|number| format!("connection {number}")).collect();
    for name in &names {
        world.connect(&ada, &mine, name).await;
    }
    assert_eq!(open(&world, &ada).await, names[1..]);
    world.push().await;
    assert_eq!(world.channel.take_closed(), ["connection 0"]);
}

#[tokio::test]
async fn an_account_that_is_blocked_or_a_session_that_has_ended_opens_no_connection() {
    for function in ["log-out", "reset-password", "update-user"] {
        let (world, ada, mine) = World::seeded().await;
        let user = if function == "update-user" { collaborator() } else { ada.clone() };
        let ticket = world.ticket(&user, &mine).await;
        let ended = world.event(function, &ada, &mine).await;
        let ended =
            if function == "update-user" { ended.body(&json!({ "disabled": true })) } else { ended };
        assert!(world.send(&ended).await.status < 300, "{function}");
        assert_eq!(world.redeem("late", &ticket).await, 401, "{function}");
        assert_eq!(open(&world, &user).await, [""; 0], "{function}");
    }
    // Blocked, and interrupted before the sessions ended.
    let (world, ada, mine) = World::seeded().await;
    let ticket = world.ticket(&ada, &mine).await;
    let blocked = User { version: 2, disabled_at: Some(world.clock.now()), ..ada };
    world.store.replace_user(&blocked, 1, None).await.expect("an answer");
    assert_eq!(world.redeem("late", &ticket).await, 401);
}

#[tokio::test]
async fn a_session_that_ends_while_it_is_connected_leaves_no_connection() {
    for moment in ["connections", "replace_connections", "has_session"] {
        let (world, ada, mine) = World::seeded().await;
        let ticket = world.ticket(&ada, &mine).await;
        let meddler = Meddler::default();
        let (store, id, session) = (world.store.clone(), ada.id, world.session());
        meddler.before(moment, async move {
            store.close_session(id, session).await.expect("an answer");
            // What logging out does next.
            let mut found = store.connections(id).await.expect("an answer");
            let expected = found.version;
            if !found.remove(|open| open.session == session).is_empty() {
                found.version += 1;
                store.replace_connections(&found, expected).await.expect("an answer");
            }
        });
        let faulty = Faulty { store: world.store.clone(), faults: meddler };
        let (pushes, keys) = (&world.pushes, link_keys());
        let status =
            connect_live::handle(&faulty, pushes, &keys, &world.clock, "late", Some(&ticket)).await;
        assert!(faulty.faults.is_done());
        assert_eq!(status, 401, "{moment}");
        assert_eq!(open(&world, &ada).await, [""; 0], "{moment}");
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_session_after_it_has_ended() {
    // How it ends, whose it is, and which connections of that user go on.
    let cases = [
        ("log-out", 1, vec!["other"]),
        ("refresh-session", 1, vec!["other"]),
        ("reset-password", 1, vec![]),
        ("update-user", 900, vec![]),
    ];
    for (function, number, left) in cases {
        let (world, ada, mine) = World::seeded().await;
        let user = if number == 1 { ada.clone() } else { collaborator() };
        let own = world.create(60, &user, draft("Own")).await;
        world.connect(&user, &mine, "this").await;
        world.connect_elsewhere(&user, "other").await;
        assert_eq!(reached(&world, &own, &["this", "other"]).await, ["this", "other"]);
        let event = world.event(function, &ada, &mine).await;
        match function {
            "refresh-session" => {
                // The token is used again after its successor.
                let next = world.send(&event).await.body["refresh_token"].clone();
                let used = event.clone().body(&json!({ "refresh_token": next }));
                assert_eq!(world.send(&used).await.status, 200);
                assert_eq!(world.send(&event).await.status, 401);
            }
            "update-user" => {
                let blocked = world.send(&event.body(&json!({ "disabled": true }))).await;
                assert_eq!(blocked.status, 200);
            }
            _ => assert_eq!(world.send(&event).await.status, 204),
        }
        assert_eq!(open(&world, &user).await, left, "{function}");
        assert_eq!(reached(&world, &own, &["this", "other"]).await, left, "{function}");
        let mut ended = vec!["this", "other"];
        ended.retain(|name| !left.contains(name));
        assert_eq!(world.channel.take_closed(), ended, "{function}");
    }
}

#[tokio::test]
async fn a_connection_that_could_not_be_closed_gets_nothing_and_is_closed_at_its_next_message() {
    let (world, ada, mine) = World::seeded().await;
    world.connect(&ada, &mine, "this").await;
    world.pushes.fail(true);
    assert_eq!(world.send(&world.event("log-out", &ada, &mine).await).await.status, 204);
    world.pushes.fail(false);
    assert_eq!(reached(&world, &mine, &["this"]).await, [""; 0]);
    assert_eq!(world.channel.take_closed(), [""; 0]);
    world.receive("this", HEARTBEAT).await;
    assert_eq!(world.channel.take_closed(), ["this"]);
}

#[tokio::test]
async fn a_log_out_that_cannot_end_connections_is_reported() {
    let faults = Fails::default();
    let world = World::on(Faulty { store: MemoryStore::default(), faults });
    let (ada, mine) = world.seed().await;
    world.connect(&ada, &mine, "this").await;
    for (fails, status) in [(true, 503), (false, 204)] {
        world.store.faults.0.store(fails, Ordering::Relaxed);
        let answer = world.send(&world.event("log-out", &ada, &mine).await).await;
        assert_eq!(answer.status, status, "a client repeats it");
    }
    assert_eq!(world.store.connections(ada.id).await.expect("an answer").open, []);
}

/// Whether connections cannot be changed.
#[derive(Default)]
struct Fails(AtomicBool);

impl Faults for Fails {
    async fn pass(&self, call: &'static str, _: Side) -> Result<(), PortError> {
        let fails = call == "replace_connections" && self.0.load(Ordering::Relaxed);
        if fails { Err(injected(call)) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_connection_is_closed_even_if_the_answer_to_its_removal_is_lost() {
    let store = Faulty { store: MemoryStore::default(), faults: Again::default() };
    let world = World::on(store);
    let (ada, mine) = world.seed().await;
    world.connect(&ada, &mine, "this").await;
    let stored = world.store.store.connections(ada.id).await.expect("an answer");
    let mut next = stored.clone();
    next.remove(|_| true);
    next.version += 1;
    let store = world.store.store.clone();
    world.store.faults.0.before("replace_connections", async move {
        store.replace_connections(&next, stored.version).await.expect("an answer");
    });
    assert_eq!(world.send(&world.event("log-out", &ada, &mine).await).await.status, 204);
    world.push().await;
    assert_eq!(world.channel.take_closed(), ["this"]);
}

/// The same write was made before: its answer was lost, and the SDK sends it again.
#[derive(Default)]
struct Again(Meddler);

impl Faults for Again {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        self.0.pass(call, side).await
    }
}

#[tokio::test]
async fn a_heartbeat_is_answered_while_the_session_exists() {
    let (world, ada, mine) = World::seeded().await;
    world.connect(&ada, &mine, "this").await;
    world.receive("this", HEARTBEAT).await;
    assert_eq!(world.channel.take("this"), [json!({ "type": "heartbeat" })]);
    world.store.close_session(ada.id, world.session()).await.expect("an answer");
    world.receive("this", HEARTBEAT).await;
    assert_eq!(
        (world.channel.take("this"), world.channel.take_closed()),
        (vec![], vec!["this".to_owned()])
    );
    assert_eq!(open(&world, &ada).await, [""; 0]);
    // One that was never opened, or has expired.
    world.receive("unknown", HEARTBEAT).await;
    assert_eq!(world.channel.take_closed(), ["unknown"]);
    world.connect(&ada, &mine, "old").await;
    world.clock.advance(CONNECTION_LIFETIME);
    world.receive("old", HEARTBEAT).await;
    assert_eq!(world.channel.take_closed(), ["old"]);
}

#[tokio::test]
async fn a_new_ticket_continues_a_connection_in_its_session() {
    let (world, ada, mine) = World::seeded().await;
    world.connect_elsewhere(&ada, "this").await;
    let ticket = world.ticket(&ada, &mine).await;
    let renew = |ticket: &str| json!({ "action": "renew", "ticket": ticket }).to_string();
    world.receive("this", &renew(&ticket)).await;
    assert_eq!(world.channel.take("this"), [json!({ "type": "renewed" })]);
    let found = world.store.connections(ada.id).await.expect("an answer").open;
    assert_eq!((found.len(), found[0].session), (1, world.session()));
    // Refused: used by another connection, of another user, expired.
    world.connect_elsewhere(&ada, "second").await;
    let theirs = world.ticket(&collaborator(), &mine).await;
    let expired = world.ticket(&ada, &mine).await;
    for (ticket, wait) in [(&ticket, 0), (&theirs, 0), (&expired, 30)] {
        world.clock.advance(SignedDuration::from_secs(wait));
        world.receive("second", &renew(ticket)).await;
        let answer = world.channel.take("second");
        assert_eq!((answer.len(), &answer[0]["code"]), (1, &json!("invalid_ticket")), "{ticket}");
    }
    assert_eq!(open(&world, &ada).await, ["this", "second"]);
    assert_eq!(open(&world, &collaborator()).await, [""; 0]);
    // Of a session that has ended meanwhile: the client sees that.
    let last = world.ticket(&ada, &mine).await;
    world.store.close_session(ada.id, world.session()).await.expect("an answer");
    world.receive("second", &renew(&last)).await;
    assert_eq!(
        (world.channel.take("second"), world.channel.take_closed()),
        (vec![], vec!["second".to_owned()])
    );
    assert_eq!(open(&world, &ada).await, ["this"]);
}

#[tokio::test]
async fn any_other_message_is_answered_with_an_error() {
    let (world, ada, mine) = World::seeded().await;
    world.connect(&ada, &mine, "this").await;
    let deep = "[".repeat(100_000);
    for message in
        ["", "null", "{}", "[]", r#"{"action": 1}"#, r#"{"action": "renew"}"#, "\u{0}", &deep]
    {
        world.receive("this", message).await;
        let answer = world.channel.take("this");
        assert_eq!((answer.len(), &answer[0]["code"]), (1, &json!("invalid_message")));
    }
}

#[tokio::test]
async fn a_client_that_sends_too_much_is_disconnected() {
    let (world, ada, mine) = World::seeded().await;
    world.connect(&ada, &mine, "this").await;
    for _ in 0..LIVE_MESSAGES.max {
        world.receive("this", HEARTBEAT).await;
    }
    assert_eq!(world.channel.take("this").len(), LIVE_MESSAGES.max as usize);
    world.receive("this", HEARTBEAT).await;
    assert_eq!(
        (world.channel.take("this"), world.channel.take_closed()),
        (Vec::<Value>::new(), vec!["this".to_owned()])
    );
    assert_eq!(open(&world, &ada).await, [""; 0]);
    // On another connection, too, until the minute is over.
    world.connect(&ada, &mine, "next").await;
    world.receive("next", HEARTBEAT).await;
    assert_eq!(world.channel.take_closed(), ["next"]);
    world.clock.advance(LIVE_MESSAGES.window);
    world.connect(&ada, &mine, "later").await;
    world.receive("later", HEARTBEAT).await;
    assert_eq!(world.channel.take("later").len(), 1);
}

#[tokio::test]
async fn a_connection_that_ends_is_forgotten() {
    let (world, ada, mine) = World::seeded().await;
    world.connect(&ada, &mine, "this").await;
    world.connect_elsewhere(&ada, "other").await;
    for _ in 0..2 {
        disconnect_live::handle(&world.store, "this").await.expect("it is handled");
        assert_eq!(open(&world, &ada).await, ["other"]);
    }
    assert_eq!(world.store.connected_user("this").await.expect("an answer"), None);
}
