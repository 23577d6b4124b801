"""make profiles: one function built with each profile that could have been chosen: what it takes to build all it needs and to
build it alone again, how large it is, and how it starts and answers; into docs/performance.md. Times of builds are processor
time, which depends less on what else the machine does. All six take most of an hour on two cores; where some are named (off-3
fat-3 ...), docs/profiles.csv keeps what it has of the others. What is in target/profiles is measured, but not built again."""

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

from report import PROJECT, figures, read, sizes, table, write

CSV = PROJECT / "docs" / "profiles.csv"
COLUMNS = ["profile", "whole_s", "alone_s", "size_mb", "zip_mb", "init_ms", "init_ratio", "warm_ms", "cpu_ms", "memory_mb"]
FUNCTION = "get-task"
BINARIES = list((PROJECT / "functions" / "src" / "bin").glob("*.rs"))
PROFILES = [f"{lto}-{level}" for level in ("3", "s") for lto in ("off", "thin", "fat")]


def build(profile: str) -> tuple[Path, float, float]:
    """The folder of the program, the seconds of processor time for all of it, and those for the program alone."""
    lto, level = profile.split("-")
    target = PROJECT / "target" / "profiles" / profile
    folder = target / os.environ["CARGO_BUILD_TARGET"] / "release"
    environment = os.environ | {
        "CARGO_PROFILE_RELEASE_LTO": lto, "CARGO_PROFILE_RELEASE_OPT_LEVEL": level, "CARGO_TARGET_DIR": str(target),
    }
    took = target / "seconds.json"
    if took.exists():
        return folder, *json.loads(took.read_text())
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--package", "taskbell-functions", "--bin", FUNCTION]
    shutil.rmtree(target, ignore_errors=True)
    seconds = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=PROJECT, env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        (PROJECT / "functions" / "src" / "bin" / f"{FUNCTION}.rs").touch()
    took.write_text(json.dumps(seconds))
    return folder, *seconds


def measured(driver: str, profile: str) -> dict:
    """One row: what building took, how large the program is, how it starts and answers."""
    folder, whole, alone = build(profile)
    results = PROJECT / ".local" / f"profile-{profile}.jsonl"
    environment = os.environ | {
        "FUNCTIONS": FUNCTION, "PROGRAMS": str(folder), "PEERS": "bench/peers", "RESULTS": str(results),
    }
    subprocess.run([driver], env=environment, check=True, stderr=subprocess.DEVNULL)
    rows = read(results)
    own, floor = figures(rows["plain", "taskbell", FUNCTION]), figures(rows["plain", "floor", "get-health"])
    size, archive = sizes(folder / FUNCTION)
    values = [whole, alone, size, archive, own["init"], own["init"] / floor["init"], own["warm"], own["cpu"], own["memory"]]
    return {"profile": profile} | {column: f"{value:.3f}" for column, value in zip(COLUMNS[1:], values, strict=True)}


def report(rows: list[dict]) -> str:
    shown = []
    for row in rows:
        lto, level = row["profile"].split("-")
        v = {column: float(row[column]) for column in COLUMNS[1:]}
        minutes = (v["whole_s"] + (len(BINARIES) - 1) * v["alone_s"]) / 2 / 60
        shown.append([
            lto, level, f"{v['whole_s']:.0f}", f"{v['alone_s']:.1f}", f"{minutes:.0f}", f"{v['size_mb']:.1f}", f"{v['zip_mb']:.2f}",
            f"{v['init_ms']:.2f}", f"{v['init_ratio']:.2f}", f"{v['warm_ms']:.2f}", f"{v['cpu_ms']:.2f}", f"{v['memory_mb']:.1f}",
        ])
    header = ["LTO", "opt-level", "with all it needs, s", "alone, s", f"all {len(BINARIES)} on two cores, min", "binary, MB"]
    header += ["zip, MB", "init, ms", "÷ hello world's", "warm p50, ms", "CPU, ms", "memory, MB"]
    return table(header, shown)


def main() -> None:
    driver, profiles = sys.argv[1], sys.argv[2:] or PROFILES
    if wrong := set(profiles) - set(PROFILES):
        sys.exit(f"profiles: {wrong.pop()} is none of {', '.join(PROFILES)}")
    known = {}
    if CSV.exists():
        with CSV.open() as file:
            known = {row["profile"]: row for row in csv.DictReader(file)}
    for profile in profiles:
        known[profile] = measured(driver, profile)
        rows = [known[name] for name in PROFILES if name in known]
        with CSV.open("w", newline="") as file:
            out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            out.writeheader()
            out.writerows(rows)
        write({"profiles": report(rows)})
        print(report(rows), flush=True)


if __name__ == "__main__":
    main()
