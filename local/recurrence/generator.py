"""Generates random rules that RFC 5545 §3.3.10 allows, weighted so that most have enough occurrences."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from . import expander
from .rules import DAYS, Rule, parse

INTERVALS = {
    "HOURLY": [1, 2, 3, 5, 7, 11, 12, 24, 25, 36],
    "MINUTELY": [1, 2, 5, 7, 15, 45, 60, 61, 90, 1441],
    "SECONDLY": [1, 2, 7, 30, 59, 61, 90, 3601],
}
START = datetime(1970, 1, 5)


def some(rng: random.Random, values, most: int) -> str:
    return ",".join(str(value) for value in rng.sample(list(values), rng.randint(1, most)))


def byday(rng: random.Random, freq: str, within_month: bool, plain_only: bool) -> str:
    """Weekdays with ordinals, without, or mixed."""
    days = rng.sample(DAYS, rng.randint(1, 4))
    kind = "plain" if plain_only or freq not in ("YEARLY", "MONTHLY") else rng.choice(["plain", "numbered", "mixed"])
    if kind == "plain":
        return ",".join(days)
    numbers = [1, 2, 3, 4, 5, -1, -2, -3, -4, -5]
    if not within_month:
        numbers += [10, 20, 33, 52, 53, -10, -40, -52, -53]
    numbered = [f"{rng.choice(['', '+']) if number > 0 else ''}{number}{day}" for day in days for number in [rng.choice(numbers)]]
    if kind == "mixed":
        numbered += rng.sample(DAYS, rng.randint(1, 2))
        rng.shuffle(numbered)
    return ",".join(numbered)


def rule(rng: random.Random) -> str:
    """A rule without COUNT and UNTIL."""
    freq = rng.choice(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"] * 3 + ["YEARLY", "HOURLY", "MINUTELY", "SECONDLY"])
    parts = {"FREQ": freq}

    def perhaps(name: str, share: float, values, most: int) -> None:
        if rng.random() < share:
            parts[name] = some(rng, values, most)

    if rng.random() < 0.45:
        parts["INTERVAL"] = str(rng.choice(INTERVALS.get(freq, [1, 2, 3, 4, 5, 6, 7, 10, 12, 13, 30, 53, 100])))
    perhaps("BYMONTH", 0.3, range(1, 13), 4)
    if freq == "YEARLY":
        perhaps("BYWEEKNO", 0.3, [*range(1, 54), *range(-53, 0), 1, 52, 53, -1, -52, -53], 3)
    if freq in ("YEARLY", "HOURLY", "MINUTELY", "SECONDLY") and "BYWEEKNO" not in parts:
        perhaps("BYYEARDAY", 0.15, [*range(1, 367), *range(-366, 0)], 20)
    if freq != "WEEKLY":
        perhaps("BYMONTHDAY", 0.25, [*range(1, 32), *range(-31, 0)], 9)
    if rng.random() < 0.45:
        parts["BYDAY"] = byday(rng, freq, freq == "MONTHLY" or "BYMONTH" in parts, "BYWEEKNO" in parts)
    perhaps("BYHOUR", 0.25, range(24), 3)
    perhaps("BYMINUTE", 0.15, range(60), 3)
    perhaps("BYSECOND", 0.1, range(60), 3)
    if parts.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYHOUR", "BYMONTH", "BYWEEKNO", "BYMINUTE", "BYSECOND"}:
        perhaps("BYSETPOS", 0.25, [1, 2, 3, 5, 12, -1, -2, -4], 3)
    if rng.random() < 0.3:
        parts["WKST"] = rng.choice(DAYS)
    shuffled = list(parts.items())
    rng.shuffle(shuffled)
    return ";".join(f"{name}={value}" for name, value in shuffled)


def ended(rng: random.Random, text: str, found: list[datetime]) -> str:
    """The rule with a COUNT, with an UNTIL at or after one of its occurrences, or unchanged."""
    draw = rng.random()
    if draw < 0.2:
        return f"{text};COUNT={rng.randint(1, 12)}"
    if draw < 0.45:
        end = rng.choice(found) + timedelta(seconds=rng.choice([0, 0, 1, 3600, 86_400]))
        return f"{text};UNTIL={end:{rng.choice(['%Y%m%dT%H%M%S', '%Y%m%dT%H%M%SZ', '%Y%m%d'])}}"
    return text


def cases(rng: random.Random, limit: int) -> Iterator[tuple[str, Rule, datetime, list[datetime] | None]]:
    """Rules with their DTSTART and the expander's result. Half of the starts match the rule."""
    while True:
        text = rule(rng)
        start = START + timedelta(seconds=rng.randrange(90 * 365 * 86_400))
        try:
            found = expander.series(parse(text), start, limit)
            if found and rng.random() < 0.5 and len(found) > 1:
                start = found[1]
                found = expander.series(parse(text), start, limit)
            if found:
                text = ended(rng, text, found)
                found = expander.series(parse(text), start, limit)
        except expander.Unaffordable:
            continue
        yield text, parse(text), start, found
