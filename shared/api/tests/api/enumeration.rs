//! Nobody learns who has an account: not by the calls that a response takes, and not by a limit.

use std::sync::{Arc, Mutex};

use serde_json::json;
use taskbell_domain::{
    email::EmailAddress,
    ports::{PortError, ProfileChanges},
    task::Task,
    user::User,
};
use taskbell_test::{Faults, Faulty, MemoryStore, Side};

use crate::support::{PASSWORD, World};

const OTHER: &str = "six quiet bells at dawn";

/// Records the calls of a store.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<&'static str>>>);

impl Calls {
    fn take(&self) -> Vec<&'static str> {
        let mut calls = std::mem::take(&mut *self.0.lock().expect("not poisoned"));
        // Reads at the same time have no order.
        calls.sort_unstable();
        calls
    }
}

impl Faults for Calls {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        if side == Side::Before {
            self.0.lock().expect("not poisoned").push(call);
        }
        Ok(())
    }
}

/// A world with user 1, and an account that is not verified.
async fn recorded() -> (World<Faulty<MemoryStore, Calls>>, Calls, User, Task) {
    let (memory, calls) = (MemoryStore::default(), Calls::default());
    let world = World::on(Faulty { store: memory, faults: calls.clone() });
    let (ada, task) = world.seed().await;
    let new = world.register(77).await;
    let unverified = User { email_verified_at: None, version: 2, ..new };
    world.store.replace_user(&unverified, 1, None).await.expect("an answer");
    (world, calls, ada, task)
}

#[tokio::test]
async fn a_failed_log_in_takes_the_same_calls_whatever_has_failed() {
    let (world, calls, ada, task) = recorded().await;
    for function in ["log-in", "remove-second-factor"] {
        let event = world.event(function, &ada, &task).await;
        let mut taken = Vec::new();
        for (email, password) in [
            ("nobody@example.com", PASSWORD),
            ("user1@example.com", OTHER),
            ("user77@example.com", OTHER),
            ("user77@example.com", PASSWORD),
        ] {
            calls.take();
            let body = json!({ "email": email, "password": password });
            let answer = world.send(&event.clone().body(&body)).await;
            assert_eq!((answer.status, answer.code()), (401, "invalid_credentials"), "{email}");
            taken.push(calls.take());
        }
        assert!(taken[0].contains(&"user") && taken[0].contains(&"second_factor"), "{taken:?}");
        taken.dedup();
        assert_eq!(taken.len(), 1, "{function}: {taken:?}");
    }
}

#[tokio::test]
async fn a_repeated_registration_takes_the_same_calls_whatever_the_address_is() {
    let (world, calls, ada, task) = recorded().await;
    let event = world.event("register-user", &ada, &task).await;
    // The previous address of an account.
    let moved = User {
        email: EmailAddress::parse("new@example.com").expect("an address"),
        version: 2,
        ..world.register(78).await
    };
    world.store.replace_user(&moved, 1, None).await.expect("an answer");
    let mut taken = Vec::new();
    for (email, password) in [
        ("user1@example.com", PASSWORD),
        ("user1@example.com", OTHER),
        ("user77@example.com", OTHER),
        ("user77@example.com", PASSWORD),
        ("user78@example.com", PASSWORD),
    ] {
        calls.take();
        let body = json!({ "email": email, "password": password, "name": "Grace" });
        assert_eq!(world.send(&event.clone().body(&body)).await.status, 202);
        taken.push(calls.take());
        assert_eq!(world.queue.take().len(), 1, "{email}: a message is queued");
    }
    taken.dedup();
    assert_eq!(taken.len(), 1, "{taken:?}");
}

#[tokio::test]
async fn password_resets_have_the_same_limit_with_and_without_an_account() {
    let (world, calls, ada, task) = recorded().await;
    let event = world.event("forgot-password", &ada, &task).await;
    let mut stored = Vec::new();
    for email in ["user1@example.com", "nobody@example.com"] {
        calls.take();
        for number in 0..12 {
            let mut event = event.clone().body(&json!({ "email": email }));
            event.json["requestContext"]["http"]["sourceIp"] = json!(format!("192.0.2.{number}"));
            assert_eq!(world.send(&event).await.status, 202);
        }
        stored.push(calls.take().into_iter().filter(|call| *call == "add_notification").count());
    }
    assert_eq!(stored, [10, 10]);
}
