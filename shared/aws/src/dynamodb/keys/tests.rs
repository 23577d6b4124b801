use taskbell_domain::statistics::Counter;

use super::*;

const BODY: &str = "01JQ0000000000000000000001";

fn at(instant: &str) -> Timer {
    Timer { at: instant.parse().unwrap(), target: TimerTarget::Task(TaskId::from_body(BODY).unwrap()) }
}

#[test]
fn a_timer_key_can_be_parsed() {
    let expected = at("2026-03-01T08:00:00Z");
    assert_eq!(timer(&expected), format!("2026-03-01T08:00:00Z#tsk_{BODY}"));
    assert_eq!(parse_timer(&timer(&expected)), Some(expected));
    for bad in [
        "",
        "#",
        "2026-03-01T08:00:00Z",
        "yesterday#tsk_01JQ0000000000000000000001",
        "2026-03-01T08:00:00Z#spc_01JQ0000000000000000000001",
    ] {
        assert_eq!(parse_timer(bad), None, "{bad}");
    }
}

#[test]
fn timer_keys_sort_by_time() {
    let times = [
        "1970-01-01T00:00:00Z",
        "2026-03-01T08:00:00Z",
        "2026-03-01T08:00:01Z",
        "2199-12-31T00:00:00Z",
    ];
    let keys: Vec<_> = times.iter().map(|time| timer(&at(time))).collect();
    assert!(keys.is_sorted());
    let until = timers_until(times[1].parse().unwrap());
    assert!(keys[1] < until && until < keys[2]);
}

#[test]
fn a_counter_group_can_be_parsed_and_lies_between_the_bounds_of_its_kind() {
    let space = SpaceId::from_body(BODY).unwrap();
    let day = "2026-03-01".parse().unwrap();
    let (tag, category) = (Tag::parse("\u{10fffd}#é").unwrap(), Category::parse("a#b").unwrap());
    let of_days = [CounterGroups::DueUntil(day), CounterGroups::CompletedSince(day)];
    let all = [&[CounterGroups::Tags, CounterGroups::Categories], &of_days[..]].concat();
    let counter_groups = [
        CounterGroup::Tasks,
        CounterGroup::Tag(tag),
        CounterGroup::Category(category),
        CounterGroup::Due(day),
        CounterGroup::Due("2026-02-28".parse().unwrap()),
        CounterGroup::Due("2026-03-02".parse().unwrap()),
        CounterGroup::Completed(day),
        CounterGroup::Completed("2026-02-28".parse().unwrap()),
        CounterGroup::Completed("2026-03-02".parse().unwrap()),
    ];
    for group in counter_groups {
        let (_, sort) = super::counter_group(space, &group);
        assert_eq!(parse_counter_group(&sort), Some(group.clone()), "{sort}");
        for of in &all {
            let (first, last) = super::counter_group_bounds(*of);
            assert_eq!((first..=last).contains(&sort), of.contains(&group), "{sort} {of:?}");
        }
    }
}

#[test]
fn only_the_partition_of_a_space_can_be_parsed_as_one() {
    let space = SpaceId::from_body(BODY).unwrap();
    assert_eq!(space_of(&space_partition(space)), Some(space));
    assert_eq!(space_of(&stage_partition(space, Stage::Open)), None);
    assert_eq!(space_of(&status_partition(space, Status::Pending)), None);
}

#[test]
fn every_shard_is_used() {
    let mut used = [false; TIMER_SHARDS as usize];
    for last in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars() {
        let id = TaskId::from_body(&format!("{}{last}", &BODY[..25])).unwrap();
        used[usize::from(shard_of(TimerTarget::Task(id)))] = true;
    }
    assert!(used.iter().all(|used| *used));
}

#[test]
fn a_counter_is_parsed_from_its_attribute() {
    let all = [Counter::All, Counter::Open, Counter::InProgress, Counter::Reminders];
    let more = (0..96).map(Counter::Quarter).chain((0..=255).map(Counter::DurationBucket));
    for expected in all.into_iter().chain(more) {
        assert_eq!(parse_counter(&counter(expected)), Some(expected));
    }
    for other in ["", "pk", "q", "q256", "t-1", "All"] {
        assert_eq!(parse_counter(other), None, "{other}");
    }
}
