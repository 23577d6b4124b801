"""Where python-dateutil departs from RFC 5545 §3.3.10, and where Taskbell departs from libical's table.

Such rules are compared with the expander only. Each exception has a name, the requirement of the RFC, and a predicate over the
rule and its DTSTART.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from .rules import Rule


@dataclass
class Exemption:
    """A kind of rule that another program interprets differently."""

    name: str
    reason: str
    applies: Callable[[Rule, date | datetime], bool]
    answer: str | None = None
    """The expected result of Taskbell; None if the expander decides."""


DATEUTIL = [
    Exemption(
        "mixed BYDAY",
        "The elements of BYDAY are a list of days, and a list is a union: MO,1FR are all Mondays and the first Friday. "
        "dateutil requires a day to be in both the plain and the numbered part.",
        lambda rule, start: rule.numbered and any(ordinal == 0 for ordinal, _ in rule.byday),
    ),
    Exemption(
        "BYWEEKNO without a day",
        "Missing parts of a day come from DTSTART, here its weekday. dateutil returns whole weeks.",
        lambda rule, start: rule.has("BYWEEKNO") and not rule.has("BYDAY", "BYMONTHDAY", "BYYEARDAY"),
    ),
    Exemption(
        "weeks across the year boundary",
        "A week belongs to the year that has four of its days, including its days in the other year; these count in the INTERVAL "
        "and BYSETPOS of that year. dateutil counts them in the calendar year.",
        lambda rule, start: (rule.interval > 1 or rule.has("BYSETPOS"))
        and any(week in (1, 52, 53, -1, -52, -53) for week in rule.by.get("BYWEEKNO", [])),
    ),
    Exemption(
        "first week counted from the end",
        "A negative BYWEEKNO counts the weeks of the week's own year. dateutil finds the last days of December only in week 1 "
        "counted from the front, not in week -52 or -53.",
        lambda rule, start: any(week <= -52 for week in rule.by.get("BYWEEKNO", [])),
    ),
    Exemption(
        "last week of the previous year",
        "The first days of January can be in week 52 or 53 of the previous year, depending on its number of weeks. dateutil uses the "
        "length of the new year.",
        lambda rule, start: any(week in (52, 53) for week in rule.by.get("BYWEEKNO", [])),
    ),
    Exemption(
        "BYSETPOS in the first week",
        "BYSETPOS selects from the whole period, here the week from WKST; days before DTSTART are counted but not returned. "
        "dateutil begins the first week with the day of DTSTART.",
        lambda rule, start: rule.freq == "WEEKLY" and rule.has("BYSETPOS") and start.weekday() != rule.wkst,
    ),
    Exemption(
        "yearly BYMONTHDAY without BYMONTH",
        "Missing parts come from DTSTART (§3.3.10), here the month, as in libical. dateutil returns that day of every month.",
        lambda rule, start: rule.freq == "YEARLY"
        and rule.has("BYMONTHDAY")
        and not rule.has("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYDAY"),
    ),
]

LIBICAL = [
    Exemption(
        "times of day with a date",
        "BYHOUR, BYMINUTE and BYSECOND must not be used when DTSTART is a date (§3.3.10). libical ignores them. Taskbell refuses "
        "them, so that no user waits for a time that is ignored.",
        lambda rule, start: rule.has("BYHOUR", "BYMINUTE", "BYSECOND") and not isinstance(start, datetime),
        "needs_time",
    ),
]


def first_of(exemptions: list[Exemption], rule: Rule, start: date | datetime) -> Exemption | None:
    """The first exemption that applies; None if the rule is compared with the other program."""
    return next((each for each in exemptions if each.applies(rule, start)), None)
