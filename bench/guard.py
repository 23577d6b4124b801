"""make guard: counts the instructions that handlers take for one request, and fails if a count differs from the recorded one.

valgrind counts, so the result does not depend on other load of the machine. Hash maps use random keys, and libraries
choose code by processor: hence the margin.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

EXPECTED = Path(__file__).resolve().parent / "instructions" / "expected.json"
# The allowed difference in either direction: an improvement is recorded too.
MARGIN = 0.05


def count(program: str, function: str) -> int:
    """The instructions of one request to a function."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*instructions*measured*"]
    done = subprocess.run([*command, program, function], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found or int(found[1]) == 0:
        sys.exit(f"guard: {function} could not be measured:\n{done.stderr[-2000:]}")
    return int(found[1])


def main() -> None:
    program, write = sys.argv[1], sys.argv[2:] == ["--write"]
    if not shutil.which("valgrind"):
        sys.exit("guard: valgrind is not installed (Debian: apt install valgrind)")
    expected = json.loads(EXPECTED.read_text())
    counts = {function: count(program, function) for function in expected}
    failed = 0
    for function, found in counts.items():
        change = found / expected[function] - 1 if expected[function] else float("inf")
        wrong = abs(change) > MARGIN and not write
        failed += wrong
        print(f"{function}: {found:,} instructions, {change:+.1%}{'   FAILED' if wrong else ''}")
    if write:
        EXPECTED.write_text(json.dumps(counts, indent=2) + "\n")
    print(f"{len(counts) - failed} passed, {failed} failed")
    if failed:
        sys.exit(f"guard: a count differs by more than {MARGIN:.0%}: fix it, or explain it in the commit and run make guard-write")


if __name__ == "__main__":
    main()
