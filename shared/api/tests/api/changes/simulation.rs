//! The change feed under faults. Users change what is in their spaces; the stream invokes `relay-changes`, which fails
//! and crashes at any point; batches are cut off, received again and received twice at the same time; shards overtake each
//! other; lists lag. Clients follow the rules of the API's description. One seed determines everything.
//!
//! `SEED=17 cargo test -p taskbell-api --test api changes::simulation` repeats one run; `SEEDS=100000` tries that many.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::Value;
use taskbell_api::workers::relay_changes;
use taskbell_domain::{
    clock::Clock as _,
    feed::{Change, Operation, Place, RecordedChange, Subject},
    id::SpaceId,
    ports::{FeedReads as _, PortError},
};
use taskbell_test::{Faults, Faulty, MemoryStore, Side, injected};

use super::server::Server;
use crate::{simulation::rng::Rng, support::World};

/// The number of runs without `SEEDS`.
const SEEDS: u64 = 150;

/// How many shards the stream has.
const SHARDS: usize = 3;

/// Faults of the relay. After a crash no call has an effect.
pub(super) struct Shaky {
    rng: Mutex<Rng>,
    per_mille: u64,
    has_crashed: Mutex<bool>,
}

impl Faults for Shaky {
    async fn pass(&self, _: &'static str, _: Side) -> Result<(), PortError> {
        let (waits, fails, crashes) = {
            let mut rng = self.rng.lock().expect("not poisoned");
            (rng.below(3), rng.happens(self.per_mille), rng.happens(self.per_mille))
        };
        for _ in 0..waits {
            tokio::task::yield_now().await;
        }
        let mut has_crashed = self.has_crashed.lock().expect("not poisoned");
        *has_crashed |= crashes;
        if *has_crashed || fails { Err(injected("relaying")) } else { Ok(()) }
    }
}

/// The stream of the table: shards, and how far each was processed.
#[derive(Default)]
pub(super) struct Stream {
    shards: [Vec<RecordedChange>; SHARDS],
    next: [usize; SHARDS],
}

impl Stream {
    /// Records of the items of a partition are in one shard.
    pub(super) fn push(&mut self, partition: u8, recorded: RecordedChange) {
        self.shards[usize::from(partition) % SHARDS].push(recorded);
    }

    fn all(&self) -> impl Iterator<Item = &RecordedChange> {
        self.shards.iter().flatten()
    }

    fn is_drained(&self) -> bool {
        self.shards.iter().zip(self.next).all(|(shard, next)| shard.len() == next)
    }

    /// Gives a batch of a shard to the function, which may fail, as Lambda does.
    async fn deliver(&mut self, world: &World, rng: &mut Rng, per_mille: u64) {
        let shard = usize::try_from(rng.below(SHARDS as u64)).expect("an index");
        let start = self.next[shard];
        let end =
            self.shards[shard].len().min(start + 1 + usize::try_from(rng.below(12)).expect("small"));
        let batch = &self.shards[shard][start..end];
        let shaky =
            |seed| Shaky { rng: Mutex::new(Rng::new(seed)), per_mille, has_crashed: Mutex::default() };
        let handle = async |store: &Faulty<MemoryStore, Shaky>| {
            let named = batch.iter().enumerate();
            let named =
                named.map(|(place, recorded)| (format!("{place:04}"), Ok(Some(recorded.clone()))));
            let failed = relay_changes::handle(store, &world.pushes, &world.clock, named).await;
            let has_crashed = *store.faults.has_crashed.lock().expect("not poisoned");
            match (has_crashed, failed) {
                (true, _) => 0,
                (false, Some(name)) => name.parse().expect("a place"),
                (false, None) => batch.len(),
            }
        };
        let store = |seed| Faulty { store: world.store.clone(), faults: shaky(seed) };
        let (one, other) = (store(rng.below(u64::MAX)), store(rng.below(u64::MAX)));
        let done = match rng.below(6) {
            // Lambda takes the first one for lost and starts it again.
            0 => futures_util::join!(handle(&one), handle(&other)).1,
            _ => handle(&one).await,
        };
        let is_received_again = rng.happens(per_mille * 3);
        self.next[shard] += if is_received_again { 0 } else { done };
    }
}

/// A client that follows the changes of its user.
#[derive(Default)]
struct Follower {
    cursor: Option<String>,
    tasks: BTreeMap<String, (String, u64)>,
    comments: BTreeMap<String, String>,
    members: BTreeMap<(String, String), String>,
    spaces: BTreeMap<String, String>,
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}")).to_owned()
}

impl Follower {
    /// Takes a cursor first and lists everything then, as the API says.
    async fn begin(&mut self, world: &World, server: &Server, user: u64) {
        *self = Self::default();
        let body = self.ask(world, server, user, "").await;
        self.cursor = Some(text(&body, "next_cursor"));
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
            self.tasks.insert(task.id.to_string(), (id.clone(), task.version));
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

    async fn poll(&mut self, world: &World, server: &Server, user: u64, limit: u64) {
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
            self.tasks.retain(|_, (of, _)| of != space);
            self.members.retain(|(of, _), _| of != space);
            self.spaces.remove(space);
        }
        for task in list("tasks") {
            let version = task["version"].as_u64().expect("a version");
            self.tasks.insert(text(&task, "id"), (text(&task, "space"), version));
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
            let id = text(&removed, "id");
            match removed["type"].as_str() {
                Some("task") => drop(self.tasks.remove(&id)),
                Some("comment") => drop(self.comments.remove(&id)),
                _ => drop(self.members.remove(&(text(&removed, "space"), id))),
            }
        }
        for space in list("joined") {
            self.list(server, space.as_str().expect("an id").parse().expect("an id"));
        }
        let tasks = &self.tasks;
        self.comments.retain(|_, task| tasks.contains_key(task));
        self.cursor = Some(text(body, "next_cursor"));
    }

    /// What the client would have if it listed everything now, and lists did not lag.
    async fn expected(world: &World, server: &mut Server, user: u64) -> Self {
        server.list_without_lag();
        let mut expected = Self::default();
        expected.begin(world, server, user).await;
        expected
    }

    fn state(&self) -> String {
        format!("{:#?}", (&self.tasks, &self.comments, &self.members, &self.spaces))
    }
}

/// The feed of each space that exists has each of its changes once, those of an object in their order.
async fn check_feeds(world: &World, server: &Server, stream: &Stream) -> Result<u64, String> {
    let mut entries = 0;
    for space in server.all_spaces() {
        let heads = world.store.feed_heads(&[space]).await.expect("an answer");
        if !server.exists(space) {
            if heads.contains_key(&space) {
                return Err(format!("the feed of {space} has not ended"));
            }
            continue;
        }
        let now = world.clock.now();
        let found = match heads.get(&space) {
            Some(_) => world.store.feed_entries(space, 0, u8::MAX, now).await.expect("an answer"),
            None => None,
        };
        let found = found.unwrap_or_default();
        if found.iter().map(|entry| entry.sequence).ne(1..=found.len() as u64) {
            return Err(format!("the feed of {space} has a gap"));
        }
        let recorded = stream.all().filter(|recorded| server.space_of(recorded.place) == Some(space));
        let recorded: Vec<_> = recorded.map(|recorded| &recorded.change).collect();
        let is_relayed = |change: &&&Change| match change.subject {
            Subject::Comment(task, _) => server.has_task(task),
            _ => true,
        };
        let ids: BTreeSet<_> = found.iter().map(|entry| &entry.change.id).collect();
        if ids.len() != found.len() {
            return Err(format!("the feed of {space} has a change twice"));
        }
        if let Some(lost) = recorded.iter().filter(is_relayed).find(|change| !ids.contains(&change.id))
        {
            return Err(format!("the feed of {space} lacks {lost:?}"));
        }
        let mut by_subject = BTreeMap::<Subject, Vec<&Change>>::new();
        for entry in &found {
            by_subject.entry(entry.change.subject).or_default().push(&entry.change);
        }
        for (subject, changes) in by_subject {
            let all = recorded.iter().filter(|change| change.subject == subject);
            let all: Vec<_> = all.filter(|change| ids.contains(&change.id)).copied().collect();
            if all != changes {
                return Err(format!("the changes of {subject} are not in their order"));
            }
        }
        entries += found.len() as u64;
    }
    Ok(entries)
}

/// One run. Returns the number of entries in all feeds.
async fn run(seed: u64) -> Result<u64, String> {
    let mut rng = Rng::new(seed);
    let per_mille = [0, 20, 80, 200][usize::try_from(seed % 4).expect("small")];
    let world = World::on(MemoryStore::default());
    let mut stream = Stream::default();
    let mut server = Server::new(&world, &mut stream).await;
    let mut followers: Vec<_> = (0..Server::USERS).map(|_| Follower::default()).collect();
    for (user, follower) in (0..).zip(&mut followers) {
        follower.begin(&world, &server, user).await;
    }
    for _ in 0..60 + rng.below(60) {
        world.clock.advance(rng.seconds(40));
        server.tick(&world);
        match rng.below(10) {
            0..4 => server.change(&world, &mut stream, &mut rng).await,
            4..7 => stream.deliver(&world, &mut rng, per_mille).await,
            _ => {
                let user = rng.below(Server::USERS);
                let follower = &mut followers[usize::try_from(user).expect("an index")];
                match rng.below(12) {
                    0 => follower.begin(&world, &server, user).await,
                    _ => follower.poll(&world, &server, user, 1 + rng.below(6)).await,
                }
            }
        }
    }
    for _ in 0..5_000 {
        if stream.is_drained() {
            break;
        }
        world.clock.advance(rng.seconds(10));
        server.tick(&world);
        stream.deliver(&world, &mut rng, per_mille / 4).await;
    }
    if !stream.is_drained() {
        return Err("the stream is not processed".to_owned());
    }
    let entries = check_feeds(&world, &server, &stream).await?;
    for (user, follower) in (0..).zip(&mut followers) {
        // A second time, for what the list of a space that was joined lacks.
        for _ in 0..2 {
            follower.poll(&world, &server, user, 1 + rng.below(6)).await;
        }
        let expected = Follower::expected(&world, &mut server, user).await;
        if follower.state() != expected.state() {
            let (is, should_be) = (follower.state(), expected.state());
            return Err(format!("user {user} has {is}, but the server {should_be}"));
        }
    }
    Ok(entries)
}

/// Tries all seeds on all cores. Returns the number of entries, or why a seed fails.
fn try_all(seeds: Range<u64>) -> Result<u64, String> {
    let (next, entries) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let failed = Mutex::new(None);
    let work = || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || failed.lock().expect("not poisoned").is_some() {
                return;
            }
            match runtime.block_on(run(seed)) {
                Ok(found) => drop(entries.fetch_add(found, Ordering::Relaxed)),
                Err(why) => *failed.lock().expect("not poisoned") = Some(format!("SEED={seed}: {why}")),
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().expect("not poisoned");
    failed.map_or(Ok(entries.into_inner()), Err)
}

#[test]
fn random_faults_leave_feeds_without_gaps_and_followers_with_the_state_of_the_server() {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse().expect("a number"));
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => number("FROM").unwrap_or(0)..number("SEEDS").unwrap_or(SEEDS),
    };
    match try_all(seeds.clone()) {
        Ok(entries) => {
            println!("seeds {seeds:?}: {entries} changes relayed");
            assert!(entries > seeds.end - seeds.start, "{entries}");
        }
        Err(why) => panic!("{why}"),
    }
}

/// The partition of an item in the stream.
pub(super) fn partition_of(place: Place, subject: Subject) -> u8 {
    match (place, subject) {
        (_, Subject::Task(task) | Subject::Comment(task, _)) => task.jitter_seed(),
        (Place::Space(space), _) => space.jitter_seed(),
        (Place::Task(task), _) => task.jitter_seed(),
    }
}

/// What happened, as the stream records it.
pub(super) fn recorded(
    world: &World,
    id: String,
    place: Place,
    subject: Subject,
    operation: Operation,
    version: u64,
) -> RecordedChange {
    let change = Change { id, subject, operation, version };
    RecordedChange { place, change, recorded_at: world.clock.now() }
}
