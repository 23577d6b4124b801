//! What is counted of the tasks of a space, so that nobody has to walk over them.
//!
//! Each task counts into a few counter_groups. What it has been counted as is kept, so that a change is counted as the
//! difference, and counting the same twice changes nothing.

use std::{collections::BTreeMap, ops::RangeInclusive};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{
    id::{SpaceId, TaskId},
    task::{Status, Task},
    text::{Category, Tag},
    violation::Violation,
    zone::Zone,
};

/// Counters that are kept together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CounterGroup {
    /// Of all tasks.
    Tasks,
    /// Of those with a tag.
    Tag(Tag),
    /// Of those in a category.
    Category(Category),
    /// Of the open ones that are due on a day (UTC).
    Due(Date),
    /// Of those that were completed on a day (UTC).
    Completed(Date),
}

/// One number of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// How many tasks.
    All,
    /// How many of them are open.
    Open,
    /// How many of them are in progress.
    InProgress,
    /// How many reminders the open ones have.
    Reminders,
    /// How many fall into a quarter of an hour of the day, 0 to 95. Zones differ from UTC by whole quarters, so
    /// the days of every zone can be put together from them.
    Quarter(u8),
    /// How many took about so long from their creation to their completion: a class of durations, a quarter of a doubling wide.
    DurationBucket(u8),
}

impl Counter {
    /// The word that it is stored under.
    pub fn word(self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Open => "open".to_owned(),
            Self::InProgress => "in_progress".to_owned(),
            Self::Reminders => "reminders".to_owned(),
            Self::Quarter(quarter) => format!("q{quarter}"),
            Self::DurationBucket(class) => format!("t{class}"),
        }
    }

    /// Reads what [`Self::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        let of = |prefix| word.strip_prefix(prefix).and_then(|digits: &str| digits.parse().ok());
        match word {
            "all" => Some(Self::All),
            "open" => Some(Self::Open),
            "in_progress" => Some(Self::InProgress),
            "reminders" => Some(Self::Reminders),
            _ => of('q').map(Self::Quarter).or_else(|| of('t').map(Self::DurationBucket)),
        }
    }
}

/// The numbers of a group. One that is not there is zero.
pub type Counters = BTreeMap<Counter, i64>;

/// Counters of several counter_groups.
pub type Counts = BTreeMap<CounterGroup, Counters>;

/// Which counter_groups of a space to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterGroups {
    /// Of each tag.
    Tags,
    /// Of each category.
    Categories,
    /// Of the days up to this one on which open tasks are due.
    DueUntil(Date),
    /// Of the days since this one on which tasks were completed.
    CompletedSince(Date),
}

impl CounterGroups {
    /// Whether a group is one of them.
    pub fn hold(self, group: &CounterGroup) -> bool {
        match (self, group) {
            (Self::Tags, CounterGroup::Tag(_)) | (Self::Categories, CounterGroup::Category(_)) => true,
            (Self::DueUntil(last), CounterGroup::Due(day)) => *day <= last,
            (Self::CompletedSince(first), CounterGroup::Completed(day)) => *day >= first,
            _ => false,
        }
    }
}

/// What a task is to be counted as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The task.
    pub task: TaskId,
    /// Its space, in which it stays for life.
    pub space: SpaceId,
    /// Its version: what is older than what has been counted is not counted.
    pub version: u64,
    /// Its share of each number: none once it is gone.
    pub counts: Counts,
}

impl Contribution {
    /// What a task counts as.
    pub fn of(task: &Task) -> Self {
        Self { task: task.id, space: task.space, version: task.version, counts: counts_of(task) }
    }

    /// What is left of a task that is gone.
    pub fn gone(task: &Task) -> Self {
        let version = task.version + 1;
        Self { task: task.id, space: task.space, version, counts: Counts::new() }
    }
}

/// How to count that a task has become another one, is new, or is gone; nothing if the numbers stay as they are.
pub fn change(before: Option<&Task>, after: Option<&Task>) -> Option<Contribution> {
    let counted = after.map(Contribution::of).or_else(|| before.map(Contribution::gone))?;
    (before.map(counts_of).unwrap_or_default() != counted.counts).then_some(counted)
}

fn counts_of(task: &Task) -> Counts {
    let open = task.status != Status::Completed;
    let mut counts = Counts::new();
    let mut add = |group, numbers: &[(Counter, i64)]| {
        let some = numbers.iter().copied().filter(|(_, many)| *many != 0);
        counts.insert(group, some.collect());
    };
    let each = [(Counter::All, 1), (Counter::Open, open.into())];
    let in_progress = task.status == Status::InProgress;
    let reminders = if open { i64::try_from(task.reminders.len()).unwrap_or_default() } else { 0 };
    let more = [(Counter::InProgress, in_progress.into()), (Counter::Reminders, reminders)];
    add(CounterGroup::Tasks, &[each, more].concat());
    task.tags.iter().for_each(|tag| add(CounterGroup::Tag(tag.clone()), &each));
    task.category.iter().for_each(|category| add(CounterGroup::Category(category.clone()), &each));
    if let Some(at) = task.due_at.filter(|_| open) {
        let (day, quarter) = place(at);
        add(CounterGroup::Due(day), &[(Counter::All, 1), (Counter::Quarter(quarter), 1)]);
    }
    if let Some(at) = task.completed_at.filter(|_| !open) {
        let (day, quarter) = place(at);
        let took =
            Counter::DurationBucket(duration_bucket(at.duration_since(task.created_at).as_secs()));
        add(
            CounterGroup::Completed(day),
            &[(Counter::All, 1), (Counter::Quarter(quarter), 1), (took, 1)],
        );
    }
    counts
}

/// The day of a moment in UTC, and the quarter of an hour in it.
fn place(at: Timestamp) -> (Date, u8) {
    let moment = at.to_zoned(TimeZone::UTC).datetime();
    let quarter = moment.hour() * 4 + moment.minute() / 15;
    (moment.date(), u8::try_from(quarter).unwrap_or_default())
}

/// The class of a duration in seconds. A class is a quarter of a doubling wide, so what is said of its middle is
/// within a tenth of the truth.
fn duration_bucket(seconds: i64) -> u8 {
    let doublings = (seconds.max(1) as f64).log2();
    (doublings * 4.0).floor() as u8
}

/// The middle of a class of durations, in seconds.
fn bucket_midpoint(class: u8) -> i64 {
    ((f64::from(class) + 0.5) / 4.0).exp2().round() as i64
}

/// How `new` differs from `old`. What is the same is left out.
pub fn difference(old: &Counts, new: &Counts) -> Counts {
    let mut difference = new.clone();
    for (group, numbers) in old {
        let other = difference.entry(group.clone()).or_default();
        for (number, many) in numbers {
            *other.entry(*number).or_default() -= many;
        }
    }
    difference.values_mut().for_each(|numbers| numbers.retain(|_, many| *many != 0));
    difference.retain(|_, numbers| !numbers.is_empty());
    difference
}

/// How much there may be in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Tasks, completed ones included.
    pub tasks: u32,
    /// Reminders of open tasks.
    pub reminders: u32,
}

impl Quota {
    /// Refuses another task with so many reminders where there is no room for it. The numbers lag behind by moments,
    /// so a few can be too many.
    ///
    /// # Errors
    /// A [`Violation`] `too_many_tasks` or `too_many_reminders`.
    pub fn admit_task(&self, numbers: &Counters, reminders: usize) -> Result<(), Violation> {
        if number(numbers, Counter::All) >= self.tasks.into() {
            let why = format!(
                "There are {} tasks in this space, which is the most there can be.",
                self.tasks
            );
            return Err(Violation::new("too_many_tasks", why));
        }
        self.admit_reminders(numbers, reminders)
    }

    /// Refuses so many more reminders where there is no room for them.
    ///
    /// # Errors
    /// A [`Violation`] `too_many_reminders`.
    pub fn admit_reminders(&self, numbers: &Counters, more: usize) -> Result<(), Violation> {
        if more == 0 || number(numbers, Counter::Reminders) < self.reminders.into() {
            return Ok(());
        }
        let most = self.reminders;
        let why = format!(
            "The open tasks of this space have {most} reminders, which is the most there can be."
        );
        Err(Violation::new("too_many_reminders", why))
    }
}

/// One number.
pub fn number(numbers: &Counters, number: Counter) -> i64 {
    numbers.get(&number).copied().unwrap_or_default()
}

/// How many of the open tasks that are due on some days were due before the quarter of an hour that it is now.
pub fn overdue(due: &[(Date, Counters)], now: Timestamp) -> i64 {
    let (today, quarter) = place(now);
    let of_day = |(day, numbers): &(Date, Counters)| match day.cmp(&today) {
        std::cmp::Ordering::Less => number(numbers, Counter::All),
        std::cmp::Ordering::Equal => (0..quarter).map(|q| number(numbers, Counter::Quarter(q))).sum(),
        std::cmp::Ordering::Greater => 0,
    };
    due.iter().map(of_day).sum()
}

/// How many tasks were completed on each day of a zone.
pub fn completed_by_day(
    completed: &[(Date, Counters)],
    zone: &Zone,
    days: RangeInclusive<Date>,
) -> Vec<(Date, i64)> {
    let mut by_day = BTreeMap::new();
    for (day, numbers) in completed {
        for (kind, many) in numbers {
            let Counter::Quarter(quarter) = *kind else { continue };
            let minutes = i64::from(quarter) * 15;
            let moment = day.at(0, 0, 0, 0).checked_add(minutes.minutes()).ok();
            let moment = moment.and_then(|moment| moment.to_zoned(TimeZone::UTC).ok());
            let local = moment.map(|moment| moment.with_time_zone(zone.rules().clone()).date());
            local.into_iter().for_each(|local| *by_day.entry(local).or_default() += many);
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

/// How long half of the tasks took at most that were completed on some days, in seconds, to a tenth; nothing if
/// there are none.
pub fn median_seconds(completed: &[(Date, Counters)]) -> Option<i64> {
    let mut classes: BTreeMap<u8, i64> = BTreeMap::new();
    for (kind, many) in completed.iter().flat_map(|(_, numbers)| numbers) {
        if let Counter::DurationBucket(class) = kind {
            *classes.entry(*class).or_default() += many;
        }
    }
    let half = (classes.values().sum::<i64>() + 1) / 2;
    let mut seen = 0;
    classes.into_iter().find_map(|(class, many)| {
        seen += many;
        (many > 0 && seen >= half).then(|| bucket_midpoint(class))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn numbers(each: &[(Counter, i64)]) -> Counters {
        each.iter().copied().collect()
    }

    #[test]
    fn a_number_reads_back_from_its_word() {
        let all = [Counter::All, Counter::Open, Counter::InProgress, Counter::Reminders];
        let more = (0..96).map(Counter::Quarter).chain((0..=255).map(Counter::DurationBucket));
        for number in all.into_iter().chain(more) {
            assert_eq!(Counter::parse(&number.word()), Some(number));
        }
        for other in ["", "pk", "q", "q256", "t-1", "All"] {
            assert_eq!(Counter::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_difference_added_to_the_old_is_the_new() {
        let old = Counts::from([
            (CounterGroup::Tasks, numbers(&[(Counter::All, 1), (Counter::Open, 1)])),
            (CounterGroup::Due(day("2026-03-01")), numbers(&[(Counter::All, 1)])),
        ]);
        let new = Counts::from([(CounterGroup::Tasks, numbers(&[(Counter::All, 1)]))]);
        let expected = Counts::from([
            (CounterGroup::Tasks, numbers(&[(Counter::Open, -1)])),
            (CounterGroup::Due(day("2026-03-01")), numbers(&[(Counter::All, -1)])),
        ]);
        assert_eq!(difference(&old, &new), expected);
        assert_eq!(difference(&old, &old), Counts::new());
    }

    #[test]
    fn what_a_space_has_no_room_for_is_refused() {
        let quota = Quota { tasks: 2, reminders: 3 };
        let admit = |tasks, open_reminders, more| {
            let numbers = numbers(&[(Counter::All, tasks), (Counter::Reminders, open_reminders)]);
            quota.admit_task(&numbers, more).map_err(|refused| refused.code)
        };
        assert_eq!([admit(1, 2, 20), admit(1, 3, 0)], [Ok(()), Ok(())]);
        assert_eq!(
            [admit(2, 0, 0), admit(1, 3, 1)],
            [Err("too_many_tasks"), Err("too_many_reminders")]
        );
    }

    #[test]
    fn the_middle_of_a_class_is_within_a_tenth_of_all_durations_in_it() {
        for seconds in (1..100_000).step_by(7).chain([86_400 * 365, 86_400 * 3_650]) {
            let told = bucket_midpoint(duration_bucket(seconds)) as f64;
            let off = (told - seconds as f64).abs();
            assert!(off <= (seconds as f64 * 0.1).max(1.0), "{seconds}: {told}");
        }
        assert_eq!([duration_bucket(-5), duration_bucket(0), duration_bucket(1)], [0, 0, 0]);
    }

    #[test]
    fn a_task_is_overdue_from_the_quarter_of_an_hour_after_its_own() {
        let due = [
            (day("2026-02-28"), numbers(&[(Counter::All, 2), (Counter::Quarter(3), 2)])),
            (
                day("2026-03-01"),
                numbers(&[(Counter::All, 2), (Counter::Quarter(36), 1), (Counter::Quarter(37), 1)]),
            ),
        ];
        let at = |time: &str| overdue(&due, format!("2026-03-01T{time}Z").parse().unwrap());
        assert_eq!([at("08:59:59"), at("09:14:59"), at("09:15:00"), at("09:30:00")], [2, 2, 3, 4]);
    }

    #[test]
    fn the_days_of_a_zone_are_put_together_from_quarters() {
        // 18:15 UTC is midnight in Kathmandu, 05:45 ahead.
        let completed = [(
            day("2026-03-01"),
            numbers(&[(Counter::All, 3), (Counter::Quarter(72), 1), (Counter::Quarter(73), 2)]),
        )];
        let zone = Zone::parse("Asia/Kathmandu").unwrap();
        let days = completed_by_day(&completed, &zone, day("2026-02-28")..=day("2026-03-02"));
        let expected = [("2026-02-28", 0), ("2026-03-01", 1), ("2026-03-02", 2)];
        assert_eq!(days, expected.map(|(text, many)| (day(text), many)));
    }

    #[test]
    fn the_median_is_that_of_all_days_together() {
        let took = |classes: &[(u8, i64)]| {
            let each = classes.iter().map(|(class, many)| (Counter::DurationBucket(*class), *many));
            (day("2026-03-01"), each.collect::<Counters>())
        };
        assert_eq!(median_seconds(&[]), None);
        assert_eq!(median_seconds(&[took(&[(40, 1)])]), Some(bucket_midpoint(40)));
        assert_eq!(
            median_seconds(&[took(&[(40, 2)]), took(&[(20, 1), (60, 1)])]),
            Some(bucket_midpoint(40))
        );
        assert_eq!(median_seconds(&[took(&[(20, 3), (60, 2)])]), Some(bucket_midpoint(20)));
    }
}
