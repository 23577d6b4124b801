//! The invariants of notifications, digests included.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use taskbell_domain::{
    delivery::{DeliveryStatus, Reason},
    id::UserId,
    notification::{Notification, NotificationKind},
    user::{MailKind, User},
};

use super::{
    CLIENT_LIMIT, MINUTE, WORKER_LIMIT,
    checks::{History, check_duplicates},
    cloud::Offer,
};

/// More days than a run has, so that the test ends even if the digest hour does not advance.
const MAX_DAYS: usize = 5_000;

/// The longest delay by faults after which a digest must exist.
const MAX_DELAY: SignedDuration = SignedDuration::from_hours(36);

/// Checks all notifications.
pub(super) fn check_notifications(
    history: &History,
    offers: &[Offer],
    strict: bool,
    end: Timestamp,
    count: &mut impl FnMut(&str),
) -> Result<(), String> {
    let mut digests = BTreeMap::new();
    for notification in history.notifications.values() {
        let name = notification.id.to_string();
        let offers: Vec<_> = offers.iter().filter(|offer| offer.subject == name).collect();
        check_notification(notification, &offers, end, count)
            .map_err(|why| format!("{name}: {why}"))?;
        if let NotificationKind::Digest { to, day } = notification.kind {
            if digests.insert((to, day), notification).is_some() {
                return Err(format!("{to} has two digests for {day}"));
            }
            count("digests");
            check_digest(history, notification, to, &offers, strict, count)
                .map_err(|why| format!("the digest of {day} for {to}: {why}"))?;
        }
    }
    check_every_day(history, &digests, strict, end)
}

fn check_notification(
    notification: &Notification,
    offers: &[&Offer],
    end: Timestamp,
    count: &mut impl FnMut(&str),
) -> Result<(), String> {
    let accepted = offers.iter().filter(|offer| offer.accepted).count();
    let delivery = &notification.delivery;
    // A digest due just before the end may still be in progress.
    let in_progress = matches!(notification.kind, NotificationKind::Digest { .. })
        && delivery.fire_at > end - MINUTE * 20;
    if delivery.next_at.is_some() && !in_progress {
        return Err(format!("its final status is {:?}", delivery.status));
    }
    check_duplicates(delivery, accepted)?;
    match delivery.status {
        DeliveryStatus::Sent if accepted == 0 => {
            Err("its status is sent, but SES did not accept it".to_owned())
        }
        DeliveryStatus::Sent => {
            count("notifications sent");
            Ok(())
        }
        _ => Ok(()),
    }
}

fn accepts_digests(user: &User) -> bool {
    user.mail.wants(MailKind::Digest) && user.reachable().is_ok()
}

/// A digest is not early, and is sent only to a reader who wanted it at some time since its claim. Without faults it is sent
/// at its hour or has a reason.
fn check_digest(
    history: &History,
    notification: &Notification,
    to: UserId,
    offers: &[&Offer],
    strict: bool,
    count: &mut impl FnMut(&str),
) -> Result<(), String> {
    let delivery = &notification.delivery;
    for offer in offers {
        if offer.at + offer.skew.max(SignedDuration::ZERO) < delivery.fire_at {
            return Err(format!("it was offered to SES at {}, too early", offer.at));
        }
        let permitted = |users: &BTreeMap<UserId, User>| {
            users.get(&to).is_some_and(|user| accepts_digests(user) && user.email.as_str() == offer.to)
        };
        if !History::held(&history.users, offer.at - *WORKER_LIMIT, offer.at, permitted) {
            return Err(format!("{} wanted no digest at {}", offer.to, offer.at));
        }
    }
    if delivery.status == DeliveryStatus::Sent {
        count("digests sent");
    }
    if !strict || delivery.next_at.is_some() {
        return Ok(());
    }
    // A digest moved to an hour that has passed waits for the next dispatch run. The change is stored shortly after its
    // request.
    let request = delivery.fire_at - MINUTE * 3..=delivery.fire_at + *CLIENT_LIMIT;
    let changed = |at: &Timestamp| request.contains(at);
    let recently_changed = history.users.iter().any(|(at, _)| changed(at));
    let in_time = if recently_changed { MINUTE * 3 } else { SignedDuration::from_secs(10) };
    let late = delivery.sent_at.map(|at| at.duration_since(delivery.fire_at));
    let reason = match delivery.reason {
        Some(Reason::TooOld) => recently_changed,
        Some(Reason::NothingDue | Reason::MailOff | Reason::Bounced | Reason::Complained) => true,
        Some(Reason::NoRecipient) => history.users.iter().any(|(_, users)| !users.contains_key(&to)),
        _ => false,
    };
    match delivery.status {
        DeliveryStatus::Sent if late <= Some(in_time) => Ok(()),
        DeliveryStatus::Skipped if reason => Ok(()),
        status => Err(format!("without faults it is {status:?} {:?} {late:?} late", delivery.reason)),
    }
}

/// A user whose digest settings did not change for long enough has one digest for each day whose digest hour was reached.
fn check_every_day(
    history: &History,
    digests: &BTreeMap<(UserId, Date), &Notification>,
    strict: bool,
    end: Timestamp,
) -> Result<(), String> {
    let settings = |user: &User| (accepts_digests(user), user.digest_hour, user.time_zone.clone());
    let max_delay = if strict { MINUTE * 10 } else { MAX_DELAY };
    let ids = history.users.iter().flat_map(|(_, users)| users.keys());
    let ids: BTreeSet<_> = ids.copied().collect();
    for id in ids {
        let mut changes: Vec<(Timestamp, Option<&User>)> = Vec::new();
        for (at, users) in &history.users {
            let user = users.get(&id);
            if changes.last().is_none_or(|(_, last)| last.map(settings) != user.map(settings)) {
                changes.push((*at, user));
            }
        }
        for (index, (from, user)) in changes.iter().enumerate() {
            let Some(user) = user else { continue };
            let until = changes.get(index + 1).map_or(end, |(next, _)| *next) - max_delay;
            // A request is evaluated by the clock of the function.
            let from = *from + MINUTE * 10;
            let mut day = user.local_date(from);
            for _ in 0..MAX_DAYS {
                if !accepts_digests(user) || user.digest_at(day) > until {
                    break;
                }
                let at = user.digest_at(day);
                // A user who flies west reaches a day again that is before the last day with a digest.
                let mut later = digests.range((id, day)..).take_while(|((of, _), _)| *of == id);
                let exists = later.any(|((_, date), notification)| {
                    *date == day || notification.delivery.fire_at <= at
                });
                if at >= from && !exists {
                    return Err(format!("{id} has no digest for {day}"));
                }
                day = day.saturating_add(1.day());
            }
        }
    }
    Ok(())
}
