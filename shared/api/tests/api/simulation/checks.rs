//! The invariants of every run. They are checked against what was stored at which time and what was offered to SES, not
//! against what the code under test reports.

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
use taskbell_test::{MemoryStore, fixtures::user};

use super::{
    CLIENT_LIMIT, WORKER_LIMIT,
    cloud::{Cloud, Offer},
    notifications::check_notifications,
    series::check_series,
    users::shared,
};
use crate::support::collaborator;

/// How often each result occurred.
pub(super) type Verdict = BTreeMap<String, u64>;

/// A task as stored from a time on; `None` after its deletion.
pub(super) struct Version {
    at: Timestamp,
    pub(super) task: Option<Task>,
}

/// Everything that was stored, with its time.
#[derive(Default)]
pub(super) struct History {
    pub(super) tasks: BTreeMap<TaskId, Vec<Version>>,
    pub(super) notifications: BTreeMap<NotificationId, Notification>,
    /// All profiles, each time from when on.
    pub(super) users: Vec<(Timestamp, BTreeMap<UserId, User>)>,
    /// The members of the shared space, each time from when on.
    members: Vec<(Timestamp, BTreeSet<UserId>)>,
}

impl History {
    /// Records changed tasks and notifications.
    pub(super) fn observe(&mut self, store: &MemoryStore, cloud: &Cloud, by: &str) {
        let state = &mut *cloud.state();
        let (at, data) = (state.now, store.data());
        for (id, (task, _)) in &data.tasks {
            let versions = self.tasks.entry(*id).or_default();
            let known = versions.last().and_then(|last| last.task.as_ref()).map(|task| task.revision);
            if known == Some(task.revision) {
                continue;
            }
            let log: Vec<_> = task.archived_reminders.iter().chain(&task.reminders).collect();
            let log = log.iter().map(|r| (r.delivery.fire_at, r.delivery.status, r.delivery.reason));
            state.note(|| {
                let log: Vec<_> = log.collect();
                format!("  {by}: {id} revision {}, {:?}: {log:?}", task.revision, task.status)
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

    /// Records changed profiles and members.
    pub(super) fn observe_users(&mut self, store: &MemoryStore, at: Timestamp) {
        let data = store.data();
        if self.users.last().is_none_or(|(_, last)| *last != data.users) {
            self.users.push((at, data.users.clone()));
        }
        let members = data.members.keys().filter(|(space, _)| *space == shared());
        let members = members.map(|(_, user)| *user).collect();
        if self.members.last().is_none_or(|(_, last)| *last != members) {
            self.members.push((at, members));
        }
    }

    /// Whether a condition held at any time of a period.
    pub(super) fn held<T>(
        states: &[(Timestamp, T)],
        from: Timestamp,
        to: Timestamp,
        condition: impl Fn(&T) -> bool,
    ) -> bool {
        let before = states.iter().rev().find(|(at, _)| *at <= from);
        let during = states.iter().filter(|(at, _)| *at > from && *at <= to);
        before.into_iter().chain(during).any(|(_, state)| condition(state))
    }
}

/// A reminder in a version of its task, and whether the task wants it to be sent.
fn entry(task: &Task, id: ReminderId) -> Option<(&Reminder, bool)> {
    let wanted = task.reminders.iter().map(|r| (r, task.status != Status::Completed));
    let past = task.archived_reminders.iter().map(|r| (r, false));
    wanted.chain(past).find(|(r, _)| r.id == id)
}

/// Checks all invariants. `strict` adds those that hold only without faults.
pub(super) fn check(
    history: &History,
    offers: &[Offer],
    skew: SignedDuration,
    strict: bool,
    end: Timestamp,
) -> Result<Verdict, String> {
    let mut verdict = Verdict::new();
    let mut count = |result: &str| *verdict.entry(result.to_owned()).or_default() += 1;
    let mut known = BTreeSet::new();
    for versions in history.tasks.values() {
        let mut ids = BTreeMap::new();
        for task in versions.iter().filter_map(|version| version.task.as_ref()) {
            for reminder in task.reminders.iter().chain(&task.archived_reminders) {
                let fire_at = reminder.delivery.fire_at;
                if *ids.entry(reminder.id).or_insert(fire_at) != fire_at {
                    return Err(format!("{} changed its time", reminder.id));
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
            return Err(format!(
                "the timer of {}, due at {}, was never handled",
                timer.target, timer.at
            ));
        }
    }
    check_series(history)?;
    known.extend(history.notifications.keys().map(NotificationId::to_string));
    check_notifications(history, offers, strict, end, &mut count)?;
    match offers.iter().find(|offer| !known.contains(&offer.subject)) {
        Some(stray) => Err(format!("{} was sent and is in no delivery log", stray.subject)),
        None => Ok(verdict),
    }
}

/// A mail is accepted at most once, plus once for each uncertain attempt in the delivery log.
pub(super) fn check_duplicates(delivery: &Delivery, accepted: usize) -> Result<(), String> {
    let uncertain = usize::try_from(delivery.uncertain_attempts).expect("a small number");
    match accepted > 1 + uncertain {
        true => Err(format!(
            "it was sent {accepted} times, with {uncertain} uncertain attempts in the delivery log"
        )),
        false => Ok(()),
    }
}

/// One reminder and all versions of its task.
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
        check_duplicates(&latest.delivery, accepted.len())?;
        if accepted.len() > 1 {
            count("sent again while uncertain");
        }
        let at_fire_time = self.versions.iter().rev().find(|version| version.at <= self.fire_at);
        let past_when_set =
            |v: &&Version| self.has(v, DeliveryStatus::Skipped, Some(Reason::PastWhenSet));
        let past = self.versions.iter().find(past_when_set);
        if past.is_some_and(|version| version.at + self.skew < self.fire_at) {
            return Err("it was not in the past when it was set".to_owned());
        }
        let wanted =
            at_fire_time.and_then(|version| entry(version.task.as_ref()?, self.id)).is_some_and(
                |(reminder, wanted)| wanted && reminder.delivery.reason != Some(Reason::PastWhenSet),
            );
        let Some(Version { at, task: Some(last) }) =
            self.versions.iter().rev().find(|version| version.task.is_some())
        else {
            return Err("it was never stored".to_owned());
        };
        let deleted = self.versions.last().filter(|version| version.task.is_none());
        if let Some(deletion) = deleted {
            // Nothing is sent after a deletion. Without faults, everything due was handled before it.
            let pending = entry(last, self.id).is_some_and(|(r, _)| r.delivery.next_at.is_some());
            let in_time = deletion.at <= self.fire_at + super::MINUTE;
            return match strict && wanted && pending && !in_time {
                true => Err(format!("it was not handled from {at} until the task was deleted")),
                false => Ok(()),
            };
        }
        if !wanted || self.fire_at > self.end - super::MINUTE * 20 {
            return Ok(());
        }
        let Some((reminder, _)) = entry(last, self.id) else {
            // A request is evaluated at the time of its arrival.
            let request = *CLIENT_LIMIT + self.skew;
            let without =
                |v: &&Version| v.task.as_ref().is_none_or(|task| entry(task, self.id).is_none());
            let dropped = self.versions.iter().filter(|v| v.at > self.fire_at).find(without);
            if dropped.is_some_and(|version| version.at <= self.fire_at + request) {
                return Ok(());
            }
            return Err("it was wanted at its time and is missing from the delivery log".to_owned());
        };
        let delivery = &reminder.delivery;
        let uncertain = delivery.uncertain_attempts > 0 || accepted.len() > 1;
        let given_up = [Some(Reason::TooOld), Some(Reason::Refused)].contains(&delivery.reason);
        if strict && (uncertain || given_up || delivery.status == DeliveryStatus::Uncertain) {
            return Err(format!("without faults it is {:?}", delivery));
        }
        match delivery.status {
            DeliveryStatus::Sent => {
                count("sent");
                let prefix = format!("{}.", self.id);
                let recorded = delivery.message_id.as_ref().is_some_and(|id| id.starts_with(&prefix));
                if accepted.is_empty() || !recorded {
                    return Err("its status is sent, but SES did not accept it".to_owned());
                }
                let late = accepted[0].at.duration_since(self.fire_at);
                if strict && late > SignedDuration::from_secs(10) {
                    return Err(format!("without faults it was {late} late"));
                }
                Ok(())
            }
            DeliveryStatus::Failed => {
                count("failed");
                let refused = offers.len() - accepted.len();
                let uncertain = usize::try_from(delivery.uncertain_attempts).expect("a small number");
                let max = usize::try_from(MAX_ATTEMPTS).expect("a small number");
                match refused > 0 && refused + uncertain >= max {
                    true => Ok(()),
                    false => Err(format!("it failed after {refused} refusals")),
                }
            }
            DeliveryStatus::Skipped => {
                count("skipped");
                if let Some(Reason::Bounced | Reason::Complained) = delivery.reason {
                    count("skipped after an SES event");
                }
                self.check_reason(delivery)
            }
            DeliveryStatus::Uncertain => {
                count("left uncertain");
                self.check_reason(delivery)
            }
            DeliveryStatus::Scheduled | DeliveryStatus::Claimed => {
                Err(format!("it was never completed: {:?}", delivery.status))
            }
        }
    }

    /// Whether the reminder has this status and, if given, this reason in a version of the task.
    fn has(&self, version: &Version, status: DeliveryStatus, reason: Option<Reason>) -> bool {
        let found = version.task.as_ref().and_then(|task| entry(task, self.id));
        found.is_some_and(|(r, _)| {
            r.delivery.status == status && (reason.is_none() || r.delivery.reason == reason)
        })
    }

    /// A mail is sent only for a task that wants it at that time, to the right recipient, and not early.
    fn check_offer(&self, offer: &Offer) -> Result<(), String> {
        let claim = self.versions.iter().find(|version| {
            let task = version.task.as_ref().filter(|task| task.revision == offer.fence);
            let delivery = task.and_then(|task| entry(task, self.id)).map(|(r, _)| &r.delivery);
            delivery.is_some_and(|d| d.status == DeliveryStatus::Claimed && d.fence == offer.fence)
        });
        let Some((claim, Some(task))) = claim.map(|claim| (claim, claim.task.as_ref())) else {
            return Err("it was offered to SES without a claim".to_owned());
        };
        // A version stored after a deletion, completion or move does not want it any more.
        if !entry(task, self.id).is_some_and(|(_, wanted)| wanted) {
            return Err("it was claimed although not wanted".to_owned());
        }
        if offer.at.duration_since(claim.at) > *WORKER_LIMIT {
            return Err("it was offered to SES long after its claim".to_owned());
        }
        if offer.at + offer.skew.max(SignedDuration::ZERO) < self.fire_at {
            return Err(format!("it was offered to SES at {}, too early", offer.at));
        }
        let (from, to) = (claim.at, offer.at);
        let assigned = task.assigned_to.filter(|assignee| *assignee == collaborator().id);
        let in_space = |expected: bool| {
            let condition =
                |members: &BTreeSet<UserId>| members.contains(&collaborator().id) == expected;
            History::held(&self.history.members, from, to, condition)
        };
        let recipient =
            if offer.to == collaborator().email.as_str() { collaborator() } else { user(1) };
        let has_left = in_space(false) || self.was_deleted(collaborator().id, (from, to));
        let permitted = match (assigned, recipient == collaborator()) {
            (Some(_), true) => in_space(true),
            (Some(_), false) => has_left,
            (None, _) => task.created_by == recipient.id,
        };
        if !permitted {
            return Err(format!("it was sent to {}", recipient.name.as_str()));
        }
        let accepts_mail = |users: &BTreeMap<UserId, User>| {
            let accepts =
                |user: &User| user.mail.wants(MailKind::Reminders) && user.reachable().is_ok();
            users.get(&recipient.id).is_some_and(accepts)
        };
        match History::held(&self.history.users, from, to, accepts_mail) {
            true => Ok(()),
            false => Err("it was sent to a user who accepts no mail".to_owned()),
        }
    }

    /// Whether an account did not exist at any time of a period.
    fn was_deleted(&self, id: UserId, (from, to): (Timestamp, Timestamp)) -> bool {
        History::held(&self.history.users, from, to, |users| !users.contains_key(&id))
    }

    /// The reason must have been true when it was recorded.
    fn check_reason(&self, delivery: &Delivery) -> Result<(), String> {
        let recorded = self.versions.iter().position(|v| self.has(v, delivery.status, delivery.reason));
        let version = &self.versions[recorded.expect("the latest version has it")];
        let claimed = self.versions.iter().rev().filter(|v| v.at <= version.at);
        let claimed =
            claimed.filter(|v| self.has(v, DeliveryStatus::Claimed, None)).map(|v| v.at).next();
        let Some(task) = &version.task else { return Err("a deleted task has a reason".to_owned()) };
        let unsent = self.offers.iter().all(|o| o.subject != self.id.to_string() || !o.accepted);
        let is_true = match delivery.reason {
            Some(Reason::TaskCompleted) => task.status == Status::Completed,
            Some(Reason::Snoozed) => task.reminders.iter().any(|r| match r.spec {
                ReminderSpec::Snoozed(until) => until >= self.fire_at,
                _ => false,
            }),
            Some(Reason::Replaced) => task.archived_reminders.iter().any(|r| r.id == self.id),
            Some(Reason::TooOld) => version.at + self.skew >= self.fire_at + MAX_LATENESS,
            Some(reason @ (Reason::MailOff | Reason::Bounced | Reason::Complained)) => {
                let condition = |user: &User| match reason {
                    Reason::MailOff => !user.mail.wants(MailKind::Reminders),
                    _ => user.reachable() == Err(reason),
                };
                let someone = |users: &BTreeMap<UserId, User>| users.values().any(condition);
                claimed
                    .is_some_and(|from| History::held(&self.history.users, from, version.at, someone))
            }
            // Nobody is left who could be reminded: the creator's account is deleted, and nobody else is assigned.
            Some(Reason::NoAccess) => claimed.is_some_and(|from| {
                let period = (from, version.at);
                let assignee = task.assigned_to.filter(|assignee| *assignee != task.created_by);
                let left =
                    |members: &BTreeSet<UserId>| assignee.is_none_or(|id| !members.contains(&id));
                let has_left = History::held(&self.history.members, from, version.at, left);
                let is_gone = assignee.is_some_and(|id| self.was_deleted(id, period));
                self.was_deleted(task.created_by, period) && (has_left || is_gone)
            }),
            _ => false,
        };
        let consistent =
            delivery.status == DeliveryStatus::Uncertain || delivery.uncertain_attempts > 0 || unsent;
        match is_true && consistent {
            true => Ok(()),
            false => Err(format!("{:?} {:?} was not true", delivery.status, delivery.reason)),
        }
    }
}
