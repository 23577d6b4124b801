//! Times the longest searches for an occurrence that a request can ask for (`make worst-rules`): rules that never occur,
//! or hardly ever, from the earliest start. Prints the best of some runs of each in microseconds, the slowest last.

use std::time::{Duration, Instant};

use taskbell_domain::{
    due::Due,
    recurrence::{RecurrenceFrom, Rule, Series},
    zone::Zone,
};

const START: &str = "1970-01-01T00:00:00[Europe/Berlin]";
const RUNS: usize = 20;
const RULES: [&str; 14] = [
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO",
    "FREQ=YEARLY;BYWEEKNO=1;BYMONTHDAY=20",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTHDAY=1",
    "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-366;BYMONTH=1",
    "FREQ=YEARLY;INTERVAL=4294967295",
    "FREQ=MONTHLY;BYDAY=5MO,-5TU;BYMONTHDAY=1",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE;BYSETPOS=9",
    "FREQ=DAILY;BYMONTHDAY=31;BYMONTH=2,4,6,9,11",
    "FREQ=DAILY;BYSECOND=60",
    "FREQ=HOURLY;BYMINUTE=0,15,30,45;BYSETPOS=5",
    "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1,3,5",
    "FREQ=SECONDLY;INTERVAL=60;BYSECOND=1",
    "FREQ=SECONDLY;INTERVAL=86399;BYHOUR=0;BYMINUTE=0;BYSECOND=1",
];

/// How long it takes to find out that a rule gives nothing, or what it gives first.
fn search(rule: &Rule, start: &Due, zone: &Zone) -> Duration {
    let (rule, start, began) = (rule.clone(), start.clone(), Instant::now());
    let found = Series::starting(rule, RecurrenceFrom::Due, start, zone);
    let took = began.elapsed();
    drop(found);
    took
}

fn main() -> Result<(), taskbell_domain::violation::Violation> {
    let (start, zone) = (Due::parse(START)?, Zone::utc());
    let mut all = Vec::new();
    for text in RULES {
        let rule = Rule::parse(text)?;
        let best = (0..RUNS).map(|_| search(&rule, &start, &zone)).min().unwrap_or_default();
        all.push((best, text));
    }
    all.sort();
    for (best, text) in all {
        println!("{:6} µs  {text}", best.as_micros());
    }
    Ok(())
}
