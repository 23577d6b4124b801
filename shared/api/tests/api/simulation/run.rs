//! One run of the simulation: which user, dispatcher, worker or recorder runs when, and on what.

use std::{
    pin::Pin,
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

use super::{
    CLIENT_LIMIT, DISPATCHER_LIMIT, MINUTE, RECORDER_LIMIT, SCHEDULE, Town, WORKER_LIMIT,
    checks::History,
    cloud::{Cloud, Current, MAX_RECEIVES, Plan, Rates, Told, VISIBILITY},
    life::Life,
};
use crate::support::Answer;

/// How long a run goes on after the last fault: longer than a reminder can still be sent.
const CALM: SignedDuration = SignedDuration::from_hours(4 * 24);

/// A run that takes more steps goes round in circles.
const MAX_STEPS: u32 = 1_000_000;

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
