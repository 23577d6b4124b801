"""make profiles: one function built with each profile that could have been chosen: what it takes to build all it needs and to
build it alone again, how large it is, and how it starts and answers; into docs/performance.md. Times of builds are processor
time, which depends less on what else the machine does. With all six it takes most of an hour on two cores; name some (off-3
fat-3 ...) for fewer."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

from report import figures, read, sizes, table, write

PROJECT = Path(__file__).resolve().parent.parent
FUNCTION = "get-task"
BINARIES = list((PROJECT / "functions" / "src" / "bin").glob("*.rs"))
PROFILES = [f"{lto}-{level}" for level in ("3", "s") for lto in ("off", "thin", "fat")]


def build(profile: str) -> tuple[Path, float, float]:
    """The folder of the program, the seconds of processor time for all of it, and those for the program alone."""
    lto, level = profile.split("-")
    target = PROJECT / "target" / "profiles" / profile
    environment = os.environ | {
        "CARGO_PROFILE_RELEASE_LTO": lto, "CARGO_PROFILE_RELEASE_OPT_LEVEL": level, "CARGO_TARGET_DIR": str(target),
    }
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--package", "taskbell-functions", "--bin", FUNCTION]
    shutil.rmtree(target, ignore_errors=True)
    seconds = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=PROJECT, env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
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
        minutes = (whole + (len(BINARIES) - 1) * again) / 2 / 60
        rows.append([
            lto, level, f"{whole:.0f}", f"{again:.1f}", f"{minutes:.0f}", f"{size:.1f}", f"{archive:.2f}", f"{f['init']:.2f}",
            f"{f['init'] / floor['init']:.2f}", f"{f['warm']:.2f}", f"{f['cpu']:.2f}", f"{f['memory']:.1f}",
        ])
    header = ["LTO", "opt-level", "with all it needs, s", "alone, s", f"all {len(BINARIES)} on two cores, min", "binary, MB", "zip, MB", "init, ms", "÷ floor", "warm p50, ms", "CPU, ms", "memory, MB"]
    block = table(header, rows)
    write({"profiles": block})
    print(block)


if __name__ == "__main__":
    main()
