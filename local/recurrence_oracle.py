"""Holds the expansion of recurrence rules against python-dateutil's rrulestr.

Generates rules, lets dateutil list the first occurrences of each, lets Taskbell walk the same series one by
one, as its tasks do, and prints how many rules agree. Ends with 1 if one does not.

    python local/recurrence_oracle.py [number of rules] [seed]
"""

import itertools
import random
import re
import subprocess
import sys
from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

OCCURRENCES = 15
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def some(chance: random.Random, values: list, most: int) -> str:
    return ",".join(str(value) for value in sorted(chance.sample(values, chance.randint(1, most)), key=str))


def rule(chance: random.Random) -> str:
    """A rule that RFC 5545 allows, and that comes true often enough to be compared."""
    freq = chance.choice(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"] * 3 + ["HOURLY", "MINUTELY", "SECONDLY"])
    parts = {"FREQ": freq}
    if chance.random() < 0.5:
        parts["INTERVAL"] = str(chance.choice([1, 2, 3, 4, 5, 6, 7, 10, 12, 13, 30]))
    if freq in ("MINUTELY", "SECONDLY"):  # with more parts, dateutil tries every minute of years
        return ";".join(f"{name}={value}" for name, value in parts.items())
    if chance.random() < 0.3:
        parts["BYMONTH"] = some(chance, list(range(1, 13)), 4)
    months = freq in ("YEARLY", "MONTHLY")
    what = chance.choice(["none", "day", "nth", "monthday", "yearday", "weekno"])
    if what == "day":
        parts["BYDAY"] = some(chance, DAYS, 4)
    elif what == "nth" and months:
        inside_month = freq == "MONTHLY" or "BYMONTH" in parts
        numbers = [1, 2, 3, 4, -1, -2, -3] + ([] if inside_month else [10, 20, 33, 50, -10, -40])
        days = [f"{chance.choice(numbers)}{day}" for day in chance.sample(DAYS, chance.randint(1, 3))]
        parts["BYDAY"] = ",".join(days)
    elif what == "monthday" and freq != "WEEKLY":
        parts["BYMONTHDAY"] = some(chance, [*range(1, 32), *range(-31, 0)], 4)
        if chance.random() < 0.2:
            parts["BYDAY"] = some(chance, DAYS, 4)
    elif what == "yearday" and freq == "YEARLY":
        parts.pop("BYMONTH", None)
        parts["BYYEARDAY"] = some(chance, [*range(1, 367), *range(-366, 0)], 4)
    elif what == "weekno" and freq == "YEARLY":
        parts.pop("BYMONTH", None)
        parts["BYWEEKNO"] = some(chance, [*range(1, 54), *range(-53, 0)], 3)
        if chance.random() < 0.6:
            parts["BYDAY"] = some(chance, DAYS, 3)
    if freq != "HOURLY" and chance.random() < 0.3:
        parts["BYHOUR"] = some(chance, list(range(24)), 3)
    if chance.random() < 0.15:
        parts["BYMINUTE"] = some(chance, list(range(60)), 3)
    if freq != "HOURLY" and chance.random() < 0.25 and {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYHOUR"} & parts.keys():
        parts["BYSETPOS"] = some(chance, [1, 2, 3, -1, -2], 2)
    if chance.random() < 0.2:
        parts["WKST"] = chance.choice(DAYS)
    return ";".join(f"{name}={value}" for name, value in parts.items())


def case(chance: random.Random) -> tuple[datetime, str, list[datetime]] | None:
    """A first occurrence on the grid, the rule, and what dateutil makes of it."""
    text = rule(chance)
    start = datetime(2000, 1, 1) + timedelta(seconds=chance.randrange(60 * 366 * 86_400))
    if "FREQ=WEEKLY" in text and "BYSETPOS" in text:
        # In the week of DTSTART dateutil counts BYSETPOS from DTSTART on; RFC 5545 counts in the whole week.
        start -= timedelta(days=(start.weekday() - DAYS.index((re.findall("WKST=(..)", text) or ["MO"])[0])) % 7)
    try:
        # The end bounds dateutil's search where a rule hardly ever comes true.
        first = next(iter(rrulestr(f"{text};UNTIL={start.year + 9}0101T000000", dtstart=start)), None)
    except ValueError:  # an interval that never meets its hours, minutes or seconds
        return None
    if first is None:
        return None
    if chance.random() < 0.25:
        text += f";COUNT={chance.randint(1, 12)}"
    elif chance.random() < 0.25:
        end = first + timedelta(days=chance.choice([0, 1, 10, 100, 1_000]))
        text += chance.choice([f";UNTIL={end:%Y%m%dT%H%M%S}", f";UNTIL={end:%Y%m%d}T235959"])
    bound = "" if "COUNT" in text or "UNTIL" in text else f";UNTIL={first.year + 60}0101T000000"
    begin = start if "BYSETPOS" in text else first
    # 2199 is the last year that Taskbell knows.
    known = itertools.takewhile(lambda moment: moment.year < 2200, rrulestr(text + bound, dtstart=begin))
    occurrences = (moment for moment in known if moment >= first)
    return first, text + bound, list(itertools.islice(occurrences, OCCURRENCES))


def main() -> int:
    wanted, seed = (int(value) for value in (sys.argv[1:] + ["4000", "5545"][len(sys.argv) - 1 :])[:2])
    chance = random.Random(seed)
    cases = list(itertools.islice(filter(None, (case(chance) for _ in itertools.count())), wanted))
    lines = "".join(f"{first:%Y-%m-%dT%H:%M:%S} {text}\n" for first, text, _ in cases)
    expand = ["cargo", "run", "--quiet", "--package", "taskbell-domain", "--example", "expand"]
    answers = subprocess.run(expand, input=lines, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    if len(answers) != len(cases):
        print(f"recurrence oracle: {len(cases)} rules asked, {len(answers)} answers")
        return 1
    disagreements = 0
    for (first, text, expected), answer in zip(cases, answers, strict=True):
        if answer != " ".join(f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in expected):
            disagreements += 1
            print(f"DTSTART {first:%Y%m%dT%H%M%S} {text}\n  dateutil {[str(m) for m in expected]}\n  Taskbell {answer}")
    moments = sum(len(expected) for _, _, expected in cases)
    print(f"recurrence oracle: {len(cases)} rules, {moments} occurrences, {disagreements} disagreements (seed {seed})")
    return int(disagreements > 0)


if __name__ == "__main__":
    sys.exit(main())
