"""make cold-builds: measures how long all functions take to build from scratch, as make run and as make release build them.

Dependencies are included; their sources are downloaded before. Writes docs/performance.md. Takes a quarter of an hour on two
otherwise idle cores.
"""

import os
import shutil
import time

from report import PROJECT, cargo, sources, table, write

TARGET = PROJECT / "target" / "cold"
BUILDS = {
    "`make run`": ["--workspace", "--bins"],
    "release": ["--release", "--package", "taskbell-functions", "--bins"],
}


def main() -> None:
    cargo("fetch", "--quiet", "--locked")
    rows = []
    for profile, options in BUILDS.items():
        shutil.rmtree(TARGET, ignore_errors=True)
        command = ["build", "--quiet", "--locked", *options]
        started = time.monotonic()
        cargo(*command, CARGO_TARGET_DIR=str(TARGET))
        minutes, seconds = divmod(round(time.monotonic() - started), 60)
        rows.append([profile, f"`cargo {' '.join(command)}`", f"{minutes} min {seconds:02} s"])
    shutil.rmtree(TARGET)
    block = table([f"commit {sources()}, {os.cpu_count()} cores", "", ""], rows)
    write({"cold": block})
    print(block)


if __name__ == "__main__":
    main()
