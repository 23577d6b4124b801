"""make cost: what Taskbell costs on AWS, into docs/cost.md; with --check (make lint) whether that is what stands there.

Measured: units and calls (the snapshot of the test of budgets, and docs/growth.csv for lists), processor time, log lines and answers
(docs/performance.csv), memory (template.yaml). The prices are in bench/prices.json. What cannot be measured without AWS and users is
in SUPPOSED, MIX and STARTS.
"""

import csv
import json
import math
import re
import sys
from collections import Counter, defaultdict
from statistics import median

from report import HASHING, PROJECT, filled, table, write

DOCUMENT = PROJECT / "docs" / "cost.md"
PRICES = {name: price[0] for name, price in json.loads((PROJECT / "bench" / "prices.json").read_text()).items() if name != "looked up"}
BUDGET = PROJECT / "shared/api/tests/api/snapshots/api__budget__each_function_keeps_to_its_calls_and_units.snap"
# What Lambda gives a whole processor at (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html), in MB.
WHOLE_PROCESSOR = 1769
SUPPOSED = {
    "call_ms": (5, "ms that a function waits for each answer of DynamoDB, one after the other"),
    "mail_ms": (60, "ms that it waits for an answer of SES"),
    "start_ms": (100, "ms that a start of a function is billed for"),
    "worker_log": (200, "bytes that a function behind the API logs of an invocation"),
    "platform_log": (330, "bytes that Lambda itself logs of an invocation (START, END, REPORT)"),
    "access_log": (300, "bytes that API Gateway logs of a request"),
    "line_overhead": (26, "bytes that CloudWatch adds to a line of a log"),
    "headers": (900, "bytes of the headers of an answer, and of TLS"),
    "task_bytes": (800, "bytes of a task"),
    "entry_bytes": (100, "bytes that DynamoDB adds to an item, and to its entry in an index"),
    "entries": (6, "indexes in which a task is, whole"),
    "counted_bytes": (350, "bytes of the item in which `update-statistics` keeps what it has counted of a task"),
    "tasks": (500, "tasks that a user has"),
    "visits": (4, "visits of a user on a day, each of which begins a minute of the limit on requests with a second write unit"),
    "reminders": (3, "reminders that a user is mailed on a day"),
    "requests_to_sqs": (3, "requests to SQS for a reminder: sent, received and deleted, alone"),
    "writes": (4, "times that a reminder writes its task, each of which wakes `update-statistics`: postponed, claimed, sent, delivered"),
    "pollers": (5, "requests at a time by which Lambda asks the queue, for 20 s each"),
    "days": (30, "days of a month"),
}
S = {name: value for name, (value, _) in SUPPOSED.items()}
# Requests of an active user on one day, and how many of so many requests start a function.
MIX = {"list-tasks": 8, "get-task": 4, "create-task": 3, "update-task": 2, "complete-task": 2, "get-stats": 1, "refresh-session": 4}
STARTS = {100: 1 / 2, 10_000: 1 / 50, 1_000_000: 1 / 500}
CHANGES = sum(MIX[name] for name in ("create-task", "update-task", "complete-task"))
# What wakes `update-statistics` to count something, and how often (the batch of events/batch-tasks.json changes three tasks); what has a mail sent.
COUNTED = dict.fromkeys(("complete-task", "create-task", "delete-task", "reopen-task", "run-action", "skip-task", "update-task"), 1)
COUNTED["batch-tasks"] = 3
MAILING = ("become-operator", "create-notification", "forgot-password", "invite-member", "register-user", "send-verification")
GB = 2**30


def budgets() -> dict[str, tuple[float, ...]]:
    """Calls, read units, write units of each function, and the units that count the request."""
    rows = re.findall(r"^\| `(.*)` \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", BUDGET.read_text(), re.MULTILINE)
    found = {row[0]: tuple(map(float, row[1:])) for row in rows}
    with (PROJECT / "docs" / "growth.csv").open() as file:
        lists = [row for row in csv.DictReader(file) if row["operation"] == ""]
    page = max(lists, key=lambda row: int(row["tasks"]))
    found["list-tasks"] = tuple(float(page[name]) for name in ("calls", "read_units", "write_units")) + (1.0,)
    return found


def performance() -> dict[str, dict[str, float]]:
    """Processor time (ms), bytes logged and bytes answered of one request to each function."""
    rows = defaultdict(list)
    with (PROJECT / "docs" / "performance.csv").open() as file:
        for row in csv.DictReader(file):
            if row["by"] == "taskbell" and row["conditions"] == "all":
                rows[row["function"]].append(row)
    scales = {"warm_cpu_us": 1e-3, "log_bytes": 1, "answer_bytes": 1}
    return {
        function: {name: median(float(row[name]) for row in found) * scale for name, scale in scales.items()}
        for function, found in rows.items()
    }


try:
    MEASURED, UNITS = performance(), budgets()
except FileNotFoundError as missing:
    sys.exit(f"cost: there is no {missing.filename}: make bench and make growth write what is measured, make test the budgets")
MEMORY = int(re.search(r"MemorySize: (\d+)", (PROJECT / "template.yaml").read_text())[1])
# One call of the SDK, with its part of everything else: half of what get-task takes, which makes two.
CALL_CPU_MS = MEASURED["get-task"]["warm_cpu_us"] / 2


def logs(size: float) -> float:
    """What bytes of logs cost, taken in and kept for a month."""
    return size / GB * (PRICES["log_gb"] + PRICES["log_gb_month"])


def units(reads: float, writes: float) -> float:
    return reads * PRICES["read_unit"] + writes * PRICES["write_unit"]


def billed(cpu_ms: float, waits_ms: float, memory: int = MEMORY) -> int:
    """The ms that Lambda bills for: processor time at the share that the memory gives, and waiting."""
    return math.ceil(cpu_ms * max(1, WHOLE_PROCESSOR / memory) + waits_ms)


def invocation(ms: float, logged: float, starts: float = 0, memory: int = MEMORY) -> Counter:
    gb_seconds = (ms + starts * S["start_ms"]) / 1000 * memory / 1024
    lines = logged + S["platform_log"] + 4 * S["line_overhead"]
    return Counter({"Lambda": PRICES["lambda_request"] + gb_seconds * PRICES["lambda_gb_second"], "logs": logs(lines)})


def memory_of(function: str) -> int:
    return WHOLE_PROCESSOR if function in HASHING else MEMORY


def request(function: str, starts: float, first_of_minute: float = 1) -> Counter:
    """One request to the API."""
    (calls, reads, writes, counting), measured = UNITS[function], MEASURED[function]
    memory = memory_of(function)
    cost = invocation(billed(measured["warm_cpu_us"], calls * S["call_ms"], memory), measured["log_bytes"], starts, memory)
    cost["API Gateway"] += PRICES["api_request"]
    cost["DynamoDB"] += units(reads, writes + counting * (1 + first_of_minute))
    cost["logs"] += logs(S["access_log"] + S["line_overhead"])
    cost["data out"] += (measured["answer_bytes"] + S["headers"]) / GB * PRICES["transfer_gb"]
    return cost


def worker(what: str, starts: float = 0, waits_ms: float = 0) -> Counter:
    """One invocation of a function behind the API, without what it is woken by."""
    calls, reads, writes, _ = UNITS[what]
    cost = invocation(billed((calls + 1) * CALL_CPU_MS, calls * S["call_ms"] + waits_ms), S["worker_log"], starts)
    cost["DynamoDB"] += units(reads, writes)
    return cost


def times(cost: Counter, factor: float) -> Counter:
    return Counter({part: price * factor for part, price in cost.items()})


def reminder(starts: float) -> Counter:
    """One reminder: dispatched with others, sent alone, two events of SES about it, and what the stream says of it."""
    idle, one = (UNITS[f"dispatch-due-timers, when {what}"] for what in ("nothing is due", "one is"))
    cost = Counter({"DynamoDB": units(one[1] - idle[1], one[2] - idle[2])})
    cost += worker("send-reminders, one", starts, S["mail_ms"])
    cost += worker("record-mail-events, a sending", starts) + worker("record-mail-events, a delivery", starts)
    cost += times(worker("update-statistics, nothing that counts", starts), S["writes"])
    cost["SQS"] += S["requests_to_sqs"] * PRICES["sqs_request"]
    cost["SES"] += PRICES["mail"]
    return cost


def idle() -> Counter:
    """A month in which nobody does anything."""
    sweeps = S["days"] * 24 * 60
    cost = times(worker("dispatch-due-timers, when nothing is due"), sweeps)
    cost["schedule"] += sweeps * PRICES["schedule"]
    cost["SQS"] += S["pollers"] * 3 * sweeps * PRICES["sqs_request"]
    # One alarm is paid for each metric that it reads.
    alarms = len(re.findall(r"^(?:      MetricName|            Metric):", (PROJECT / "template.yaml").read_text(), re.MULTILINE))
    cost["alarms"] += alarms * PRICES["alarm_month"]
    return cost


def month(users: int) -> Counter:
    """A month of so many active users."""
    starts, first = STARTS[users], S["visits"] / sum(MIX.values())
    day = Counter()
    for function, often in MIX.items():
        day += times(request(function, starts, first), often)
    day += times(worker("update-statistics, a completion", starts), CHANGES)
    day += times(reminder(starts), S["reminders"])
    cost = idle() + times(day, users * S["days"])
    item, counted = S["task_bytes"] + S["entry_bytes"], S["counted_bytes"] + S["entry_bytes"]
    cost["storage"] += users * S["tasks"] / GB * (
        ((1 + S["entries"]) * item + counted) * PRICES["storage_gb_month"] + (item + counted) * PRICES["backup_gb_month"]
    )
    return cost


def dollars(value: float) -> str:
    return f"{value:,.2f}"


def endpoints() -> str:
    parts = ["API Gateway", "Lambda", "DynamoDB", "logs", "data out"]
    rows = []
    counted, mailed = sum(worker("update-statistics, a completion", 1 / 50).values()), sum(reminder(1 / 50).values())
    for function in sorted(MEASURED):
        (calls, reads, writes, _), cost = UNITS[function], request(function, 1 / 50)
        caused = counted * COUNTED.get(function, 0) + mailed * (function in MAILING)
        ms = billed(MEASURED[function]["warm_cpu_us"], calls * S["call_ms"], memory_of(function))
        spent = [dollars(cost[part] * 1e6) for part in parts]
        whole = f"**{dollars((sum(cost.values()) + caused) * 1e6)}**"
        rows.append([f"`{function}`", f"{reads:g}, {writes:g}", ms, *spent, dollars(caused * 1e6) if caused else "", whole])
    header = ["a million requests", "read, write units", "billed, ms", *(f"{part}, $" for part in parts), "what it causes, $", "all, $"]
    return table(header, rows)


def by_part(costs: dict[str, Counter], digits: int = 2) -> str:
    last = list(costs.values())[-1]
    rows = [[part, *(f"{cost[part]:,.{digits}f}" for cost in costs.values())] for part, _ in last.most_common()]
    rows.append(["**all**", *(f"**{sum(cost.values()):,.{digits}f}**" for cost in costs.values())])
    return table(["$", *costs], rows)


def server() -> float:
    hours = 24 * S["days"]
    return hours * (PRICES["server_hour"] + PRICES["address_hour"]) + 8 * PRICES["volume_gb_month"]


def prices() -> str:
    found = json.loads((PROJECT / "bench" / "prices.json").read_text())
    rows = [[what, f"{price:.10f}".rstrip("0"), source] for price, what, source in (p for n, p in found.items() if n != "looked up")]
    return f"{found['looked up'].capitalize()}.\n\n" + table(["", "$", "source"], rows)


def mix() -> str:
    """What an active user does, in words."""
    each = ", ".join(f"`{function}` {often}" for function, often in MIX.items())
    starts = ", ".join(f"one in {1 / share:.0f} with {users:,}" for users, share in STARTS.items())
    return (
        f"An active user makes {sum(MIX.values())} requests a day ({each}) and gets {S['reminders']} reminders by mail. Of requests, these start a "
        f"function: {starts} users."
    )


def main() -> None:
    months = {f"{users:,} users": month(users) for users in STARTS}
    largest = list(months.values())[-1]
    mails = {users: users * S["reminders"] * S["days"] * PRICES["mail"] for users in STARTS}
    per_user = sum(largest.values()) / max(STARTS)
    shares = [f"{n}. **{part}**, {price / sum(largest.values()):.0%}" for n, (part, price) in enumerate(largest.most_common(3), 1)]
    blocks = {
        "endpoints": endpoints(),
        "reminders": by_part({"1,000 reminders": times(reminder(1 / 50), 1000)}, digits=4),
        "idle": by_part({"a month": idle()}),
        "months": by_part(months) + f"\n\nWith a million users that is ${per_user:.4f} a user, and ${per_user * 12:.2f} a year.",
        "mix": mix(),
        "server": f"${server():.2f} a month, and its mails by SES: ${mails[100]:.2f} for 100 users, ${mails[10_000]:,.2f} for 10,000.",
        "largest": "\n".join(shares),
        "supposed": table(["", ""], [[value, what] for value, what in SUPPOSED.values()]),
        "prices": prices(),
    }
    if sys.argv[1:] == ["--check"]:
        if filled(blocks, DOCUMENT) != DOCUMENT.read_text():
            sys.exit("cost: docs/cost.md is not what is computed from measurements, budgets and prices: run make cost")
        return
    write(blocks, DOCUMENT)
    print(by_part(months), "All of it is in docs/cost.md.", sep="\n\n")


if __name__ == "__main__":
    main()
