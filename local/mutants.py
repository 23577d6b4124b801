"""Breaks the code one line at a time, and reports changes that no test detects.

local/mutants.toml lists the changes and the tests that should fail. Each change is made in the working tree, tested and
reverted, also on Ctrl-C. Exits with 1 if a mutant survives, does not compile, or no longer matches the code.

    python local/mutants.py [words in a mutant's name or file ...]
    python local/mutants.py --check     only checks that each mutant matches the code (make lint)
"""

import re
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "local" / "mutants.toml"
# Seconds per mutant, including the build. A change can cause an endless loop.
TIME_LIMIT = 900


@dataclass(frozen=True)
class Mutant:
    name: str
    path: Path
    before: str
    after: str
    tests: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.path.relative_to(ROOT)}: {self.name}"

    def fits(self) -> bool:
        return self.path.is_file() and self.path.read_text().count(self.before) == 1


def mutants() -> list[Mutant]:
    found = []
    for path, entry in tomllib.loads(LIST.read_text()).items():
        for name, before, after, *tests in entry["mutants"]:
            words = (tests or [entry["tests"]])[0].split()
            found.append(Mutant(name, ROOT / path, before, after, tuple(words)))
    return found


def run(tests: tuple[str, ...]) -> str:
    """The result of these tests: passed, failed, nothing (there are none), or no build."""
    of_library = tests[0] == "--lib"
    target = ["--lib"] if of_library else ["--test", "api"]
    command = ["cargo", "test", "--quiet", "--workspace", *target, "--", *tests[of_library:]]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        return "failed"
    results = re.findall(r"^test result: .* (\d+) passed; (\d+) failed", done.stdout, re.MULTILINE)
    if not results:
        return "no build"
    if done.returncode != 0:
        return "failed"
    return "passed" if any(int(passed) for passed, _ in results) else "nothing"


def verdict(mutant: Mutant) -> str:
    whole = mutant.path.read_text()
    try:
        mutant.path.write_text(whole.replace(mutant.before, mutant.after))
        result = run(mutant.tests)
    finally:
        mutant.path.write_text(whole)
    return {"failed": "killed", "no build": "does not compile"}.get(result, "SURVIVED")


def main() -> int:
    # So that a changed line is restored on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    only_check = sys.argv[1:] == ["--check"]
    asked = [] if only_check else sys.argv[1:]
    chosen = [m for m in mutants() if not asked or any(word in m.title for word in asked)]
    if not chosen:
        sys.exit("mutants: no mutant matches")
    stale = [mutant.title for mutant in chosen if not mutant.fits()]
    if stale:
        sys.exit("mutants: outdated, their text does not occur exactly once:\n  " + "\n  ".join(stale))
    if only_check:
        return 0
    status = ["git", "status", "--porcelain", "--untracked-files=no"]
    if subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout:
        sys.exit("mutants: commit or stash your changes first; they would mix with the mutants")
    for of_library in (False, True):
        tests = {word for m in chosen if (m.tests[0] == "--lib") == of_library for word in m.tests} - {"--lib"}
        if tests and run(("--lib",) * of_library + tuple(sorted(tests))) != "passed":
            sys.exit("mutants: the selected tests fail without any mutant: fix them first")
    failures = []
    for number, mutant in enumerate(chosen, 1):
        began = time.monotonic()
        result = verdict(mutant)
        seconds = time.monotonic() - began
        print(f"{number}/{len(chosen)} {result:<16} {seconds:4.0f} s  {mutant.title}", flush=True)
        if result != "killed":
            failures.append(f"{result}: {mutant.title}")
    print(f"{len(chosen) - len(failures)} of {len(chosen)} killed", *failures, sep="\n  ")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped")
