//! A client of the simulation. It follows the rules of docs/changes.md and docs/live.md.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;
use taskbell_api::workers::disconnect_live;
use taskbell_domain::id::SpaceId;

use super::server::Server;
use crate::{simulation::rng::Rng, support::World};

/// What is kept of a task.
type Held = (String, u64, Option<String>);

/// A client that follows the changes of its user.
#[derive(Default)]
pub(super) struct Follower {
    cursor: Option<String>,
    sequences: BTreeMap<String, u64>,
    connection: Option<String>,
    inbox: VecDeque<Value>,
    /// How many messages were applied.
    pub(super) applied: u64,
    /// The space, the version, and the time of the last move of each task.
    tasks: BTreeMap<String, Held>,
    comments: BTreeMap<String, String>,
    members: BTreeMap<(String, String), String>,
    spaces: BTreeMap<String, String>,
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}")).to_owned()
}

impl Follower {
    /// Takes a cursor first and lists everything then, as the API says.
    pub(super) async fn begin(&mut self, world: &World, server: &Server, user: u64) {
        let Self { connection, inbox, applied, .. } = std::mem::take(self);
        *self = Self { connection, inbox, applied, ..Self::default() };
        let body = self.ask(world, server, user, "").await;
        self.reaches(&body);
        for space in server.spaces_of(user) {
            self.list(server, space);
        }
    }

    /// Lists what is in a space. The list may lag.
    fn list(&mut self, server: &Server, space: SpaceId) {
        let state = server.listed();
        let id = space.to_string();
        let tasks = state.tasks.values().filter(|task| task.space == space);
        for task in tasks {
            let moved_at = task.moved_at.map(|at| at.to_string());
            self.tasks.insert(task.id.to_string(), (id.clone(), task.version, moved_at));
            for (of, comment) in state.comments.keys().filter(|(of, _)| *of == task.id) {
                self.comments.insert(comment.to_string(), of.to_string());
            }
        }
        for member in state.members.values().filter(|member| member.space == space) {
            self.members.insert((id.clone(), member.user.to_string()), member.role.as_str().to_owned());
        }
        if let Some(name) = server.space_name(space) {
            self.spaces.insert(id, name);
        }
    }

    async fn ask(&self, world: &World, server: &Server, user: u64, query: &str) -> Value {
        let event = world.event("list-changes", server.user(user), server.any_task()).await;
        let answer = world.send(&event.query(query)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let visible: BTreeSet<_> = server.spaces_of(user).iter().map(SpaceId::to_string).collect();
        for list in ["tasks", "members", "removed"] {
            for one in answer.body[list].as_array().expect("a list") {
                assert!(visible.contains(&text(one, "space")), "{one} is in a space of others");
            }
        }
        for space in answer.body["spaces"].as_array().expect("a list") {
            assert!(visible.contains(&text(space, "id")), "{space} is a space of others");
        }
        for comment in answer.body["comments"].as_array().expect("a list") {
            let home = server.home_of(&text(comment, "task")).expect("a space").to_string();
            assert!(visible.contains(&home), "{comment} is in a space of others");
        }
        answer.body
    }

    pub(super) async fn poll(&mut self, world: &World, server: &Server, user: u64, limit: u64) {
        loop {
            let cursor = self.cursor.clone().expect("a cursor");
            let body = self.ask(world, server, user, &format!("cursor={cursor}&limit={limit}")).await;
            self.apply(&body, server);
            if body["has_more"] == false {
                return;
            }
        }
    }

    fn apply(&mut self, body: &Value, server: &Server) {
        let list = |name: &str| body[name].as_array().expect("a list").clone();
        for space in list("left") {
            let space = space.as_str().expect("an id");
            self.sequences.remove(space);
            self.tasks.retain(|_, (of, ..)| of != space);
            self.members.retain(|(of, _), _| of != space);
            self.spaces.remove(space);
        }
        for task in list("tasks") {
            self.keep(&task, server);
        }
        for comment in list("comments") {
            self.comments.insert(text(&comment, "id"), text(&comment, "task"));
        }
        for member in list("members") {
            self.members
                .insert((text(&member, "space"), text(&member, "user_id")), text(&member, "role"));
        }
        for space in list("spaces") {
            self.spaces.insert(text(&space, "id"), text(&space, "name"));
        }
        for removed in list("removed") {
            self.remove(&text(&removed, "type"), &text(&removed, "space"), &text(&removed, "id"));
        }
        for space in list("joined") {
            self.list(server, space.as_str().expect("an id").parse().expect("an id"));
        }
        let tasks = &self.tasks;
        self.comments.retain(|_, task| tasks.contains_key(task));
        self.reaches(body);
    }

    /// Inserts or replaces a task. Comments of a task that has moved are listed again.
    fn keep(&mut self, task: &Value, server: &Server) {
        let (id, version) = (text(task, "id"), task["version"].as_u64().expect("a version"));
        let moved_at = task["moved_at"].as_str().map(str::to_owned);
        let held = self.tasks.insert(id.clone(), (text(task, "space"), version, moved_at.clone()));
        if moved_at.is_some() && held.is_none_or(|(.., known)| known != moved_at) {
            self.comments.retain(|_, task| *task != id);
            self.comments.extend(server.comments_on(&id).map(|comment| (comment, id.clone())));
        }
    }

    /// Removes an object of a space. A task that is kept in another space has moved there, and its comments with it.
    fn remove(&mut self, kind: &str, space: &str, id: &str) {
        let is_in_space = |task: &String| self.tasks.get(task).is_some_and(|(of, ..)| of == space);
        match kind {
            "task" if is_in_space(&id.to_owned()) => drop(self.tasks.remove(id)),
            "comment" if self.comments.get(id).is_some_and(is_in_space) => {
                drop(self.comments.remove(id));
            }
            "member" => drop(self.members.remove(&(space.to_owned(), id.to_owned()))),
            _ => {}
        }
    }

    /// Keeps how far an answer reaches.
    fn reaches(&mut self, body: &Value) {
        self.cursor = Some(text(body, "next_cursor"));
        for (space, sequence) in body["sequences"].as_object().expect("an object") {
            let known = self.sequences.entry(space.clone()).or_default();
            *known = sequence.as_u64().expect("a number").max(*known);
        }
    }

    /// Opens a connection, which replaces the one before.
    pub(super) async fn connect(&mut self, world: &World, server: &Server, rng: &mut Rng, user: u64) {
        self.disconnect(world, rng).await;
        let name = format!("{user} {}", rng.below(u64::MAX));
        world.connect(server.user(user), server.any_task(), &name).await;
        self.connection = Some(name);
        self.poll(world, server, user, 1 + rng.below(6)).await;
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Ends the connection, of which the server may not learn.
    pub(super) async fn disconnect(&mut self, world: &World, rng: &mut Rng) {
        let Some(name) = self.connection.take() else { return };
        world.channel.end(&name);
        self.inbox.clear();
        if rng.below(2) == 0 {
            disconnect_live::handle(&world.store, &name).await.expect("an answer");
        }
    }

    /// Takes what was sent to the connection, of which some is lost, late or comes twice. Nothing has happened since it
    /// was sent, so its space must be one of the user.
    pub(super) fn fetch(
        &mut self,
        world: &World,
        server: &Server,
        rng: &mut Rng,
        (user, per_mille): (u64, u64),
    ) -> Result<(), String> {
        let Some(name) = self.connection.clone() else { return Ok(()) };
        let visible: BTreeSet<_> = server.spaces_of(user).iter().map(SpaceId::to_string).collect();
        for message in world.channel.take(&name) {
            if !visible.contains(&text(&message, "space")) {
                return Err(format!("user {user} got {message}"));
            }
            if rng.happens(per_mille) {
                continue;
            }
            if rng.happens(per_mille) {
                self.inbox.push_back(message.clone());
            }
            match rng.happens(per_mille) {
                true => self.inbox.push_front(message),
                false => self.inbox.push_back(message),
            }
        }
        Ok(())
    }

    /// The server has closed connections.
    pub(super) fn closed(&mut self, closed: &[String]) {
        if self.connection.as_ref().is_some_and(|name| closed.contains(name)) {
            self.connection = None;
            self.inbox.clear();
        }
    }

    /// Handles the oldest messages.
    pub(super) async fn read(&mut self, world: &World, server: &Server, user: u64, limit: u64) {
        for _ in 0..limit {
            let Some(message) = self.inbox.pop_front() else { return };
            let (space, number) = (text(&message, "space"), message["sequence"].as_u64());
            let number = number.expect("a number");
            let known = self.sequences.get(&space).copied();
            if known.is_some_and(|known| number <= known) {
                continue;
            }
            let kind = text(&message, "type");
            let is_next = known.is_some_and(|known| number == known + 1);
            let is_deletion = kind.ends_with("_deleted");
            if !is_next || !is_deletion && message["data"].is_null() {
                self.poll(world, server, user, 5).await;
                continue;
            }
            self.apply_live(&kind, &space, &text(&message, "id"), &message["data"], server);
            self.sequences.insert(space, number);
            self.applied += 1;
        }
    }

    fn apply_live(&mut self, kind: &str, space: &str, id: &str, data: &Value, server: &Server) {
        let owned = id.to_owned();
        match kind {
            _ if kind.ends_with("_deleted") => {
                self.remove(kind.trim_end_matches("_deleted"), space, id);
            }
            _ if kind.starts_with("task_") => {
                let version = data["version"].as_u64().expect("a version");
                // A page of changes can have a later one.
                if self.tasks.get(id).is_none_or(|(_, known, _)| *known <= version) {
                    self.keep(data, server);
                }
            }
            _ if kind.starts_with("comment_") => {
                self.comments.insert(owned, text(data, "task"));
            }
            _ if kind.starts_with("member_") => {
                self.members.insert((space.to_owned(), owned), text(data, "role"));
            }
            _ => drop(self.spaces.insert(owned, text(data, "name"))),
        }
        let tasks = &self.tasks;
        self.comments.retain(|_, task| tasks.contains_key(task));
    }

    /// What the client would have if it listed everything now, and lists did not lag.
    pub(super) async fn expected(world: &World, server: &mut Server, user: u64) -> Self {
        server.list_without_lag();
        let mut expected = Self::default();
        expected.begin(world, server, user).await;
        expected
    }

    pub(super) fn state(&self) -> String {
        format!("{:#?}", (&self.tasks, &self.comments, &self.members, &self.spaces))
    }
}
