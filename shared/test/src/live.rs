//! A queue of pushes and a channel that record what they receive.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use serde_json::Value;
use taskbell_domain::{
    live::Push,
    ports::{LiveChannel, PortError, PushQueue, Reached},
};

use crate::injected;

/// A queue that records pushes until they are taken.
#[derive(Default)]
pub struct PushQueueFake {
    pushes: Mutex<Vec<Push>>,
    fails: Mutex<bool>,
    hangs: Mutex<bool>,
}

impl PushQueueFake {
    /// Removes and returns all pushes.
    pub fn take(&self) -> Vec<Push> {
        std::mem::take(&mut self.pushes.lock().expect("not poisoned"))
    }

    /// Whether to fail from now on.
    pub fn fail(&self, fails: bool) {
        *self.fails.lock().expect("not poisoned") = fails;
    }

    /// Never answers from now on.
    pub fn hang(&self) {
        self.fail(false);
        *self.hangs.lock().expect("not poisoned") = true;
    }
}

impl PushQueue for PushQueueFake {
    async fn enqueue_pushes(&self, pushes: &[Push]) -> Result<(), PortError> {
        let hangs = *self.hangs.lock().expect("not poisoned");
        if hangs {
            std::future::pending::<()>().await;
        }
        if *self.fails.lock().expect("not poisoned") {
            return Err(injected("enqueueing pushes"));
        }
        self.pushes.lock().expect("not poisoned").extend_from_slice(pushes);
        Ok(())
    }
}

/// What a channel has received.
#[derive(Default)]
struct Received {
    messages: BTreeMap<String, Vec<Value>>,
    closed: Vec<String>,
    gone: BTreeSet<String>,
    failing: BTreeSet<String>,
    stuck: BTreeSet<String>,
    delay: Duration,
}

/// A channel that records messages. Every connection exists until it is closed or gone.
#[derive(Default)]
pub struct ChannelFake(Mutex<Received>);

impl ChannelFake {
    fn received(&self) -> MutexGuard<'_, Received> {
        self.0.lock().expect("not poisoned")
    }

    /// Removes and returns the messages to a connection.
    pub fn take(&self, connection: &str) -> Vec<Value> {
        self.received().messages.remove(connection).unwrap_or_default()
    }

    /// Does not know a connection yet, until [`Self::connected`].
    pub fn connecting(&self, connection: &str) {
        self.end(connection);
    }

    /// Knows a connection from now on.
    pub fn connected(&self, connection: &str) {
        self.received().gone.remove(connection);
    }

    /// Removes and returns the ids of closed connections.
    pub fn take_closed(&self) -> Vec<String> {
        std::mem::take(&mut self.received().closed)
    }

    /// Ends a connection without notice.
    pub fn end(&self, connection: &str) {
        self.received().gone.insert(connection.to_owned());
    }

    /// Refuses messages to a connection from now on.
    pub fn refuse(&self, connection: &str) {
        self.received().failing.insert(connection.to_owned());
    }

    /// Takes this long to accept each message from now on.
    pub fn delay(&self, delay: Duration) {
        self.received().delay = delay;
    }

    /// Never answers to messages for a connection from now on.
    pub fn block(&self, connection: &str) {
        self.received().stuck.insert(connection.to_owned());
    }
}

impl LiveChannel for ChannelFake {
    async fn send(&self, connection: &str, message: &str) -> Result<Reached, PortError> {
        let (is_stuck, delay) = {
            let received = self.received();
            (received.stuck.contains(connection), received.delay)
        };
        if is_stuck {
            std::future::pending::<()>().await;
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let mut received = self.received();
        if received.failing.contains(connection) {
            return Err(injected("sending"));
        }
        if received.gone.contains(connection) {
            return Ok(Reached::Gone);
        }
        let message = serde_json::from_str(message).expect("JSON");
        received.messages.entry(connection.to_owned()).or_default().push(message);
        Ok(Reached::Yes)
    }

    async fn close(&self, connection: &str) -> Result<(), PortError> {
        let mut received = self.received();
        received.gone.insert(connection.to_owned());
        received.closed.push(connection.to_owned());
        Ok(())
    }
}
