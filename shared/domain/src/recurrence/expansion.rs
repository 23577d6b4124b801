//! The expansion of a rule in wall time, by the table in RFC 5545 §3.3.10.
//!
//! Parts that expand and parts that limit are treated alike: each day of a period is an occurrence if all given parts admit
//! it. Values that no part gives are taken from the start. The times of a day are counted, never listed, so a rule with
//! every second of the day costs no more than any other.

use jiff::civil::{Date, DateTime, Time};

use super::{
    day::{Day, first_of_january, weekday},
    rule::{Frequency, Parts},
};

/// The maximum number of periods shorter than a day that are searched for one occurrence. A search for a rule that never
/// occurs ends there, or at the last accepted day.
pub(super) const MAX_PERIODS: u32 = 50_000;

/// A rule and the wall time that its periods count from.
pub(super) struct Expansion<'a> {
    parts: &'a Parts,
    start: Day,
    start_time: Time,
    /// The number of the period that INTERVAL counts from, see [`Self::period`].
    first_period: i32,
    /// The effective parts: given, or taken from the start.
    months: Vec<i8>,
    month_days: Vec<i16>,
    weekdays: Vec<(i16, i8)>,
    hours: Vec<i8>,
    minutes: Vec<i8>,
    seconds: Vec<i8>,
    /// The times of day as bit masks.
    hour_mask: u64,
    minute_mask: u64,
    second_mask: u64,
}

/// The times of day in a period: all combinations of these.
struct Times<'a> {
    hours: &'a [i8],
    minutes: &'a [i8],
    seconds: &'a [i8],
}

impl<'a> Expansion<'a> {
    pub(super) fn new(parts: &'a Parts, start: DateTime) -> Self {
        let day = Day::from(start.date());
        let given =
            |list: &[i8], default: i8| if list.is_empty() { vec![default] } else { list.to_vec() };
        let all =
            |list: &[i8], count: i8| if list.is_empty() { (0..count).collect() } else { list.to_vec() };
        let freq = parts.freq;
        let names_days =
            !(parts.by_day.is_empty() && parts.by_month_day.is_empty() && parts.by_year_day.is_empty());
        let mut expansion = Self {
            parts,
            start: day,
            start_time: start.time(),
            first_period: 0,
            hour_mask: 0,
            minute_mask: 0,
            second_mask: 0,
            months: parts.by_month.clone(),
            month_days: parts.by_month_day.clone(),
            weekdays: parts.by_day.clone(),
            hours: if freq >= Frequency::Daily {
                given(&parts.by_hour, start.hour())
            } else {
                all(&parts.by_hour, 24)
            },
            minutes: if freq >= Frequency::Hourly {
                given(&parts.by_minute, start.minute())
            } else {
                all(&parts.by_minute, 60)
            },
            seconds: if freq >= Frequency::Minutely {
                given(&parts.by_second, start.second())
            } else {
                all(&parts.by_second, 60)
            },
        };
        expansion.seconds.retain(|second| *second < 60);
        let mask = |list: &[i8]| list.iter().fold(0, |mask, element| mask | 1_u64 << element);
        expansion.hour_mask = mask(&expansion.hours);
        expansion.minute_mask = mask(&expansion.minutes);
        expansion.second_mask = mask(&expansion.seconds);
        if !names_days {
            match freq {
                Frequency::Yearly if !parts.by_week_no.is_empty() => {
                    expansion.weekdays.push((0, day.weekday()));
                }
                Frequency::Yearly | Frequency::Monthly => {
                    expansion.month_days.push(i16::from(day.day));
                }
                Frequency::Weekly => expansion.weekdays.push((0, day.weekday())),
                _ => {}
            }
        }
        let only_month_days = parts.by_day.is_empty() && parts.by_year_day.is_empty();
        let weeks = !parts.by_week_no.is_empty();
        if freq == Frequency::Yearly && parts.by_month.is_empty() && only_month_days && !weeks {
            expansion.months.push(day.month);
        }
        // A start that is not an occurrence can be in the last week of the previous year.
        expansion.first_period = match freq == Frequency::Yearly && weeks && !expansion.admits(day) {
            true => day.year.into(),
            false => expansion.period(day),
        };
        expansion
    }

    /// The first wall time of the rule that is later than `after`, on a day up to `last`. `after` must not be before the
    /// start. Each searched period shorter than a day is subtracted from `periods`. The search ends when none is left.
    pub(super) fn next_after(
        &self,
        after: DateTime,
        last: Date,
        periods: &mut u32,
    ) -> Option<DateTime> {
        let last = Day::from(last);
        let mut day = Day::from(after.date());
        if self.parts.freq < Frequency::Daily {
            let first = day;
            while day <= last {
                let from = if day == first { seconds_of(after.time()) } else { 0 };
                if self.admits(day)
                    && let Some(found) = self.within(day, from, after, periods)
                {
                    return Some(found);
                }
                if *periods == 0 {
                    return None;
                }
                day = day.next();
            }
            return None;
        }
        if self.parts.by_set_pos.is_empty() {
            while day <= last {
                if self.is_aligned(day)
                    && self.admits(day)
                    && let Some(found) = self.choose(&[day], &self.times(), after)
                {
                    return Some(found);
                }
                day = day.next();
            }
            return None;
        }
        day = self.period_start(day);
        let mut days = Vec::new();
        while day <= last {
            let end = day.number + self.period_length(day);
            let aligned = self.is_aligned(day);
            days.clear();
            while day.number < end {
                if aligned && self.admits(day) {
                    days.push(day);
                }
                day = day.next();
            }
            if let Some(found) = self.choose(&days, &self.times(), after) {
                return Some(found);
            }
        }
        None
    }

    fn times(&self) -> Times<'_> {
        Times { hours: &self.hours, minutes: &self.minutes, seconds: &self.seconds }
    }

    /// The number of the period that contains a day. With BYWEEKNO a year consists of whole weeks.
    fn period(&self, day: Day) -> i32 {
        match self.parts.freq {
            Frequency::Yearly if !self.parts.by_week_no.is_empty() => self.week(day).0.into(),
            Frequency::Yearly => day.year.into(),
            Frequency::Monthly => i32::from(day.year) * 12 + i32::from(day.month),
            Frequency::Weekly => self.week_start(day.number).div_euclid(7),
            _ => day.number,
        }
    }

    /// The first day of the period that contains a day.
    fn period_start(&self, day: Day) -> Day {
        let back = match self.parts.freq {
            Frequency::Yearly if !self.parts.by_week_no.is_empty() => {
                day.number - self.first_week(self.week(day).0)
            }
            Frequency::Yearly => i32::from(day.year_day) - 1,
            Frequency::Monthly => i32::from(day.day) - 1,
            Frequency::Weekly => day.number - self.week_start(day.number),
            _ => 0,
        };
        day.back(back)
    }

    /// The number of days in the period that starts on a day.
    fn period_length(&self, first: Day) -> i32 {
        match self.parts.freq {
            Frequency::Yearly if !self.parts.by_week_no.is_empty() => {
                self.first_week(self.week(first).0 + 1) - first.number
            }
            Frequency::Yearly => first.days_in_year().into(),
            Frequency::Monthly => first.days_in_month().into(),
            Frequency::Weekly => 7,
            _ => 1,
        }
    }

    fn is_aligned(&self, day: Day) -> bool {
        if self.parts.interval == 1 {
            return true;
        }
        let periods = i64::from(self.period(day)) - i64::from(self.first_period);
        periods % i64::from(self.parts.interval) == 0
    }

    /// Whether all parts admit a day.
    fn admits(&self, day: Day) -> bool {
        let parts = self.parts;
        let from_both_ends = |list: &[i16], number: i16, count: i16| {
            list.is_empty() || list.contains(&number) || list.contains(&(number - count - 1))
        };
        (self.months.is_empty() || self.months.contains(&day.month))
            && from_both_ends(&self.month_days, day.day.into(), day.days_in_month().into())
            && from_both_ends(&parts.by_year_day, day.year_day, day.days_in_year())
            && (self.weekdays.is_empty() || self.admits_weekday(day))
            && (parts.by_week_no.is_empty() || {
                let (_, week, weeks) = self.week(day);
                from_both_ends(&parts.by_week_no, week, weeks)
            })
    }

    /// Whether one element of BYDAY admits a day. Its ordinal counts within the month or within the year.
    fn admits_weekday(&self, day: Day) -> bool {
        let parts = self.parts;
        let in_month = parts.freq == Frequency::Monthly || !parts.by_month.is_empty();
        let (number, count) = match in_month {
            true => (i16::from(day.day), i16::from(day.days_in_month())),
            false => (day.year_day, day.days_in_year()),
        };
        let (from_start, from_end) = ((number - 1) / 7 + 1, -((count - number) / 7 + 1));
        let plain = !parts.by_week_no.is_empty();
        self.weekdays.iter().any(|(ordinal, weekday)| {
            *weekday == day.weekday() && (plain || [0, from_start, from_end].contains(ordinal))
        })
    }

    /// The first occurrence on a day, for a rule with periods shorter than a day. Hours and minutes that the rule excludes
    /// are skipped in one step.
    fn within(&self, day: Day, from: u32, after: DateTime, periods: &mut u32) -> Option<DateTime> {
        let interval = i64::from(self.parts.interval);
        // The number of periods per hour and per minute. The latter is not used if a period is an hour.
        let (per_hour, per_minute) = match self.parts.freq {
            Frequency::Hourly => (1, 1),
            Frequency::Minutely => (60, 1),
            _ => (3_600, 60),
        };
        let length = 3_600 / per_hour;
        let days = i64::from(day.number) - i64::from(self.start.number);
        let midnight =
            days * i64::from(24 * per_hour) - i64::from(seconds_of(self.start_time) / length);
        let mut searched = false;
        let mut period = from / length;
        loop {
            let remainder = (midnight + i64::from(period)).rem_euclid(interval);
            let advance = if remainder == 0 { 0 } else { interval - remainder };
            // A large interval ends the search on this day.
            period = period.saturating_add(u32::try_from(advance).unwrap_or(u32::MAX));
            if period >= 24 * per_hour {
                return None;
            }
            // The first period of a day is not counted.
            *periods = periods.checked_sub(u32::from(searched))?;
            searched = true;
            let hour = period / per_hour;
            let minute = period % per_hour / per_minute;
            if self.hour_mask >> hour & 1 == 0 {
                period = (hour + 1) * per_hour;
            } else if per_hour > 1 && self.minute_mask >> minute & 1 == 0 {
                period = hour * per_hour + (minute + 1) * per_minute;
            } else if let Some(found) = self.in_period(day, period * length, after) {
                return Some(found);
            } else {
                period += 1;
            }
        }
    }

    /// The first occurrence in the hour, minute or second that starts `second` seconds after midnight.
    fn in_period(&self, day: Day, second: u32, after: DateTime) -> Option<DateTime> {
        let (hour, minute) = ([(second / 3_600) as i8], [(second / 60 % 60) as i8]);
        let second = [(second % 60) as i8];
        let (minutes, seconds) = (&self.minutes, &self.seconds);
        let times = match self.parts.freq {
            Frequency::Hourly => Times { hours: &hour, minutes, seconds },
            Frequency::Minutely => Times { hours: &hour, minutes: &minute, seconds },
            _ if self.second_mask >> second[0] & 1 == 1 => {
                Times { hours: &hour, minutes: &minute, seconds: &second }
            }
            _ => return None,
        };
        self.choose(&[day], &times, after)
    }

    /// The first wall time later than `after` in a period, of those that BYSETPOS selects.
    fn choose(&self, days: &[Day], times: &Times<'_>, after: DateTime) -> Option<DateTime> {
        let count = times.count();
        if count == 0 {
            return None;
        }
        let total = days.len() * count;
        let at = |index: usize| {
            let day = days.get(index.checked_div(count)?)?;
            Some(day.date().to_datetime(times.nth(index % count)))
        };
        if self.parts.by_set_pos.is_empty() {
            let (mut low, mut high) = (0, total);
            while low < high {
                let middle = low + (high - low) / 2;
                if at(middle)? <= after { low = middle + 1 } else { high = middle }
            }
            return if low < total { at(low) } else { None };
        }
        let positions = self.parts.by_set_pos.iter().filter_map(|position| {
            let from_start = usize::from(position.unsigned_abs());
            if *position > 0 { from_start.checked_sub(1) } else { total.checked_sub(from_start) }
        });
        positions.filter(|index| *index < total).filter_map(at).filter(|found| *found > after).min()
    }

    /// The first day of the week that contains a day, in days since 1970-01-01.
    fn week_start(&self, number: i32) -> i32 {
        number - (weekday(number) - i32::from(self.parts.week_start)).rem_euclid(7)
    }

    /// The first day of week 1 of a year: the first week with at least four days in the year (ISO 8601, with WKST as the first
    /// day of the week).
    fn first_week(&self, year: i16) -> i32 {
        self.week_start(first_of_january(year) + 3)
    }

    /// The year of the week that contains a day, the number of the week, and the number of weeks in that year.
    fn week(&self, day: Day) -> (i16, i16, i16) {
        let year = match day.year {
            year if day.number >= self.first_week(year + 1) => year + 1,
            year if day.number < self.first_week(year) => year - 1,
            year => year,
        };
        let (first, next) = (self.first_week(year), self.first_week(year + 1));
        (year, ((day.number - first) / 7 + 1) as i16, ((next - first) / 7) as i16)
    }
}

impl Times<'_> {
    fn count(&self) -> usize {
        self.hours.len() * self.minutes.len() * self.seconds.len()
    }

    /// The time of day at an index. Midnight if there is none.
    fn nth(&self, index: usize) -> Time {
        let (seconds, minutes) = (self.seconds.len(), self.minutes.len());
        let element = |list: &[i8], index: usize| list.get(index).copied().unwrap_or(0);
        jiff::civil::time(
            element(self.hours, index / (seconds * minutes)),
            element(self.minutes, index / seconds % minutes),
            element(self.seconds, index % seconds),
            0,
        )
    }
}

/// Seconds since midnight.
fn seconds_of(time: Time) -> u32 {
    let number = |part: i8| u32::from(part.unsigned_abs());
    number(time.hour()) * 3_600 + number(time.minute()) * 60 + number(time.second())
}
