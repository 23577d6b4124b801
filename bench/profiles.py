"""make profiles: one function built with each profile that could have been chosen: how long it takes to build all it needs, to
link it again, how large it is, and how it starts and answers. Prints a table for docs/performance.md. With all six it takes an hour
on two cores; name some (off-3 fat-3 ...) for fewer."""

import os
import subprocess
import sys
import time
from pathlib import Path

from report import figures, read, sizes, table

PROJECT = Path(__file__).resolve().parent.parent
FUNCTION = "get-task"
PROFILES = [f"{lto}-{level}" for level in ("3", "s") for lto in ("off", "thin", "fat")]


def build(profile: str) -> tuple[Path, float, float]:
    """The folder of the program, the seconds for all of it, and those for the program alone."""
    lto, level = profile.split("-")
    target = PROJECT / "target" / "profiles" / profile
    environment = os.environ | {
        "CARGO_PROFILE_RELEASE_LTO": lto, "CARGO_PROFILE_RELEASE_OPT_LEVEL": level, "CARGO_TARGET_DIR": str(target),
    }
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--package", "taskbell-functions", "--bin", FUNCTION]
    seconds = []
    for _ in range(2):
        started = time.monotonic()
        subprocess.run(command, cwd=PROJECT, env=environment, check=True)
        seconds.append(time.monotonic() - started)
        (PROJECT / "functions" / "src" / "bin" / f"{FUNCTION}.rs").touch()
    return target / os.environ["CARGO_BUILD_TARGET"] / "release", *seconds


def main() -> None:
    driver, profiles = sys.argv[1], sys.argv[2:] or PROFILES
    built = {profile: build(profile) for profile in profiles}
    rows = []
    for profile, (folder, whole, again) in built.items():
        results = PROJECT / ".local" / f"profile-{profile}.jsonl"
        environment = os.environ | {
            "FUNCTIONS": FUNCTION, "PROGRAMS": str(folder), "PEERS": "bench/peers", "RESULTS": str(results),
        }
        subprocess.run([driver], env=environment, check=True, stderr=subprocess.DEVNULL)
        measured = read(results)
        f, floor = figures(measured["plain", "taskbell", FUNCTION]), figures(measured["plain", "floor", "get-health"])
        size, archive = sizes(folder / FUNCTION)
        lto, level = profile.split("-")
        rows.append([
            lto, level, f"{whole:.0f}", f"{again:.0f}", f"{size:.1f}", f"{archive:.2f}", f"{f['init']:.2f}",
            f"{f['init'] / floor['init']:.2f}", f"{f['warm']:.2f}", f"{f['cpu']:.2f}", f"{f['memory']:.1f}",
        ])
    header = ["LTO", "opt-level", "all, s", "link, s", "binary, MB", "zip, MB", "init, ms", "÷ floor", "warm p50, ms", "CPU, ms", "memory, MB"]
    print(table(header, rows))


if __name__ == "__main__":
    main()
