//! One run of the simulation: schedules users, dispatchers, workers and the recorder of SES events.

use std::task::{Context, Poll, Waker};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use jiff::{SignedDuration, Timestamp};
use taskbell_api::{
    mail::MailContext,
    workers::{
        Pace, dispatch_due_timers, record_mail_events,
        send_reminders::{Worker, handle_batch},
    },
};
use taskbell_domain::timer::DISPATCH_HORIZON;

use super::{
    CLIENT_LIMIT, DISPATCHER_LIMIT, MINUTE, RECORDER_LIMIT, SCHEDULE, SimWorld, WORKER_LIMIT,
    actor::{Actor, Done},
    checks::History,
    cloud::{Cloud, Current, MAX_RECEIVES, Plan, Rates, SesEvent, VISIBILITY},
    users::Users,
};

/// How long a run continues after the last fault: longer than a reminder may be late.
const QUIET_PERIOD: SignedDuration = SignedDuration::from_hours(4 * 24);

/// A run that takes more steps does not end.
const MAX_STEPS: u32 = 1_000_000;

/// One run.
pub(super) struct Run<'a> {
    pub(super) world: &'a SimWorld,
    pub(super) cloud: &'a Cloud,
    mail: &'a MailContext,
    users: Users,
    actors: Vec<Actor<'a>>,
    pub(super) history: History,
    /// The first response with a 5xx status.
    pub(super) server_error: Option<u16>,
    last_dispatch: Timestamp,
    /// When unfinished deletions are continued, if there are any.
    next_finish_at: Option<Timestamp>,
    /// When the dispatcher will find a timer. Dispatch runs that find nothing are left out.
    next_dispatch_at: Option<Timestamp>,
    /// From when on there are no faults and no actions.
    quiet_at: Timestamp,
    /// The maximum error of clocks.
    max_skew: SignedDuration,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        world: &'a SimWorld,
        cloud: &'a Cloud,
        mail: &'a MailContext,
        users: Users,
        max_skew: SignedDuration,
    ) -> Self {
        let start = cloud.state().now;
        Self {
            world,
            cloud,
            mail,
            quiet_at: start + users.duration(),
            users,
            actors: Vec::new(),
            history: History::default(),
            server_error: None,
            last_dispatch: start,
            next_finish_at: None,
            next_dispatch_at: None,
            max_skew,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.cloud.state().now
    }

    fn is_quiet(&self) -> bool {
        self.now() >= self.quiet_at
    }

    /// Runs until nothing can happen any more.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        let end = self.quiet_at + QUIET_PERIOD;
        let mut quiet = false;
        for _ in 0..MAX_STEPS {
            if self.is_quiet() && !quiet {
                quiet = true;
                let state = &mut *self.cloud.state();
                state.note(|| "no more faults and actions".to_owned());
                if matches!(state.plan, Plan::Rates(_)) {
                    state.plan = Plan::Rates(Rates::default());
                }
                state.outages.clear();
                let dead = std::mem::take(&mut state.dead);
                state.queue.extend(dead);
            }
            self.stop_timed_out();
            self.start_due();
            let ready: Vec<_> = (0..self.actors.len()).filter(|i| !self.actors[*i].stalled).collect();
            if ready.is_empty() {
                match self.next_event_time() {
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
            let chosen = self.cloud.state().rng.pick(&ready);
            self.poll(chosen);
        }
        Err("the run does not end".to_owned())
    }

    fn stop_timed_out(&mut self) {
        let now = self.now();
        let cloud = self.cloud;
        self.actors.retain(|actor| {
            let running = actor.times_out_at > now;
            if !running {
                cloud.state().note(|| format!("{}: out of time", actor.kind));
            }
            running
        });
    }

    fn poll(&mut self, chosen: usize) {
        let actor = &mut self.actors[chosen];
        let kind = actor.kind;
        let now = {
            let state = &mut *self.cloud.state();
            state.current = Some(Current { kind, skew: actor.skew });
            (state.crashed, state.progressed, state.waiting) = (false, false, false);
            state.now += state.rng.millis(100);
            state.now
        };
        self.world.clock.set(now + actor.skew);
        let polled = actor.work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let (crashed, progressed, stalled) = {
            let state = &mut *self.cloud.state();
            state.current = None;
            (state.crashed, state.progressed, state.waiting && !state.progressed)
        };
        self.world.clock.set(now);
        actor.stalled = stalled;
        let store = &self.world.store.store;
        if progressed {
            self.history.observe(store, self.cloud, kind);
        }
        if ["user", "recorder", "finisher"].contains(&kind) {
            self.history.observe_users(store, now);
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
                self.server_error = self.server_error.or((status >= 500).then_some(status));
                state.note(|| format!("{kind}: answered {status} {:?}", answer.errors()));
            }
            Done::DeliveryEvent(left) => {
                state.note(|| format!("{}: done, failed {}", actor.kind, left.is_some()));
                let later = state.now + MINUTE;
                state.ses_events.extend(left.map(|event| (later, event)));
            }
            Done::Dispatch => state.note(|| format!("{}: done", actor.kind)),
            Done::Batch(failed) => {
                state.note(|| format!("{}: done, failed {failed:?}", actor.kind));
                let redelivered = state.rates().queue;
                for id in actor.messages.iter().filter(|id| !failed.contains(id)) {
                    // SQS may deliver a handled message again.
                    if !state.rng.happens(redelivered) {
                        state.queue.retain(|message| message.id != *id);
                    }
                }
            }
        }
    }

    /// The next time at which something happens without an actor.
    fn next_event_time(&mut self) -> Option<Timestamp> {
        self.next_dispatch_at = self.next_dispatch();
        self.next_finish_at = self.next_finish_at.or_else(|| self.next_finish());
        let state = &mut *self.cloud.state();
        let now = state.now;
        state.wake_times.retain(|at| *at > now);
        let wake_times = state.wake_times.iter().copied();
        let messages = state.queue.iter().map(|message| message.visible_at.max(now));
        let events = state.ses_events.iter().map(|(at, ..)| (*at).max(now));
        let ends = self.actors.iter().map(|actor| actor.times_out_at);
        let actions = self.users.next_at().filter(|at| *at < self.quiet_at);
        wake_times
            .chain(messages)
            .chain(events)
            .chain(ends)
            .chain(actions)
            .chain(self.next_dispatch_at)
            .chain(self.next_finish_at)
            .min()
    }

    fn next_dispatch(&self) -> Option<Timestamp> {
        let data = self.world.store.store.data();
        let tasks = data.tasks.values().filter_map(|(_, timer)| *timer);
        let notifications = data.notifications.values().filter_map(|(_, timer)| *timer);
        let digests = data.digests.values().filter_map(|(_, timer)| *timer);
        let first = tasks.chain(notifications).chain(digests).map(|timer| timer.at).min()?;
        let found = first - DISPATCH_HORIZON - self.max_skew;
        let wait = found.duration_since(self.last_dispatch).as_secs();
        let runs = wait.div_euclid(SCHEDULE.as_secs()).max(1);
        Some(self.last_dispatch + *SCHEDULE * i32::try_from(runs).expect("a few runs"))
    }

    fn start_due(&mut self) {
        let now = self.now();
        self.world.clock.set(now);
        if let Some(at) = self.next_dispatch_at.take_if(|at| *at <= now) {
            self.last_dispatch = at;
            let (missed, twice) = {
                let state = &mut *self.cloud.state();
                let rate = state.rates().queue;
                (state.rng.happens(rate), state.rng.happens(rate))
            };
            for _ in 0..usize::from(!missed) + usize::from(twice) {
                self.dispatch();
            }
        }
        if self.next_finish_at.take_if(|at| *at <= now).is_some() {
            self.finish_deletions();
        }
        if !self.is_quiet() && self.users.next_at().is_some_and(|at| at <= now) {
            self.act();
        }
        self.record();
        let workers = self.actors.iter().filter(|actor| actor.kind == "worker").count();
        if workers < 3 {
            self.receive();
        }
    }

    /// Starts a recorder for each SES event that is published by now.
    fn record(&mut self) {
        let now = self.now();
        let published = {
            let state = &mut *self.cloud.state();
            let (published, later) = std::mem::take(&mut state.ses_events)
                .into_iter()
                .partition::<Vec<_>, _>(|(at, ..)| *at <= now);
            state.ses_events = later;
            published
        };
        for (_, published) in published {
            let (world, skew) = (self.world, self.skew());
            let (subject, feedback) = (published.tags.target, published.event.feedback);
            self.cloud.state().note(|| format!("recorder: {subject} {feedback:?}"));
            self.start("recorder", (*RECORDER_LIMIT, skew), Vec::new(), async move {
                let (store, clock) = (&world.store, &world.clock);
                let SesEvent { tags, event, suppression } = &published;
                let recorded =
                    record_mail_events::handle(store, tags, event, *suppression, clock).await;
                Done::DeliveryEvent(recorded.is_err().then_some(published))
            });
        }
    }

    pub(super) fn skew(&self) -> SignedDuration {
        let max = self.max_skew.as_secs();
        let random = self.cloud.state().rng.seconds(2 * max.unsigned_abs());
        random - self.max_skew
    }

    pub(super) fn start(
        &mut self,
        kind: &'static str,
        (limit, skew): (SignedDuration, SignedDuration),
        messages: Vec<u64>,
        work: impl Future<Output = Done> + 'a,
    ) {
        let times_out_at = self.now() + limit;
        let work = Box::pin(work);
        self.actors.push(Actor { kind, skew, times_out_at, stalled: false, messages, work });
    }

    fn dispatch(&mut self) {
        let (world, skew) = (self.world, self.skew());
        let deadline = self.now() + skew + *DISPATCHER_LIMIT;
        self.cloud.state().note(|| format!("dispatcher: runs, {skew} ahead"));
        self.start("dispatcher", (*DISPATCHER_LIMIT, skew), Vec::new(), async move {
            let (store, queue) = (&world.store, &world.queue);
            // A failure is logged and raises an alarm. The next run finds what this one did not dispatch.
            let _ = dispatch_due_timers::handle(store, queue, &world.clock, deadline).await;
            Done::Dispatch
        });
    }

    fn act(&mut self) {
        let skew = self.skew();
        let world = self.world;
        let done = self.users.act(world, self.cloud);
        self.history.observe_users(&world.store.store, self.now());
        let Some((what, event)) = done else { return };
        self.cloud.state().note(|| format!("user: {what}, {skew} ahead"));
        self.start("user", (*CLIENT_LIMIT, skew), Vec::new(), async move {
            Done::Request(world.send(&event).await)
        });
    }

    /// Starts a worker with some of the visible messages, in any order.
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
            let max = state.rng.below(10) + 1;
            for _ in 0..max.min(visible.len() as u64) {
                let index = state.rng.pick(&visible);
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
                state.note(|| {
                    format!("the message for {} goes to the dead-letter queue", message.timer.target)
                });
                event.records.retain(|record| record.message_id != Some(message.id.to_string()));
                ids.retain(|id| *id != message.id);
                message.receives = 0;
                state.dead.push(message);
            }
            if state.rng.happens(20) {
                let dead = std::mem::take(&mut state.dead);
                state.queue.extend(dead);
            }
        }
        let (world, mail, cloud, skew) = (self.world, self.mail, self.cloud, self.skew());
        let deadline = self.now() + skew + *WORKER_LIMIT;
        self.cloud.state().note(|| format!("worker: messages {ids:?}, {skew} ahead"));
        self.start("worker", (*WORKER_LIMIT, skew), ids, async move {
            let (store, queue, random) = (&world.store, &world.queue, &world.random);
            let clock = &world.clock;
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
