//! Statistics about the tasks of a space, so that they can be read without reading the tasks.
//!
//! Each task contributes to a few groups of counters. The last contribution of a task is stored, so that a change is
//! recorded as a difference, and recording the same contribution twice has no effect.

use std::{collections::BTreeMap, ops::RangeInclusive};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{
    id::{SpaceId, TaskId},
    task::{Status, Task},
    text::{Category, Tag},
    zone::Zone,
};

/// A group of counters that are stored together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CounterGroup {
    /// All tasks.
    Tasks,
    /// Tasks with a tag.
    Tag(Tag),
    /// Tasks in a category.
    Category(Category),
    /// Open tasks that are due on a day in UTC.
    Due(Date),
    /// Tasks that were completed on a day in UTC.
    Completed(Date),
}

impl CounterGroup {
    /// The tag or the category. `None` for other groups.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Tag(tag) => Some(tag.as_str()),
            Self::Category(category) => Some(category.as_str()),
            _ => None,
        }
    }
}

/// A counter of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// All tasks.
    All,
    /// Open tasks.
    Open,
    /// Tasks in progress.
    InProgress,
    /// Reminders of open tasks.
    Reminders,
    /// Tasks in a quarter of an hour of the day, 0 to 95. The offsets of time zones from UTC are multiples of a quarter of
    /// an hour, so the days of any time zone can be summed from these counters.
    Quarter(u8),
    /// Tasks whose time from creation to completion is in a bucket. Each bucket is a quarter of a doubling wide.
    DurationBucket(u8),
}

/// The counters of a group. A missing counter is zero.
pub type Counters = BTreeMap<Counter, i64>;

/// The counters of several groups.
pub type GroupCounters = BTreeMap<CounterGroup, Counters>;

/// A range of the groups of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterGroups {
    /// All tags.
    Tags,
    /// All categories.
    Categories,
    /// The days on which open tasks are due, up to and including this one.
    DueUntil(Date),
    /// The days on which tasks were completed, from this one on.
    CompletedSince(Date),
}

impl CounterGroups {
    /// The group of a tag or a category. `None` if the name is invalid or the groups of this range have no names.
    pub fn named(self, name: &str) -> Option<CounterGroup> {
        match self {
            Self::Tags => Tag::parse(name).ok().map(CounterGroup::Tag),
            Self::Categories => Category::parse(name).ok().map(CounterGroup::Category),
            Self::DueUntil(_) | Self::CompletedSince(_) => None,
        }
    }

    /// Whether the range contains a group.
    pub fn contains(self, group: &CounterGroup) -> bool {
        match (self, group) {
            (Self::Tags, CounterGroup::Tag(_)) | (Self::Categories, CounterGroup::Category(_)) => true,
            (Self::DueUntil(last), CounterGroup::Due(day)) => *day <= last,
            (Self::CompletedSince(first), CounterGroup::Completed(day)) => *day >= first,
            _ => false,
        }
    }
}

/// What a task contributes to the counters of its space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The task.
    pub task: TaskId,
    /// The space that it counts in now.
    pub space: SpaceId,
    /// The space that it counted in before, as far as the changes say that were received together. It matters only if the
    /// stored contribution does not say it, because it is older than moves between spaces.
    pub space_before: SpaceId,
    /// The version of the task. A contribution older than the recorded one is ignored.
    pub version: u64,
    /// What it adds to each counter. Empty once the task is deleted.
    pub counts: GroupCounters,
}

impl Contribution {
    /// The contribution of a task.
    pub fn of(task: &Task) -> Self {
        let (space, version) = (task.space, task.version);
        Self { task: task.id, space, space_before: space, version, counts: counts_of(task) }
    }

    /// The empty contribution of a deleted task.
    pub fn removed(task: &Task) -> Self {
        Self { version: task.version + 1, counts: GroupCounters::new(), ..Self::of(task) }
    }
}

/// The contribution to record after a task was created, changed, moved or deleted. `None` if no counter changes.
pub fn contribution_of(before: Option<&Task>, after: Option<&Task>) -> Option<Contribution> {
    let mut contribution = after.map(Contribution::of).or_else(|| before.map(Contribution::removed))?;
    contribution.space_before = before.map_or(contribution.space, |before| before.space);
    let has_moved = contribution.space_before != contribution.space;
    let counts_before = before.map(counts_of).unwrap_or_default();
    (has_moved || counts_before != contribution.counts).then_some(contribution)
}

fn counts_of(task: &Task) -> GroupCounters {
    let open = task.status != Status::Completed;
    let mut counts = GroupCounters::new();
    let mut add = |group, counters: &[(Counter, i64)]| {
        let present = counters.iter().copied().filter(|(_, count)| *count != 0);
        counts.insert(group, present.collect());
    };
    let each = [(Counter::All, 1), (Counter::Open, open.into())];
    let in_progress = task.status == Status::InProgress;
    let reminders = if open { i64::try_from(task.reminders.len()).unwrap_or_default() } else { 0 };
    let more = [(Counter::InProgress, in_progress.into()), (Counter::Reminders, reminders)];
    add(CounterGroup::Tasks, &[each, more].concat());
    task.tags.iter().for_each(|tag| add(CounterGroup::Tag(tag.clone()), &each));
    task.category.iter().for_each(|category| add(CounterGroup::Category(category.clone()), &each));
    if let Some(at) = task.due_at.filter(|_| open) {
        let (day, quarter) = day_and_quarter(at);
        add(CounterGroup::Due(day), &[(Counter::All, 1), (Counter::Quarter(quarter), 1)]);
    }
    if let Some(at) = task.completed_at.filter(|_| !open) {
        let (day, quarter) = day_and_quarter(at);
        let duration = at.duration_since(task.created_at);
        let bucket = Counter::DurationBucket(duration_bucket(duration.as_secs()));
        add(
            CounterGroup::Completed(day),
            &[(Counter::All, 1), (Counter::Quarter(quarter), 1), (bucket, 1)],
        );
    }
    counts
}

/// The day in UTC, and the quarter of an hour of the day.
fn day_and_quarter(at: Timestamp) -> (Date, u8) {
    let utc = at.to_zoned(TimeZone::UTC).datetime();
    let quarter = utc.hour() * 4 + utc.minute() / 15;
    (utc.date(), u8::try_from(quarter).unwrap_or_default())
}

/// The bucket of a duration in seconds. A bucket is a quarter of a doubling wide, so its midpoint is within 10 % of every
/// duration in it.
fn duration_bucket(seconds: i64) -> u8 {
    let doublings = (seconds.max(1) as f64).log2();
    (doublings * 4.0).floor() as u8
}

/// The midpoint of a bucket in seconds.
fn bucket_midpoint(bucket: u8) -> i64 {
    ((f64::from(bucket) + 0.5) / 4.0).exp2().round() as i64
}

/// The counters to add to `old` to get `new`, without those that are equal.
pub fn difference(old: &GroupCounters, new: &GroupCounters) -> GroupCounters {
    let mut difference = new.clone();
    for (group, counters) in old {
        let other = difference.entry(group.clone()).or_default();
        for (counter, count) in counters {
            *other.entry(*counter).or_default() -= count;
        }
    }
    difference.values_mut().for_each(|counters| counters.retain(|_, count| *count != 0));
    difference.retain(|_, counters| !counters.is_empty());
    difference
}

/// The value of a counter.
pub fn counter_value(counters: &Counters, counter: Counter) -> i64 {
    counters.get(&counter).copied().unwrap_or_default()
}

/// The number of overdue tasks, given the counters of the days on which open tasks are due. Exact to a quarter of an hour.
pub fn overdue(due: &[(Date, Counters)], now: Timestamp) -> i64 {
    let (today, quarter) = day_and_quarter(now);
    let of_day = |(day, counters): &(Date, Counters)| match day.cmp(&today) {
        std::cmp::Ordering::Less => counter_value(counters, Counter::All),
        std::cmp::Ordering::Equal => {
            (0..quarter).map(|q| counter_value(counters, Counter::Quarter(q))).sum()
        }
        std::cmp::Ordering::Greater => 0,
    };
    due.iter().map(of_day).sum()
}

/// The number of completed tasks per day in a time zone, given the counters of the days in UTC.
pub fn completed_by_day(
    completed: &[(Date, Counters)],
    zone: &Zone,
    days: RangeInclusive<Date>,
) -> Vec<(Date, i64)> {
    let mut by_day = BTreeMap::new();
    for (day, counters) in completed {
        for (counter, count) in counters {
            let Counter::Quarter(quarter) = *counter else { continue };
            let minutes = i64::from(quarter) * 15;
            let utc = day.at(0, 0, 0, 0).checked_add(minutes.minutes()).ok();
            let utc = utc.and_then(|utc| utc.to_zoned(TimeZone::UTC).ok());
            let local = utc.map(|utc| utc.with_time_zone(zone.rules().clone()).date());
            local.into_iter().for_each(|local| *by_day.entry(local).or_default() += count);
        }
    }
    let mut all = Vec::new();
    let mut day = *days.start();
    while day <= *days.end() {
        all.push((day, by_day.get(&day).copied().unwrap_or_default()));
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    all
}

/// The median time from creation to completion in seconds, within 10 %, given the counters of the days on which tasks
/// were completed. `None` if there are none.
pub fn median_seconds(completed: &[(Date, Counters)]) -> Option<i64> {
    let mut buckets: BTreeMap<u8, i64> = BTreeMap::new();
    for (counter, count) in completed.iter().flat_map(|(_, counters)| counters) {
        if let Counter::DurationBucket(bucket) = counter {
            *buckets.entry(*bucket).or_default() += count;
        }
    }
    let half = (buckets.values().sum::<i64>() + 1) / 2;
    let mut seen = 0;
    buckets.into_iter().find_map(|(bucket, count)| {
        seen += count;
        (count > 0 && seen >= half).then(|| bucket_midpoint(bucket))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn counters(each: &[(Counter, i64)]) -> Counters {
        each.iter().copied().collect()
    }

    #[test]
    fn adding_the_difference_to_the_old_counters_gives_the_new_ones() {
        let old = GroupCounters::from([
            (CounterGroup::Tasks, counters(&[(Counter::All, 1), (Counter::Open, 1)])),
            (CounterGroup::Due(day("2026-03-01")), counters(&[(Counter::All, 1)])),
        ]);
        let new = GroupCounters::from([(CounterGroup::Tasks, counters(&[(Counter::All, 1)]))]);
        let expected = GroupCounters::from([
            (CounterGroup::Tasks, counters(&[(Counter::Open, -1)])),
            (CounterGroup::Due(day("2026-03-01")), counters(&[(Counter::All, -1)])),
        ]);
        assert_eq!(difference(&old, &new), expected);
        assert_eq!(difference(&old, &old), GroupCounters::new());
    }

    #[test]
    fn the_midpoint_of_a_bucket_is_within_10_percent_of_all_durations_in_it() {
        for seconds in (1..100_000).step_by(7).chain([86_400 * 365, 86_400 * 3_650]) {
            let midpoint = bucket_midpoint(duration_bucket(seconds)) as f64;
            let error = (midpoint - seconds as f64).abs();
            assert!(error <= (seconds as f64 * 0.1).max(1.0), "{seconds}: {midpoint}");
        }
        assert_eq!([duration_bucket(-5), duration_bucket(0), duration_bucket(1)], [0, 0, 0]);
    }

    #[test]
    fn a_task_counts_as_overdue_from_the_next_quarter_of_an_hour_on() {
        let due = [
            (day("2026-02-28"), counters(&[(Counter::All, 2), (Counter::Quarter(3), 2)])),
            (
                day("2026-03-01"),
                counters(&[(Counter::All, 2), (Counter::Quarter(36), 1), (Counter::Quarter(37), 1)]),
            ),
        ];
        let at = |time: &str| overdue(&due, format!("2026-03-01T{time}Z").parse().unwrap());
        assert_eq!([at("08:59:59"), at("09:14:59"), at("09:15:00"), at("09:30:00")], [2, 2, 3, 4]);
    }

    #[test]
    fn the_days_of_a_time_zone_are_summed_from_quarters_of_an_hour() {
        // 18:15 UTC is midnight in Kathmandu, 05:45 ahead.
        let completed = [(
            day("2026-03-01"),
            counters(&[(Counter::All, 3), (Counter::Quarter(72), 1), (Counter::Quarter(73), 2)]),
        )];
        let zone = Zone::parse("Asia/Kathmandu").unwrap();
        let days = completed_by_day(&completed, &zone, day("2026-02-28")..=day("2026-03-02"));
        let expected = [("2026-02-28", 0), ("2026-03-01", 1), ("2026-03-02", 2)];
        assert_eq!(days, expected.map(|(text, count)| (day(text), count)));
    }

    #[test]
    fn the_median_covers_all_days_together() {
        let day_of = |buckets: &[(u8, i64)]| {
            let each = buckets.iter().map(|(bucket, count)| (Counter::DurationBucket(*bucket), *count));
            (day("2026-03-01"), each.collect::<Counters>())
        };
        assert_eq!(median_seconds(&[]), None);
        assert_eq!(median_seconds(&[day_of(&[(40, 1)])]), Some(bucket_midpoint(40)));
        assert_eq!(
            median_seconds(&[day_of(&[(40, 2)]), day_of(&[(20, 1), (60, 1)])]),
            Some(bucket_midpoint(40))
        );
        assert_eq!(median_seconds(&[day_of(&[(20, 3), (60, 2)])]), Some(bucket_midpoint(20)));
    }
}
