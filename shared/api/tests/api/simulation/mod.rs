//! The reminder protocol under faults. Users, dispatchers and workers run at the same time on the in-memory store;
//! at every point at which one of them waits, another may go on, the call may fail before or after its effect, or
//! its caller may be gone. One seed decides everything, so that a run can be repeated. What must hold whatever
//! happens is in `checks.rs`.
//!
//! `SEED=17 cargo test -p taskbell-api --test api simulation -- --nocapture` repeats one run and prints all that
//! happened in it; `SEEDS=100000` tries that many.

mod checks;
mod cloud;
mod life;
mod notifications;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    ops::Range,
    pin::Pin,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use jiff::{SignedDuration, Timestamp};
use taskbell_api::{
    mail::MailContext,
    workers::{
        Pace, dispatch_due_timers, record_mail_events,
        send_reminders::{Worker, handle_batch},
    },
};
use taskbell_domain::{clock::Clock, timer::DISPATCH_HORIZON};
use taskbell_test::{Faulty, Memory, SeededRandom, fixtures::now, template};

use self::{
    checks::{History, Verdict},
    cloud::{Cloud, Current, Fault, MAX_RECEIVES, Plan, Point, Rates, Told, VISIBILITY},
    life::Life,
};
use crate::{
    reminders::mail_context,
    support::{Answer, World},
};

/// How many runs are tried without `SEEDS`.
const SEEDS: u64 = 1_000;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// The time limits of the functions.
static WORKER_LIMIT: LazyLock<SignedDuration> =
    LazyLock::new(|| template::timeout("SendRemindersFunction"));
static RECORDER_LIMIT: LazyLock<SignedDuration> =
    LazyLock::new(|| template::timeout("RecordMailEventsFunction"));
static DISPATCHER_LIMIT: LazyLock<SignedDuration> =
    LazyLock::new(|| template::timeout("DispatchDueTimersFunction"));
static CLIENT_LIMIT: LazyLock<SignedDuration> =
    LazyLock::new(|| template::timeout("CreateTaskFunction"));

/// How often the dispatcher runs.
static SCHEDULE: LazyLock<SignedDuration> = LazyLock::new(template::schedule);

/// How long a run goes on after the last fault: longer than a reminder can still be sent.
const CALM: SignedDuration = SignedDuration::from_hours(4 * 24);

/// A run that takes more steps goes round in circles.
const MAX_STEPS: u32 = 1_000_000;

type Town = World<Faulty<Memory, Cloud>, Cloud>;

/// What somebody who runs has done.
enum Done {
    /// A request, with its answer.
    Request(Answer),
    /// A sweep.
    Sweep,
    /// A batch of messages; those that failed.
    Batch(Vec<u64>),
    /// Delivery events of SES, if they could not be recorded.
    DeliveryEvent(Option<Told>),
}

/// Somebody who runs.
struct Actor<'a> {
    kind: &'static str,
    skew: SignedDuration,
    dies_at: Timestamp,
    /// It waits for a moment.
    stalled: bool,
    /// The messages it has received.
    messages: Vec<u64>,
    work: Pin<Box<dyn Future<Output = Done> + 'a>>,
}

/// One run.
struct Run<'a> {
    town: &'a Town,
    cloud: &'a Cloud,
    mail: &'a MailContext,
    life: Life,
    actors: Vec<Actor<'a>>,
    history: History,
    /// The first answer that blames the service.
    blamed: Option<u16>,
    last_sweep: Timestamp,
    /// When the dispatcher has something to find: sweeps that find nothing are left out.
    sweep_at: Option<Timestamp>,
    /// From when on nothing goes wrong any more, and nobody changes anything.
    calm_at: Timestamp,
    /// How far clocks may be wrong.
    max_skew: SignedDuration,
}

impl<'a> Run<'a> {
    fn now(&self) -> Timestamp {
        self.cloud.state().now
    }

    fn is_calm(&self) -> bool {
        self.now() >= self.calm_at
    }

    /// Goes on until nothing can happen any more.
    fn finish(&mut self) -> Result<(), String> {
        let end = self.calm_at + CALM;
        let mut calmed = false;
        for _ in 0..MAX_STEPS {
            if self.is_calm() && !calmed {
                calmed = true;
                let state = &mut *self.cloud.state();
                state.note(|| "all is calm".to_owned());
                if matches!(state.plan, Plan::Rates(_)) {
                    state.plan = Plan::Rates(Rates::default());
                }
                state.outages.clear();
                let dead = std::mem::take(&mut state.dead);
                state.queue.extend(dead);
            }
            self.end_overdue();
            self.begin_due();
            let ready: Vec<_> = (0..self.actors.len()).filter(|i| !self.actors[*i].stalled).collect();
            if ready.is_empty() {
                match self.next_moment() {
                    Some(next) if next <= end => {
                        let state = &mut *self.cloud.state();
                        state.now = state.now.max(next);
                        self.actors.iter_mut().for_each(|actor| actor.stalled = false);
                    }
                    _ => {
                        self.cloud.state().now = end;
                        return Ok(());
                    }
                }
                continue;
            }
            let chosen = self.cloud.state().dice.pick(&ready);
            self.poll(chosen);
        }
        Err("the run went round in circles".to_owned())
    }

    fn end_overdue(&mut self) {
        let now = self.now();
        let cloud = self.cloud;
        self.actors.retain(|actor| {
            let lives = actor.dies_at > now;
            if !lives {
                cloud.state().note(|| format!("{}: out of time", actor.kind));
            }
            lives
        });
    }

    fn poll(&mut self, chosen: usize) {
        let actor = &mut self.actors[chosen];
        let kind = actor.kind;
        let now = {
            let state = &mut *self.cloud.state();
            state.current = Some(Current { kind, skew: actor.skew });
            (state.crashed, state.moved, state.waits) = (false, false, false);
            state.now += state.dice.millis(100);
            state.now
        };
        self.town.clock.set(now + actor.skew);
        let polled = actor.work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let (crashed, moved, stalled) = {
            let state = &mut *self.cloud.state();
            state.current = None;
            (state.crashed, state.moved, state.waits && !state.moved)
        };
        self.town.clock.set(now);
        actor.stalled = stalled;
        let store = &self.town.store.store;
        if moved {
            self.history.observe(store, self.cloud, kind);
        }
        if kind == "user" || kind == "recorder" {
            self.history.observe_people(store, now);
        }
        if crashed {
            drop(self.actors.swap_remove(chosen));
        } else if let Poll::Ready(done) = polled {
            let actor = self.actors.swap_remove(chosen);
            self.done(&actor, done);
        }
    }

    fn done(&mut self, actor: &Actor<'_>, done: Done) {
        let state = &mut *self.cloud.state();
        match done {
            Done::Request(answer) => {
                let (kind, status) = (actor.kind, answer.status);
                self.blamed = self.blamed.or((status >= 500).then_some(status));
                state.note(|| format!("{kind}: answered {status} {:?}", answer.errors()));
            }
            Done::DeliveryEvent(left) => {
                state.note(|| format!("{}: done, left {}", actor.kind, left.is_some()));
                let later = state.now + MINUTE;
                state.news.extend(left.map(|told| (later, told)));
            }
            Done::Sweep => state.note(|| format!("{}: done", actor.kind)),
            Done::Batch(failed) => {
                state.note(|| format!("{}: done, failed {failed:?}", actor.kind));
                let forgets = state.rates().queue;
                for id in actor.messages.iter().filter(|id| !failed.contains(id)) {
                    // SQS may deliver a message again that was dealt with.
                    if !state.dice.falls(forgets) {
                        state.queue.retain(|message| message.id != *id);
                    }
                }
            }
        }
    }

    /// The next moment at which something happens by itself.
    fn next_moment(&mut self) -> Option<Timestamp> {
        self.sweep_at = self.next_sweep();
        let state = &mut *self.cloud.state();
        let now = state.now;
        state.wakes.retain(|at| *at > now);
        let wakes = state.wakes.iter().copied();
        let messages = state.queue.iter().map(|message| message.visible_at.max(now));
        let news = state.news.iter().map(|(at, ..)| (*at).max(now));
        let ends = self.actors.iter().map(|actor| actor.dies_at);
        let actions = self.life.next_at().filter(|at| *at < self.calm_at);
        wakes.chain(messages).chain(news).chain(ends).chain(actions).chain(self.sweep_at).min()
    }

    fn next_sweep(&self) -> Option<Timestamp> {
        let data = self.town.store.store.data();
        let tasks = data.tasks.values().filter_map(|(_, timer)| *timer);
        let notifications = data.notifications.values().filter_map(|(_, timer)| *timer);
        let digests = data.digests.values().filter_map(|(_, timer)| *timer);
        let first = tasks.chain(notifications).chain(digests).map(|timer| timer.at).min()?;
        let found = first - DISPATCH_HORIZON - self.max_skew;
        let wait = found.duration_since(self.last_sweep).as_secs();
        let runs = wait.div_euclid(SCHEDULE.as_secs()).max(1);
        Some(self.last_sweep + *SCHEDULE * i32::try_from(runs).expect("not for ages"))
    }

    fn begin_due(&mut self) {
        let now = self.now();
        self.town.clock.set(now);
        if let Some(at) = self.sweep_at.take_if(|at| *at <= now) {
            self.last_sweep = at;
            let (missed, twice) = {
                let state = &mut *self.cloud.state();
                let rate = state.rates().queue;
                (state.dice.falls(rate), state.dice.falls(rate))
            };
            for _ in 0..usize::from(!missed) + usize::from(twice) {
                self.sweep();
            }
        }
        if !self.is_calm() && self.life.next_at().is_some_and(|at| at <= now) {
            self.act();
        }
        self.record();
        let workers = self.actors.iter().filter(|actor| actor.kind == "worker").count();
        if workers < 3 {
            self.receive();
        }
    }

    /// Lets what SES tells now be recorded.
    fn record(&mut self) {
        let now = self.now();
        let told = {
            let state = &mut *self.cloud.state();
            let (told, later) = std::mem::take(&mut state.news)
                .into_iter()
                .partition::<Vec<_>, _>(|(at, ..)| *at <= now);
            state.news = later;
            told
        };
        for (_, told) in told {
            let (town, skew) = (self.town, self.skew());
            let (subject, feedback) = (told.about.subject, told.news.feedback);
            self.cloud.state().note(|| format!("recorder: {subject} {feedback:?}"));
            self.begin("recorder", (*RECORDER_LIMIT, skew), Vec::new(), async move {
                let (store, clock) = (&town.store, &town.clock);
                let Told { about, news, stops } = &told;
                let recorded = record_mail_events::handle(store, about, news, *stops, clock).await;
                Done::DeliveryEvent(recorded.is_err().then_some(told))
            });
        }
    }

    fn skew(&self) -> SignedDuration {
        let most = self.max_skew.as_secs();
        let random = self.cloud.state().dice.seconds(2 * most.unsigned_abs());
        random - self.max_skew
    }

    fn begin(
        &mut self,
        kind: &'static str,
        (limit, skew): (SignedDuration, SignedDuration),
        messages: Vec<u64>,
        work: impl Future<Output = Done> + 'a,
    ) {
        let dies_at = self.now() + limit;
        let work = Box::pin(work);
        self.actors.push(Actor { kind, skew, dies_at, stalled: false, messages, work });
    }

    fn sweep(&mut self) {
        let (town, skew) = (self.town, self.skew());
        let deadline = self.now() + skew + *DISPATCHER_LIMIT;
        self.cloud.state().note(|| format!("dispatcher: sweeps, {skew} ahead"));
        self.begin("dispatcher", (*DISPATCHER_LIMIT, skew), Vec::new(), async move {
            let (store, queue) = (&town.store, &town.queue);
            // A failure is logged and alarmed; what was not swept is found again.
            let _ = dispatch_due_timers::handle(store, queue, &town.clock, deadline).await;
            Done::Sweep
        });
    }

    fn act(&mut self) {
        let skew = self.skew();
        let town = self.town;
        let done = self.life.act(town, self.cloud);
        self.history.observe_people(&town.store.store, self.now());
        let Some((what, event)) = done else { return };
        self.cloud.state().note(|| format!("user: {what}, {skew} ahead"));
        self.begin("user", (*CLIENT_LIMIT, skew), Vec::new(), async move {
            Done::Request(town.send(&event).await)
        });
    }

    /// Gives a worker some of the messages that are visible, in any order.
    fn receive(&mut self) {
        let mut event = SqsEvent::default();
        let mut ids = Vec::new();
        {
            let state = &mut *self.cloud.state();
            let now = state.now;
            let mut visible: Vec<_> =
                (0..state.queue.len()).filter(|i| state.queue[*i].visible_at <= now).collect();
            if visible.is_empty() {
                return;
            }
            let max = state.dice.below(10) + 1;
            for _ in 0..max.min(visible.len() as u64) {
                let index = state.dice.pick(&visible);
                visible.retain(|other| *other != index);
                let message = &mut state.queue[index];
                message.receives += 1;
                message.visible_at = now + *VISIBILITY;
                let mut record = SqsMessage::default();
                record.message_id = Some(message.id.to_string());
                record.body = Some(serde_json::to_string(&message.timer).expect("JSON"));
                ids.push(message.id);
                event.records.push(record);
            }
            let (dead, alive) = std::mem::take(&mut state.queue)
                .into_iter()
                .partition::<Vec<_>, _>(|message| message.receives > *MAX_RECEIVES);
            state.queue = alive;
            for mut message in dead {
                state.note(|| format!("the message for {} is dead", message.timer.subject));
                event.records.retain(|record| record.message_id != Some(message.id.to_string()));
                ids.retain(|id| *id != message.id);
                message.receives = 0;
                state.dead.push(message);
            }
            if state.dice.falls(20) {
                let dead = std::mem::take(&mut state.dead);
                state.queue.extend(dead);
            }
        }
        let (town, mail, cloud, skew) = (self.town, self.mail, self.cloud, self.skew());
        let deadline = self.now() + skew + *WORKER_LIMIT;
        self.cloud.state().note(|| format!("worker: messages {ids:?}, {skew} ahead"));
        self.begin("worker", (*WORKER_LIMIT, skew), ids, async move {
            let (store, queue, random) = (&town.store, &town.queue, &town.random);
            let clock = &town.clock;
            let worker = Worker {
                store,
                queue,
                mailer: cloud,
                clock,
                random,
                mail,
                pace: &Pace::unlimited(),
                deadline,
            };
            let response = handle_batch(&worker, event).await;
            let failed = response.batch_item_failures.iter().map(|failure| &failure.item_identifier);
            Done::Batch(failed.map(|id| id.parse().expect("a number")).collect())
        });
    }
}

/// What a run came to.
struct Outcome {
    verdict: Verdict,
    points: Vec<Point>,
    trace: String,
}

/// Makes one run, and checks all that must hold after it.
fn run(seed: u64, plan: Plan, life: fn(&Cloud) -> Life, traced: bool) -> Result<Outcome, String> {
    let cloud = Cloud::new(seed, plan, now(), traced);
    let max_skew = match plan {
        Plan::Rates(rates) if rates.error > 0 && seed.is_multiple_of(3) => SignedDuration::from_mins(5),
        _ => SignedDuration::ZERO,
    };
    let store = Faulty { store: Memory::default(), faults: cloud.clone() };
    let mut town = Town::with(store, cloud.clone());
    town.random = SeededRandom::new(seed);
    let life = life(&cloud);
    life.settle(&town);
    let mail = mail_context();
    let mut run = Run {
        town: &town,
        cloud: &cloud,
        mail: &mail,
        calm_at: town.clock.now() + life.lasts(),
        life,
        actors: Vec::new(),
        history: History::default(),
        blamed: None,
        last_sweep: town.clock.now(),
        sweep_at: None,
        max_skew,
    };
    let ended = run.finish();
    let (history, end, blamed) = (std::mem::take(&mut run.history), run.now(), run.blamed);
    drop(run);
    let state = &mut *cloud.state();
    let verdict = ended.and_then(|()| {
        let strict = matches!(plan, Plan::Rates(rates) if rates.error == 0);
        if let Some(status) = blamed.filter(|_| strict) {
            return Err(format!("nothing went wrong, and a request was answered {status}"));
        }
        checks::check(&history, &state.offers, max_skew, strict, end)
    });
    let trace = state.trace.take().unwrap_or_default().join("\n");
    match verdict {
        Ok(verdict) => Ok(Outcome { verdict, points: std::mem::take(&mut state.points), trace }),
        Err(why) => Err(format!("{why}\n{trace}")),
    }
}

/// How often things go wrong in the run of a seed: every fourth one is without faults.
fn rates(seed: u64) -> Rates {
    let often = [0, 5, 30, 120][usize::try_from(seed % 4).expect("small")];
    Rates {
        error: often,
        crash: often / 3,
        wait: often / 3,
        queue: often,
        hide: often * 2,
        refusal: often * 2,
    }
}

fn seeded(seed: u64, traced: bool) -> Result<Outcome, String> {
    run(seed, Plan::Rates(rates(seed)), Life::random, traced)
}

/// Tries all seeds on all cores. Gives the first that fails, and what came of the others.
fn try_all(seeds: Range<u64>) -> (Option<u64>, Verdict) {
    let next = AtomicU64::new(seeds.start);
    let failed = AtomicU64::new(u64::MAX);
    let work = || {
        let runtime = runtime();
        let _entered = runtime.enter();
        let mut sum = Verdict::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || failed.load(Ordering::Relaxed) < seed {
                return sum;
            }
            match seeded(seed, false) {
                Err(_) => drop(failed.fetch_min(seed, Ordering::Relaxed)),
                Ok(outcome) => {
                    for (what, many) in outcome.verdict {
                        *sum.entry(what).or_default() += many;
                    }
                }
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut sum = Verdict::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        for (what, many) in threads.into_iter().flat_map(|thread| thread.join().expect("it ends")) {
            *sum.entry(what).or_default() += many;
        }
    });
    let failed = failed.into_inner();
    ((failed != u64::MAX).then_some(failed), sum)
}

/// Time of this runtime never passes for those who run; they only need one to be there.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn whatever_goes_wrong_a_reminder_is_sent_once_or_its_ledger_says_why_not() {
    if let Some(seed) = number_from("SEED") {
        let runtime = runtime();
        let _entered = runtime.enter();
        match seeded(seed, true) {
            Ok(outcome) => println!("{}\nseed {seed}: {:?}", outcome.trace, outcome.verdict),
            Err(why) => panic!("seed {seed}: {why}"),
        }
        return;
    }
    let seeds = number_from("SEEDS").unwrap_or(SEEDS);
    let first = number_from("FROM").unwrap_or(0);
    let (failed, sum) = try_all(first..seeds);
    if let Some(seed) = failed {
        let runtime = runtime();
        let _entered = runtime.enter();
        let why = seeded(seed, true).err().unwrap_or_else(|| "it passes when repeated".to_owned());
        panic!("seed {seed} fails; SEED={seed} repeats it: {why}");
    }
    println!("seeds {first} to {}: {sum:?}", seeds - 1);
    let all = ["sent", "sent again in doubt", "skipped", "skipped on the word of SES", "failed"];
    for what in all.into_iter().chain(["notifications sent", "digests", "digests sent"]) {
        assert!(sum.get(what).is_some_and(|many| *many > 0), "nothing was {what}: {sum:?}");
    }
}

/// Each point at which somebody waits in a short story, with each thing that can go wrong there.
#[test]
fn wherever_somebody_crashes_a_reminder_is_sent_once_or_its_ledger_says_why_not() {
    let runtime = runtime();
    let _entered = runtime.enter();
    const FAULTS: [Fault; 3] = [Fault::Error, Fault::Crash, Fault::Wait(90)];
    let story = |plan| run(1, plan, Life::story, false);
    let points = story(Plan::At(usize::MAX, Fault::None)).expect("nothing goes wrong").points;
    let mut table: BTreeMap<Point, (u64, BTreeMap<Fault, Verdict>)> = BTreeMap::new();
    for (at, point) in points.iter().enumerate() {
        let (many, cells) = table.entry(*point).or_default();
        *many += 1;
        for fault in FAULTS {
            let outcome = story(Plan::At(at, fault)).unwrap_or_else(|_| {
                let again = run(1, Plan::At(at, fault), Life::story, true).err().unwrap_or_default();
                panic!("{fault:?} at point {at}, {point:?}: {again}")
            });
            let sum = cells.entry(fault).or_default();
            for (what, many) in outcome.verdict {
                *sum.entry(what).or_default() += many;
            }
        }
    }
    let mut text = format!("{} points, {} runs\n\n", points.len(), FAULTS.len() * points.len());
    text +=
        "| who is before or after which call | points | it fails | who calls crashes | 90 s pass |\n";
    text += "|---|--:|---|---|---|\n";
    for (Point { actor, call, after }, (many, cells)) in table {
        let side = if after { "after" } else { "before" };
        let cells = cells.values().map(|sum| {
            let cell: Vec<_> = sum.iter().map(|(what, many)| format!("{many} {what}")).collect();
            cell.join(", ")
        });
        let cells = cells.collect::<Vec<_>>().join(" | ");
        writeln!(text, "| {actor} {side} `{call}` | {many} | {cells} |").expect("text");
    }
    insta::assert_snapshot!("crash_points", text);
}
