"""make cold-builds: how long all functions take to build from nothing, dependencies included (their sources downloaded before), as
make run and as make release build them; into docs/performance.md. A quarter of an hour on two cores, with nothing else to do."""

import os
import shutil
import subprocess
import sys
import time

from report import PROJECT, sources, table, write

TARGET = PROJECT / "target" / "cold"
BUILDS = {
    "`make run`'s": ["--workspace", "--bins"],
    "release": ["--release", "--package", "taskbell-functions", "--bins"],
}


def main() -> None:
    subprocess.run(["cargo", "fetch", "--quiet", "--locked"], cwd=PROJECT, check=True)
    rows = []
    for profile, options in BUILDS.items():
        shutil.rmtree(TARGET, ignore_errors=True)
        command = ["cargo", "build", "--quiet", "--locked", *options]
        started = time.monotonic()
        if subprocess.run(command, cwd=PROJECT, env=os.environ | {"CARGO_TARGET_DIR": str(TARGET)}).returncode:
            sys.exit("cold-builds: it could not be built; cargo says why above")
        minutes, seconds = divmod(round(time.monotonic() - started), 60)
        rows.append([profile, f"`{' '.join(command)}`", f"{minutes} min {seconds:02} s"])
    shutil.rmtree(TARGET)
    block = table([f"commit {sources()}, {os.cpu_count()} cores", "", ""], rows)
    write({"cold": block})
    print(block)


if __name__ == "__main__":
    main()
