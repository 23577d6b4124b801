"""make growth: calls and units of every operation with few and with many tasks in the space, measured by the tests of
budgets, into docs/growth.csv and the plot docs/growth.svg."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| `(.+?)` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|")
# What the plot shows.
PLOTTED = ["get-task", "create-task", "update-task", "complete-task", "delete-task", "get-stats", "", "status=pending"]


def measure(tasks: int) -> dict[str, tuple[str, str, str]]:
    """Calls, read units and write units of each operation with so many tasks."""
    command = ["cargo", "test", "--profile", "soak", "--package", "taskbell-api", "--test", "api", "budget::every", "--", "--nocapture"]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | {"TASKS": str(tasks)}, capture_output=True, text=True)
    rows = {m[1]: (m[2], m[3], m[4]) for m in map(ROW.match, done.stdout.splitlines()) if m}
    if done.returncode != 0 or not rows:
        sys.exit(f"growth: the budgets do not hold with {tasks:,} tasks:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return rows


def plot(measured: dict[int, dict]) -> str:
    """Units of some operations over the number of stored tasks."""
    counts = sorted(measured)
    width, height, left, bottom, top = 860, 420, 60, 360, 40
    most = max(units(measured[n][op]) for n in counts for op in PLOTTED if op in measured[n]) * 1.1
    x = {n: left + 40 + i * 220 for i, n in enumerate(counts)}
    y = lambda value: bottom - (bottom - top) * value / most
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        '<text x="16" y="24" font-size="15" font-weight="bold">Capacity units of an operation, by tasks in the space</text>',
        f'<line x1="{left}" y1="{bottom}" x2="{left + 520}" y2="{bottom}" stroke="#999"/>',
    ]
    parts += [f'<text x="{x[n]}" y="{bottom + 20}" text-anchor="middle">{n:,}</text>' for n in counts]
    colours = ["#0b6e4f", "#1b4f9c", "#b23a48", "#7a5195", "#ef8a17", "#444", "#2a9d8f", "#8d6b3f"]
    placed: list[float] = []
    ends = sorted(PLOTTED, key=lambda op: -units(measured[counts[-1]][op]))
    for op in ends:
        colour = colours[PLOTTED.index(op)]
        points = " ".join(f"{x[n]},{y(units(measured[n][op])):.1f}" for n in counts if op in measured[n])
        label = y(units(measured[counts[-1]][op])) + 4
        while any(abs(label - other) < 15 for other in placed):
            label += 2
        placed.append(label)
        name = op if op in ("get-stats",) or op.endswith("-task") else f"list-tasks {op}".strip()
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{x[counts[-1]] + 12}" y="{label:.1f}" fill="{colour}">{name}: {units(measured[counts[-1]][op]):.1f}</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def units(row: tuple[str, str, str]) -> float:
    return float(row[1]) + float(row[2])


def main() -> None:
    counts = [int(text) for text in sys.argv[1:]]
    measured = {}
    for tasks in counts:
        print(f"growth: with {tasks:,} tasks", flush=True)
        measured[tasks] = measure(tasks)
    with (PROJECT / "docs" / "growth.csv").open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["tasks", "operation", "calls", "read_units", "write_units"])
        for tasks, rows in measured.items():
            out.writerows([tasks, operation, *row] for operation, row in rows.items())
    (PROJECT / "docs" / "growth.svg").write_text(plot(measured))
    few, many = measured[counts[0]], measured[counts[-1]]
    for operation, row in many.items():
        before = few.get(operation)
        print(f"{operation or '(list)'}: {units(before) if before else 0:.1f} -> {units(row):.1f} units, {row[0]} calls")


if __name__ == "__main__":
    main()
