//! What must hold after every run. It is judged by what was stored when, and by what SES was offered; not by what
//! the code under test says of itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    delivery::{Delivery, DeliveryStatus, MAX_ATTEMPTS, MAX_LATENESS, Reason},
    id::{NotificationId, ReminderId, TaskId, UserId},
    notification::Notification,
    reminder::{Reminder, ReminderSpec},
    task::{Status, Task},
    user::{MailKind, User},
};
use taskbell_test::{Memory, fixtures::user};

use super::{
    CLIENT_LIMIT, WORKER_LIMIT,
    cloud::{Cloud, Offer},
    notifications::check_notifications,
};
use crate::support::collaborator;

/// How often something came about.
pub(super) type Verdict = BTreeMap<String, u64>;

/// A task as it was stored at a moment; none once it is deleted.
struct Version {
    at: Timestamp,
    task: Option<Task>,
}

/// All that was stored, and when.
#[derive(Default)]
pub(super) struct History {
    tasks: BTreeMap<TaskId, Vec<Version>>,
    pub(super) notifications: BTreeMap<NotificationId, Notification>,
    /// Everybody's profile, from when on.
    pub(super) users: Vec<(Timestamp, BTreeMap<UserId, User>)>,
    /// Who is in the shared space, from when on.
    members: Vec<(Timestamp, BTreeSet<UserId>)>,
}

impl History {
    /// Keeps what has changed.
    pub(super) fn observe(&mut self, store: &Memory, cloud: &Cloud, by: &str) {
        let state = &mut *cloud.state();
        let (at, data) = (state.now, store.data());
        for (id, (task, _)) in &data.tasks {
            let versions = self.tasks.entry(*id).or_default();
            let known = versions.last().and_then(|last| last.task.as_ref()).map(|task| task.version);
            if known == Some(task.version) {
                continue;
            }
            let ledger: Vec<_> = task.archived_reminders.iter().chain(&task.reminders).collect();
            let ledger =
                ledger.iter().map(|r| (r.delivery.fire_at, r.delivery.status, r.delivery.reason));
            state.note(|| {
                let ledger: Vec<_> = ledger.collect();
                format!("  {by}: {id} version {}, {:?}: {ledger:?}", task.version, task.status)
            });
            versions.push(Version { at, task: Some(task.clone()) });
        }
        for (id, versions) in &mut self.tasks {
            if !data.tasks.contains_key(id) && versions.last().is_some_and(|last| last.task.is_some()) {
                state.note(|| format!("  {by}: {id} deleted"));
                versions.push(Version { at, task: None });
            }
        }
        for (id, (notification, _)) in &data.notifications {
            if self.notifications.get(id).is_none_or(|known| known.version != notification.version) {
                state.note(|| format!("  {by}: {id} {:?}", notification.delivery.status));
                self.notifications.insert(*id, notification.clone());
            }
        }
    }

    /// Keeps what has changed of the people.
    pub(super) fn observe_people(&mut self, store: &Memory, at: Timestamp) {
        let data = store.data();
        if self.users.last().is_none_or(|(_, last)| *last != data.users) {
            self.users.push((at, data.users.clone()));
        }
        let members = data.members.keys().map(|(_, user)| *user).collect();
        if self.members.last().is_none_or(|(_, last)| *last != members) {
            self.members.push((at, members));
        }
    }

    /// Whether something was so at some moment of a time.
    pub(super) fn was<T>(
        told: &[(Timestamp, T)],
        from: Timestamp,
        to: Timestamp,
        so: impl Fn(&T) -> bool,
    ) -> bool {
        let before = told.iter().rev().find(|(at, _)| *at <= from);
        let during = told.iter().filter(|(at, _)| *at > from && *at <= to);
        before.into_iter().chain(during).any(|(_, what)| so(what))
    }
}

/// Where a reminder stands in a version of its task: what it says, and whether the task wants it.
fn entry(task: &Task, id: ReminderId) -> Option<(&Reminder, bool)> {
    let wanted = task.reminders.iter().map(|r| (r, task.status != Status::Completed));
    let past = task.archived_reminders.iter().map(|r| (r, false));
    wanted.chain(past).find(|(r, _)| r.id == id)
}

/// Checks a run.
pub(super) fn check(
    history: &History,
    offers: &[Offer],
    skew: SignedDuration,
    strict: bool,
    end: Timestamp,
) -> Result<Verdict, String> {
    let mut verdict = Verdict::new();
    let mut count = |what: &str| *verdict.entry(what.to_owned()).or_default() += 1;
    let mut known = BTreeSet::new();
    for versions in history.tasks.values() {
        let mut ids = BTreeMap::new();
        for task in versions.iter().filter_map(|version| version.task.as_ref()) {
            for reminder in task.reminders.iter().chain(&task.archived_reminders) {
                let fire_at = reminder.delivery.fire_at;
                if *ids.entry(reminder.id).or_insert(fire_at) != fire_at {
                    return Err(format!("{} changed its moment", reminder.id));
                }
            }
        }
        for (id, fire_at) in ids {
            known.insert(id.to_string());
            let of = OneReminder { history, versions, offers, id, fire_at, skew, end };
            of.check(strict, &mut count).map_err(|why| format!("{id} at {fire_at}: {why}"))?;
        }
        let last = versions.last().and_then(|last| last.task.as_ref());
        if let Some(timer) =
            last.and_then(Task::timer).filter(|timer| timer.at < end - super::MINUTE * 20)
        {
            return Err(format!("{} was never done, which was due at {}", timer.subject, timer.at));
        }
    }
    check_series(history)?;
    known.extend(history.notifications.keys().map(NotificationId::to_string));
    check_notifications(history, offers, strict, end, &mut count)?;
    match offers.iter().find(|offer| !known.contains(&offer.subject)) {
        Some(stray) => Err(format!("{} was sent and is nowhere in the ledger", stray.subject)),
        None => Ok(verdict),
    }
}

/// At most once, or the ledger says that it may have been more often.
pub(super) fn not_doubled(delivery: &Delivery, accepted: usize) -> Result<(), String> {
    let doubts = usize::try_from(delivery.uncertain_attempts).expect("few");
    match accepted > 1 + doubts {
        true => Err(format!("it was sent {accepted} times, and the ledger knows of {doubts} doubts")),
        false => Ok(()),
    }
}

/// An occurrence is made once, by the one before it.
fn check_series(history: &History) -> Result<(), String> {
    let latest = history
        .tasks
        .values()
        .filter_map(|versions| versions.iter().rev().find_map(|version| version.task.as_ref()));
    let mut made = BTreeSet::new();
    let mut numbered = BTreeSet::new();
    for task in latest {
        if let Some(next) = task.next_occurrence
            && !made.insert(next)
        {
            return Err(format!("{next} was made by two tasks"));
        }
        numbered.extend(task.recurrence.as_ref().filter(|series| series.number > 1).map(|_| task.id));
    }
    // A task that was skipped stands at a later place, too; it is in `made` if another one made it.
    let first =
        |id: &TaskId| history.tasks[id][0].task.as_ref().and_then(|task| task.recurrence.as_ref());
    let orphan =
        numbered.into_iter().find(|id| first(id).is_some_and(|s| s.number > 1) && !made.contains(id));
    orphan.map_or(Ok(()), |id| Err(format!("{id} is an occurrence that no task has made")))
}

/// One reminder, from its first appearance on.
struct OneReminder<'a> {
    history: &'a History,
    versions: &'a [Version],
    offers: &'a [Offer],
    id: ReminderId,
    fire_at: Timestamp,
    skew: SignedDuration,
    end: Timestamp,
}

impl OneReminder<'_> {
    fn check(&self, strict: bool, count: &mut impl FnMut(&str)) -> Result<(), String> {
        let subject = self.id.to_string();
        let offers: Vec<_> = self.offers.iter().filter(|offer| offer.subject == subject).collect();
        let accepted: Vec<_> = offers.iter().filter(|offer| offer.accepted).collect();
        for offer in &offers {
            self.check_offer(offer)?;
        }
        let mut entries =
            self.versions.iter().filter_map(|version| entry(version.task.as_ref()?, self.id));
        let Some((latest, _)) = entries.next_back() else {
            return Err("it was never stored".to_owned());
        };
        not_doubled(&latest.delivery, accepted.len())?;
        if accepted.len() > 1 {
            count("sent again in doubt");
        }
        let instant = self.versions.iter().rev().find(|version| version.at <= self.fire_at);
        let past_when_set =
            |v: &&Version| self.says(v, DeliveryStatus::Skipped, Some(Reason::PastWhenSet));
        let past = self.versions.iter().find(past_when_set);
        if past.is_some_and(|version| version.at + self.skew < self.fire_at) {
            return Err("it was not past when it was set".to_owned());
        }
        let wanted = instant.and_then(|version| entry(version.task.as_ref()?, self.id)).is_some_and(
            |(reminder, wanted)| wanted && reminder.delivery.reason != Some(Reason::PastWhenSet),
        );
        let Some(Version { at, task: Some(last) }) =
            self.versions.iter().rev().find(|version| version.task.is_some())
        else {
            return Err("it was never stored".to_owned());
        };
        let deleted = self.versions.last().filter(|version| version.task.is_none());
        if let Some(deletion) = deleted {
            // Nothing follows a deletion. Where nothing went wrong, all had been done before it.
            let left = entry(last, self.id).is_some_and(|(r, _)| r.delivery.next_at.is_some());
            let in_time = deletion.at <= self.fire_at + super::MINUTE;
            return match strict && wanted && left && !in_time {
                true => Err(format!("it was left undone from {at} until the task was deleted")),
                false => Ok(()),
            };
        }
        if !wanted || self.fire_at > self.end - super::MINUTE * 20 {
            return Ok(());
        }
        let Some((reminder, _)) = entry(last, self.id) else {
            // A request is judged by the moment at which it came.
            let request = *CLIENT_LIMIT + self.skew;
            let without =
                |v: &&Version| v.task.as_ref().is_none_or(|task| entry(task, self.id).is_none());
            let dropped = self.versions.iter().filter(|v| v.at > self.fire_at).find(without);
            if dropped.is_some_and(|version| version.at <= self.fire_at + request) {
                return Ok(());
            }
            return Err("it was wanted at its instant and is gone from the ledger".to_owned());
        };
        let delivery = &reminder.delivery;
        let doubtful = delivery.uncertain_attempts > 0 || accepted.len() > 1;
        let given_up = [Some(Reason::TooOld), Some(Reason::Refused)].contains(&delivery.reason);
        if strict && (doubtful || given_up || delivery.status == DeliveryStatus::Uncertain) {
            return Err(format!("nothing went wrong, and it is {:?}", delivery));
        }
        match delivery.status {
            DeliveryStatus::Sent => {
                count("sent");
                let named = format!("{}.", self.id);
                let told = delivery.message_id.as_ref().is_some_and(|id| id.starts_with(&named));
                if accepted.is_empty() || !told {
                    return Err("it is called sent and was not".to_owned());
                }
                let late = accepted[0].at.duration_since(self.fire_at);
                if strict && late > SignedDuration::from_secs(10) {
                    return Err(format!("nothing went wrong, and it was {late} late"));
                }
                Ok(())
            }
            DeliveryStatus::Failed => {
                count("failed");
                let refused = offers.len() - accepted.len();
                let doubts = usize::try_from(delivery.uncertain_attempts).expect("few");
                let most = usize::try_from(MAX_ATTEMPTS).expect("few");
                match refused > 0 && refused + doubts >= most {
                    true => Ok(()),
                    false => Err(format!("it has failed after {refused} refusals")),
                }
            }
            DeliveryStatus::Skipped => {
                count("skipped");
                if let Some(Reason::Bounced | Reason::Complained) = delivery.reason {
                    count("skipped on the word of SES");
                }
                self.check_reason(delivery)
            }
            DeliveryStatus::Uncertain => {
                count("left uncertain");
                self.check_reason(delivery)
            }
            DeliveryStatus::Scheduled | DeliveryStatus::Claimed => {
                Err(format!("it was lost: {:?}", delivery.status))
            }
        }
    }

    /// Whether a version of the task says this of it; any reason will do if there is none.
    fn says(&self, version: &Version, status: DeliveryStatus, reason: Option<Reason>) -> bool {
        let found = version.task.as_ref().and_then(|task| entry(task, self.id));
        found.is_some_and(|(r, _)| {
            r.delivery.status == status && (reason.is_none() || r.delivery.reason == reason)
        })
    }

    /// A mail goes out only for a task that wants it at that moment, to who is to have it, and not early.
    fn check_offer(&self, offer: &Offer) -> Result<(), String> {
        let claim = self.versions.iter().find(|version| {
            let task = version.task.as_ref().filter(|task| task.version == offer.fence);
            let delivery = task.and_then(|task| entry(task, self.id)).map(|(r, _)| &r.delivery);
            delivery.is_some_and(|d| d.status == DeliveryStatus::Claimed && d.fence == offer.fence)
        });
        let Some((claim, Some(task))) = claim.map(|claim| (claim, claim.task.as_ref())) else {
            return Err("it was offered to SES without a claim".to_owned());
        };
        // A version that is stored later than a deletion, a completion or a move does not want it any more.
        if !entry(task, self.id).is_some_and(|(_, wanted)| wanted) {
            return Err("it was claimed and not wanted".to_owned());
        }
        if offer.at.duration_since(claim.at) > *WORKER_LIMIT {
            return Err("it was offered to SES long after its claim".to_owned());
        }
        if offer.at + offer.skew.max(SignedDuration::ZERO) < self.fire_at {
            return Err(format!("it was offered to SES at {}, too early", offer.at));
        }
        let (from, to) = (claim.at, offer.at);
        let assigned = task.assigned_to.filter(|assignee| *assignee == collaborator().id);
        let in_space = |there: bool| {
            let so = |members: &BTreeSet<UserId>| members.contains(&collaborator().id) == there;
            History::was(&self.history.members, from, to, so)
        };
        let recipient =
            if offer.to == collaborator().email.as_str() { collaborator() } else { user(1) };
        let right = match (assigned, recipient == collaborator()) {
            (Some(_), true) => in_space(true),
            (Some(_), false) => in_space(false),
            (None, to_mate) => !to_mate,
        };
        if !right {
            return Err(format!("it went to {}", recipient.name.as_str()));
        }
        let takes = |users: &BTreeMap<UserId, User>| {
            let user = &users[&recipient.id];
            user.mail.wants(MailKind::Reminders) && user.reachable().is_ok()
        };
        match History::was(&self.history.users, from, to, takes) {
            true => Ok(()),
            false => Err("it went to somebody who takes no mail".to_owned()),
        }
    }

    /// The reason must have been true when it was given.
    fn check_reason(&self, delivery: &Delivery) -> Result<(), String> {
        let given = self.versions.iter().position(|v| self.says(v, delivery.status, delivery.reason));
        let version = &self.versions[given.expect("it is said in the last one")];
        let claimed = self.versions.iter().rev().filter(|v| v.at <= version.at);
        let claimed =
            claimed.filter(|v| self.says(v, DeliveryStatus::Claimed, None)).map(|v| v.at).next();
        let Some(task) = &version.task else { return Err("a reason of a deleted task".to_owned()) };
        let unsent = self.offers.iter().all(|o| o.subject != self.id.to_string() || !o.accepted);
        let told = match delivery.reason {
            Some(Reason::TaskCompleted) => task.status == Status::Completed,
            Some(Reason::Snoozed) => task.reminders.iter().any(|r| match r.spec {
                ReminderSpec::Snoozed(until) => until >= self.fire_at,
                _ => false,
            }),
            Some(Reason::Replaced) => task.archived_reminders.iter().any(|r| r.id == self.id),
            Some(Reason::TooOld) => version.at + self.skew >= self.fire_at + MAX_LATENESS,
            Some(reason @ (Reason::MailOff | Reason::Bounced | Reason::Complained)) => {
                let so = |user: &User| match reason {
                    Reason::MailOff => !user.mail.wants(MailKind::Reminders),
                    _ => user.reachable() == Err(reason),
                };
                let someone = |users: &BTreeMap<UserId, User>| users.values().any(so);
                claimed.is_some_and(|from| History::was(&self.history.users, from, version.at, someone))
            }
            _ => false,
        };
        let sure =
            delivery.status == DeliveryStatus::Uncertain || delivery.uncertain_attempts > 0 || unsent;
        match told && sure {
            true => Ok(()),
            false => Err(format!("{:?} {:?} was not true", delivery.status, delivery.reason)),
        }
    }
}
