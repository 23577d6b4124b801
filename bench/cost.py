"""make cost: what Taskbell costs on AWS, out of what was measured and a table of prices, into docs/cost.md.

Measured: capacity units (docs/growth.csv, docs/scale.md by SCALE below), processor time and log lines of each function
(docs/performance.csv), memory sizes (template.yaml). Supposed, since only AWS can tell: how long a call to DynamoDB
takes, and how a user uses it.
"""

import csv
import json
import math
import re
from collections import defaultdict
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENT = PROJECT / "docs" / "cost.md"
PRICES = json.loads((PROJECT / "bench" / "prices.json").read_text())

# How long a call to DynamoDB takes within a region, in ms; counting a request goes on beside the work.
CALL_MS = 5
# Lambda gives a whole processor at 1,769 MB.
WHOLE_PROCESSOR_MB = 1769
# What Lambda itself logs of an invocation (START, END and REPORT), and API Gateway by the format in template.yaml.
PLATFORM_LOG_BYTES, ACCESS_LOG_BYTES = 330, 300
# CloudWatch adds to each line what it stores with it.
LINE_OVERHEAD_BYTES = 26

# One active user on one day: requests to functions, and mails.
MIX = {
    "list-tasks": 8, "get-task": 4, "create-task": 3, "update-task": 2, "complete-task": 2, "get-stats": 1,
    "refresh-session": 2,
}
REMINDERS_A_DAY = 3
BYTES_A_TASK, TASKS_A_USER = 2_500, 500  # with its places in the indexes
DAYS = 30


def growth() -> dict[str, tuple[float, float, float]]:
    """Calls, read and write units of each operation with the most tasks that were measured."""
    rows = list(csv.DictReader((PROJECT / "docs" / "growth.csv").open()))
    most = max(int(row["tasks"]) for row in rows)
    found = {
        row["operation"]: tuple(float(row[name]) for name in ("calls", "read_units", "write_units"))
        for row in rows if int(row["tasks"]) == most
    }
    found["list-tasks"] = found.pop("")
    return found


def performance() -> dict[str, dict[str, float]]:
    """Processor time in ms and bytes of logs of one request to each function."""
    rows = defaultdict(list)
    for row in csv.DictReader((PROJECT / "docs" / "performance.csv").open()):
        if row["by"] == "taskbell" and row["conditions"] == "full":
            rows[row["function"]].append(row)
    return {
        function: {
            "cpu_ms": median(float(row["warm_cpu_us"]) for row in found) / 1000,
            "log_bytes": median(float(row["log_bytes"]) for row in found),
        }
        for function, found in rows.items()
    }


def memory() -> int:
    """The memory of functions that do not hash, in MB."""
    globals_ = (PROJECT / "template.yaml").read_text().split("Resources:", 1)[0]
    return int(re.search(r"MemorySize: (\d+)", globals_)[1])


def billed_ms(cpu_ms: float, calls: float) -> int:
    """What Lambda bills for: processor time at the share that the memory gives, and waiting."""
    return math.ceil(cpu_ms * WHOLE_PROCESSOR_MB / memory() + calls * CALL_MS)


def invocation(cpu_ms: float, calls: float, log_bytes: float) -> dict[str, float]:
    gb_seconds = billed_ms(cpu_ms, calls) / 1000 * memory() / 1024
    logs = log_bytes + PLATFORM_LOG_BYTES + 3 * LINE_OVERHEAD_BYTES
    return {
        "Lambda": PRICES["lambda_request"] + gb_seconds * PRICES["lambda_gb_second"],
        "logs": logs / 1e9 * PRICES["log_gb"],
    }


def units(reads: float, writes: float) -> float:
    return reads * PRICES["read_unit"] + writes * PRICES["write_unit"]


def request(units_of: tuple, measured: dict) -> dict[str, float]:
    """One request to the API."""
    calls, reads, writes = units_of
    parts = invocation(measured["cpu_ms"], calls, measured["log_bytes"])
    parts["API Gateway"] = PRICES["api_request"]
    # One write unit counts the request against its limit.
    parts["DynamoDB"] = units(reads, writes + 1)
    parts["logs"] += (ACCESS_LOG_BYTES + LINE_OVERHEAD_BYTES) / 1e9 * PRICES["log_gb"]
    return parts


def scale() -> dict[str, tuple[float, float, float]]:
    """Calls, read and write units for one reminder, by docs/scale.md."""
    text = (PROJECT / "docs" / "scale.md").read_text()
    found = re.findall(r"^\| to (dispatch|send) one \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", text, re.MULTILINE)
    return {what: tuple(map(float, numbers)) for what, *numbers in found}


def reminder(measured: dict[str, dict]) -> dict[str, float]:
    """One reminder: dispatched, sent, and what SES says of it (two events) recorded."""
    total: dict[str, float] = defaultdict(float)
    (calls, reads, writes), (sending, more_reads, more_writes) = scale()["dispatch"], scale()["send"]
    total["DynamoDB"] = units(reads + more_reads, writes + more_writes)
    # One mail is one of ten in a batch at best; a message is sent, received and deleted.
    total["SQS"] = 3 * PRICES["sqs_request"] / 10 * 3
    total["SES"] = PRICES["mail"]
    cpu = median(one["cpu_ms"] for one in measured.values())
    for part, price in invocation(2 * cpu, sending + 1, 300).items():
        total[part] += price
    # The send and the delivery, each read, and one of them written.
    for _ in range(2):
        for part, price in invocation(cpu, 2, 200).items():
            total[part] += price
    total["DynamoDB"] += units(2, 4)
    return dict(total)


def idle() -> dict[str, float]:
    """A month in which nobody does anything."""
    sweeps = DAYS * 24 * 60
    template = (PROJECT / "template.yaml").read_text()
    parts = {part: price * sweeps for part, price in invocation(2, 4, 200).items()}
    parts["DynamoDB"] = units(8 * sweeps, 0)
    # Lambda asks the queue with five pollers, each every 20 seconds.
    parts["SQS"] = 5 * 3 * 60 * 24 * DAYS * PRICES["sqs_request"]
    parts["alarms"] = template.count("Type: AWS::CloudWatch::Alarm") * PRICES["alarm_month"]
    return parts


def month(users: int, units_of: dict, measured: dict) -> dict[str, float]:
    """A month of so many active users."""
    total: dict[str, float] = defaultdict(float, idle())
    for function, times in MIX.items():
        # Refreshing a session reads and replaces one item, which is small.
        cost = request(units_of.get(function, (1, 0, 2)), measured.get(function, measured["get-task"]))
        for part, price in cost.items():
            total[part] += price * times * users * DAYS
    # What the stream counts: once for each task that is made, changed or completed; records come in batches.
    _, reads, writes = units_of["count-tasks, a completion"]
    changes = sum(MIX[name] for name in ("create-task", "update-task", "complete-task"))
    total["DynamoDB"] += units(reads, writes) * changes * users * DAYS
    for part, price in reminder(measured).items():
        total[part] += price * REMINDERS_A_DAY * users * DAYS
    stored = users * TASKS_A_USER * BYTES_A_TASK / 1e9
    total["storage"] = stored * (PRICES["storage_gb_month"] + PRICES["backup_gb_month"])
    return dict(total)


def table(header: list[str], rows: list[list]) -> str:
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def dollars(value: float) -> str:
    return f"{value:,.2f}"


def endpoints(units_of: dict, measured: dict) -> str:
    rows = []
    parts = ["API Gateway", "Lambda", "DynamoDB", "logs"]
    for function in sorted(set(units_of) & set(measured)):
        cost = request(units_of[function], measured[function])
        calls, reads, writes = units_of[function]
        spent = [dollars(cost[part] * 1e6) for part in parts]
        duration = billed_ms(measured[function]["cpu_ms"], calls)
        rows.append([f"`{function}`", f"{reads:g} + {writes + 1:g}", duration, *spent, f"**{dollars(sum(cost.values()) * 1e6)}**"])
    header = ["a million requests to", "read + write units", "billed, ms", *(f"{p}, $" for p in parts), "all, $"]
    return table(header, rows)


def by_part(costs: dict[str, dict[str, float]]) -> str:
    parts = sorted({part for cost in costs.values() for part in cost}, key=lambda p: -list(costs.values())[-1].get(p, 0))
    rows = [[part, *(dollars(cost.get(part, 0)) for cost in costs.values())] for part in parts]
    rows.append(["**all**", *(f"**{dollars(sum(cost.values()))}**" for cost in costs.values())])
    return table(["$", *costs], rows)


def server() -> float:
    s = PRICES["server"]
    return 24 * DAYS * (s["instance_hour"] + s["address_hour"]) + s["volume_gb"] * s["volume_gb_month"]


def write(blocks: dict[str, str]) -> None:
    text = DOCUMENT.read_text()
    for name, block in blocks.items():
        pattern = rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)"
        text, found = re.subn(pattern, lambda mark: mark[1] + block + mark[2], text, flags=re.DOTALL)
        if found != 1:
            raise SystemExit(f"cost: {DOCUMENT.name} has no place for {name}")
    DOCUMENT.write_text(text)


def main() -> None:
    units_of, measured = growth(), performance()
    months = {f"{users:,} users": month(users, units_of, measured) for users in (100, 10_000, 1_000_000)}
    reminders = {part: price * 1000 for part, price in reminder(measured).items()}
    largest = sorted(months["1,000,000 users"].items(), key=lambda item: -item[1])[:3]
    share = sum(months["1,000,000 users"].values())
    write({
        "endpoints": endpoints(units_of, measured),
        "reminders": by_part({"1,000 reminders": reminders}),
        "idle": by_part({"a month": idle()}),
        "months": by_part(months),
        "largest": "\n".join(f"{n}. {part}: {price / share:.0%}" for n, (part, price) in enumerate(largest, 1)),
        "server": f"{PRICES['server']['what']}: ${server():.2f} a month.",
    })
    print(by_part(months))


if __name__ == "__main__":
    main()
