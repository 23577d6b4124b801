"""make bench, in the end: the figures in docs/performance.md and its plot, out of what bench/functions has written.

Every figure is a median over starts; a program's p99 is that of all its warm requests together.
"""

import csv
import io
import json
import platform
import re
import sys
import zipfile
from collections import defaultdict
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENT = PROJECT / "docs" / "performance.md"
NAMES = {
    "floor": "hello world in Rust",
    "taskbell": "Taskbell",
    "typical": "typical Rust",
    "python": "Python",
    "node": "Node",
}
ORDER = list(NAMES)
# The ones that hash a password; they have more memory, and their own targets.
HASHING = {"register-user", "reset-password"}


def read(path: Path) -> dict:
    """What was measured, by conditions, program and function."""
    measured = defaultdict(list)
    for line in path.read_text().splitlines():
        row = json.loads(line)
        measured[row["conditions"], row["by"], row["function"]].append(row)
    if not measured:
        sys.exit(f"bench: there is nothing in {path}: run make bench")
    return measured


def figures(rows: list[dict]) -> dict:
    """The medians of one program."""
    warm = sorted(time for row in rows for time in row["warm_us"])
    return {
        "init": median(row["init_us"] for row in rows) / 1000,
        "init_cpu": median(row["init_cpu_us"] for row in rows) / 1000,
        "first": median(row["first_us"] for row in rows) / 1000,
        "first_cpu": median(row["first_cpu_us"] for row in rows) / 1000,
        "warm": median(warm) / 1000,
        "p99": warm[int(len(warm) * 0.99)] / 1000,
        "cpu": median(row["warm_cpu_us"] for row in rows) / 1000,
        "memory": median(row["peak_kib"] for row in rows) / 1024,
        "at_init": median(row["connections_at_init"] for row in rows),
        "later": max(row["connections_later"] for row in rows),
        "statuses": sorted({status for row in rows for status in row["warm_statuses"]}),
        "starts": len(rows),
        "requests": len(warm),
    }


def sizes(program: Path) -> tuple[float, float]:
    """A program's size and that of its archive, in MB."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        out.write(program, "bootstrap")
    return program.stat().st_size / 1e6, len(archive.getvalue()) / 1e6


def table(header: list[str], rows: list[list]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def comparison(measured: dict, conditions: str) -> str:
    """Taskbell and the others: ratios to typical Rust first, then what they are made of."""
    rows = []
    for function in ("get-task", "create-task"):
        typical = figures(measured[conditions, "typical", function])
        for by in ORDER:
            found = measured.get((conditions, by, "get-health" if by == "floor" else function))
            if not found or (by == "floor" and function != "get-task"):
                continue
            f = figures(found)
            ratios = [f"{f[name] / typical[name]:.2f}" for name in ("init", "first", "warm", "cpu", "memory")]
            absolute = [f"{f['init']:.1f}", f"{f['first']:.2f}", f"{f['warm']:.2f}", f"{f['p99']:.2f}"]
            absolute += [f"{f['init_cpu']:.1f}", f"{f['cpu']:.2f}", f"{f['memory']:.1f}"]
            what = "-" if by == "floor" else f"`{function}`"
            rows.append([NAMES[by], what, *ratios, *absolute])
    header = ["", "", "init ÷", "first ÷", "warm ÷", "CPU ÷", "memory ÷", "init, ms", "first, ms"]
    header += ["warm p50, ms", "p99, ms", "CPU of init, ms", "CPU a request, ms", "peak memory, MB"]
    return table(header, rows)


def hashing(measured: dict) -> str:
    """A registration with the share of a processor of several memory sizes, and what Lambda bills for it."""
    price = json.loads((PROJECT / "bench" / "prices.json").read_text())["lambda_gb_second"]
    rows = []
    for conditions, by, function in measured:
        if function == "register-user" and conditions.endswith(" MB"):
            f, memory = figures(measured[conditions, by, function]), int(conditions.split()[0])
            dollars = memory / 1024 * f["warm"] / 1000 * price * 1e6
            rows.append([conditions, f"{f['warm']:.0f}", f"{f['cpu']:.0f}", f"{dollars:.2f}"])
    if not rows:
        return "Not measured: no control groups."
    return table(["memory", "warm p50, ms", "CPU a request, ms", "a million registrations, $ of Lambda's time"], rows)


def functions(measured: dict, programs: Path) -> str:
    """Every function, beside the floor of the same run."""
    floor = figures(measured["full", "floor", "get-health"])
    rows = []
    for conditions, by, function in sorted(measured):
        if conditions != "full" or by != "taskbell":
            continue
        f = figures(measured[conditions, by, function])
        size, archive = sizes(programs / function)
        statuses = ", ".join(map(str, f["statuses"]))
        rows.append([
            f"`{function}`", f"{f['init'] / floor['init']:.2f}", f"{f['init']:.1f}", f"{f['first']:.2f}",
            f"{f['warm']:.2f}", f"{f['p99']:.2f}", f"{f['cpu']:.3f}", f"{f['memory']:.1f}",
            f"{size:.2f}", f"{archive:.2f}", statuses,
        ])
    header = ["function", "init ÷ floor", "init, ms", "first, ms", "warm p50, ms", "p99, ms", "CPU a request, ms"]
    header += ["peak memory, MB", "binary, MB", "zip, MB", "answers"]
    return table(header, rows)


def targets(measured: dict, programs: Path) -> str:
    """What was aimed at, and what was reached: the worst function of all that do not hash."""
    floor = figures(measured["full", "floor", "get-health"])
    all_functions = {
        function: figures(rows)
        for (conditions, by, function), rows in measured.items()
        if conditions == "full" and by == "taskbell" and function not in HASHING
    }

    def worst(name: str, value) -> tuple[str, float]:
        return max(((f, value(figure)) for f, figure in all_functions.items()), key=lambda pair: pair[1])

    typical = {f: figures(measured["full", "typical", f]) for f in ("get-task", "create-task")}
    own = {f: all_functions[f] for f in typical}
    zips = {function: sizes(programs / function)[1] for function in all_functions}
    largest = max(zips, key=zips.get)
    rows = []

    def row(what: str, limit: float, value: float, where: str, digits: int = 2) -> None:
        rows.append([what, f"≤ {limit:g}", f"{value:.{digits}f}", where, "yes" if value <= limit else "**no**"])

    where, value = worst("init", lambda f: f["init"] / floor["init"])
    row("init ÷ the floor's", 1.5, value, f"`{where}`")
    slowest, _ = worst("init", lambda f: f["init"])
    value = all_functions[slowest]["init"] / min(t["init"] for t in typical.values())
    row("init ÷ typical Rust's", 0.4, value, f"`{slowest}`")
    for function in typical:
        ratio = own[function]["warm"] / typical[function]["warm"]
        row("warm p50 ÷ typical Rust's", 1.25, ratio, f"`{function}`")
    where, value = worst("cpu", lambda f: f["cpu"])
    row("CPU a request, ms", 0.25, value, f"`{where}`", 3)
    middle = median(f["cpu"] for f in all_functions.values())
    row("the same, the median function", 0.25, middle, "", 3)
    where, value = worst("memory", lambda f: f["memory"])
    row("peak memory, MB", 8, value, f"`{where}`", 1)
    row("zip, MB", 2.5, zips[largest], f"`{largest}`")
    tls = [figures(measured["tls", "taskbell", f]) for f in typical if ("tls", "taskbell", f) in measured]
    if tls:
        rows.append(["connections opened during requests", "0", max(f["later"] for f in tls), "", ""])
    return table(["", "target", "reached", "the worst", "met"], rows)


def plot(measured: dict) -> str:
    """Bars for what one request for a task takes in each program."""
    panels = [
        ("init, ms", "init"), ("first request, ms", "first"), ("warm request, ms", "warm"),
        ("CPU a request, ms", "cpu"), ("peak memory, MB", "memory"),
    ]
    programs = [(by, figures(measured["full", by, "get-health" if by == "floor" else "get-task"])) for by in ORDER]
    width, height, left, bar = 860, 40 + len(panels) * 132, 170, 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        '<text x="16" y="24" font-size="15" font-weight="bold">GET /v1/tasks/{id}, in five programs</text>',
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
    """One line for each start."""
    columns = ["conditions", "by", "function", "init_us", "init_cpu_us", "first_us", "first_cpu_us"]
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*columns, "warm_p50_us", "warm_max_us", "warm_cpu_us", "log_bytes", "peak_kib"])
        for rows in measured.values():
            for row in rows:
                times = row["warm_us"]
                summary = [median(times), max(times), row["warm_cpu_us"], row["log_bytes"], row["peak_kib"]]
                values = [row[name] for name in columns] + summary
                out.writerow([f"{v:.0f}" if isinstance(v, float) else v for v in values])


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    cores = Path("/proc/cpuinfo").read_text().count("processor\t:")
    return f"{cpu}, {cores} cores, Linux {platform.release().split('-')[0]}"


def write(blocks: dict[str, str]) -> None:
    """Puts each block between its marks in the document."""
    text = DOCUMENT.read_text()
    for name, block in blocks.items():
        pattern = rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)"
        text, found = re.subn(pattern, lambda mark: mark[1] + block + mark[2], text, flags=re.DOTALL)
        if found != 1:
            sys.exit(f"bench: {DOCUMENT.name} has no place for {name}")
    DOCUMENT.write_text(text)


def main() -> None:
    results, programs = Path(sys.argv[1]), Path(sys.argv[2])
    measured = read(results)
    compared = figures(measured["full", "taskbell", "get-task"])
    shared = comparison(measured, "256 MB") if ("256 MB", "taskbell", "get-task") in measured else "Not measured: no control groups."
    write({
        "machine": f"{machine()}; {compared['starts']} starts and {compared['requests']:,} warm requests of each program that is compared.",
        "targets": targets(measured, programs),
        "full": comparison(measured, "full"),
        "tls": comparison(measured, "tls"),
        "share": shared,
        "hashing": hashing(measured),
        "functions": functions(measured, programs),
    })
    raw(measured, PROJECT / "docs" / "performance.csv")
    (PROJECT / "docs" / "performance.svg").write_text(plot(measured))
    print(targets(measured, programs))


if __name__ == "__main__":
    main()
