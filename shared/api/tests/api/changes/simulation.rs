//! The change feed and live updates under faults. Users change what is in their spaces; the stream invokes
//! `relay-changes`, which fails and crashes at any point; batches are cut off, received again and received twice at the same
//! time; shards overtake each other; lists lag; pushes are lost, late, repeated and out of order; connections come and go.
//! Clients follow the documented rules. One seed determines everything.
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

use taskbell_api::workers::{push_changes, relay_changes};
use taskbell_domain::{
    clock::Clock as _,
    feed::{Change, Operation, Place, RecordedChange, Subject},
    ports::{FeedReads as _, PortError},
};
use taskbell_test::{Faults, Faulty, MemoryStore, Side, injected};

use super::{follower::Follower, server::Server};
use crate::{simulation::rng::Rng, support::World};

/// The number of runs without `SEEDS`.
const SEEDS: u64 = 150;

/// How many shards the stream has.
const SHARDS: usize = 3;

/// Faults of a worker. After a crash no call has an effect.
pub(super) struct Shaky {
    rng: Mutex<Rng>,
    per_mille: u64,
    has_crashed: Mutex<bool>,
}

impl Shaky {
    fn new(seed: u64, per_mille: u64) -> Self {
        Self { rng: Mutex::new(Rng::new(seed)), per_mille, has_crashed: Mutex::default() }
    }
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
        let store = |seed| Faulty { store: world.store.clone(), faults: Shaky::new(seed, per_mille) };
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
        let in_space =
            |recorded: &&RecordedChange| server.spaces_of_change(recorded.place).contains(&space);
        let recorded: Vec<_> = stream.all().filter(in_space).map(|recorded| &recorded.change).collect();
        // A change of a comment is in the feed of the space in which its task was when it was relayed.
        let is_relayed = |change: &&&Change| match change.subject {
            Subject::Comment(task, _) => {
                let homes: BTreeSet<_> =
                    server.spaces_of_change(Place::Task(task)).into_iter().collect();
                server.has_task(task) && homes.len() == 1
            }
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

/// Gives what is queued to `push-changes`, in any order, of which some is lost or received twice, while its calls fail.
async fn push(
    world: &World,
    server: &Server,
    rng: &mut Rng,
    followers: &mut [Follower],
    per_mille: u64,
) -> Result<(), String> {
    let mut pushes = Vec::new();
    for push in world.pushes.take() {
        let copies = if rng.happens(per_mille) { rng.below(3) } else { 1 };
        for _ in 0..copies {
            pushes.insert(
                usize::try_from(rng.below(pushes.len() as u64 + 1)).expect("small"),
                push.clone(),
            );
        }
    }
    let faults = Shaky::new(rng.below(u64::MAX), per_mille);
    let store = Faulty { store: world.store.clone(), faults };
    push_changes::handle(&store, &world.channel, &world.clock, pushes).await;
    let closed = world.channel.take_closed();
    for (user, follower) in (0..).zip(followers) {
        follower.fetch(world, server, rng, (user, per_mille))?;
        follower.closed(&closed);
    }
    Ok(())
}

/// One run. Returns the number of entries in all feeds, and of messages that clients applied.
async fn run(seed: u64) -> Result<[u64; 2], String> {
    let mut rng = Rng::new(seed);
    let per_mille = [0, 20, 80, 200][usize::try_from(seed % 4).expect("small")];
    let world = World::on(MemoryStore::default());
    let mut stream = Stream::default();
    let mut server = Server::new(&world, &mut stream).await;
    let mut followers: Vec<_> = (0..Server::USERS).map(|_| Follower::default()).collect();
    for (user, follower) in (0..).zip(&mut followers) {
        follower.begin(&world, &server, user).await;
        follower.connect(&world, &server, &mut rng, user).await;
    }
    for _ in 0..60 + rng.below(60) {
        world.clock.advance(rng.seconds(12));
        server.tick(&world);
        match rng.below(15) {
            0..4 => server.change(&world, &mut stream, &mut rng).await,
            4..9 => stream.deliver(&world, &mut rng, per_mille).await,
            9..11 => push(&world, &server, &mut rng, &mut followers, per_mille).await?,
            _ => {
                let user = rng.below(Server::USERS);
                let follower = &mut followers[usize::try_from(user).expect("an index")];
                match rng.below(20) {
                    0 => follower.begin(&world, &server, user).await,
                    1 => follower.disconnect(&world, &mut rng).await,
                    2..6 if !follower.is_connected() => {
                        follower.connect(&world, &server, &mut rng, user).await;
                    }
                    6..8 => follower.poll(&world, &server, user, 1 + rng.below(6)).await,
                    _ => follower.read(&world, &server, user, 1 + rng.below(6)).await,
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
    push(&world, &server, &mut rng, &mut followers, per_mille).await?;
    let entries = check_feeds(&world, &server, &stream).await?;
    let applied = followers.iter().map(|follower| follower.applied).sum();
    for (user, follower) in (0..).zip(&mut followers) {
        follower.read(&world, &server, user, u64::MAX).await;
        // What every client does now and then; a second time, for what the list of a space that was joined lacks.
        for _ in 0..2 {
            follower.poll(&world, &server, user, 1 + rng.below(6)).await;
        }
        let expected = Follower::expected(&world, &mut server, user).await;
        if follower.state() != expected.state() {
            let (is, should_be) = (follower.state(), expected.state());
            return Err(format!("user {user} has {is}, but the server {should_be}"));
        }
    }
    Ok([entries, applied])
}

/// Tries all seeds on all cores. Returns the sums of [`run`], or why a seed fails.
fn try_all(seeds: Range<u64>) -> Result<[u64; 2], String> {
    let (next, entries, applied) = (AtomicU64::new(seeds.start), AtomicU64::new(0), AtomicU64::new(0));
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
                Ok([relayed, live]) => {
                    entries.fetch_add(relayed, Ordering::Relaxed);
                    applied.fetch_add(live, Ordering::Relaxed);
                }
                Err(why) => *failed.lock().expect("not poisoned") = Some(format!("SEED={seed}: {why}")),
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().expect("not poisoned");
    failed.map_or(Ok([entries.into_inner(), applied.into_inner()]), Err)
}

#[test]
fn random_faults_leave_feeds_without_gaps_and_followers_with_the_state_of_the_server() {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse().expect("a number"));
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => number("FROM").unwrap_or(0)..number("SEEDS").unwrap_or(SEEDS),
    };
    match try_all(seeds.clone()) {
        Ok([entries, applied]) => {
            println!("seeds {seeds:?}: {entries} changes relayed, {applied} messages applied");
            assert!(entries > seeds.end - seeds.start, "{entries}");
            assert!(applied > 0, "nothing was live");
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
