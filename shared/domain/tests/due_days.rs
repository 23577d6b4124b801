//! Days on which tasks are due.

use jiff::civil::Date;
use taskbell_domain::{user::User, zone::Zone};
use taskbell_test::fixtures::{due_draft, instant, task, user};

fn user_in(zone: &str) -> User {
    User { time_zone: Zone::parse(zone).expect("valid"), ..user(1) }
}

const ZONES: [&str; 6] =
    ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Apia", "Etc/GMT+12", "America/St_Johns"];

#[test]
fn an_all_day_task_is_due_on_its_day_in_every_time_zone() {
    let day: Date = "2026-03-01".parse().expect("valid");
    let tomorrow = day.tomorrow().expect("valid");
    for set_in in ZONES {
        for (number, named) in (1..).zip(["2026-02-28", "2026-03-01", "2026-03-02"]) {
            let task = task(number, &user_in(set_in), due_draft("t", named, &[]));
            let at = task.due_at.expect("valid");
            for read_in in ZONES {
                let reader = user_in(read_in);
                let today = reader.due_between(day, tomorrow);
                assert_eq!(today.admit(&task), named == "2026-03-01", "{named} {set_in} {read_in}");
                let overdue = reader.overdue_at(reader.start_of(day));
                assert_eq!(overdue.admit(&task), named == "2026-02-28", "{named} {set_in} {read_in}");
                for days in [today, overdue].into_iter().filter(|days| days.admit(&task)) {
                    let (start, end) = days.bounds();
                    assert!(
                        start.is_none_or(|start| start <= at) && at < end,
                        "{named} {set_in} {read_in}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_task_with_a_time_of_day_is_due_at_its_instant() {
    let tokyo = user_in("Asia/Tokyo");
    let [day, end] = ["2026-03-01", "2026-03-02"].map(|day| day.parse().expect("valid"));
    for (due, is_today) in [
        ("2026-02-28T14:59:59Z", false),
        ("2026-02-28T15:00:00Z", true),
        ("2026-03-01T15:59[Europe/Berlin]", true),
        ("2026-03-01T16:00[Europe/Berlin]", false),
    ] {
        let task = task(1, &user_in("America/Lima"), due_draft("t", due, &[]));
        assert_eq!(tokyo.due_between(day, end).admit(&task), is_today, "{due}");
    }
    let late = task(1, &tokyo, due_draft("t", "2026-03-01T08:00:00Z", &[]));
    let overdue = tokyo.overdue_at(instant("2026-03-01T08:00:01Z"));
    assert!(overdue.admit(&late) && overdue.and(tokyo.due_between(day, end)).admit(&late));
    assert!(!tokyo.overdue_at(instant("2026-03-01T08:00:00Z")).admit(&late));
}
