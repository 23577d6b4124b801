"""make growth: calls and capacity units of every operation with few and with many stored tasks, as the budget tests measure them.

Writes docs/growth.csv, the plot docs/growth.svg and the table in docs/budget.md. Rows of docs/growth.csv for other task counts stay.
"""

import csv
import os
import re
import subprocess
import sys
from collections import defaultdict

from report import PROJECT, table, write

CSV = PROJECT / "docs" / "growth.csv"
TEST = "budget::every_operation"
# Marks lines about spaces that do not grow.
ELSEWHERE = "in a shared space"
# A table line that these tests print, the first one after the name of its test: operation, calls, read units, write units.
ROW = re.compile(r"^(?:test .* \.\.\. )?\| `?([^|]*?)`? \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|")
# What the plot shows, and in which colour.
PLOTTED = {
    "update-task": "#0b6e4f", "create-task": "#1b4f9c", "delete-task": "#b23a48", "complete-task": "#ef8a17",
    "priority=urgent": "#444444", "": "#2a9d8f", "get-stats": "#8d6b3f", "get-task": "#5b8c5a",
}


def measure(tasks: int) -> dict[str, list[str]]:
    """Calls, read units and write units of each operation with that many stored tasks."""
    command = ["cargo", "test", "--profile", "soak", "--package", "taskbell-api", "--test", "api", "--"]
    environment = os.environ | {"TASKS": str(tasks)}
    done = subprocess.run(
        [*command, TEST, "--nocapture"],
        cwd=PROJECT, env=environment, capture_output=True, text=True,
    )
    rows = {m[1]: list(m.groups()[1:]) for m in map(ROW.match, done.stdout.splitlines()) if m and ELSEWHERE not in m[1]}
    if done.returncode != 0 or not rows:
        sys.exit(f"growth: the budgets are exceeded with {tasks:,} tasks:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return rows


def units(row: list[str]) -> float:
    return float(row[1]) + float(row[2])


def plot(measured: dict[int, dict]) -> str:
    """Plots the units of some operations over the number of stored tasks."""
    counts = sorted(measured)
    width, height, left, bottom, top = 860, 430, 60, 370, 48
    ends = sorted(PLOTTED, key=lambda operation: units(measured[counts[-1]][operation]), reverse=True)
    most = units(measured[counts[-1]][ends[0]]) * 1.1
    x = {count: left + 50 + 210 * place for place, count in enumerate(counts)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        '<text x="16" y="24" font-size="15" font-weight="bold">Capacity units per operation, by number of stored tasks</text>',
    ]
    for value in range(0, int(most) + 1, 5):
        y = bottom - (bottom - top) * value / most
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + 520}" y2="{y:.1f}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#777">{value}</text>')
    parts += [f'<text x="{x[count]}" y="{bottom + 22}" text-anchor="middle">{count:,}</text>' for count in counts]
    last = 0.0
    for operation in ends:
        heights = {count: bottom - (bottom - top) * units(measured[count][operation]) / most for count in counts}
        points = " ".join(f"{x[count]},{heights[count]:.1f}" for count in counts)
        # Labels keep a distance where lines overlap.
        last = max(last + 16, heights[counts[-1]] + 4)
        name = "list-tasks" if operation == "" else f"list-tasks {operation}" if "=" in operation else operation
        colour = PLOTTED[operation]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        label = f"{name}: {units(measured[counts[-1]][operation]):.1f}"
        parts.append(f'<text x="{x[counts[-1]] + 60}" y="{last:.1f}" fill="{colour}">{label}</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def growth_table(measured: dict[int, dict]) -> str:
    """Calls and units of every operation, by number of stored tasks."""
    counts = sorted(measured)
    rows = []
    for operation, most in measured[counts[-1]].items():
        name = "`list-tasks`" if operation == "" else f"`list-tasks`, `{operation}`" if "=" in operation else operation
        of_each = [measured[count][operation] for count in counts]
        shown = [f"{float(row[0]):g}, {float(row[1]):g} + {float(row[2]):g}" for row in of_each]
        growing = units(most) > units(of_each[0]) * 1.05
        rows.append([name, *shown, "yes" if growing else "no"])
    return table(["calls, read + write units", *(f"{count:,} tasks" for count in counts), "grows"], rows)


def known() -> dict[int, dict]:
    """The rows of docs/growth.csv."""
    found: dict[int, dict] = defaultdict(dict)
    if CSV.exists():
        with CSV.open() as file:
            for row in csv.DictReader(file):
                found[int(row["tasks"])][row["operation"]] = [row["calls"], row["read_units"], row["write_units"]]
    return found


def main() -> None:
    wrong = [text for text in sys.argv[1:] if not text.isdecimal() or int(text) == 0]
    if wrong:
        sys.exit(f"growth: {wrong[0]} is not a number of tasks")
    measured = known()
    for count in map(int, sys.argv[1:]):
        print(f"growth: {count:,} tasks", flush=True)
        measured[count] = measure(count)
        with CSV.open("w", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["tasks", "operation", "calls", "read_units", "write_units"])
            for tasks in sorted(measured):
                out.writerows([tasks, operation, *row] for operation, row in measured[tasks].items())
    (PROJECT / "docs" / "growth.svg").write_text(plot(measured))
    block = growth_table(measured)
    write({"growth": block}, PROJECT / "docs" / "budget.md")
    print(block)


if __name__ == "__main__":
    main()
