//! The cloud of the simulation: chance, faults, a queue and SES, all driven by one seed.

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
    user::StopReason,
};
use taskbell_test::{Faults, Side, injected, template};

/// How long a message that was received is hidden from others.
pub(super) static VISIBILITY: LazyLock<SignedDuration> =
    LazyLock::new(|| template::seconds(&template::properties("ReminderQueue")["VisibilityTimeout"]));

/// How often a message is received at most.
pub(super) static MAX_RECEIVES: LazyLock<u64> = LazyLock::new(|| {
    let redrive = &template::properties("ReminderQueue")["RedrivePolicy"];
    redrive["maxReceiveCount"].as_u64().expect("a number")
});

/// What goes wrong at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// The call gives an error.
    Error,
    /// Who calls is gone.
    Crash,
    /// Nothing goes on for so many seconds.
    Wait(i64),
}

/// How often things go wrong, in a thousand times.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rates {
    pub(super) error: u64,
    pub(super) crash: u64,
    pub(super) wait: u64,
    /// Messages that are lost, come twice, or come late.
    pub(super) queue: u64,
    /// Timers that the index hides for up to a minute.
    pub(super) hide: u64,
    /// Mails that SES refuses, or has no room for.
    pub(super) refusal: u64,
}

/// What goes wrong in a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plan {
    /// This, at the point with this number; nothing else.
    At(usize, Fault),
    /// By chance.
    Rates(Rates),
}

/// A part of the cloud that can be out for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Store,
    Queue,
    Ses,
}

/// A point that was passed in a run.
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
    /// How far the clock of who offered it was ahead.
    pub(super) skew: SignedDuration,
    /// The name before the `@` of its message id: of the reminder or notification, and the fence.
    pub(super) subject: String,
    pub(super) fence: u64,
    pub(super) to: String,
    pub(super) accepted: bool,
}

/// Who is being polled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Current {
    pub(super) kind: &'static str,
    pub(super) skew: SignedDuration,
}

pub(super) struct State {
    pub(super) dice: Dice,
    pub(super) plan: Plan,
    pub(super) now: Timestamp,
    /// Nobody, while the stage is being set: nothing goes wrong then.
    pub(super) current: Option<Current>,
    /// The one being polled has crashed.
    pub(super) crashed: bool,
    /// The one being polled has got on.
    pub(super) moved: bool,
    /// The one being polled waits for a moment.
    pub(super) waits: bool,
    /// When those who wait go on.
    pub(super) wakes: Vec<Timestamp>,
    pub(super) outages: Vec<(Part, Timestamp, Timestamp)>,
    pub(super) points: Vec<Point>,
    pub(super) queue: Vec<Message>,
    pub(super) messages: u64,
    pub(super) dead: Vec<Message>,
    pub(super) offers: Vec<Offer>,
    /// What SES will tell of mails, and when.
    pub(super) news: Vec<(Timestamp, Told)>,
    /// Timers that the index hides, until when.
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

    /// SES tells what it has accepted, and what became of it: perhaps never, late, twice, in any order.
    fn tell(&mut self, about: MailTags, message_id: String) {
        let rate = self.rates().queue * 2;
        let end = match self.dice.falls(self.rates().queue / 2) {
            true => self.dice.pick(&[StopReason::Bounced, StopReason::Complained]).into(),
            false => None,
        };
        let became = match end {
            None => Feedback::Delivered,
            Some(StopReason::Bounced) => Feedback::Bounced,
            Some(StopReason::Complained) => Feedback::Complained,
        };
        for (feedback, stops) in [(None, None), (Some(became), end)] {
            let times = if self.dice.falls(rate) { self.dice.below(3) } else { 1 };
            for _ in 0..times {
                let late =
                    if self.dice.falls(rate) { self.dice.seconds(900) } else { self.dice.seconds(3) };
                let message_id = message_id.clone();
                let news = DeliveryEvent { message_id, accepted_at: self.now, feedback };
                self.news.push((self.now + late, Told { about, news, stops }));
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
            Plan::Rates(rates) => match self.dice.below(1_000) {
                chance if chance < rates.error => Fault::Error,
                chance if chance < rates.error + rates.crash => Fault::Crash,
                chance if chance < rates.error + rates.crash + rates.wait => {
                    Fault::Wait(self.dice.pick(&[1, 5, 20, 40, 90]))
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

/// The cloud; each copy is the same one.
#[derive(Clone)]
pub(super) struct Cloud(Arc<Mutex<State>>);

impl Cloud {
    pub(super) fn new(seed: u64, plan: Plan, now: Timestamp, traced: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            dice: Dice::new(seed),
            plan,
            now,
            current: None,
            crashed: false,
            moved: false,
            waits: false,
            wakes: Vec::new(),
            outages: Vec::new(),
            points: Vec::new(),
            queue: Vec::new(),
            messages: 0,
            dead: Vec::new(),
            offers: Vec::new(),
            news: Vec::new(),
            hidden: BTreeMap::new(),
            trace: traced.then(Vec::new),
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("not poisoned")
    }

    /// Goes on at `until`.
    async fn wait(&self, until: Timestamp) {
        self.state().wakes.push(until);
        poll_fn(|_| {
            let state = &mut *self.state();
            let over = state.now >= until;
            (state.moved, state.waits) = (state.moved || over, state.waits || !over);
            if over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Lets others go first.
async fn give_way() {
    let mut given = false;
    poll_fn(|_| if std::mem::replace(&mut given, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

impl Faults for Cloud {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        let fault = {
            let mut state = self.state();
            let Some(current) = state.current else { return Ok(()) };
            state.moved = true;
            state.fault(call, side, current.kind)
        };
        match fault {
            Fault::None => give_way().await,
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
            let chosen = state.dice.falls(hide).then(|| now + state.dice.seconds(60));
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
                // Lost, or there; there twice; there later than it should.
                let copies = if state.dice.falls(rate) { state.dice.below(3) } else { 1 };
                for _ in 0..copies {
                    let late = if state.dice.falls(rate) {
                        state.dice.seconds(90)
                    } else {
                        state.dice.millis(200)
                    };
                    let visible_at = state.now + delay + late;
                    state.messages += 1;
                    let id = state.messages;
                    state.queue.push(Message { id, timer: *timer, visible_at, receives: 0 });
                }
                state.note(|| format!("  queued {} for {}, {copies} times", timer.subject, timer.at));
            }
        }
        self.pass("enqueue", Side::After).await?;
        Ok(timers.to_vec())
    }
}

/// Something that SES tells.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) about: MailTags,
    pub(super) news: DeliveryEvent,
    pub(super) stops: Option<StopReason>,
}

/// The name of what a mail tells of, and the fence of the claim under which it is sent.
fn named(mail: &Mail) -> (String, u64) {
    let message = String::from_utf8_lossy(&mail.message).into_owned();
    let id = message.split("Message-ID: <").nth(1).and_then(|rest| rest.split('@').next());
    let (subject, fence) = id.and_then(|id| id.rsplit_once('.')).expect("a message id");
    (subject.to_owned(), fence.parse().expect("a fence"))
}

impl Mailer for Cloud {
    async fn send(&self, mail: &Mail) -> Result<String, MailError> {
        let lost = |_| MailError::Unknown("lost".to_owned());
        self.pass("send", Side::Before).await.map_err(lost)?;
        let (subject, fence) = named(mail);
        let (message_id, refusal) = {
            let state = &mut *self.state();
            let skew = state.current.map_or(SignedDuration::ZERO, |current| current.skew);
            let refused = state.dice.falls(state.rates().refusal);
            let no_room = refused && state.dice.falls(500);
            let (at, to) = (state.now, mail.to.as_str().to_owned());
            let accepted = !refused;
            if !no_room {
                state.offers.push(Offer { at, skew, subject: subject.clone(), fence, to, accepted });
            }
            state.note(|| format!("  SES: {subject} under {fence}, accepted {accepted}"));
            if accepted {
                state.tell(mail.about, format!("{subject}.{fence}"));
            }
            let refusal = match no_room {
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
