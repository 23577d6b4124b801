"""Expands a rule by exhaustive search over every day of two centuries, and every time of day on matching days.

A day matches if each BY part names it (RFC 5545 §3.3.10: a list is a union, and several parts apply together). Of the matching
days and times, those whose period is a multiple of INTERVAL away from the period of DTSTART remain, and BYSETPOS selects among
those of one period.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import product

from .rules import Rule

FIRST, LAST = date(1968, 1, 1), date(2200, 12, 31)
LAST_YEAR = 2199
"""The last year in which something can be due in Taskbell."""

MOST_STEPS = 3_000_000


class Unaffordable(Exception):
    """The rule matches too seldom and is too dense for an exhaustive search."""


class Calendar:
    """The names of each day (month, weekday, week, …) and its periods."""

    def __init__(self) -> None:
        self.days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
        self.week_year = {start: [0] * len(self.days) for start in range(7)}
        names: dict[tuple, list[int]] = {}
        for number, day in enumerate(self.days):
            for name in self.names_of(number, day):
                names.setdefault(name, []).append(number)
        self.every = (1 << len(self.days)) - 1
        self.named = {name: self.as_bits(numbers) for name, numbers in names.items()}

    def names_of(self, number: int, day: date) -> Iterator[tuple]:
        year_day, year_length = day.timetuple().tm_yday, (date(day.year, 12, 31) - date(day.year - 1, 12, 31)).days
        month_length = (date(day.year + day.month // 12, day.month % 12 + 1, 1) - date(day.year, day.month, 1)).days
        weekday = day.weekday()
        yield "month", day.month
        yield "weekday", 0, weekday
        yield from (("monthday", day.day), ("monthday", day.day - month_length - 1))
        yield from (("yearday", year_day), ("yearday", year_day - year_length - 1))
        yield from (("of month", (day.day + 6) // 7, weekday), ("of month", -((month_length - day.day) // 7 + 1), weekday))
        yield from (("of year", (year_day + 6) // 7, weekday), ("of year", -((year_length - year_day) // 7 + 1), weekday))
        for start in range(7):
            # A week belongs to the year that has four of its days, and so its fourth day (§3.3.10, ISO 8601).
            fourth = day + timedelta(days=3 - (weekday - start) % 7)
            self.week_year[start][number] = fourth.year
            within, length = fourth.timetuple().tm_yday, 365 + (fourth.year % 4 == 0 and fourth.year % 100 != 0 or fourth.year % 400 == 0)
            yield from (("week", start, (within + 6) // 7), ("week", start, -((length - within) // 7 + 1)))

    def as_bits(self, numbers: list[int]) -> int:
        bits = bytearray(len(self.days) // 8 + 1)
        for number in numbers:
            bits[number // 8] |= 1 << number % 8
        return int.from_bytes(bits, "little")

    def union(self, names) -> int:
        found = 0
        for name in names:
            found |= self.named.get(name, 0)
        return found


_calendar: list[Calendar] = []


def calendar() -> Calendar:
    """The calendar, built once."""
    if not _calendar:
        _calendar.append(Calendar())
    return _calendar[0]


def fitting_days(rule: Rule, start: date) -> int:
    """The days that every BY part names, as bits. Missing parts come from DTSTART."""
    known, by = calendar(), rule.by
    days = known.every
    if "BYMONTH" in by:
        days &= known.union(("month", month) for month in by["BYMONTH"])
    if "BYWEEKNO" in by:
        days &= known.union(("week", rule.wkst, week) for week in by["BYWEEKNO"])
    if "BYYEARDAY" in by:
        days &= known.union(("yearday", day) for day in by["BYYEARDAY"])
    if "BYMONTHDAY" in by:
        days &= known.union(("monthday", day) for day in by["BYMONTHDAY"])
        # Without BYMONTH the month is that of DTSTART; with BYDAY the days of the whole year apply.
        if rule.freq == "YEARLY" and not rule.has("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYDAY"):
            days &= known.named["month", start.month]
    if rule.byday:
        span = "of month" if rule.freq == "MONTHLY" or "BYMONTH" in by else "of year"
        days &= known.union((span if ordinal else "weekday", ordinal, weekday) for ordinal, weekday in rule.byday)
    if not rule.has("BYDAY", "BYMONTHDAY", "BYYEARDAY"):
        if rule.freq == "WEEKLY" or "BYWEEKNO" in by:
            days &= known.named["weekday", 0, start.weekday()]
        elif rule.freq in ("MONTHLY", "YEARLY"):
            days &= known.named["monthday", start.day]
            if rule.freq == "YEARLY" and "BYMONTH" not in by:
                days &= known.named["month", start.month]
    return days


def instances(rule: Rule, start: datetime) -> Iterator[datetime]:
    """The instances of a rule after DTSTART, in order, to the end of 2199. UNTIL and COUNT are ignored."""
    days = fitting_days(rule, start.date())
    if rule.freq in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY"):
        found = _by_days(rule, start, days)
    else:
        found = _within_days(rule, start, days)
    for moment in found:
        if moment.year > LAST_YEAR:
            return
        if moment > start:
            yield moment


def _each(days: int, first: int) -> Iterator[int]:
    text = f"{days:b}"[::-1]
    while (first := text.find("1", first)) >= 0:
        yield first
        first += 1


def _picked(rule: Rule, moments: list[datetime]) -> list[datetime]:
    if "BYSETPOS" not in rule.by:
        return moments
    last = len(moments)
    places = {place - 1 if place > 0 else last + place for place in rule.by["BYSETPOS"]}
    return [moments[place] for place in sorted(places) if 0 <= place < last]


def _by_days(rule: Rule, start: datetime, days: int) -> Iterator[datetime]:
    known, begin = calendar(), (start.date() - FIRST).days
    weekly = "BYWEEKNO" in rule.by

    def period(number: int) -> int:
        day = known.days[number]
        if rule.freq == "YEARLY":
            return known.week_year[rule.wkst][number] if weekly else day.year
        if rule.freq == "MONTHLY":
            return day.year * 12 + day.month
        if rule.freq == "WEEKLY":
            return (day.toordinal() - 1 - rule.wkst) // 7  # the day with ordinal 1 is a Monday
        return number

    # BYWEEKNO uses the years of weeks. The first period is the week year of DTSTART if the rule matches the day of
    # DTSTART, and its calendar year otherwise (both as in libical's table).
    origin = start.year if weekly and not days >> begin & 1 else period(begin)
    names = (rule.by.get("BYHOUR", [start.hour]), rule.by.get("BYMINUTE", [start.minute]), rule.by.get("BYSECOND", [start.second]))
    times = [time(*each) for each in product(*(sorted(set(name)) for name in names)) if each[2] < 60]

    def moments(of: list[int]) -> list[datetime]:
        return _picked(rule, [datetime.combine(known.days[number], at) for number in of for at in times])

    steps, current, together = 0, None, []
    for number in _each(days, max(0, begin - 373)):
        steps += 1
        here = period(number)
        if (here - origin) % rule.interval:
            continue
        if here != current and together:
            yield from moments(together)
            together = []
        current = here
        together.append(number)
        if steps > MOST_STEPS:
            raise Unaffordable
    yield from moments(together)


def _within_days(rule: Rule, start: datetime, days: int) -> Iterator[datetime]:
    known, begin = calendar(), (start.date() - FIRST).days
    hours = sorted(set(rule.by.get("BYHOUR", range(24))))
    minutes = sorted(set(rule.by.get("BYMINUTE", [start.minute] if rule.freq == "HOURLY" else range(60))))
    whole = range(60) if rule.freq == "SECONDLY" else [start.second]
    seconds = [second for second in sorted(set(rule.by.get("BYSECOND", whole))) if second < 60]
    length = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}[rule.freq]
    origin = (begin * 86_400 + start.hour * 3600 + start.minute * 60 + start.second) // length
    each = {"HOURLY": len(minutes) * len(seconds), "MINUTELY": len(seconds), "SECONDLY": 1}[rule.freq]
    if not any(1 <= abs(place) <= each for place in rule.by.get("BYSETPOS", [1])):
        return  # All periods within a day have the same size; none has such a position.
    steps = 0
    for number in _each(days, begin):
        day = known.days[number]
        for hour in hours:
            steps += 1
            if steps > MOST_STEPS:
                raise Unaffordable
            if number == begin and hour < start.hour:
                continue
            if rule.freq == "HOURLY":
                if (number * 24 + hour - origin) % rule.interval == 0:
                    yield from _picked(rule, [datetime(day.year, day.month, day.day, hour, m, s) for m, s in product(minutes, seconds)])
                continue
            for minute in minutes:
                steps += len(seconds)
                at = number * 1440 + hour * 60 + minute
                if rule.freq == "MINUTELY":
                    if (at - origin) % rule.interval == 0:
                        yield from _picked(rule, [datetime(day.year, day.month, day.day, hour, minute, s) for s in seconds])
                    continue
                for second in seconds:
                    if (at * 60 + second - origin) % rule.interval == 0:
                        yield from _picked(rule, [datetime(day.year, day.month, day.day, hour, minute, second)])


def series(rule: Rule, start: datetime, limit: int) -> list[datetime] | None:
    """The first occurrences of a task due at DTSTART, which is the first one whether the rule matches it or not.

    None if the rule has no occurrence after DTSTART.
    """
    found = [start]
    limit = min(limit, rule.count or limit)
    for moment in instances(rule, start):
        if rule.until is not None and len(found) > 1 and not admits(rule, moment):
            break
        found.append(moment)
        if len(found) > limit:
            break
    if len(found) == 1:
        return None
    within = [found[0]] + [moment for moment in found[1:] if admits(rule, moment)]
    return within[:limit]


def admits(rule: Rule, moment: datetime) -> bool:
    """Whether a moment is not after UNTIL, which is inclusive."""
    if rule.until is None:
        return True
    return moment <= rule.until if isinstance(rule.until, datetime) else moment.date() <= rule.until
