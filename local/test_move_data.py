"""Moving data of earlier versions: what they stored becomes what this version stores."""

import json
import unittest
from pathlib import Path

import move_data

FIXTURES = Path(__file__).resolve().parent.parent / "shared" / "aws" / "tests" / "fixtures"


def fixture(version: str, name: str) -> list[dict]:
    return json.loads((FIXTURES / version / f"{name}.json").read_text())


class Moved(unittest.TestCase):
    def test_tasks_of_earlier_versions_become_those_of_this_version(self):
        now = {item["pk"]["S"]: item for item in fixture("0.3.0", "task")}
        self.assertGreater(len(now), 1)
        for version in ("0.1.0", "0.2.0"):
            before = fixture(version, "task")
            self.assertEqual({item["pk"]["S"] for item in before}, set(now))
            for item in before:
                with self.subTest(version=version, task=item["pk"]["S"]):
                    self.assertEqual(move_data.moved(item), now[item["pk"]["S"]])

    def test_other_items_are_copied_as_they_are_and_counters_are_not_copied(self):
        for folder in ("0.1.0", "0.2.0"):
            for path in sorted((FIXTURES / folder).glob("*.json")):
                if path.stem in ("task", "indexes"):
                    continue
                for item in fixture(folder, path.stem):
                    expected = None if path.stem in ("rate_limit", "contribution", "counter_group") else item
                    self.assertEqual(move_data.moved(item), expected, path.stem)

    def test_a_moved_task_is_not_moved_again(self):
        for item in fixture("0.3.0", "task"):
            self.assertEqual(move_data.moved(item), item)

    def test_an_attribute_of_a_later_version_is_kept(self):
        item = fixture("0.2.0", "task")[0] | {"later": {"S": "x"}}
        self.assertEqual(move_data.moved(item)["later"], {"S": "x"})


class Copied(unittest.TestCase):
    class Table:
        """A table that has one item already."""

        class exceptions:  # noqa: N801 (as boto3 names it)
            class ConditionalCheckFailedException(Exception):
                pass

        def __init__(self, pages: list[list[dict]], present: str):
            self.pages, self.stored, self.present = pages, [], present

        def get_paginator(self, _):
            return self

        def paginate(self, **_):
            return [{"Items": page} for page in self.pages]

        def put_item(self, TableName, Item, ConditionExpression):  # noqa: N803 (as boto3 names them)
            assert (TableName, ConditionExpression) == ("new", "attribute_not_exists(pk)")
            if Item["pk"]["S"] == self.present:
                raise self.exceptions.ConditionalCheckFailedException
            self.stored.append(Item)

    def test_every_page_is_copied_and_present_items_stay(self):
        items = [{"pk": {"S": f"USER#{number}"}, "sk": {"S": "PROFILE"}} for number in range(3)]
        limit = {"pk": {"S": "LIMIT#x"}, "sk": {"S": "requests"}}
        timer = {"pk": {"S": "NOTICE#x"}, "sk": {"S": "NOTICE"}}
        table = self.Table([[timer, *items[:2]], [limit, items[2]]], "USER#1")
        self.assertEqual(move_data.copy(table, "old", "new", with_timers=False), (2, 1))
        self.assertEqual(table.stored, [items[0], items[2]])
        self.assertEqual(move_data.copy(table, "old", "new", with_timers=True), (1, 0))
        self.assertEqual(table.stored[2:], [timer])


if __name__ == "__main__":
    unittest.main()
