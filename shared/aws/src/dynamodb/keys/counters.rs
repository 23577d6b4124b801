//! The attributes of counters in the item of a group.

use taskbell_domain::statistics::Counter;

/// Attribute of a counter.
pub fn counter(counter: Counter) -> String {
    match counter {
        Counter::All => "all".to_owned(),
        Counter::Open => "open".to_owned(),
        Counter::InProgress => "in_progress".to_owned(),
        Counter::Reminders => "reminders".to_owned(),
        Counter::Quarter(quarter) => format!("q{quarter}"),
        Counter::DurationBucket(bucket) => format!("t{bucket}"),
    }
}

/// Reads what [`counter`] wrote.
pub fn parse_counter(attribute: &str) -> Option<Counter> {
    let of = |prefix| attribute.strip_prefix(prefix).and_then(|digits: &str| digits.parse().ok());
    match attribute {
        "all" => Some(Counter::All),
        "open" => Some(Counter::Open),
        "in_progress" => Some(Counter::InProgress),
        "reminders" => Some(Counter::Reminders),
        _ => of('q').map(Counter::Quarter).or_else(|| of('t').map(Counter::DurationBucket)),
    }
}
