//! Random rules against a reference that tries each day and each time of day.
//!
//! The reference follows RFC 5545 §3.3.10: a day is an occurrence if all BY parts admit it, BYSETPOS selects among the
//! occurrences of a period, and a period counts if its distance to the first one is a multiple of INTERVAL.

use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time, date},
};
use proptest::{
    collection::vec,
    option::weighted,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use taskbell_domain::{
    due::Due,
    recurrence::{RecurrenceFrom, Rule, Series},
    zone::Zone,
};

/// The number of rules, and of occurrences that are compared for each.
const RULES: u32 = 2_000;
const OCCURRENCES: usize = 8;

const FREQUENCIES: [&str; 7] =
    ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"];
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// The parts of a rule. A part that is not given is empty.
#[derive(Debug, Clone, Default)]
struct Parts {
    /// The place in [`FREQUENCIES`].
    freq: usize,
    interval: i64,
    /// The index in [`DAYS`].
    week_start: usize,
    months: Vec<i16>,
    weeks: Vec<i16>,
    year_days: Vec<i16>,
    month_days: Vec<i16>,
    /// Ordinals (0 if there is none), with indexes in [`DAYS`].
    days: Vec<(i16, i8)>,
    hours: Vec<i16>,
    minutes: Vec<i16>,
    seconds: Vec<i16>,
    positions: Vec<i16>,
}

const YEARLY: usize = 0;
const MONTHLY: usize = 1;
const WEEKLY: usize = 2;
const DAILY: usize = 3;
const HOURLY: usize = 4;
const MINUTELY: usize = 5;
const SECONDLY: usize = 6;

impl Parts {
    /// Without what RFC 5545 does not allow with this FREQ.
    fn allowed(mut self) -> Self {
        if self.freq != YEARLY {
            self.weeks.clear();
        }
        if [MONTHLY, WEEKLY, DAILY].contains(&self.freq) {
            self.year_days.clear();
        }
        if self.freq == WEEKLY {
            self.month_days.clear();
        }
        let numbered = self.freq <= MONTHLY && self.weeks.is_empty();
        if !numbered {
            self.days.iter_mut().for_each(|day| day.0 = 0);
        }
        if self.freq == MONTHLY || !self.months.is_empty() {
            self.days.iter_mut().filter(|day| day.0.abs() > 5).for_each(|day| day.0 %= 6);
        }
        if self.text().matches("BY").count() == 1 {
            self.positions.clear();
        }
        self
    }

    fn text(&self) -> String {
        let days = self.days.iter().map(|(ordinal, day)| match ordinal {
            0 => DAYS[*day as usize].to_owned(),
            _ => format!("{ordinal}{}", DAYS[*day as usize]),
        });
        let lists = [
            ("BYMONTH", &self.months),
            ("BYWEEKNO", &self.weeks),
            ("BYYEARDAY", &self.year_days),
            ("BYMONTHDAY", &self.month_days),
            ("BYHOUR", &self.hours),
            ("BYMINUTE", &self.minutes),
            ("BYSECOND", &self.seconds),
            ("BYSETPOS", &self.positions),
        ];
        let head = format!(
            "FREQ={};INTERVAL={};WKST={}",
            FREQUENCIES[self.freq], self.interval, DAYS[self.week_start]
        );
        let numbers = |list: &Vec<i16>| list.iter().map(i16::to_string).collect::<Vec<_>>().join(",");
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        [head]
            .into_iter()
            .chain(lists.map(|(name, list)| format!("{name}={}", numbers(list))))
            .chain(
                (!self.days.is_empty())
                    .then(|| format!("BYDAY={}", days.collect::<Vec<_>>().join(","))),
            )
            .collect::<Vec<_>>()
            .join(";")
    }

    /// Whether all parts admit a day. Values that are not given are those of the start.
    fn admits(&self, day: &Day, start: &Day) -> bool {
        let any = |list: &[i16], places: [i16; 2]| {
            list.is_empty() || list.iter().any(|number| places.contains(number))
        };
        let within_month = self.freq == MONTHLY || !self.months.is_empty();
        let place = if within_month { day.of_month } else { day.of_year };
        let ordinals = [(place[0] - 1) / 7 + 1, (place[1] + 1) / 7 - 1];
        let named = self.days.is_empty()
            || self.days.iter().any(|(ordinal, weekday)| {
                *weekday == day.weekday && (*ordinal == 0 || ordinals.contains(ordinal))
            });
        let same_day = !self.days.is_empty()
            || !self.year_days.is_empty()
            || match self.freq {
                // The month is not given, so it is that of the start.
                YEARLY if !self.month_days.is_empty() => {
                    !self.weeks.is_empty() || !self.months.is_empty() || day.month == start.month
                }
                _ if !self.month_days.is_empty() => true,
                YEARLY if !self.weeks.is_empty() => day.weekday == start.weekday,
                YEARLY if !self.months.is_empty() => day.of_month[0] == start.of_month[0],
                YEARLY => (day.month, day.of_month[0]) == (start.month, start.of_month[0]),
                MONTHLY => day.of_month[0] == start.of_month[0],
                WEEKLY => day.weekday == start.weekday,
                _ => true,
            };
        same_day
            && named
            && any(&self.months, [day.month; 2])
            && any(&self.month_days, day.of_month)
            && any(&self.year_days, day.of_year)
            && (self.weeks.is_empty() || any(&self.weeks, day.weeks[self.week_start].1))
    }

    /// The number of the period that contains a second of a day. With BYWEEKNO a year consists of whole weeks.
    fn period(&self, day: &Day, second: i64) -> i64 {
        match self.freq {
            YEARLY if !self.weeks.is_empty() => day.weeks[self.week_start].0.into(),
            YEARLY => day.year.into(),
            MONTHLY => i64::from(day.year) * 12 + i64::from(day.month),
            WEEKLY => (day.since_a_monday - self.week_start as i64).div_euclid(7),
            DAILY => day.since_a_monday,
            HOURLY => day.since_a_monday * 24 + second / 3_600,
            MINUTELY => day.since_a_monday * 1_440 + second / 60,
            _ => day.since_a_monday * 86_400 + second,
        }
    }

    /// The seconds of a day that the rule admits, in ascending order.
    fn seconds_of_day(&self, start: DateTime) -> impl Iterator<Item = i64> + Clone + '_ {
        let of = move |list: &[i16], all: i64, from: usize, own: i8| -> Vec<i64> {
            let given = |number: &i64| match list {
                [] => self.freq >= from || *number == i64::from(own),
                _ => list.iter().any(|listed| i64::from(*listed) == *number),
            };
            (0..all).filter(given).collect()
        };
        let hours = of(&self.hours, 24, HOURLY, start.hour());
        let minutes = of(&self.minutes, 60, MINUTELY, start.minute());
        let seconds = of(&self.seconds, 60, SECONDLY, start.second());
        hours.into_iter().flat_map(move |hour| {
            let seconds = seconds.clone();
            minutes.clone().into_iter().flat_map(move |minute| {
                seconds.clone().into_iter().map(move |second| hour * 3_600 + minute * 60 + second)
            })
        })
    }

    /// The first occurrences after the start, and the last day that was tried.
    fn expand(&self, days: &[Day], start: DateTime) -> (Vec<DateTime>, Date) {
        let at = days.iter().position(|day| day.date == start.date()).expect("a known day");
        let tried = [1_500, 400, 400, 400, 200, 20, 2][self.freq];
        let last = (at + tried).min(days.len() - 1);
        let own = &days[at];
        let origin = match self.freq {
            YEARLY if !self.admits(own, own) => own.year.into(),
            _ => self.period(own, second_of(start)),
        };
        // From before the period of the start to after the period of the last day.
        let around = if self.freq < DAILY { 372 } else { 0 };
        let (times, mut found, mut set) = (self.seconds_of_day(start), Vec::new(), Vec::new());
        let mut current = None;
        for (number, day) in days.iter().enumerate().take(last + around + 1).skip(at - around) {
            if found.len() >= OCCURRENCES || number > last && set.is_empty() {
                break;
            }
            if !self.admits(day, own) {
                continue;
            }
            for second in times.clone() {
                let period = self.period(day, second);
                if (period - origin) % self.interval != 0 {
                    continue;
                }
                if current != Some(period) {
                    found.extend(self.chosen(&set).filter(|time| *time > start));
                    set.clear();
                    current = Some(period);
                    if found.len() >= OCCURRENCES {
                        break;
                    }
                }
                set.push(day.date.to_datetime(time_of(second)));
            }
        }
        found.extend(self.chosen(&set).filter(|time| *time > start));
        found.retain(|time| time.date() <= days[last].date);
        found.truncate(OCCURRENCES);
        (found, days[last].date)
    }

    fn chosen<'a>(&'a self, set: &'a [DateTime]) -> impl Iterator<Item = DateTime> + 'a {
        let length = set.len() as i16;
        set.iter().zip(1..).filter_map(move |(time, position)| {
            let positions = [position, position - length - 1];
            let chosen = self.positions.iter().any(|wanted| positions.contains(wanted));
            (self.positions.is_empty() || chosen).then_some(*time)
        })
    }
}

/// A day with all values that parts can match. Positions are from the start and from the end.
struct Day {
    date: Date,
    year: i16,
    month: i16,
    of_month: [i16; 2],
    of_year: [i16; 2],
    /// The index in [`DAYS`].
    weekday: i8,
    since_a_monday: i64,
    /// For each first day of the week: the year that the week belongs to, and its position in that year.
    weeks: [(i16, [i16; 2]); 7],
}

impl Day {
    fn new(date: Date) -> Self {
        let weekday = date.weekday().to_monday_zero_offset();
        let week = |start: i8| {
            // A week belongs to the year that contains four of its days, so to that of its fourth day.
            let fourth = date.saturating_add((3 - (weekday - start).rem_euclid(7)).days());
            let from_end = fourth.days_in_year() - fourth.day_of_year();
            (fourth.year(), [(fourth.day_of_year() - 1) / 7 + 1, -(from_end / 7 + 1)])
        };
        Self {
            date,
            year: date.year(),
            month: date.month().into(),
            of_month: [date.day().into(), i16::from(date.day() - date.days_in_month()) - 1],
            of_year: [date.day_of_year(), date.day_of_year() - date.days_in_year() - 1],
            weekday,
            since_a_monday: (date - jiff::civil::date(1970, 1, 5)).get_days().into(),
            weeks: [0, 1, 2, 3, 4, 5, 6].map(week),
        }
    }

    /// The days from two years before the first start to the last accepted one.
    fn all() -> Vec<Self> {
        date(2_158, 1, 1).series(1.day()).take_while(|day| day.year() < 2_200).map(Self::new).collect()
    }
}

fn time_of(second: i64) -> Time {
    Time::constant((second / 3_600) as i8, (second / 60 % 60) as i8, (second % 60) as i8, 0)
}

fn second_of(time: DateTime) -> i64 {
    i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second())
}

/// Numbers from 1 to `most` and, if signed, from -1 to -`most`.
fn numbers(most: i16, signed: bool) -> BoxedStrategy<i16> {
    if signed { prop_oneof![1..=most, -most..=-1].boxed() } else { (1..=most).boxed() }
}

fn some<S: Strategy<Value = i16> + 'static>(
    share: f64,
    values: S,
    most: usize,
) -> BoxedStrategy<Vec<i16>> {
    weighted(share, vec(values, 1..=most)).prop_map(Option::unwrap_or_default).boxed()
}

fn parts() -> impl Strategy<Value = Parts> {
    let ordinal = prop_oneof![4 => Just(0), 4 => numbers(5, true), 1 => numbers(53, true)];
    let week = prop_oneof![numbers(53, true), prop::sample::select(vec![1, 52, 53, -1, -52, -53])];
    let of_the_year = (
        some(0.3, numbers(12, false), 4),
        some(0.3, week, 3),
        some(0.15, numbers(366, true), 20),
        some(0.25, numbers(31, true), 9),
        weighted(0.45, vec((ordinal, 0..7_i8), 1..=4)).prop_map(Option::unwrap_or_default),
    );
    let of_the_day = (
        some(0.2, 0..24_i16, 3),
        some(0.15, 0..60_i16, 3),
        some(0.1, 0..60_i16, 3),
        some(0.25, numbers(5, true), 3),
    );
    (0..7_usize, 1..=5_i64, 0..7_usize, of_the_year, of_the_day).prop_map(
        |(freq, interval, week_start, year, day)| {
            let (months, weeks, year_days, month_days, days) = year;
            let (hours, minutes, seconds, positions) = day;
            let parts = Parts {
                freq,
                interval,
                week_start,
                months,
                weeks,
                year_days,
                month_days,
                days,
                hours,
                minutes,
                seconds,
                positions,
            };
            parts.allowed()
        },
    )
}

/// The occurrences after the start that Taskbell finds, up to a day.
fn expanded(text: &str, start: DateTime, last: Date) -> Vec<DateTime> {
    let zone = Zone::utc();
    let due = Due::parse(&format!("{start}[UTC]")).expect("a due time");
    let rule = Rule::parse(text).expect(text);
    let first = match Series::starting(rule, RecurrenceFrom::Due, due, &zone) {
        Ok(first) => first,
        Err(violation) => {
            assert_eq!(violation.code, "no_occurrence", "{text}");
            return Vec::new();
        }
    };
    let series = std::iter::successors(Some(first), |one| one.upcoming(&zone, 1).next());
    let times = series.skip(1).map(|one| one.occurrence_time.wall_time(&zone));
    times.take_while(|time| time.date() <= last).take(OCCURRENCES).collect()
}

#[test]
fn a_rule_has_the_occurrences_of_the_reference() {
    let days = Day::all();
    // Late start days keep searches for rules that never occur short, and let some series reach the last day.
    let starts = (2_160..2_199_i16, 0..365_i64, 0..86_400_i64).prop_map(|(year, day, second)| {
        date(year, 1, 1).saturating_add(day.days()).to_datetime(time_of(second))
    });
    let mut runner = TestRunner::new_with_rng(
        Config { cases: RULES, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let result = runner.run(&(parts(), starts), |(parts, start)| {
        let (expected, last) = parts.expand(&days, start);
        let text = parts.text();
        prop_assert_eq!(expanded(&text, start, last), expected, "{} from {}", text, start);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Weeks at the turn of the year, as a check of the reference itself.
#[test]
fn the_reference_knows_the_weeks_of_iso_8601() {
    for (day, year, week) in [
        (date(2026, 12, 31), 2026, [53, -1]),
        (date(2027, 1, 3), 2026, [53, -1]),
        (date(2027, 1, 4), 2027, [1, -52]),
        (date(2024, 12, 29), 2024, [52, -1]),
        (date(2024, 12, 30), 2025, [1, -52]),
    ] {
        assert_eq!(Day::new(day).weeks[0], (year, week), "{day}");
        let iso = day.iso_week_date();
        assert_eq!((iso.year(), i16::from(iso.week())), (year, week[0]), "{day}");
    }
    // With weeks from Sunday on, 3 January 2027 starts week 1.
    assert_eq!(Day::new(date(2027, 1, 3)).weeks[6], (2027, [1, -52]));
}
