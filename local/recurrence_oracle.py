"""Compares Taskbell's expansion of recurrence rules (RFC 5545 §3.3.10) with independent implementations.

    python local/recurrence_oracle.py [number of rules] [seed] [--tables]

Generated rules are expanded by Taskbell, by a separate expander that tries every day and time (recurrence/expander.py), and by
python-dateutil, except where dateutil departs from the RFC (recurrence/exceptions.py explains each case). All must agree.
Taskbell is also compared with libical's table and, with --tables, with the tests of python-dateutil, which are downloaded.

Exits with 1 on a disagreement, with 2 if something could not be downloaded.
"""

import argparse
import random
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from recurrence import dateutil_lists, downloads, expander, generator, tables
from recurrence.exceptions import DATEUTIL, LIBICAL, Exemption, first_of
from recurrence.rules import parse

MANIFEST = Path(__file__).parents[1] / "shared" / "domain" / "Cargo.toml"
LIBICAL_TABLE = Path(__file__).parent / "recurrence" / "libical.txt"
OCCURRENCES, LONG = 15, 120


def taskbell(questions: list[tuple[str, date | datetime]], count: int) -> list[str]:
    """Taskbell's result for each rule: its occurrences, or the code of its refusal."""
    lines = "".join(f"{start.isoformat()} {text}\n" for text, start in questions)
    expand = ["cargo", "run", "--quiet", "--manifest-path", str(MANIFEST), "--example", "expand", "--", str(count)]
    answers = subprocess.run(expand, input=lines, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    if len(answers) != len(questions):
        sys.exit(f"recurrence oracle: {len(questions)} rules, but {len(answers)} results")
    return answers


def written(occurrences: list[datetime] | None) -> str:
    return "no_occurrence" if occurrences is None else " ".join(moment.isoformat() for moment in occurrences)


def disagreement(text: str, start: date | datetime, answers: dict[str, str]) -> None:
    print(f"DTSTART {start.isoformat()}  RRULE {text}")
    for name, answer in answers.items():
        print(f"  {name:9} {answer}")


def counted(counts: Counter, what: str) -> None:
    for reason, number in counts.most_common():
        print(f"  {number:5} {what}: {reason}")


def judge_table(source: str, cases: list[tables.Case], left_out: Counter, exemptions: list[Exemption]) -> int:
    """Compares Taskbell with a table. Returns the number of disagreements."""
    answers = taskbell([(case.asked, case.start) for case in cases], LONG)
    wrong, exempt, refused = 0, Counter(), Counter()
    for case, answer in zip(cases, answers, strict=True):
        expected = since(case, expected_of(case, exemptions, exempt, refused))
        if since(case, answer) != expected:
            wrong += 1
            disagreement(case.asked, case.start, {source: expected, "Taskbell": answer})
    print(f"recurrence oracle: {source}: {len(cases) - wrong} of {len(cases)} rules agree")
    counted(refused, "must be refused")
    counted(exempt, "checked against RFC 5545 instead")
    counted(left_out, "skipped")
    return wrong


def since(case: tables.Case, answer: str) -> str:
    """The occurrences from the START-AT of the case."""
    if case.since is None or "T" not in answer:
        return answer
    return " ".join(moment for moment in answer.split() if moment >= case.since.isoformat())


def expected_of(case: tables.Case, exemptions: list[Exemption], exempt: Counter, refused: Counter) -> str:
    """The expected result for a rule of a table."""
    reason = tables.refused(case.rule)
    if reason:
        refused[reason] += 1
        return "invalid_recurrence"
    rule, start = parse(case.asked), tables.at_midnight(case.start)
    if not expander.admits(rule, start):
        refused["UNTIL before DTSTART, the due time of the first task"] += 1
        return "ends_before_due"
    exemption = first_of(exemptions, rule, case.start)
    if exemption:
        exempt[exemption.name] += 1
        return exemption.answer or written(expander.series(rule, start, LONG))
    return written([start, *case.instances][:LONG] if case.lacks_start else case.instances[:LONG])


def judge_generated(number: int, seed: int) -> int:
    """Compares Taskbell, the expander and dateutil. Returns the number of disagreements."""
    cases = list(islice(generator.cases(random.Random(seed), OCCURRENCES), number))
    answers = taskbell([(text, start) for text, _, start, _ in cases], OCCURRENCES)
    wrong, exempt, moments, slow = 0, Counter(), 0, 0
    for (text, rule, start, expected), answer in zip(cases, answers, strict=True):
        moments += len(expected or [])
        said = {"RFC 5545": written(expected), "Taskbell": answer}
        exemption = first_of(DATEUTIL, rule, start)
        if exemption:
            exempt[exemption.name] += 1
        else:
            listed = dateutil_lists.series(text, rule, start, expected, OCCURRENCES)
            if listed is None:
                slow += 1
            else:
                said["dateutil"] = written(listed if expected else listed[1:] or None)
        if len(set(said.values())) > 1:
            wrong += 1
            disagreement(text, start, said)
    never = sum(expected is None for _, _, _, expected in cases)
    print(f"recurrence oracle: generated: {number} rules, {moments} occurrences, {wrong} disagreements (seed {seed})")
    judged = number - slow - sum(exempt.values())
    print(f"  {number:5} compared with the expander, {judged} of them also with dateutil; {never} have no occurrence")
    print(f"  {slow:5} not compared with dateutil: its search would take too long")
    counted(exempt, "not compared with dateutil, which departs from RFC 5545")
    return wrong


def judge_libical() -> int:
    """Compares Taskbell with libical's table. Returns the number of disagreements."""
    return judge_table("libical's table", tables.libical(LIBICAL_TABLE.read_text()), Counter(), LIBICAL)


def judge_dateutils_tests() -> int | None:
    """Compares Taskbell with the tests of dateutil. Returns the number of disagreements, or None if they are unavailable."""
    try:
        cases, left_out = tables.dateutil(downloads.dateutil_tests())
    except downloads.Unreachable as why:
        print(f"recurrence oracle: dateutil's tests cannot be downloaded: {why}")
        return None
    return judge_table("dateutil's tests", cases, left_out, DATEUTIL)


def main() -> int:
    arguments = argparse.ArgumentParser(description="Compares Taskbell's expansion of recurrence rules with other implementations.")
    arguments.add_argument("rules", type=int, nargs="?", default=4000)
    arguments.add_argument("seed", type=int, nargs="?", default=5545)
    arguments.add_argument("--tables", action="store_true", help="also compare with dateutil's tests, which are downloaded")
    chosen = arguments.parse_args()
    tests = judge_dateutils_tests() if chosen.tables else 0
    wrong = judge_libical() + (tests or 0) + judge_generated(chosen.rules, chosen.seed)
    return 1 if wrong else 2 if tests is None else 0


if __name__ == "__main__":
    sys.exit(main())
