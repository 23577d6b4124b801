//! Parsing of recurrence rules.

use taskbell_domain::recurrence::Rule;

fn rule(text: &str) -> Rule {
    Rule::parse(text).expect("a rule")
}

#[test]
fn invalid_rules_are_refused() {
    for text in [
        "",
        "x",
        "FREQ",
        "FREQ=",
        "FREQ=FORTNIGHTLY",
        "INTERVAL=2",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY\nRRULE:FREQ=DAILY",
        "DTSTART=20260101;FREQ=DAILY",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;COUNT=+1",
        "FREQ=DAILY;COUNT=x",
        "FREQ=DAILY;COUNT=99999999999",
        "FREQ=DAILY;UNTIL=x",
        "FREQ=DAILY;UNTIL=20261301",
        "FREQ=DAILY;COUNT=1;UNTIL=20270101",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYWEEKNO=54",
        "FREQ=MONTHLY;BYWEEKNO=1",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=DAILY;BYYEARDAY=1",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=YEARLY;BYEASTER=0",
        "FREQ=DAILY;WKST=XX",
        "FREQ=DAILY;BYHOUR=1;X-PART=1",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=DAILY;BYDAY=2TU",
        "FREQ=MONTHLY;BYDAY=1XMO",
        "FREQ=MONTHLY;BYDAY=99999MO",
        "FREQ=MONTHLY;BYDAY=O",
        "FREQ=täglich",
        ";FREQ=DAILY",
        "FREQ=DAILY;;",
        "RRULE:RRULE:FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=4294967296",
        "FREQ=DAILY;COUNT=1;UNTIL=99991231T235959Z",
        "FREQ=DAILY;UNTIL=2026123",
        "FREQ=DAILY;UNTIL=20261231T0900",
        "FREQ=DAILY;UNTIL=20261231Z",
        "FREQ=DAILY;BYSECOND=61",
        "FREQ=DAILY;BYMONTH=-1",
        "FREQ=DAILY;BYMONTH=2L",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=MO,,TU",
        "FREQ=MONTHLY;BYDAY=ÄÖ",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO",
        "FREQ=HOURLY;BYDAY=1MO",
        "RSCALE=GREGORIAN;FREQ=YEARLY",
    ] {
        assert_eq!(Rule::parse(text).expect_err(text).code, "invalid_recurrence", "{text}");
    }
    assert!(Rule::parse(&format!("FREQ=DAILY;BYHOUR={}", ["1"; 250].join(","))).is_err(), "too long");
    assert_eq!(rule("RRULE:FREQ=DAILY;").to_string(), "FREQ=DAILY");
    assert_eq!(rule("freq=weekly;byday=mo").to_string(), "FREQ=WEEKLY;BYDAY=MO");
}

#[test]
fn a_stored_rule_is_read_like_a_new_one_and_old_forms_are_accepted() {
    for text in
        ["FREQ=WEEKLY;BYDAY=MO,FR;COUNT=10", "FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20301231", "freq=daily"]
    {
        assert_eq!(Rule::parse_trusted(text).unwrap(), Rule::parse(text).unwrap(), "{text}");
    }
    assert!(Rule::parse_trusted("FREQ=WEEKLY;BYDAY").is_err());
    // A combination that an earlier version accepted is still read.
    assert!(Rule::parse("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO").is_err());
    for old in ["FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "FREQ=DAILY;BYMONTH=", "FREQ=DAILY;BYHOUR=+9"] {
        assert!(Rule::parse(old).is_err() && Rule::parse_trusted(old).is_ok(), "{old}");
    }
}
