//! Calendar days that are cheap to iterate over two centuries.

use jiff::civil::Date;

/// A calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day {
    /// Days since 1970-01-01.
    pub(super) number: i32,
    pub(super) year: i16,
    pub(super) month: i8,
    pub(super) day: i8,
    /// The day of the year. 1 is 1 January.
    pub(super) year_day: i16,
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        let number = first_of_january(date.year()) + i32::from(date.day_of_year()) - 1;
        let (year, month, day) = (date.year(), date.month(), date.day());
        Self { number, year, month, day, year_day: date.day_of_year() }
    }
}

impl Day {
    pub(super) fn date(self) -> Date {
        jiff::civil::date(self.year, self.month, self.day)
    }

    pub(super) fn next(self) -> Self {
        let (number, day, year_day) = (self.number + 1, self.day + 1, self.year_day + 1);
        if day <= self.days_in_month() {
            Self { number, day, year_day, ..self }
        } else if self.month < 12 {
            Self { number, day: 1, year_day, month: self.month + 1, ..self }
        } else {
            Self { number, day: 1, year_day: 1, month: 1, year: self.year + 1 }
        }
    }

    /// The day this many days earlier, at most a year.
    pub(super) fn back(self, days: i32) -> Self {
        let date = self.date().checked_sub(jiff::Span::new().days(days));
        date.map_or(self, Self::from)
    }

    /// The day of the week. 0 is Monday.
    pub(super) fn weekday(self) -> i8 {
        weekday(self.number) as i8
    }

    pub(super) fn days_in_month(self) -> i8 {
        match self.month {
            2 if is_leap(self.year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    pub(super) fn days_in_year(self) -> i16 {
        if is_leap(self.year) { 366 } else { 365 }
    }
}

fn is_leap(year: i16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The days from 1970-01-01 to the first day of a year.
pub(super) fn first_of_january(year: i16) -> i32 {
    let before = i32::from(year) - 1;
    before * 365 + before / 4 - before / 100 + before / 400 - 719_162
}

/// The day of the week (0 is Monday) this many days after 1970-01-01, which was a Thursday.
pub(super) fn weekday(number: i32) -> i32 {
    (number + 3).rem_euclid(7)
}
