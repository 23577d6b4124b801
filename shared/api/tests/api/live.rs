//! Live updates: who gets which changes, and how connections are opened and end.

mod connections;
mod deployment;
mod pushes;

pub(crate) use deployment::routes;
use serde_json::Value;
use taskbell_api::{
    live::Ticket,
    tokens::Identity,
    workers::{connect_live, push_changes, receive_live},
};
use taskbell_domain::{
    clock::Clock as _,
    id::{SessionId, TaskId},
    ports::TimerQueue,
    task::Task,
    user::User,
};
use taskbell_test::contract::Store;

use crate::support::{World, link_keys};

impl<S: Store, Q: TimerQueue> World<S, Q> {
    /// A ticket of a user, whose session exists.
    pub(crate) async fn ticket(&self, user: &User, about: &Task) -> String {
        self.refresh_token(user).await;
        let answer = self.send(&self.event("open-live", user, about).await).await;
        assert_eq!((answer.status, &answer.body["expires_in"]), (200, &Value::from(30)));
        let url = answer.body["url"].as_str().expect("a URL");
        let (live, ticket) = url.split_once("?ticket=").expect("a ticket");
        assert_eq!(live, "wss://live.example.com/live");
        ticket.to_owned()
    }

    /// The status of the response to a new connection.
    pub(crate) async fn redeem(&self, connection: &str, ticket: &str) -> u16 {
        let Self { store, pushes, clock, .. } = self;
        let keys = link_keys();
        connect_live::handle(store, pushes, &keys, clock, connection, Some(ticket)).await.as_u16()
    }

    /// Opens a connection of a user.
    pub(crate) async fn connect(&self, user: &User, about: &Task, connection: &str) {
        let ticket = self.ticket(user, about).await;
        assert_eq!(self.redeem(connection, &ticket).await, 200);
    }

    /// Opens a connection in another session of the user.
    pub(crate) async fn connect_elsewhere(&self, user: &User, connection: &str) {
        self.connect_in(user, SessionId::generate(&self.clock, &self.random), connection).await;
    }

    /// Opens a connection in a new session of the user.
    pub(crate) async fn connect_in(&self, user: &User, session: SessionId, connection: &str) {
        self.open_session(user, session).await;
        let (now, keys) = (self.clock.now(), link_keys());
        let identity = Identity { user: user.id, session, issued_at: now };
        let ticket = Ticket::generate(identity, &self.random, now).to_text(&keys, now);
        assert_eq!(self.redeem(connection, &ticket).await, 200);
    }

    /// Does what is queued for `push-changes`.
    pub(crate) async fn push(&self) -> push_changes::Pushed {
        let Self { store, pushes, channel, clock, .. } = self;
        push_changes::handle(store, channel, clock, pushes.take()).await
    }

    /// A client sends a message.
    pub(crate) async fn receive(&self, connection: &str, message: &str) {
        let Self { store, channel, clock, .. } = self;
        let (keys, message) = (link_keys(), (connection, message));
        let received = receive_live::handle(store, channel, &keys, clock, message).await;
        received.expect("it is handled");
    }

    /// The types of the messages that a connection got since the last time, and their ids.
    pub(crate) fn events(&self, connection: &str) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let all = self.channel.take(connection).into_iter();
        all.map(|message| (text(&message["type"]), text(&message["id"]))).collect()
    }
}

/// A message of a type about a task.
fn about(kind: &str, task: TaskId) -> Vec<(String, String)> {
    vec![(kind.to_owned(), task.to_string())]
}
