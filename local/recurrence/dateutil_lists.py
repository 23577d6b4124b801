"""Expands a rule with python-dateutil, with a bounded search."""

import re
from datetime import datetime, timedelta
from itertools import islice

from dateutil.rrule import rrulestr

from .expander import LAST_YEAR
from .rules import Rule
from .tables import at_midnight

LONGEST = {"YEARLY": 36_500, "MONTHLY": 14_600, "WEEKLY": 36_500, "DAILY": 7_300, "HOURLY": 1_500, "MINUTELY": 30, "SECONDLY": 1}
"""The longest search in days, by FREQ: dateutil tries every period, in microseconds each."""


def series(text: str, rule: Rule, start: datetime, expected: list[datetime] | None, limit: int) -> list[datetime] | None:
    """The occurrences in the expander's form, the first of which is DTSTART; None if dateutil would take too long.

    `expected` only determines how far dateutil has to search.
    """
    limit = min(limit, rule.count or limit)
    end = datetime(LAST_YEAR, 12, 31, 23, 59, 59)
    if expected and len(expected) == limit:
        end = expected[-1]
    if rule.until is not None:
        end = min(end, rule.until if isinstance(rule.until, datetime) else at_midnight(rule.until) + timedelta(seconds=86_399))
    if (end - start).days > LONGEST[rule.freq]:
        return None
    grid = re.sub(r";?(COUNT|UNTIL)=[^;]*", "", text).strip(";")
    try:
        dates = iter(rrulestr(f"{grid};UNTIL={end:%Y%m%dT%H%M%S}", dtstart=start))
        found = list(islice((moment for moment in dates if moment > start), limit))
    except ValueError:  # an interval that never meets its hours, minutes or seconds
        found = []
    return [start, *found][:limit]
