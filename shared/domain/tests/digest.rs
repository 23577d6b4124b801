//! The daily digest: one per day in the user's time zone, across changes of clocks and time zones.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, civil::Date};
use taskbell_domain::{
    digest::Digest,
    user::{DigestHour, MailKind, User},
    zone::Zone,
};
use taskbell_test::fixtures::{instant, user};

fn reader(zone: &str, hour: u64) -> User {
    let mut reader = user(1);
    reader.mail.set(MailKind::Digest, true);
    reader.time_zone = Zone::parse(zone).expect("a zone");
    reader.digest_hour = DigestHour::new(hour).expect("an hour");
    reader
}

fn digest_at(at: Timestamp) -> Digest {
    Digest::new(user(1).id, Some(at), 1)
}

/// Advances the digest up to `until`. Returns the days that had a digest, and when.
fn advance(digest: &mut Digest, reader: &User, until: Timestamp) -> Vec<(Date, Timestamp)> {
    let mut days = Vec::new();
    for _ in 0..10_000 {
        let Some(at) = digest.at.filter(|at| *at <= until) else { return days };
        days.extend(digest.advance(Some(reader), at).map(|run| (run.day, run.at)));
    }
    panic!("the digest does not advance");
}

#[test]
fn each_day_has_one_digest_at_its_hour_in_every_time_zone() {
    // Time zones that change clocks at midnight, at two, by half an hour, on both hemispheres, and never.
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "America/Santiago",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Beirut",
        "UTC",
        "Asia/Kathmandu",
        "America/Nuuk",
        "Pacific/Kiritimati",
    ];
    for zone in zones {
        for hour in [0, 1, 2, 3, 7, 23] {
            let reader = reader(zone, hour);
            let first: Date = "2026-01-01".parse().expect("a day");
            let mut digest = digest_at(reader.digest_at(first));
            let days = advance(&mut digest, &reader, instant("2029-01-01T12:00:00Z"));
            let mut expected = first;
            for (day, at) in days {
                assert_eq!(day, expected, "{zone} at {hour}");
                expected = day.tomorrow().expect("a day");
                let local = at.to_zoned(reader.time_zone.rules().clone());
                let shifted =
                    u64::try_from(local.hour()).expect("an hour") != hour || local.minute() != 0;
                if shifted {
                    let before = (at - 1.hour()).to_zoned(reader.time_zone.rules().clone());
                    assert_ne!(before.offset(), local.offset(), "{zone} at {hour}: {local}");
                }
            }
            assert!(expected > "2028-12-29".parse().expect("a day"), "{zone} at {hour}: {expected}");
        }
    }
}

#[test]
fn a_day_has_one_digest_even_if_the_user_travels() {
    let journey =
        ["Pacific/Auckland", "Pacific/Honolulu", "Europe/Berlin", "Asia/Tokyo", "America/New_York"];
    let mut reader = reader("UTC", 7);
    let mut digest = digest_at(instant("2026-03-01T07:00:00Z"));
    let (mut days, mut expected): (Vec<Date>, BTreeSet<Date>) = (Vec::new(), BTreeSet::new());
    let mut now = instant("2026-03-01T00:00:00Z");
    for step in 0..400_i64 {
        // Each step is at a different time of day and sets a different hour.
        let arrived = now;
        now += (5 + step % 31).hours();
        days.extend(advance(&mut digest, &reader, now).into_iter().map(|(day, _)| day));
        // The hour of these days occurred while the user was in this time zone.
        let days_there = (0..4).map(|more| reader.local_date(arrived).saturating_add(more.days()));
        expected.extend(days_there.filter(|day| (arrived..=now).contains(&reader.digest_at(*day))));
        let before = reader.clone();
        let zone = journey[usize::try_from(step).expect("small") % journey.len()];
        reader.time_zone = Zone::parse(zone).expect("a zone");
        reader.digest_hour = DigestHour::new(step.unsigned_abs() * 7 % 24).expect("an hour");
        if let Some(timer) = reader.digest_rescheduled(&before, now) {
            digest.at = Some(timer.at);
            digest.version += 1;
        }
    }
    let had: BTreeSet<_> = days.iter().copied().collect();
    assert_eq!(days.len(), had.len(), "one per day");
    assert!(days.is_sorted());
    assert_eq!(expected.difference(&had).collect::<Vec<_>>(), Vec::<&Date>::new());
    assert!(had.len() > 300, "{}", had.len());
}

#[test]
fn moving_the_hour_into_the_past_sends_todays_digest_unless_it_was_sent() {
    let now = instant("2026-03-10T09:00:00Z");
    let before = reader("UTC", 10);
    let mut reader = before.clone();
    reader.digest_hour = DigestHour::new(8).expect("an hour");
    let moved = reader.digest_rescheduled(&before, now).expect("it is rescheduled");
    assert_eq!(moved.at, now);
    // Today's digest was not created yet: it is due now, and the next one tomorrow at the new hour.
    let mut digest = digest_at(moved.at);
    digest.last_run_date = Some("2026-03-09".parse().expect("a day"));
    let run = digest.advance(Some(&reader), now).expect("a digest is due");
    assert_eq!((run.day, run.at), ("2026-03-10".parse().expect("a day"), now));
    assert_eq!(digest.at, Some(instant("2026-03-11T08:00:00Z")));
    // Today's digest was created: it is not created again.
    digest.at = Some(now);
    assert_eq!(digest.advance(Some(&reader), now), None);
    assert_eq!(digest.at, Some(instant("2026-03-11T08:00:00Z")));
    // After it is turned on, the first one is due at the next occurrence of the hour.
    let mut off = reader.clone();
    off.mail.set(MailKind::Digest, false);
    let timer = reader.digest_rescheduled(&off, now).expect("it is turned on");
    assert_eq!(timer.at, instant("2026-03-11T08:00:00Z"));
    assert_eq!(off.digest_rescheduled(&reader, now), None);
    assert_eq!(reader.digest_rescheduled(&reader, now), None);
}

#[test]
fn a_digest_is_not_sent_while_it_is_turned_off_or_the_user_cannot_get_mail() {
    let mut reader = reader("UTC", 7);
    let at = instant("2026-03-10T07:00:00Z");
    let mut digest = digest_at(at);
    assert_eq!(digest.advance(Some(&reader), at - 1.second()), None);
    assert_eq!(digest.version, 1, "it is not due");
    reader.email_verified_at = None;
    assert_eq!(digest.advance(Some(&reader), at), None);
    assert_eq!(digest.at, Some(instant("2026-03-11T07:00:00Z")));
    // A user who verifies the address and moves the hour to later on the same day still gets that day's digest.
    let mut later = Digest { at: Some(instant("2026-03-10T09:00:00Z")), ..digest.clone() };
    let mut verified = reader.clone();
    verified.email_verified_at = Some(at);
    let run = later.advance(Some(&verified), instant("2026-03-10T09:00:00Z")).expect("a digest is due");
    assert_eq!(run.day, "2026-03-10".parse().expect("a day"));
    reader.mail.set(MailKind::Digest, false);
    assert_eq!(digest.advance(Some(&reader), instant("2026-03-11T07:00:00Z")), None);
    assert_eq!((digest.at, digest.timer()), (None, None));
    let mut deleted = digest_at(at);
    assert_eq!(deleted.advance(None, at), None);
    assert_eq!(deleted.at, None);
}

#[test]
fn the_hour_of_the_digest_is_0_to_23() {
    assert_eq!(DigestHour::new(0).expect("an hour").get(), 0);
    assert_eq!(DigestHour::new(23).expect("an hour").get(), 23);
    for bad in [24, 100, u64::MAX] {
        assert_eq!(DigestHour::new(bad).expect_err("out of range").code, "out_of_range");
    }
}
