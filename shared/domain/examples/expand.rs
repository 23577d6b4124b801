//! Expands recurrence rules for `local/recurrence_oracle.py`: reads lines of a first due time and a rule, writes
//! the wall times of the first occurrences, or why the rule is refused. The argument is how many are written.

use std::io::{BufRead, stdin};

use taskbell_domain::{
    due::Due,
    recurrence::{RecurrenceFrom, Rule, Series},
    zone::Zone,
};

/// How many occurrences are written unless the argument says otherwise, the first one included.
const OCCURRENCES: usize = 15;

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(OCCURRENCES);
    for line in stdin().lock().lines().map_while(Result::ok) {
        let (start, rule) = line.split_once(' ').unwrap_or((&line, ""));
        match occurrences(start, rule, count) {
            Ok(times) => println!("{}", times.join(" ")),
            Err(code) => println!("{code}"),
        }
    }
}

/// Walks the series one by one, as tasks do. A wall time that names no zone is one in UTC.
fn occurrences(start: &str, rule: &str, count: usize) -> Result<Vec<String>, &'static str> {
    let zone = Zone::utc();
    let plain = start.contains('T') && !start.ends_with(['Z', ']']);
    let start = if plain { format!("{start}[UTC]") } else { start.to_owned() };
    let start = Due::parse(&start).map_err(|violation| violation.code)?;
    let rule = Rule::parse(rule).map_err(|violation| violation.code)?;
    let first = Series::starting(rule, RecurrenceFrom::Due, start, &zone).map_err(|v| v.code)?;
    let series = std::iter::successors(Some(first), |one| one.upcoming(&zone, 1).next());
    Ok(series.take(count).map(|one| one.occurrence_time.wall_time(&zone).to_string()).collect())
}
