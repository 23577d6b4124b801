//! The digest: one for each day, on the clocks of its reader, whatever these clocks do.

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

/// Takes every turn until a moment; gives the days for which a digest was made, and when.
fn live(digest: &mut Digest, reader: &User, until: Timestamp) -> Vec<(Date, Timestamp)> {
    let mut days = Vec::new();
    for _ in 0..10_000 {
        let Some(at) = digest.at.filter(|at| *at <= until) else { return days };
        days.extend(digest.advance(Some(reader), at).map(|made| (made.day, made.at)));
    }
    panic!("turns that do not move on");
}

#[test]
fn each_day_of_years_has_one_digest_at_its_hour_in_every_zone() {
    // Zones whose clocks leap at midnight, at two, by half an hour, in both halves of the world; and none that do.
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
            let days = live(&mut digest, &reader, instant("2029-01-01T12:00:00Z"));
            let mut expected = first;
            for (day, at) in days {
                assert_eq!(day, expected, "{zone} at {hour}");
                expected = day.tomorrow().expect("a day");
                let local = at.to_zoned(reader.time_zone.rules().clone());
                let leapt =
                    u64::try_from(local.hour()).expect("an hour") != hour || local.minute() != 0;
                if leapt {
                    let before = (at - 1.hour()).to_zoned(reader.time_zone.rules().clone());
                    assert_ne!(before.offset(), local.offset(), "{zone} at {hour}: {local}");
                }
            }
            assert!(expected > "2028-12-29".parse().expect("a day"), "{zone} at {hour}: {expected}");
        }
    }
}

#[test]
fn a_day_has_one_digest_however_often_its_reader_travels() {
    let journey =
        ["Pacific/Auckland", "Pacific/Honolulu", "Europe/Berlin", "Asia/Tokyo", "America/New_York"];
    let mut reader = reader("UTC", 7);
    let mut digest = digest_at(instant("2026-03-01T07:00:00Z"));
    let (mut days, mut expected): (Vec<Date>, BTreeSet<Date>) = (Vec::new(), BTreeSet::new());
    let mut now = instant("2026-03-01T00:00:00Z");
    for step in 0..400_i64 {
        // At another time of the day each time, and at another hour.
        let came = now;
        now += (5 + step % 31).hours();
        days.extend(live(&mut digest, &reader, now).into_iter().map(|(day, _)| day));
        // The reader has lived through the hour of these days where they were.
        let lived = (0..4).map(|more| reader.local_date(came).saturating_add(more.days()));
        expected.extend(lived.filter(|day| (came..=now).contains(&reader.digest_at(*day))));
        let before = reader.clone();
        let zone = journey[usize::try_from(step).expect("small") % journey.len()];
        reader.time_zone = Zone::parse(zone).expect("a zone");
        reader.digest_hour = DigestHour::new(step.unsigned_abs() * 7 % 24).expect("an hour");
        if let Some(timer) = reader.digest_rescheduled(&before, now) {
            digest.at = Some(timer.at);
            digest.version += 1;
        }
    }
    let made: BTreeSet<_> = days.iter().copied().collect();
    assert_eq!(days.len(), made.len(), "one for each day");
    assert!(days.is_sorted());
    assert_eq!(expected.difference(&made).collect::<Vec<_>>(), Vec::<&Date>::new());
    assert!(made.len() > 300, "{}", made.len());
}

#[test]
fn an_hour_that_has_passed_today_is_made_up_for_only_if_todays_has_not_been_made() {
    let now = instant("2026-03-10T09:00:00Z");
    let before = reader("UTC", 10);
    let mut reader = before.clone();
    reader.digest_hour = DigestHour::new(8).expect("an hour");
    let moved = reader.digest_rescheduled(&before, now).expect("it has moved");
    assert_eq!(moved.at, now);
    // Not made yet today, so it is made now, and tomorrow at its hour.
    let mut digest = digest_at(moved.at);
    digest.last_run_date = Some("2026-03-09".parse().expect("a day"));
    let made = digest.advance(Some(&reader), now).expect("one is made");
    assert_eq!((made.day, made.at), ("2026-03-10".parse().expect("a day"), now));
    assert_eq!(digest.at, Some(instant("2026-03-11T08:00:00Z")));
    // Made already, so it is not made again.
    digest.at = Some(now);
    assert_eq!(digest.advance(Some(&reader), now), None);
    assert_eq!(digest.at, Some(instant("2026-03-11T08:00:00Z")));
    // Whoever turns it on waits for the next time that it is so late.
    let mut off = reader.clone();
    off.mail.set(MailKind::Digest, false);
    let timer = reader.digest_rescheduled(&off, now).expect("it is on");
    assert_eq!(timer.at, instant("2026-03-11T08:00:00Z"));
    assert_eq!(off.digest_rescheduled(&reader, now), None);
    assert_eq!(reader.digest_rescheduled(&reader, now), None);
}

#[test]
fn who_wants_none_gets_no_more_and_who_cannot_be_reached_gets_none_meanwhile() {
    let mut reader = reader("UTC", 7);
    let at = instant("2026-03-10T07:00:00Z");
    let mut digest = digest_at(at);
    assert_eq!(digest.advance(Some(&reader), at - 1.second()), None);
    assert_eq!(digest.version, 1, "it is not due");
    reader.email_verified_at = None;
    assert_eq!(digest.advance(Some(&reader), at), None);
    assert_eq!(digest.at, Some(instant("2026-03-11T07:00:00Z")));
    // Who can be reached later that day, and moves it to a later hour, still gets that day's.
    let mut later = Digest { at: Some(instant("2026-03-10T09:00:00Z")), ..digest.clone() };
    let mut proven = reader.clone();
    proven.email_verified_at = Some(at);
    let made = later.advance(Some(&proven), instant("2026-03-10T09:00:00Z")).expect("one is made");
    assert_eq!(made.day, "2026-03-10".parse().expect("a day"));
    reader.mail.set(MailKind::Digest, false);
    assert_eq!(digest.advance(Some(&reader), instant("2026-03-11T07:00:00Z")), None);
    assert_eq!((digest.at, digest.timer()), (None, None));
    let mut gone = digest_at(at);
    assert_eq!(gone.advance(None, at), None);
    assert_eq!(gone.at, None);
}

#[test]
fn an_hour_of_the_day_is_one_of_24() {
    assert_eq!(DigestHour::new(0).expect("an hour").get(), 0);
    assert_eq!(DigestHour::new(23).expect("an hour").get(), 23);
    for bad in [24, 100, u64::MAX] {
        assert_eq!(DigestHour::new(bad).expect_err("none").code, "out_of_range");
    }
}
