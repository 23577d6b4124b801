"""make run: what the terminal shows of the logs, and the requests to paste."""

import contextlib
import io
import json
import re
import subprocess
import unittest

from run import first_requests, record


def recorded(*lines: str) -> tuple[list[str], list[str]]:
    """These log lines as the file and as the terminal have them."""
    file = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()) as terminal:
        for line in lines:
            record(line, file)
    return file.getvalue().splitlines(), terminal.getvalue().splitlines()


class Logs(unittest.TestCase):
    def test_the_file_has_all_lines_and_the_terminal_those_that_need_attention(self):
        quiet = [json.dumps({"level": level, "message": "response sent"}) for level in ("TRACE", "DEBUG", "INFO")]
        loud = [json.dumps({"level": level, "message": "INFO"}) for level in ("WARN", "ERROR")]
        loud += ["thread 'main' panicked at src/main.rs:1:1:", "null", "{}"]
        self.assertEqual(recorded(*quiet, *loud), (quiet + loud, loud))

    def test_lines_of_the_emulator_about_each_call_are_nowhere(self):
        self.assertEqual(recorded("START RequestId: 1", "END RequestId: 1", "REPORT RequestId: 1", ""), ([], []))


class Requests(unittest.TestCase):
    def test_all_of_them_can_be_pasted_together(self):
        block = first_requests("http://127.0.0.1:4566/%24default")
        self.assertEqual(subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True).stderr, "")
        for line in block.splitlines():
            # A shell that does not know comments must not find quotes or brackets in them.
            self.assertRegex(line, r"^(curl |TOKEN=|    -d |# [A-Za-z, ]+$|$)")

    def test_the_link_is_that_of_the_address_that_registers(self):
        block = first_requests("http://127.0.0.1:4566")
        (address,) = set(re.findall(r'"email": "([^"]+)"', block))
        self.assertEqual(re.findall(r"make -s link ([^)]*)\)", block), [f"ADDRESS={address} ACTION=verify"])


if __name__ == "__main__":
    unittest.main()
