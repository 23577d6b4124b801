"""The log lines that are searched for private data."""

import unittest
from typing import Any

from cloud import CannotRun
from e2e import MOST_EVENTS, log_lines


class Logs:
    """CloudWatch Logs with these streams, two of them on each page."""

    def __init__(self, streams: dict[str, list[str]]) -> None:
        self.streams = streams

    def get_paginator(self, name: str) -> "Logs":
        return self

    def paginate(self, logGroupName: str) -> list[dict[str, Any]]:
        names = [{"logStreamName": name} for name in self.streams]
        return [{"logStreams": names[at : at + 2]} for at in range(0, len(names), 2)]

    def filter_log_events(self, logGroupName: str, logStreamNames: list[str]) -> dict[str, Any]:
        [name] = logStreamNames
        return {"events": [{"message": line} for line in self.streams[name]][:MOST_EVENTS]}


class LogLines(unittest.TestCase):
    def test_the_lines_of_every_stream_are_read(self) -> None:
        logs = Logs({"a": ["1", "2"], "b": [], "c": ["3"]})
        self.assertEqual(log_lines(logs, "group"), ["1", "2", "3"])

    def test_a_stream_that_cannot_be_read_as_a_whole_is_an_error(self) -> None:
        with self.assertRaisesRegex(CannotRun, "the log stream b is too long"):
            log_lines(Logs({"a": ["1"], "b": ["x"] * (MOST_EVENTS + 1)}), "group")


if __name__ == "__main__":
    unittest.main()
