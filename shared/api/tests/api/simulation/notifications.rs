//! What must hold of notifications, and of digests among them.

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
    checks::{History, not_doubled},
    cloud::Offer,
};

/// More days than a run has: a digest whose hour does not move on must not keep a test for ever.
const MOST_DAYS: usize = 5_000;

/// Longer than a digest can be held up by all that goes wrong, and still be sent.
const HELD_UP: SignedDuration = SignedDuration::from_hours(36);

/// Checks all notifications.
pub(super) fn check_notifications(
    history: &History,
    offers: &[Offer],
    strict: bool,
    end: Timestamp,
    count: &mut impl FnMut(&str),
) -> Result<(), String> {
    let mut made = BTreeMap::new();
    for notification in history.notifications.values() {
        let name = notification.id.to_string();
        let offers: Vec<_> = offers.iter().filter(|offer| offer.subject == name).collect();
        check_notification(notification, &offers, end, count)
            .map_err(|why| format!("{name}: {why}"))?;
        if let NotificationKind::Digest { to, day } = notification.content {
            if made.insert((to, day), notification).is_some() {
                return Err(format!("{to} has two digests for {day}"));
            }
            count("digests");
            check_digest(history, notification, to, &offers, strict, count)
                .map_err(|why| format!("the digest of {day} for {to}: {why}"))?;
        }
    }
    each_day_has_one(history, &made, strict, end)
}

fn check_notification(
    notification: &Notification,
    offers: &[&Offer],
    end: Timestamp,
    count: &mut impl FnMut(&str),
) -> Result<(), String> {
    let accepted = offers.iter().filter(|offer| offer.accepted).count();
    let delivery = &notification.delivery;
    // A digest whose hour comes just before the end may still be on its way.
    let on_its_way = matches!(notification.content, NotificationKind::Digest { .. })
        && delivery.fire_at > end - MINUTE * 20;
    if delivery.next_at.is_some() && !on_its_way {
        return Err(format!("it is left {:?}", delivery.status));
    }
    not_doubled(delivery, accepted)?;
    match delivery.status {
        DeliveryStatus::Sent if accepted == 0 => Err("it is called sent and was not".to_owned()),
        DeliveryStatus::Sent => {
            count("notifications sent");
            Ok(())
        }
        _ => Ok(()),
    }
}

fn takes(user: &User) -> bool {
    user.mail.wants(MailKind::Digest) && user.reachable().is_ok()
}

/// It is not early, and goes to a reader who wanted it when it was claimed or since. Where nothing goes wrong, it is sent at
/// its hour, or there is a reason.
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
        let right = |users: &BTreeMap<UserId, User>| {
            users.get(&to).is_some_and(|user| takes(user) && user.email.as_str() == offer.to)
        };
        if !History::was(&history.users, offer.at - *WORKER_LIMIT, offer.at, right) {
            return Err(format!("{} wanted none at {}", offer.to, offer.at));
        }
    }
    if delivery.status == DeliveryStatus::Sent {
        count("digests sent");
    }
    if !strict || delivery.next_at.is_some() {
        return Ok(());
    }
    // What is moved to an hour that has passed waits for the next sweep. The change is stored a little after its request.
    let request = delivery.fire_at - MINUTE * 3..=delivery.fire_at + *CLIENT_LIMIT;
    let moved = |at: &Timestamp| request.contains(at);
    let lately = history.users.iter().any(|(at, _)| moved(at));
    let in_time = if lately { MINUTE * 3 } else { SignedDuration::from_secs(10) };
    let late = delivery.sent_at.map(|at| at.duration_since(delivery.fire_at));
    let reason = match delivery.reason {
        Some(Reason::TooOld) => lately,
        Some(Reason::NothingDue | Reason::MailOff | Reason::Bounced | Reason::Complained) => true,
        _ => false,
    };
    match delivery.status {
        DeliveryStatus::Sent if late <= Some(in_time) => Ok(()),
        DeliveryStatus::Skipped if reason => Ok(()),
        status => {
            Err(format!("nothing went wrong, and it is {status:?} {:?} {late:?} late", delivery.reason))
        }
    }
}

/// For each day whose hour a user has come to, wanting a digest and keeping to that for as long as it may take, there is one.
fn each_day_has_one(
    history: &History,
    made: &BTreeMap<(UserId, Date), &Notification>,
    strict: bool,
    end: Timestamp,
) -> Result<(), String> {
    let wish = |user: &User| (takes(user), user.digest_hour, user.time_zone.clone());
    let held_up = if strict { MINUTE * 10 } else { HELD_UP };
    let ids = history.users.iter().flat_map(|(_, users)| users.keys());
    let ids: BTreeSet<_> = ids.copied().collect();
    for id in ids {
        let mut wishes: Vec<(Timestamp, &User)> = Vec::new();
        for (at, users) in &history.users {
            let Some(user) = users.get(&id) else { continue };
            if wishes.last().is_none_or(|(_, last)| wish(last) != wish(user)) {
                wishes.push((*at, user));
            }
        }
        for (index, (from, user)) in wishes.iter().enumerate() {
            let until = wishes.get(index + 1).map_or(end, |(next, _)| *next) - held_up;
            // A request is judged by the clock of the function.
            let from = *from + MINUTE * 10;
            let mut day = user.local_date(from);
            for _ in 0..MOST_DAYS {
                if !takes(user) || user.digest_at(day) > until {
                    break;
                }
                let at = user.digest_at(day);
                // Whoever has flown west comes to a day again that lies before the last one that had its own.
                let mut later = made.range((id, day)..).take_while(|((of, _), _)| *of == id);
                let had = later.any(|((_, made), notification)| {
                    *made == day || notification.delivery.fire_at <= at
                });
                if at >= from && !had {
                    return Err(format!("{id} has no digest for {day}"));
                }
                day = day.saturating_add(1.day());
            }
        }
    }
    Ok(())
}
