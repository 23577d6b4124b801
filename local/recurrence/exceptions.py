"""Where python-dateutil departs from RFC 5545 §3.3.10, and where libical's table does not bind Taskbell.

Such rules are judged by the expander alone. Each exception has a name, what the RFC demands in our own words, and a
predicate over the rule and its DTSTART.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from .rules import Rule


@dataclass
class Exemption:
    """A kind of rule that another program reads otherwise."""

    name: str
    reason: str
    applies: Callable[[Rule, date | datetime], bool]
    answer: str | None = None
    """What Taskbell has to say instead; none where the expander says what it has to give."""


DATEUTIL = [
    Exemption(
        "mixed BYDAY",
        "The elements of BYDAY are a list of days, and a list is a union: MO,1FR are all Mondays and the first Friday. "
        "dateutil demands that a day is both in the plain and in the numbered part.",
        lambda rule, start: rule.numbered and any(ordinal == 0 for ordinal, _ in rule.byday),
    ),
    Exemption(
        "BYWEEKNO without a day",
        "What the rule does not say about a day is taken from DTSTART, here its weekday. dateutil gives whole weeks.",
        lambda rule, start: rule.has("BYWEEKNO") and not rule.has("BYDAY", "BYMONTHDAY", "BYYEARDAY"),
    ),
    Exemption(
        "weeks across the turn of the year",
        "A week belongs to the year that has four of its days, also with its days in the other year; so these count in its "
        "INTERVAL and its BYSETPOS. dateutil counts them in the calendar year.",
        lambda rule, start: (rule.interval > 1 or rule.has("BYSETPOS"))
        and any(week in (1, 52, 53, -1, -52, -53) for week in rule.by.get("BYWEEKNO", [])),
    ),
    Exemption(
        "first week from its end",
        "A negative BYWEEKNO counts the weeks of the week's own year. dateutil looks for the last days of December only in "
        "week 1 as counted from the front, not in week -52 or -53.",
        lambda rule, start: any(week <= -52 for week in rule.by.get("BYWEEKNO", [])),
    ),
    Exemption(
        "last week of the year before",
        "The first days of January may be in week 52 or 53 of the year before, as many as that year has. dateutil counts these weeks "
        "from the length of the year that begins.",
        lambda rule, start: any(week in (52, 53) for week in rule.by.get("BYWEEKNO", [])),
    ),
    Exemption(
        "BYSETPOS in the first week",
        "BYSETPOS picks from the whole set of the period, here the week from WKST on; what of it is before DTSTART is counted "
        "and not given. dateutil begins the first week with the day of DTSTART.",
        lambda rule, start: rule.freq == "WEEKLY" and rule.has("BYSETPOS") and start.weekday() != rule.wkst,
    ),
    Exemption(
        "yearly BYMONTHDAY without BYMONTH",
        "What the rule does not say is taken from DTSTART (§3.3.10), here the month, as libical does. dateutil gives that day "
        "of every month.",
        lambda rule, start: rule.freq == "YEARLY"
        and rule.has("BYMONTHDAY")
        and not rule.has("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYDAY"),
    ),
]

LIBICAL = [
    Exemption(
        "times of day with a date",
        "BYHOUR, BYMINUTE and BYSECOND must not be given where DTSTART is a date (§3.3.10). libical ignores them, Taskbell "
        "refuses them, so that nobody waits for a time that never comes.",
        lambda rule, start: rule.has("BYHOUR", "BYMINUTE", "BYSECOND") and not isinstance(start, datetime),
        "needs_time",
    ),
]


def first_of(exemptions: list[Exemption], rule: Rule, start: date | datetime) -> Exemption | None:
    """The first exemption that applies; none where the other program judges the rule."""
    return next((each for each in exemptions if each.applies(rule, start)), None)
