"""make bench-live: measures how long a change takes to reach a live connection on a local cloud, and writes it to docs/performance.md.

usage: live.py PROGRAMS CHANGES    PROGRAMS is the folder with the functions that cargo built
"""

import statistics
import subprocess
import sys
from pathlib import Path

from report import PROJECT, table, write

sys.path.insert(0, str(PROJECT / "local"))

from cloud import CannotRun  # noqa: E402
from deploy import api_url  # noqa: E402
from e2e import own_cloud, run  # noqa: E402
from invoke_events import PASSWORD, account  # noqa: E402

# The first changes start functions.
WARM_UP = 5


def main(programs: Path, changes: int) -> int:
    with own_cloud(programs, "bench-live") as (cloud, _):
        url = api_url(cloud)
        email, _ = account(url, f"{cloud.endpoint}/_ministack/ses/messages", "ada")
        command = ["node", "--experimental-websocket", PROJECT / "bench" / "live.mjs", url]
        arguments = [email, PASSWORD, str(changes + WARM_UP)]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise CannotRun(f"the measurement failed: {done.stderr.strip()}")
    times = sorted(map(float, done.stdout.split()[WARM_UP:]))
    cuts = statistics.quantiles(times, n=100)
    rows = [[f"{len(times)}", f"{cuts[49]:.0f}", f"{cuts[98]:.0f}", f"{times[-1]:.0f}"]]
    shown = table(["changes, one after the other", "p50, ms", "p99, ms", "slowest, ms"], rows)
    write({"live": shown}, PROJECT / "docs" / "performance.md")
    print(shown)
    return 0


if __name__ == "__main__":
    run("bench-live", lambda: main(Path(sys.argv[1]).resolve(), int(sys.argv[2])))
