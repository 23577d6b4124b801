//! The reminder protocol under faults. Users, dispatchers and workers run concurrently on the in-memory store. At every
//! await point another actor may run, the call may fail before or after its effect, or its caller may crash. One seed
//! determines everything, so that a run can be repeated. The invariants are in `checks.rs`.
//!
//! `SEED=17 cargo test -p taskbell-api --test api simulation -- --nocapture` repeats one run and prints a trace;
//! `SEEDS=100000` tries that many seeds.

mod actor;
mod checks;
mod cloud;
mod deletions;
mod notifications;
pub(crate) mod rng;
mod run;
mod series;
mod users;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    ops::Range,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::SignedDuration;
use taskbell_test::{Faulty, MemoryStore, SeededRandom, fixtures::now, template};

use self::{
    checks::Verdict,
    cloud::{Cloud, Fault, Plan, Point, Rates},
    deletions::check_deletions,
    run::Run,
    users::Users,
};
use crate::{reminders::mail_context, support::World};

/// The number of runs without `SEEDS`.
const SEEDS: u64 = 1_000;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// The time limits of the functions.
static WORKER_LIMIT: LazyLock<SignedDuration> =
    LazyLock::new(|| template::timeout("SendRemindersFunction"));
static RECORDER_LIMIT: LazyLock<SignedDuration> =
    LazyLock::new(|| template::timeout("RecordMailEventsFunction"));
static DISPATCHER_LIMIT: LazyLock<SignedDuration> =
    LazyLock::new(|| template::timeout("DispatchDueTimersFunction"));
static FINISHER_LIMIT: LazyLock<SignedDuration> =
    LazyLock::new(|| template::timeout("FinishDeletionsFunction"));
static CLIENT_LIMIT: LazyLock<SignedDuration> =
    LazyLock::new(|| template::timeout("CreateTaskFunction"));

/// How often the dispatcher runs.
static SCHEDULE: LazyLock<SignedDuration> = LazyLock::new(template::schedule);

type SimWorld = World<Faulty<MemoryStore, Cloud>, Cloud>;

/// The result of a run.
struct Outcome {
    verdict: Verdict,
    points: Vec<Point>,
    trace: String,
}

/// Performs one run and checks the invariants.
fn run(seed: u64, plan: Plan, users: fn(&Cloud) -> Users, traced: bool) -> Result<Outcome, String> {
    let cloud = Cloud::new(seed, plan, now(), traced);
    let max_skew = match plan {
        Plan::Rates(rates) if rates.error > 0 && seed.is_multiple_of(3) => SignedDuration::from_mins(5),
        _ => SignedDuration::ZERO,
    };
    let store = Faulty { store: MemoryStore::default(), faults: cloud.clone() };
    let mut world = SimWorld::with(store, cloud.clone());
    world.random = SeededRandom::new(seed);
    let users = users(&cloud);
    users.set_up(&world);
    let mail = mail_context();
    let mut run = Run::new(&world, &cloud, &mail, users, max_skew);
    let ended = run.finish();
    let (history, end, server_error) = (std::mem::take(&mut run.history), run.now(), run.server_error);
    drop(run);
    let state = &mut *cloud.state();
    let verdict = ended.and_then(|()| {
        let strict = matches!(plan, Plan::Rates(rates) if rates.error == 0);
        if let Some(status) = server_error.filter(|_| strict) {
            return Err(format!("without faults a request got status {status}"));
        }
        let mut verdict = checks::check(&history, &state.offers, max_skew, strict, end)?;
        check_deletions(&history, &world.store.store, &state.offers, &mut verdict)?;
        Ok(verdict)
    });
    let trace = state.trace.take().unwrap_or_default().join("\n");
    match verdict {
        Ok(verdict) => Ok(Outcome { verdict, points: std::mem::take(&mut state.points), trace }),
        Err(why) => Err(format!("{why}\n{trace}")),
    }
}

/// The frequency of faults for a seed. Every fourth seed has none.
fn rates(seed: u64) -> Rates {
    let often = [0, 5, 30, 120][usize::try_from(seed % 4).expect("a small number")];
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
    run(seed, Plan::Rates(rates(seed)), Users::random, traced)
}

/// Tries all seeds on all cores. Returns the first that fails and the sum of the results.
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
        for (what, many) in
            threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics"))
        {
            *sum.entry(what).or_default() += many;
        }
    });
    let failed = failed.into_inner();
    ((failed != u64::MAX).then_some(failed), sum)
}

/// Timeouts need a runtime. Its clock does not advance during a run.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn random_faults_neither_lose_nor_silently_repeat_a_reminder() {
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
    let all = ["sent", "sent again while uncertain", "skipped", "skipped after an SES event", "failed"];
    let deleted = ["accounts deleted", "sent after a deletion, claimed before"];
    for what in all.into_iter().chain(["notifications sent", "digests", "digests sent"]).chain(deleted)
    {
        assert!(sum.get(what).is_some_and(|many| *many > 0), "no reminder was {what}: {sum:?}");
    }
}

/// Every fault at every point of a short script.
#[test]
fn a_fault_at_any_point_neither_loses_nor_silently_repeats_a_reminder() {
    let runtime = runtime();
    let _entered = runtime.enter();
    const FAULTS: [Fault; 3] = [Fault::Error, Fault::Crash, Fault::Wait(90)];
    let script = |plan| run(1, plan, Users::scripted, false);
    let points =
        script(Plan::At(usize::MAX, Fault::None)).expect("the run without faults passes").points;
    let mut table: BTreeMap<Point, (u64, BTreeMap<Fault, Verdict>)> = BTreeMap::new();
    for (at, point) in points.iter().enumerate() {
        let (many, cells) = table.entry(*point).or_default();
        *many += 1;
        for fault in FAULTS {
            let outcome = script(Plan::At(at, fault)).unwrap_or_else(|_| {
                let again =
                    run(1, Plan::At(at, fault), Users::scripted, true).err().unwrap_or_default();
                panic!("{fault:?} at point {at}, {point:?}: {again}")
            });
            let sum = cells.entry(fault).or_default();
            for (what, many) in outcome.verdict {
                *sum.entry(what).or_default() += many;
            }
        }
    }
    let mut text = format!("{} points, {} runs\n\n", points.len(), FAULTS.len() * points.len());
    text += "| point | points | the call fails | the caller crashes | 90 s pass |\n";
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
