"""The oracle's parser of recurrence rules (RFC 5545 §3.3.10), with the RFC's restrictions."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime

FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
NUMBERS = {
    "BYSECOND": range(0, 61),
    "BYMINUTE": range(0, 60),
    "BYHOUR": range(0, 24),
    "BYMONTHDAY": range(-31, 32),
    "BYYEARDAY": range(-366, 367),
    "BYWEEKNO": range(-53, 54),
    "BYMONTH": range(1, 13),
    "BYSETPOS": range(-366, 367),
}
NEVER_ZERO = {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}


class Refused(ValueError):
    """The rule violates the RFC's grammar or its table of BY parts by FREQ."""


@dataclass
class Rule:
    """A rule; weekdays count from 0, Monday."""

    freq: str = ""
    interval: int = 1
    wkst: int = 0
    count: int | None = None
    until: date | datetime | None = None
    byday: list[tuple[int, int]] = field(default_factory=list)
    """Pairs of ordinal and weekday; 0 is no ordinal."""
    by: dict[str, list[int]] = field(default_factory=dict)
    """The values of the other BY parts."""

    def has(self, *names: str) -> bool:
        return any(name in self.by or name == "BYDAY" and self.byday for name in names)

    @property
    def numbered(self) -> bool:
        return any(ordinal for ordinal, _ in self.byday)


def parse(text: str) -> Rule:
    """Parses a rule. Raises Refused if RFC 5545 does not allow it. One trailing semicolon is ignored."""
    rule, seen = Rule(), set()
    for part in text.upper().removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or name in seen:
            raise Refused(f"{part!r} is not a part, or a duplicate")
        seen.add(name)
        _read(rule, name, value)
    if rule.freq == "":
        raise Refused("FREQ is missing")
    if rule.count is not None and rule.until is not None:
        raise Refused("both COUNT and UNTIL")
    reason = not_allowed(rule)
    if reason:
        raise Refused(reason)
    return rule


def _read(rule: Rule, name: str, value: str) -> None:
    if name == "FREQ" and value in FREQUENCIES:
        rule.freq = value
    elif name in ("INTERVAL", "COUNT") and re.fullmatch(r"0*[1-9]\d*", value):
        setattr(rule, name.lower(), int(value))
    elif name == "WKST" and value in DAYS:
        rule.wkst = DAYS.index(value)
    elif name == "UNTIL" and re.fullmatch(r"\d{8}(T\d{6}Z?)?", value):
        rule.until = moment(value)
    elif name == "BYDAY":
        rule.byday = [_day(element) for element in value.split(",")]
    elif name in NUMBERS:
        rule.by[name] = [_number(name, element) for element in value.split(",")]
    else:
        raise Refused(f"{name} is unknown to RFC 5545, or its value is invalid")


def _day(element: str) -> tuple[int, int]:
    found = re.fullmatch(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", element)
    if not found or found[1] and not 1 <= abs(int(found[1])) <= 53:
        raise Refused(f"BYDAY={element}")
    return int(found[1] or 0), DAYS.index(found[2])


def _number(name: str, element: str) -> int:
    signed = NUMBERS[name].start < 0
    if not re.fullmatch(r"[+-]?\d{1,3}" if signed else r"\d{1,2}", element):
        raise Refused(f"{name}={element}")
    number = int(element)
    if number not in NUMBERS[name] or number == 0 and name in NEVER_ZERO:
        raise Refused(f"{name}={element}")
    return number


def moment(value: str) -> date | datetime:
    """Parses an iCalendar DATE or DATE-TIME. A Z is ignored, since every wall time here is in UTC."""
    if "T" not in value:
        return datetime.strptime(value, "%Y%m%d").date()
    return datetime.strptime(value.rstrip("Z"), "%Y%m%dT%H%M%S")


def not_allowed(rule: Rule) -> str:
    """Why the RFC's table does not allow the rule (its N/A cells, and the sentences on BYDAY and BYSETPOS); empty if it does."""
    if rule.has("BYWEEKNO") and rule.freq != "YEARLY":
        return "BYWEEKNO without FREQ=YEARLY"
    if rule.has("BYYEARDAY") and rule.freq in ("MONTHLY", "WEEKLY", "DAILY"):
        return "BYYEARDAY with FREQ=MONTHLY, WEEKLY or DAILY"
    if rule.has("BYMONTHDAY") and rule.freq == "WEEKLY":
        return "BYMONTHDAY with FREQ=WEEKLY"
    if rule.numbered and rule.freq not in ("YEARLY", "MONTHLY"):
        return "a numbered BYDAY without FREQ=YEARLY or MONTHLY"
    if rule.numbered and rule.has("BYWEEKNO"):
        return "a numbered BYDAY with BYWEEKNO"
    if "BYSETPOS" in rule.by and not rule.byday and len(rule.by) == 1:
        return "BYSETPOS without another BY part"
    return ""
