"""Reads libical's table and the tests of python-dateutil into cases: a rule, its DTSTART and its occurrences."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from .rules import DAYS, FREQUENCIES, Refused, moment, parse


@dataclass
class Case:
    """A rule and the occurrences that the source lists for it."""

    rule: str
    start: date | datetime
    instances: list[datetime]
    """The occurrences in the source, which include DTSTART only if the rule matches it."""
    since: datetime | None = None
    """Only instances from here on are compared."""

    @property
    def lacks_start(self) -> bool:
        """Whether the rule does not match its DTSTART, which in Taskbell is the first occurrence anyway."""
        return self.since is None and self.instances[:1] != [at_midnight(self.start)]

    @property
    def asked(self) -> str:
        """The rule with a COUNT that includes such a DTSTART."""
        if not self.lacks_start:
            return self.rule
        return re.sub(r"(?<=COUNT=)\d+", lambda count: str(int(count[0]) + 1), self.rule)


def at_midnight(day: date | datetime) -> datetime:
    """The start of a date."""
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)


def libical(text: str) -> list[Case]:
    """The rules of recurrence/libical.txt."""
    found = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        start, since, rule, instances = line.split()
        given = [at_midnight(moment(value)) for value in instances.split(",") if value != "-"]
        found.append(Case(rule, moment(start), given, None if since == "-" else at_midnight(moment(since))))
    return found


class Foreign(Exception):
    """A test that does not consist of one rule and its dates."""


def dateutil(source: str) -> tuple[list[Case], Counter]:
    """The rules that dateutil's tests expand, and the number of skipped tests by reason."""
    found, left_out = [], Counter()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef) or node.name not in ("RRuleTest", "RRuleSetTest"):
            continue
        for test in node.body:
            if not isinstance(test, ast.FunctionDef) or not test.name.startswith("test"):
                continue
            try:
                found.append(_case(test))
            except Foreign as foreign:
                left_out[str(foreign)] += 1
    return found, left_out


def _case(test: ast.FunctionDef) -> Case:
    """The case of a test that is one comparison: assertEqual(list(rrule(...)), [datetime(...), ...])."""
    match test.body:
        case [ast.Expr(ast.Call(ast.Attribute(attr="_rrulestr_reverse_test")))]:
            raise Foreign("it formats and parses a rule, without dates")
        case [ast.Expr(ast.Call(ast.Attribute(attr="assertEqual"), [ast.Call(ast.Name("list"), [made]), ast.List(dates)]))]:
            instances = [_value(each) for each in dates]
        case _:
            raise Foreign("it does not list the occurrences of one rule")
    match made:
        case ast.Call(ast.Name("rrule"), [ast.Name(freq)], keywords) if freq in FREQUENCIES:
            rule, start = _written({"FREQ": freq}, {each.arg: _value(each.value) for each in keywords})
        case ast.Call(ast.Name("rrulestr"), [ast.Constant(str(text))], keywords):
            rule, start = _from_text(text, {each.arg: _value(each.value) for each in keywords})
        case _:
            raise Foreign("it builds the rule in a different way")
    if not all(isinstance(each, datetime) for each in instances):
        raise Foreign("its dates are not written out")
    if not 1970 <= start.year <= 2199 or start.microsecond:
        raise Foreign("its start is not a valid due time: year out of range, or fraction of a second")
    return Case(rule, start, instances)


def _value(node: ast.expr):
    match node:
        case ast.Constant(value):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(int(value))):
            return -value
        case ast.Tuple(elements) | ast.List(elements):
            return [_value(each) for each in elements]
        case ast.Name(name) if name in DAYS:
            return name
        case ast.Call(ast.Name(name), [number], []) if name in DAYS:
            return f"{_value(number)}{name}"
        case ast.Call(ast.Name("datetime"), parts, []):
            return datetime(*map(_value, parts))
        case ast.Call(ast.Name("datetime")):
            raise Foreign("its times have a time zone")
        case ast.Attribute():
            raise Foreign("it builds the rule in a different way")
    raise Foreign("its rule is not written out")


def _written(parts: dict[str, str], given: dict) -> tuple[str, datetime]:
    """A rule as RRULE text, from the arguments of dateutil's function."""
    names = {"byweekday": "BYDAY"}
    start = given.pop("dtstart", None)
    for name, value in given.items():
        if name == "byeaster":
            raise Foreign("BYEASTER, which RFC 5545 does not have")
        if name == "cache":
            continue
        values = value if isinstance(value, list) else [value]
        if name in ("byweekday", "wkst"):
            values = [DAYS[each] if isinstance(each, int) else each for each in values]
        if name == "until":
            values = [f"{at_midnight(value):%Y%m%dT%H%M%S}"]
        parts[names.get(name, name.upper())] = ",".join(map(str, values))
    if start is None:
        raise Foreign("it has no DTSTART")
    return ";".join(f"{name}={value}" for name, value in parts.items()), start


def _from_text(text: str, given: dict) -> tuple[str, datetime]:
    start, rules = given.pop("dtstart", None), []
    if given:
        raise Foreign("it uses an option of rrulestr")
    lines = text.replace("\n ", "").split("\n")
    for line in filter(None, map(str.strip, lines)):
        head, colon, value = line.rpartition(":")
        if head.upper() == "DTSTART":
            start = at_midnight(moment(value))
        elif head.upper() in ("", "RRULE") and "=" in value:
            rules.append(value.rstrip(";"))
        else:
            raise Foreign("it has more than one rule, EXDATE, RDATE or a time zone")
    if len(rules) != 1 or start is None:
        raise Foreign("it has more than one rule, EXDATE, RDATE or a time zone")
    if "BYEASTER" in rules[0].upper():
        raise Foreign("BYEASTER, which RFC 5545 does not have")
    return rules[0].upper(), start


def refused(rule: str) -> str:
    """Why RFC 5545 does not allow a rule of a table; empty if it does."""
    try:
        parse(rule)
    except Refused as reason:
        return str(reason)
    return ""
