"""The tests of the app in a browser (tests/browser), on a running local cloud."""

import os
import shutil
import subprocess
import sys

from cloud import CannotRun
from deploy import PROJECT

SECONDS_TO_WAIT = 1800  # ten times what they take
INSTALL = "install Chromium (Debian: apt install chromium)"


def chromium() -> str | None:
    """The program, unless TASKBELL_CHROMIUM names a different one."""
    named = os.environ.get("TASKBELL_CHROMIUM", "")
    if named and not shutil.which(named):
        raise CannotRun(f"TASKBELL_CHROMIUM={named} is no program")
    return shutil.which(named or "chromium")


def run(environment: dict[str, str]) -> int:
    """Runs the tests. Without a browser it says so, and fails where CI is set. Returns the exit code."""
    found = chromium()
    if not found:
        if os.environ.get("CI"):
            raise CannotRun(f"the tests in a browser cannot run: {INSTALL}")
        print(f"end to end: the tests in a browser did NOT run: {INSTALL}", flush=True)
        return 0
    axe = PROJECT / "local/app_lint/node_modules/axe-core/axe.min.js"
    settings = environment | {"TASKBELL_CHROMIUM": found, "TASKBELL_AXE": str(axe)}
    command = [sys.executable, "-m", "unittest", "discover", "--start-directory", "tests/browser"]
    try:
        return subprocess.run(command, cwd=PROJECT, env=settings, timeout=SECONDS_TO_WAIT).returncode
    except subprocess.TimeoutExpired as expired:
        raise CannotRun(f"the tests in a browser did not end within {SECONDS_TO_WAIT // 60} minutes") from expired
