"""make profiles: builds one function with each candidate build profile and measures build time, size, start and response time.

Build times are CPU times, of a full build with dependencies and of the function alone; they depend less on other load. Writes
docs/performance.md. Takes an hour on two cores. Builds of the same sources in target/profiles are measured and not repeated.
"""

import json
import os
import resource
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from report import PROJECT, cargo, drive, figures, read, sizes, sources, table, write

FUNCTION = "get-task"
BINARIES = list((PROJECT / "functions" / "src" / "bin").glob("*.rs"))
# Rounds in which the profiles take turns, so that other load of the machine affects all of them.
TURNS = 12


@dataclass(frozen=True)
class Profile:
    lto: str
    level: str

    @property
    def target(self) -> Path:
        return PROJECT / "target" / "profiles" / f"{self.lto}-{self.level}"

    @property
    def folder(self) -> Path:
        return self.target / os.environ["CARGO_BUILD_TARGET"] / "release"

    def build(self) -> list[float]:
        """CPU seconds of the full build, and of the program alone."""
        took = self.target / "seconds.json"
        known = json.loads(took.read_text()) if took.exists() else {}
        if known.get("of") == sources():
            return known["seconds"]
        command = ["build", "--quiet", "--release", "--locked", "--package", "taskbell-functions", "--bin", FUNCTION]
        profile = {"CARGO_PROFILE_RELEASE_LTO": self.lto, "CARGO_PROFILE_RELEASE_OPT_LEVEL": self.level}
        shutil.rmtree(self.target, ignore_errors=True)
        seconds = []
        for _ in range(2):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            cargo(*command, CARGO_TARGET_DIR=str(self.target), **profile)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            (PROJECT / "functions" / "src" / "bin" / f"{FUNCTION}.rs").touch()
        took.write_text(json.dumps({"of": sources(), "seconds": seconds}))
        return seconds


CHOSEN = Profile("off", "3")
PROFILES = [Profile(lto, level) for level in ("3", "s") for lto in ("off", "thin", "fat")]


def measure(driver: str, profile: Profile, turn: int) -> dict:
    """One round of a profile, with hello world beside it."""
    results = PROJECT / ".local" / f"{profile.target.name}-{turn}.jsonl"
    drive(driver, {"FUNCTIONS": FUNCTION, "PROGRAMS": str(profile.folder), "RESULTS": str(results)})
    return read(results)


def report(took: dict[Profile, list[float]], turns: dict[Profile, list[dict]]) -> str:
    rows = []
    for profile, (whole, alone) in took.items():
        own, floor = (
            figures([row for turn in turns[profile] for row in turn["plain", *program]])
            for program in (("taskbell", FUNCTION), ("floor", "get-health"))
        )
        size, archive = sizes(profile.folder / FUNCTION)
        minutes = (whole + (len(BINARIES) - 1) * alone) / 2 / 60
        row = [profile.lto, profile.level, f"{whole:.0f}", f"{alone:.1f}", f"{minutes:.0f}", f"{size:.1f}"]
        row += [f"{archive:.2f}", f"{own['init']:.2f}", f"{own['init'] / floor['init']:.2f}", f"{own['warm']:.2f}"]
        row += [f"{own['cpu']:.2f}", f"{own['memory']:.1f}"]
        rows.append([f"**{value}**" for value in row] if profile == CHOSEN else row)
    header = ["LTO", "opt-level", "with dependencies, s", "alone, s", f"all {len(BINARIES)} on two cores, min"]
    header += ["binary, MB", "zip, MB", "init, ms", "÷ hello world", "warm p50, ms", "CPU, ms", "memory, MB"]
    return f"Commit {sources()}.\n\n" + table(header, rows)


def main() -> None:
    driver = sys.argv[1]
    took = {}
    for profile in PROFILES:
        took[profile] = profile.build()
        whole, alone = took[profile]
        print(f"{profile.target.name}: {whole:.0f} s, alone {alone:.1f} s", flush=True)
    turns = {profile: [] for profile in PROFILES}
    for turn in range(TURNS):
        for profile in PROFILES:
            turns[profile].append(measure(driver, profile, turn))
    block = report(took, turns)
    write({"profiles": block})
    print(block)


if __name__ == "__main__":
    main()
