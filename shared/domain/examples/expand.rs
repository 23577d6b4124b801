//! Expands recurrence rules for `local/recurrence_oracle.py`: reads lines of a first wall time and a rule,
//! writes the wall times of the first occurrences, or why the rule is refused.

use std::io::{BufRead, stdin};

use taskbell_domain::{
    due::Due,
    recurrence::{RecurrenceFrom, Rule, Series},
    zone::Zone,
};

/// How many occurrences are written, the first one included.
const OCCURRENCES: usize = 15;

fn main() {
    for line in stdin().lock().lines().map_while(Result::ok) {
        let (start, rule) = line.split_once(' ').unwrap_or((&line, ""));
        match occurrences(start, rule) {
            Ok(places) => println!("{}", places.join(" ")),
            Err(code) => println!("{code}"),
        }
    }
}

/// Walks the series one by one, as tasks do.
fn occurrences(start: &str, rule: &str) -> Result<Vec<String>, &'static str> {
    let zone = Zone::utc();
    let start = Due::parse(&format!("{start}[UTC]")).map_err(|violation| violation.code)?;
    let rule = Rule::parse(rule).map_err(|violation| violation.code)?;
    let first = Series::starting(rule, RecurrenceFrom::Due, start, &zone).map_err(|v| v.code)?;
    let series = std::iter::successors(Some(first), |one| one.following(&zone, 1).next());
    Ok(series.take(OCCURRENCES).map(|one| one.slot.place(&zone).to_string()).collect())
}
