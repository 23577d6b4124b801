"""make bench, last step: writes the figures in docs/performance.md and its plot from the results of bench/functions.

Starts and first requests are medians; warm requests are the median and p99 of all of them.
"""

import csv
import hashlib
import io
import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path
from statistics import mean, median

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENT = PROJECT / "docs" / "performance.md"
# Lambda's price of a GB-second, in $.
GB_SECOND = json.loads((PROJECT / "bench" / "prices.json").read_text())["lambda_gb_second"][0]
PEERS = PROJECT / "bench" / "peers"
PYTHON = PEERS / "python" / ".venv" / "bin" / "python"
NAMES = {
    "floor": "hello world in Rust",
    "taskbell": "Taskbell",
    "taskbell, new tokens": "Taskbell, new tokens",
    "typical": "typical Rust",
    "python": "Python",
    "node": "Node",
}
ORDER = list(NAMES)


def read(path: Path) -> dict:
    """The measurements, by conditions, program and function."""
    measured = defaultdict(list)
    for line in path.read_text().splitlines():
        row = json.loads(line)
        measured[row["conditions"], row["by"], row["function"]].append(row)
    if not measured:
        sys.exit(f"bench: {path} is empty: run make bench")
    return measured


def cargo(*command: str, **variables: str) -> str:
    """Runs cargo and returns its standard output. Exits if it fails; cargo prints the reason."""
    ended = subprocess.run(["cargo", *command], cwd=PROJECT, env=os.environ | variables, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        sys.exit(f"bench: cargo {' '.join(command)} failed: see above")
    return ended.stdout


def drive(driver: str, variables: dict[str, str]) -> None:
    """Runs the measuring driver. Exits with its last line if it fails."""
    environment = os.environ | {"PEERS": "bench/peers"} | variables
    ended = subprocess.run([driver], cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True)
    if ended.returncode:
        sys.exit(f"bench: {variables['PROGRAMS']} could not be measured: {(ended.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def figures(rows: list[dict]) -> dict:
    """The summary of one program: times in ms, memory in MB."""
    warm = sorted(time for row in rows for time in row["warm_us"])
    return {
        "init": median(row["init_us"] for row in rows) / 1000,
        "cold": median(row["init_us"] + row["first_us"] for row in rows) / 1000,
        "init_cpu": median(row["init_cpu_us"] for row in rows) / 1000,
        "first": median(row["first_us"] for row in rows) / 1000,
        "warm": median(warm) / 1000,
        "mean": mean(warm) / 1000,
        "p99": warm[int(len(warm) * 0.99)] / 1000,
        "cpu": median(row["warm_cpu_us"] for row in rows) / 1000,
        "memory": median(row["peak_kib"] for row in rows) / 1024,
        "own": median(row["own_kib"] for row in rows) / 1024,
        "later": max(row["connections_later"] for row in rows),
        "starts": len(rows),
        "requests": len(warm),
    }


def sizes(program: Path) -> tuple[float, float]:
    """The size of a program and of its zip archive, in MB."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        out.write(program, "bootstrap")
    return program.stat().st_size / 1e6, len(archive.getvalue()) / 1e6


def table(header: list[str], rows: list[list]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def comparison(measured: dict, conditions: str) -> str:
    """Taskbell and the others: ratios to typical Rust first, then absolute figures."""
    # A program that has used up its CPU share waits for the next period. Some requests wait and others do not, so a median would show only one kind.
    warm, label = ("mean", "warm mean, ms") if conditions.endswith(" MB") else ("warm", "warm p50, ms")
    rows = []
    for function in ("get-task", "create-task"):
        typical = figures(measured[conditions, "typical", function])
        for by in ORDER:
            found = measured.get((conditions, by, "get-health" if by == "floor" else function))
            if not found or (by == "floor" and function != "get-task"):
                continue
            f = figures(found)
            ratios = [f"{f[name] / typical[name]:.2f}" for name in ("cold", warm, "cpu", "memory")]
            absolute = [f"{f['init']:.1f}", f"{f['first']:.1f}", f"{f[warm]:.2f}", f"{f['p99']:.1f}"]
            absolute += [f"{f['init_cpu']:.1f}", f"{f['cpu']:.2f}", f"{f['memory']:.1f}", f"{f['own']:.1f}"]
            what = "" if by == "floor" else f"`{function}`"
            rows.append([NAMES[by], what, *ratios, *absolute])
    header = ["", "", "init + first ÷", "warm ÷", "CPU ÷", "memory ÷", "init, ms", "first, ms"]
    header += [label, "p99, ms", "CPU of init, ms", "CPU per request, ms", "peak memory, MB", "own memory, MB"]
    return table(header, rows)


def hashing(measured: dict) -> str:
    """A registration at the CPU share of several memory sizes, and Lambda's price of it."""
    rows = []
    for conditions, by, function in measured:
        if function == "register-user" and conditions.endswith(" MB"):
            f, memory = figures(measured[conditions, by, function]), int(conditions.split()[0])
            dollars = memory / 1024 * f["warm"] / 1000 * GB_SECOND * 1e6
            rows.append([conditions, f"{f['warm']:.0f}", f"{f['cpu']:.0f}", f"{dollars:.2f}"])
    if not rows:
        return "Not measured: this machine has no control groups."
    reference = subprocess.run([PYTHON, PEERS / "python" / "password_hash.py"], capture_output=True, text=True, check=True).stdout.strip()
    rows.append(["the hash only, in C (`argon2-cffi`)", "", reference, ""])
    return table(["memory", "warm p50, ms", "CPU per request, ms", "Lambda duration of a million registrations, $"], rows)


def steadiness(measured: dict) -> str:
    """The spread of one program over its starts."""
    rows = []
    for conditions, by, function in measured:
        if by == "floor":
            taken = [row["warm_cpu_us"] / 1000 for row in measured[conditions, by, function]]
            taken.sort()
            rows.append([conditions, *(f"{taken[min(len(taken) * part // 4, len(taken) - 1)]:.2f}" for part in (1, 2, 3, 4))])
    return table(["hello world, CPU per request, ms", "lower quartile", "median", "upper quartile", "max"], rows)


# Targets: the figure, its divisor, and its maximum. Rows in italics are for comparison only.
TARGETS = [
    ("init ÷ hello world (opens no connection)", "init", "floor", 1.5),
    ("init ÷ typical Rust (opens none either)", "init", "typical", 0.4),
    ("*init and first request ÷ typical Rust*", "cold", "typical", 0.4),
    ("warm p50 ÷ typical Rust", "warm", "typical", 1.05),
    ("CPU per request ÷ typical Rust", "cpu", "typical", 0.65),
    ("CPU per request, ms", "cpu", None, 0.25),
    ("*the same minus hello world*", "beyond", None, 0.25),
    ("peak memory, MB", "memory", None, 8),
    ("zip, MB", "zip", None, 2.8),
    ("connections opened during requests", "later", None, 0),
]


# Functions that hash a password, and have more memory for it.
HASHING = ("log-in", "register-user", "reset-password")
# Functions that open no connection.
ALONE = ("get-health", "get-openapi")


def everything(measured: dict, programs: Path) -> dict[str, dict]:
    """The figures and sizes of each API function, and of the two programs that they are compared with."""
    found = {}
    for conditions, by, function in measured:
        if conditions == "all":
            name = function if by == "taskbell" else by
            found[name] = figures(measured[conditions, by, function])
            others = {"floor": "floor", "typical": f"typical-{function}"}
            program = PEERS / "rust" / "target" / "release" / others[by] if by in others else programs / function
            found[name]["size"], found[name]["zip"] = sizes(program)
    for f in found.values():
        f["beyond"] = f["cpu"] - found["floor"]["cpu"]
    return found


def reached(f: dict, found: dict[str, dict], figure: str, divisor: str | None) -> float:
    return f[figure] / found[divisor][figure] if divisor else f[figure]


def targets(found: dict[str, dict], measured: dict) -> str:
    """The targets; the results of the two functions with peers; and how many functions meet them. Functions that open no
    connection or hash a password are left out."""
    own = {name: f for name, f in found.items() if name not in ("floor", "typical", *HASHING, *ALONE)}
    compared = {}
    for function in ("get-task", "create-task"):
        beside = {by: figures(measured["tls", by, function]) for by in ("taskbell", "typical")}
        beside["floor"] = figures(measured["tls", "floor", "get-health"])
        beside["taskbell"] |= {"zip": own[function]["zip"], "beyond": beside["taskbell"]["cpu"] - beside["floor"]["cpu"]}
        compared[function] = beside
    rows = []
    for what, figure, divisor, limit in TARGETS:
        values = {name: reached(f, found, figure, divisor) for name, f in own.items()}
        best, worst = (choice(values, key=values.get) for choice in (min, max))
        met = sum(value <= limit for value in values.values())
        ours = [f"{reached(beside['taskbell'], beside, figure, divisor):.2f}" for beside in compared.values()]
        ends = [f"{values[name]:.2f} (`{name}`)" for name in (best, worst)]
        rows.append([what, f"≤ {limit:g}", *ours, f"{met} of {len(values)}", ends[0], f"{median(values.values()):.2f}", ends[1]])
    return table(["", "target", "`get-task`", "`create-task`", "met by", "min", "median", "max"], rows)


def each(found: dict[str, dict]) -> str:
    """One line for each function."""
    rows = []
    for name in sorted(found, key=lambda name: (name not in ("floor", "typical"), name)):
        f, typical = found[name], found["typical"]
        label = {"floor": NAMES["floor"], "typical": "typical Rust, `get-task`"}.get(name, f"`{name}`" + ", which hashes a password" * (name in HASHING))
        ratios = [f"{f[figure] / typical[figure]:.2f}" for figure in ("cold", "warm", "cpu", "memory")]
        absolute = [f"{f['init']:.1f}", f"{f['first']:.1f}", f"{f['warm']:.2f}", f"{f['cpu']:.2f}", f"{f['memory']:.1f}"]
        absolute += [f"{f[size]:.1f}" for size in ("size", "zip")]
        rows.append([label, *ratios, *absolute])
    header = ["", "init + first ÷", "warm ÷", "CPU ÷", "memory ÷", "init, ms", "first, ms", "warm p50, ms", "CPU per request, ms"]
    return table([*header, "peak memory, MB", "binary, MB", "zip, MB"], rows)


def plot(measured: dict) -> str:
    """Bars for a request to read a task, in each program."""
    panels = [
        ("init, ms", "init"), ("init and first request, ms", "cold"), ("warm request, ms", "warm"),
        ("CPU per request, ms", "cpu"), ("peak memory, MB", "memory"),
    ]
    shown = [by for by in ORDER if by != "taskbell, new tokens"]
    programs = [(by, figures(measured["tls", by, "get-health" if by == "floor" else "get-task"])) for by in shown]
    width, height, left, bar = 860, 40 + len(panels) * 132, 170, 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        '<text x="16" y="24" font-size="15" font-weight="bold">GET /v1/tasks/{id}, in five programs, with TLS</text>',
    ]
    for index, (title, name) in enumerate(panels):
        top = 44 + index * 132
        most = max(f[name] for _, f in programs)
        parts.append(f'<text x="16" y="{top + 8}" fill="#555">{title}</text>')
        for place, (by, f) in enumerate(programs):
            y = top + 14 + place * bar
            length = max(2, (width - left - 90) * f[name] / most)
            colour = "#0b6e4f" if by == "taskbell" else "#b8c4bf"
            value = f"{f[name]:.2f}" if f[name] < 10 else f"{f[name]:.0f}"
            parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{NAMES[by]}</text>')
            parts.append(f'<rect x="{left}" y="{y + 3}" width="{length:.1f}" height="{bar - 6}" fill="{colour}"/>')
            parts.append(f'<text x="{left + length + 6:.1f}" y="{y + 14}">{value}</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def raw(measured: dict, path: Path) -> None:
    """Writes one line for each start."""
    columns = ["conditions", "by", "function", "init_us", "init_cpu_us", "first_us", "first_cpu_us", "warm_cpu_us"]
    columns += ["log_bytes", "answer_bytes", "peak_kib", "own_kib", "connections_at_init", "connections_later", "warm_us"]
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        for rows in measured.values():
            for row in rows:
                row = row | {"warm_us": " ".join(f"{time:.0f}" for time in row["warm_us"])}
                out.writerow([f"{row[name]:.0f}" if isinstance(row[name], float) else row[name] for name in columns])


def machine() -> str:
    """The machine, tool versions and commit of the measurement."""
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", info, re.MULTILINE)
    cores = len(re.findall(r"^processor\s*:", info, re.MULTILINE))
    versions = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("(")[0].strip()
        for command in (["rustc", "--version"], [PYTHON, "--version"], ["node", "--version"])
    ]
    what = model[1] if model else platform.machine()
    system = f"Linux {platform.release().split('-')[0]}; {versions[0]}, {versions[1]}, Node {versions[2]}"
    return f"{what}, {cores} cores, {system}; commit {sources()}"


def sources() -> str:
    """The last commit that changed the built sources, and a hash of uncommitted changes to them."""
    def git(*command: str) -> str:
        built = ["Cargo.toml", "Cargo.lock", "functions", "shared"]
        return subprocess.run(["git", *command, "--", *built], cwd=PROJECT, capture_output=True, text=True, check=True).stdout

    changes = git("diff", "HEAD")
    return git("log", "-1", "--format=%h").strip() + (f" and changes {hashlib.sha256(changes.encode()).hexdigest()[:8]}" if changes else "")


def filled(blocks: dict[str, str], document: Path) -> str:
    """The document with each block inserted between its marks."""
    text = document.read_text()
    for name, block in blocks.items():
        pattern = rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)"
        text, found = re.subn(pattern, lambda mark: mark[1] + block + mark[2], text, flags=re.DOTALL)
        if found != 1:
            sys.exit(f"{document.name} has no marks for {name}")
    return text


def write(blocks: dict[str, str], document: Path = DOCUMENT) -> None:
    """Writes each block between its marks in the document."""
    document.write_text(filled(blocks, document))


def main() -> None:
    results, programs = Path(sys.argv[1]), Path(sys.argv[2])
    measured = read(results)
    compared = figures(measured["tls", "taskbell", "get-task"])
    shared = "Not measured: this machine has no control groups."
    if ("256 MB", "taskbell", "get-task") in measured:
        shared = comparison(measured, "256 MB")
    found = everything(measured, programs)
    aims = targets(found, measured)
    of_all = figures(measured["all", "taskbell", "get-task"])
    write({
        "of each": f"{of_all['starts']} starts and {of_all['requests']:,} warm requests each.",
        "machine": f"{machine()}; {compared['starts']} starts and {compared['requests']:,} warm requests per program with TLS.",
        "targets": aims,
        "each": each(found),
        "tls": comparison(measured, "tls"),
        "plain": comparison(measured, "plain"),
        "share": shared,
        "hashing": hashing(measured),
        "steadiness": steadiness(measured),
    })
    raw(measured, PROJECT / "docs" / "performance.csv")
    (PROJECT / "docs" / "performance.svg").write_text(plot(measured))
    print(aims)


if __name__ == "__main__":
    main()
