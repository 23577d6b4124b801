"""Tests of the recurrence oracle: its parsers of rules and tables, and its expander."""

import random
import unittest
from datetime import date, datetime
from itertools import islice

from recurrence import dateutil_lists, expander, generator, tables
from recurrence.exceptions import DATEUTIL, LIBICAL, first_of
from recurrence.rules import Refused, parse
from recurrence_oracle import expected_of, since

LIBICAL_TABLE = """# A line of words.
20280103T090000 20280104T000000 FREQ=DAILY;COUNT=3 20280104T090000,20280105T090000
20280103 - FREQ=WEEKLY;BYDAY=TU;COUNT=2 20280104,20280111
20280103 - FREQ=MONTHLY;BYMONTHDAY=32 -
"""

DATEUTIL_TESTS = '''
class RRuleTest(unittest.TestCase):
    def testMonthly(self):
        self.assertEqual(list(rrule(MONTHLY, count=2, byweekday=(TU(1), TH(-1)), wkst=6, dtstart=datetime(2028, 1, 4, 9))),
                         [datetime(2028, 1, 4, 9), datetime(2028, 1, 27, 9)])

    def testText(self):
        self.assertEqual(list(rrulestr("DTSTART:20280104T090000\\nRRULE:FREQ=DAILY;UNTIL=20280105T090000\\n")),
                         [datetime(2028, 1, 4, 9), datetime(2028, 1, 5, 9)])

    def testEaster(self):
        self.assertEqual(list(rrule(YEARLY, byeaster=0, dtstart=datetime(2028, 1, 4))), [datetime(2028, 4, 16)])

    def testBefore(self):
        self.assertEqual(rrule(DAILY, dtstart=datetime(2028, 1, 4)).before(datetime(2028, 1, 6)), datetime(2028, 1, 5))

    def helper(self):
        pass
'''


def after(start: str, text: str, count: int) -> list[str]:
    """The days of the occurrences after the first."""
    found = expander.series(parse(text), datetime.fromisoformat(start), count + 1)
    return [f"{moment:%Y-%m-%d}" for moment in found[1:]]


class Rules(unittest.TestCase):
    def test_a_rule_is_read_part_by_part(self):
        rule = parse("freq=monthly;interval=2;byday=MO,-1FR,+2SU;bymonthday=-1,15;wkst=SU;until=20281231T235959Z")
        self.assertEqual((rule.freq, rule.interval, rule.wkst), ("MONTHLY", 2, 6))
        self.assertEqual(rule.byday, [(0, 0), (-1, 4), (2, 6)])
        self.assertEqual(rule.by, {"BYMONTHDAY": [-1, 15]})
        self.assertEqual(rule.until, datetime(2028, 12, 31, 23, 59, 59))
        self.assertEqual(parse("FREQ=DAILY;UNTIL=20281231").until, date(2028, 12, 31))

    def test_what_the_table_of_rfc_5545_does_not_allow_is_refused(self):
        for text in (
            "",
            "INTERVAL=2",
            "FREQ=DAILY;FREQ=DAILY",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;COUNT=1;UNTIL=20281231",
            "FREQ=DAILY;BYHOUR=24",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=YEARLY;BYDAY=54MO",
            "FREQ=YEARLY;BYDAY=0MO",
            "FREQ=MONTHLY;BYWEEKNO=1",
            "FREQ=DAILY;BYYEARDAY=1",
            "FREQ=WEEKLY;BYMONTHDAY=1",
            "FREQ=WEEKLY;BYDAY=1MO",
            "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
            "FREQ=YEARLY;BYSETPOS=1",
            "FREQ=DAILY;BYEASTER=0",
        ):
            with self.subTest(text), self.assertRaises(Refused):
                parse(text)
        for text in ("FREQ=HOURLY;BYYEARDAY=-1", "FREQ=SECONDLY;BYMONTHDAY=1;BYDAY=MO", "FREQ=DAILY;BYSECOND=60;"):
            self.assertEqual(tables.refused(text), "", text)


class Expander(unittest.TestCase):
    def test_byday_is_a_union_and_its_numbers_count_from_both_ends(self):
        days = ["2028-01-07", "2028-01-11", "2028-01-14", "2028-01-18", "2028-01-21", "2028-01-25"]
        self.assertEqual(after("2028-01-04", "FREQ=MONTHLY;BYDAY=TU,FR,-1TU", 6), days)
        months = ["2028-05-02", "2028-08-01", "2028-10-03", "2029-01-02"]
        self.assertEqual(after("2028-02-01", "FREQ=MONTHLY;BYDAY=-5TU", 4), months)

    def test_what_a_rule_leaves_out_comes_from_its_start(self):
        weeks = ["2029-03-06", "2030-03-05", "2031-03-04", "2032-03-02"]
        self.assertEqual(after("2028-03-07", "FREQ=YEARLY;BYWEEKNO=10", 4), weeks)
        self.assertEqual(after("2028-02-29", "FREQ=YEARLY", 2), ["2032-02-29", "2036-02-29"])
        self.assertEqual(after("2028-01-10", "FREQ=YEARLY;BYMONTH=3", 2), ["2028-03-10", "2029-03-10"])
        found = expander.series(parse("FREQ=HOURLY;BYHOUR=8;BYMINUTE=0,30"), datetime(2028, 1, 1, 8, 30, 7), 3)
        self.assertEqual(found[1:], [datetime(2028, 1, 2, 8, 0, 7), datetime(2028, 1, 2, 8, 30, 7)])

    def test_bysetpos_counts_days_before_the_start_and_does_not_return_them(self):
        days = ["2028-01-10", "2028-01-17"]
        self.assertEqual(after("2028-01-05", "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", 2), days)
        self.assertEqual(after("2028-01-05", "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1", 2), ["2028-01-07", "2028-01-14"])

    def test_a_year_of_weeks_begins_with_its_first_week(self):
        self.assertEqual(after("2010-01-02", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TU,SA;INTERVAL=6", 2), ["2015-12-29", "2016-01-02"])
        self.assertEqual(after("2027-01-03", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH;INTERVAL=5", 1), ["2032-12-30"])

    def test_count_and_until_end_a_series_and_no_occurrence_after_the_start_is_none(self):
        self.assertEqual(after("2028-01-01", "FREQ=DAILY;COUNT=3", 9), ["2028-01-02", "2028-01-03"])
        self.assertEqual(after("2028-01-01", "FREQ=DAILY;UNTIL=20280102", 9), ["2028-01-02"])
        never = parse("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
        self.assertIsNone(expander.series(never, datetime(2028, 1, 1), 9))
        last = expander.series(parse("FREQ=YEARLY"), datetime(2198, 5, 1), 9)
        self.assertEqual(last, [datetime(2198, 5, 1), datetime(2199, 5, 1)])


class Tables(unittest.TestCase):
    def test_libicals_table_is_read_from_where_its_instances_begin(self):
        cases = tables.libical(LIBICAL_TABLE)
        self.assertEqual([case.rule for case in cases][:2], ["FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;BYDAY=TU;COUNT=2"])
        self.assertEqual(cases[2].instances, [])
        whole = "2028-01-03T09:00:00 2028-01-04T09:00:00 2028-01-05T09:00:00"
        self.assertEqual(since(cases[0], whole), "2028-01-04T09:00:00 2028-01-05T09:00:00")
        # The rule does not match its start, which in Taskbell is an occurrence and counts.
        self.assertEqual(cases[1].asked, "FREQ=WEEKLY;BYDAY=TU;COUNT=3")
        expected = expected_of(cases[1], LIBICAL, {}, {})
        self.assertEqual(expected, "2028-01-03T00:00:00 2028-01-04T00:00:00 2028-01-11T00:00:00")

    def test_dateutils_tests_are_read_with_what_is_left_out(self):
        cases, left_out = tables.dateutil(DATEUTIL_TESTS)
        self.assertEqual(
            [case.rule for case in cases],
            ["FREQ=MONTHLY;COUNT=2;BYDAY=1TU,-1TH;WKST=SU", "FREQ=DAILY;UNTIL=20280105T090000"],
        )
        self.assertEqual(cases[0].instances, [datetime(2028, 1, 4, 9), datetime(2028, 1, 27, 9)])
        self.assertEqual(sum(left_out.values()), 2)

    def test_rules_that_dateutil_reads_differently_have_a_reason(self):
        for text, start, name in (
            ("FREQ=MONTHLY;BYDAY=MO,1FR", "2028-01-03", "mixed BYDAY"),
            ("FREQ=YEARLY;BYWEEKNO=10", "2028-03-07", "BYWEEKNO without a day"),
            ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;INTERVAL=2", "2028-01-03", "weeks across the year boundary"),
            ("FREQ=YEARLY;BYWEEKNO=-52;BYDAY=MO", "2028-01-03", "first week counted from the end"),
            ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH,FR;WKST=SU", "2009-01-01", "last week of the previous year"),
            ("FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1", "2028-01-07", "BYSETPOS in the first week"),
        ):
            with self.subTest(name):
                rule, moment = parse(text), datetime.fromisoformat(start)
                self.assertEqual(first_of(DATEUTIL, rule, moment).name, name)
        plain = parse("FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1")
        self.assertIsNone(first_of(DATEUTIL, plain, datetime(2028, 1, 3)), "a start on the first day of the week")


class Generator(unittest.TestCase):
    def test_generated_rules_are_of_every_kind_and_dateutil_expands_them_alike(self):
        seen = set()
        for text, rule, start, expected in islice(generator.cases(random.Random(1), 5), 300):
            seen |= {rule.freq, *rule.by} | ({"BYDAY"} if rule.byday else set())
            if first_of(DATEUTIL, rule, start):
                continue
            listed = dateutil_lists.series(text, rule, start, expected, 5)
            if listed is not None:
                self.assertEqual(listed, expected or [start], f"{text} from {start}")
        self.assertEqual(len(seen), 7 + 9, "each FREQ and each BY part")


if __name__ == "__main__":
    unittest.main()
