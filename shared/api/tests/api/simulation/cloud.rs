//! The simulated cloud: faults, a queue and SES, all driven by one seed.

use std::{
    collections::BTreeMap,
    future::{pending, poll_fn},
    sync::{Arc, LazyLock, Mutex, MutexGuard},
    task::Poll,
};

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    delivery::{DeliveryEvent, Feedback},
    ports::{Mail, MailError, MailTags, Mailer, PortError, TimerQueue},
    timer::Timer,
    user::SuppressionReason,
};
use taskbell_test::{Faults, Side, injected, template};

use super::rng::Rng;

/// The visibility timeout of the queue.
pub(super) static VISIBILITY: LazyLock<SignedDuration> =
    LazyLock::new(|| template::seconds(&template::properties("ReminderQueue")["VisibilityTimeout"]));

/// How often a message is received before it goes to the dead-letter queue.
pub(super) static MAX_RECEIVES: LazyLock<u64> = LazyLock::new(|| {
    let redrive = &template::properties("ReminderQueue")["RedrivePolicy"];
    redrive["maxReceiveCount"].as_u64().expect("a number")
});

/// A fault at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// No fault.
    None,
    /// The call fails.
    Error,
    /// The caller crashes.
    Crash,
    /// The call takes this many seconds.
    Wait(i64),
}

/// The frequency of faults, per mille.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rates {
    pub(super) error: u64,
    pub(super) crash: u64,
    pub(super) wait: u64,
    /// Messages that are lost, duplicated or late.
    pub(super) queue: u64,
    /// Timers that the index hides for up to a minute.
    pub(super) hide: u64,
    /// Mails that SES refuses or throttles.
    pub(super) refusal: u64,
}

/// The faults of a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plan {
    /// One fault, at the point with this number.
    At(usize, Fault),
    /// Random faults.
    Rates(Rates),
}

/// A part of the cloud that can have an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Store,
    Queue,
    Ses,
}

/// A point before or after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub(super) actor: &'static str,
    pub(super) call: &'static str,
    pub(super) after: bool,
}

/// A message on the queue.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) timer: Timer,
    pub(super) visible_at: Timestamp,
    pub(super) receives: u64,
}

/// A mail that was offered to SES.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) at: Timestamp,
    /// How far the clock of the sender was ahead.
    pub(super) skew: SignedDuration,
    /// The reminder or notification in its message id.
    pub(super) subject: String,
    pub(super) fence: u64,
    pub(super) to: String,
    pub(super) accepted: bool,
}

/// The actor that is being polled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Current {
    pub(super) kind: &'static str,
    pub(super) skew: SignedDuration,
}

pub(super) struct State {
    pub(super) rng: Rng,
    pub(super) plan: Plan,
    pub(super) now: Timestamp,
    /// `None` during the setup, which has no faults.
    pub(super) current: Option<Current>,
    /// The polled actor has crashed.
    pub(super) crashed: bool,
    /// The polled actor has made progress.
    pub(super) progressed: bool,
    /// The polled actor waits for a time.
    pub(super) waiting: bool,
    /// When waiting actors continue.
    pub(super) wake_times: Vec<Timestamp>,
    pub(super) outages: Vec<(Part, Timestamp, Timestamp)>,
    pub(super) points: Vec<Point>,
    pub(super) queue: Vec<Message>,
    pub(super) messages: u64,
    pub(super) dead: Vec<Message>,
    pub(super) offers: Vec<Offer>,
    /// Events that SES will publish, and when.
    pub(super) ses_events: Vec<(Timestamp, SesEvent)>,
    /// Timers that the index does not show yet, and until when.
    hidden: BTreeMap<Timer, Timestamp>,
    pub(super) trace: Option<Vec<String>>,
}

impl State {
    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now} {}", line()));
        }
    }

    pub(super) fn rates(&self) -> Rates {
        match self.plan {
            Plan::At(..) => Rates::default(),
            Plan::Rates(rates) => rates,
        }
    }

    /// Publishes the SES events of an accepted mail: possibly never, late, twice, or in any order.
    fn publish_events(&mut self, tags: MailTags, message_id: String) {
        let rate = self.rates().queue * 2;
        let stop = match self.rng.happens(self.rates().queue / 2) {
            true => self.rng.pick(&[SuppressionReason::Bounced, SuppressionReason::Complained]).into(),
            false => None,
        };
        let outcome = match stop {
            None => Feedback::Delivered,
            Some(SuppressionReason::Bounced) => Feedback::Bounced,
            Some(SuppressionReason::Complained) => Feedback::Complained,
        };
        for (feedback, suppression) in [(None, None), (Some(outcome), stop)] {
            let times = if self.rng.happens(rate) { self.rng.below(3) } else { 1 };
            for _ in 0..times {
                let late =
                    if self.rng.happens(rate) { self.rng.seconds(900) } else { self.rng.seconds(3) };
                let message_id = message_id.clone();
                let event = DeliveryEvent { message_id, accepted_at: self.now, feedback };
                self.ses_events.push((self.now + late, SesEvent { tags, event, suppression }));
            }
        }
    }

    fn is_out(&self, part: Part) -> bool {
        self.outages.iter().any(|(out, from, to)| *out == part && *from <= self.now && self.now < *to)
    }

    fn fault(&mut self, call: &'static str, side: Side, actor: &'static str) -> Fault {
        let number = self.points.len();
        let part = match call {
            "enqueue" => Part::Queue,
            "send" => Part::Ses,
            _ => Part::Store,
        };
        let fault = match self.plan {
            Plan::At(at, fault) => {
                self.points.push(Point { actor, call, after: side == Side::After });
                if at == number { fault } else { Fault::None }
            }
            Plan::Rates(_) if side == Side::Before && self.is_out(part) => Fault::Error,
            Plan::Rates(rates) => match self.rng.below(1_000) {
                chance if chance < rates.error => Fault::Error,
                chance if chance < rates.error + rates.crash => Fault::Crash,
                chance if chance < rates.error + rates.crash + rates.wait => {
                    Fault::Wait(self.rng.pick(&[1, 5, 20, 40, 90]))
                }
                _ => Fault::None,
            },
        };
        if fault != Fault::None {
            self.note(|| format!("  {actor}: {fault:?} {side:?} {call}"));
        }
        fault
    }
}

/// The cloud. Clones share their state.
#[derive(Clone)]
pub(super) struct Cloud(Arc<Mutex<State>>);

impl Cloud {
    pub(super) fn new(seed: u64, plan: Plan, now: Timestamp, traced: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            rng: Rng::new(seed),
            plan,
            now,
            current: None,
            crashed: false,
            progressed: false,
            waiting: false,
            wake_times: Vec::new(),
            outages: Vec::new(),
            points: Vec::new(),
            queue: Vec::new(),
            messages: 0,
            dead: Vec::new(),
            offers: Vec::new(),
            ses_events: Vec::new(),
            hidden: BTreeMap::new(),
            trace: traced.then(Vec::new),
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("not poisoned")
    }

    /// Waits until a time.
    async fn wait(&self, until: Timestamp) {
        self.state().wake_times.push(until);
        poll_fn(|_| {
            let state = &mut *self.state();
            let over = state.now >= until;
            (state.progressed, state.waiting) = (state.progressed || over, state.waiting || !over);
            if over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Lets other actors run first.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

impl Faults for Cloud {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        let fault = {
            let mut state = self.state();
            let Some(current) = state.current else { return Ok(()) };
            state.progressed = true;
            state.fault(call, side, current.kind)
        };
        match fault {
            Fault::None => yield_once().await,
            Fault::Error => return Err(injected(call)),
            Fault::Crash => {
                self.state().crashed = true;
                pending::<()>().await;
            }
            Fault::Wait(seconds) => {
                let until = self.state().now + SignedDuration::from_secs(seconds);
                self.wait(until).await;
            }
        }
        Ok(())
    }

    fn shown(&self, timers: Vec<Timer>) -> Vec<Timer> {
        let state = &mut *self.state();
        let (now, hide) = (state.now, state.rates().hide);
        let hidden = |timer: &Timer| {
            let chosen = state.rng.happens(hide).then(|| now + state.rng.seconds(60));
            let until = state.hidden.entry(*timer).or_insert(chosen.unwrap_or(now));
            *until > now
        };
        let mut hidden = hidden;
        timers.into_iter().filter(|timer| !hidden(timer)).collect()
    }
}

impl TimerQueue for Cloud {
    async fn enqueue(&self, timers: &[Timer], now: Timestamp) -> Result<Vec<Timer>, PortError> {
        self.pass("enqueue", Side::Before).await?;
        {
            let state = &mut *self.state();
            let rate = state.rates().queue;
            for timer in timers {
                let delay = SignedDuration::from_secs(timer.delay_seconds(now).min(900));
                // The message may be lost, duplicated or late.
                let copies = if state.rng.happens(rate) { state.rng.below(3) } else { 1 };
                for _ in 0..copies {
                    let late = if state.rng.happens(rate) {
                        state.rng.seconds(90)
                    } else {
                        state.rng.millis(200)
                    };
                    let visible_at = state.now + delay + late;
                    state.messages += 1;
                    let id = state.messages;
                    state.queue.push(Message { id, timer: *timer, visible_at, receives: 0 });
                }
                state.note(|| format!("  queued {} for {}, {copies} times", timer.target, timer.at));
            }
        }
        self.pass("enqueue", Side::After).await?;
        Ok(timers.to_vec())
    }
}

/// An event that SES publishes about a mail.
#[derive(Clone)]
pub(super) struct SesEvent {
    pub(super) tags: MailTags,
    pub(super) event: DeliveryEvent,
    pub(super) suppression: Option<SuppressionReason>,
}

/// The reminder or notification in the message id of a mail, and the fence of its claim.
fn subject_and_fence(mail: &Mail) -> (String, u64) {
    let message = String::from_utf8_lossy(&mail.message).into_owned();
    let id = message.split("Message-ID: <").nth(1).and_then(|rest| rest.split('@').next());
    let (subject, fence) = id.and_then(|id| id.rsplit_once('.')).expect("a message id");
    (subject.to_owned(), fence.parse().expect("a fence"))
}

impl Mailer for Cloud {
    async fn send(&self, mail: &Mail) -> Result<String, MailError> {
        let lost = |_| MailError::Unknown("lost".to_owned());
        self.pass("send", Side::Before).await.map_err(lost)?;
        let (subject, fence) = subject_and_fence(mail);
        let (message_id, refusal) = {
            let state = &mut *self.state();
            let skew = state.current.map_or(SignedDuration::ZERO, |current| current.skew);
            let refused = state.rng.happens(state.rates().refusal);
            let throttled = refused && state.rng.happens(500);
            let (at, to) = (state.now, mail.to.as_str().to_owned());
            let accepted = !refused;
            if !throttled {
                state.offers.push(Offer { at, skew, subject: subject.clone(), fence, to, accepted });
            }
            state.note(|| format!("  SES: {subject} under {fence}, accepted {accepted}"));
            if accepted {
                state.publish_events(mail.tags, format!("{subject}.{fence}"));
            }
            let refusal = match throttled {
                true => MailError::Deferred("Throttling".to_owned()),
                false => MailError::Refused("MessageRejected".to_owned()),
            };
            (format!("{subject}.{fence}"), refused.then_some(refusal))
        };
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        self.pass("send", Side::After).await.map_err(lost)?;
        Ok(message_id)
    }
}
