"""make cost: computes what Taskbell costs on AWS and writes it to docs/cost.md. With --check (make lint): fails if that is outdated.

Measured inputs: units and calls (the snapshot of the budget test, and docs/growth.csv for lists), CPU time, log lines and responses
(docs/performance.csv), memory (template.yaml). Prices are in bench/prices.json. What cannot be measured without AWS and users is
in ASSUMED, MIX and STARTS.
"""

import csv
import json
import math
import re
import sys
from collections import Counter, defaultdict
from statistics import median

from samtranslator.yaml_helper import yaml_parse

from report import HASHING, PROJECT, filled, table, write

DOCUMENT = PROJECT / "docs" / "cost.md"
PRICES = {name: price[0] for name, price in json.loads((PROJECT / "bench" / "prices.json").read_text()).items() if name != "looked up"}
BUDGET = PROJECT / "shared/api/tests/api/snapshots/api__budget__each_function_keeps_to_its_calls_and_units.snap"
# The memory at which Lambda gives a whole vCPU (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html), in MB.
WHOLE_PROCESSOR = 1769
ASSUMED = {
    "call_ms": (5, "ms that a function waits for each step, that is, for calls to DynamoDB at the same time"),
    "counted_reads": (1 / 16, "write units per read of a user: each sixteenth is counted in DynamoDB, if it is in the same minute and instance"),
    "mail_ms": (60, "ms that it waits for SES"),
    "start_ms": (100, "ms billed for a cold start"),
    "worker_log": (200, "bytes that a worker logs per invocation"),
    "access_log": (300, "bytes that API Gateway logs per request"),
    "line_overhead": (26, "bytes that CloudWatch adds per log line"),
    "headers": (900, "bytes of response headers and TLS"),
    "task_bytes": (800, "bytes per task"),
    "entry_bytes": (100, "bytes that DynamoDB adds per item and per index entry"),
    "entries": (6, "indexes that hold what lists show of a task"),
    "counted_bytes": (350, "bytes of the item in which `update-statistics` stores what a task contributed"),
    "feed_bytes": (250, "bytes of the item in which `relay-changes` stores a change that comes alone, for 30 days"),
    "tasks": (500, "tasks per user"),
    "reminders": (3, "reminders per user and day"),
    "requests_to_sqs": (3, "SQS requests per reminder: sent, received and deleted, alone"),
    "pollers": (5, "concurrent long polls of 20 s by which Lambda reads a queue"),
    "heartbeats": (15, "heartbeats of a live connection per hour, each with an answer"),
    "days": (30, "days per month"),
}
S = {name: value for name, (value, _) in ASSUMED.items()}
# Requests of an active user per day, and the share of requests that start a function, by number of users.
MIX = {"list-tasks": 8, "get-task": 4, "create-task": 3, "update-task": 2, "complete-task": 2, "get-stats": 1, "refresh-session": 4}
STARTS = {100: 1 / 2, 10_000: 1 / 50, 1_000_000: 1 / 500}
# Functions that cause a mail.
MAILING = ("become-operator", "create-notification", "forgot-password", "invite-member", "register-user", "send-verification")
# Minutes from one run of finish-deletions to the next.
DELETION_INTERVAL = 5
GB = 2**30


def budgets() -> dict[str, tuple[float, ...]]:
    """Calls, steps, read units and write units of each function, and the units that record the request."""
    rows = re.findall(r"^\| `(.*)` \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", BUDGET.read_text(), re.MULTILINE)
    found = {row[0]: tuple(map(float, row[1:])) for row in rows}
    with (PROJECT / "docs" / "growth.csv").open() as file:
        lists = [row for row in csv.DictReader(file) if row["operation"] == ""]
    page = max(lists, key=lambda row: int(row["tasks"]))
    calls, reads, writes = (float(page[name]) for name in ("calls", "read_units", "write_units"))
    found["list-tasks"] = (calls, found["list-tasks"][1], reads, writes, 0.0)
    return found


def performance() -> dict[str, dict[str, float]]:
    """CPU time (ms), bytes logged and bytes returned per request to each function."""
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
    sys.exit(f"cost: {missing.filename} is missing: make bench and make growth write the measurements, make test the budgets")
TEMPLATE = yaml_parse((PROJECT / "template.yaml").read_text())
MEMORY = TEMPLATE["Globals"]["Function"]["MemorySize"]
# CPU time per SDK call, including its share of everything else: that of get-task, which makes one call.
CALL_CPU_MS = MEASURED["get-task"]["warm_cpu_us"]


def logs(size: float) -> float:
    """The cost of log bytes, ingested and stored for a month."""
    return size / GB * (PRICES["log_gb"] + PRICES["log_gb_month"])


def units(reads: float, writes: float) -> float:
    return reads * PRICES["read_unit"] + writes * PRICES["write_unit"]


def billed(cpu_ms: float, waits_ms: float, memory: int = MEMORY) -> int:
    """The ms that Lambda bills: CPU time at the vCPU share of the memory size, and waiting."""
    return math.ceil(cpu_ms * max(1, WHOLE_PROCESSOR / memory) + waits_ms)


def invocation(ms: float, logged: float, starts: float = 0, memory: int = MEMORY) -> Counter:
    gb_seconds = (ms + starts * S["start_ms"]) / 1000 * memory / 1024
    cost = {"Lambda": PRICES["lambda_request"] + gb_seconds * PRICES["lambda_gb_second"]}
    return Counter(cost | {"logs": logs(logged + S["line_overhead"])})


def memory_of(function: str) -> int:
    return WHOLE_PROCESSOR if function in HASHING else MEMORY


def request(function: str, starts: float) -> Counter:
    """One request to the API."""
    (_, steps, reads, writes, counting), measured = UNITS[function], MEASURED[function]
    memory = memory_of(function)
    cost = invocation(billed(measured["warm_cpu_us"], steps * S["call_ms"], memory), measured["log_bytes"], starts, memory)
    cost["API Gateway"] += PRICES["api_request"]
    # A read of a user is the only request that reads and is not counted by itself.
    is_counted_read = reads > 0 and counting == 0
    cost["DynamoDB"] += units(reads, writes + counting + is_counted_read * S["counted_reads"])
    cost["logs"] += logs(S["access_log"] + S["line_overhead"])
    cost["data out"] += (measured["answer_bytes"] + S["headers"]) / GB * PRICES["transfer_gb"]
    return cost


def worker(what: str, starts: float = 0, waits_ms: float = 0) -> Counter:
    """One invocation of a worker, without its trigger."""
    calls, steps, reads, writes, counting = UNITS[what]
    cost = invocation(billed((calls + 1) * CALL_CPU_MS, steps * S["call_ms"] + waits_ms), S["worker_log"], starts)
    cost["DynamoDB"] += units(reads, writes + counting)
    return cost


def times(cost: Counter, factor: float) -> Counter:
    return Counter({part: price * factor for part, price in cost.items()})


def reminder(starts: float) -> Counter:
    """One reminder: dispatched with others, sent alone, and two SES events."""
    idle, one = (UNITS[f"dispatch-due-timers, when {what}"] for what in ("nothing is due", "one is"))
    cost = Counter({"DynamoDB": units(one[2] - idle[2], one[3] - idle[3])})
    cost += worker("send-reminders, one", starts, S["mail_ms"])
    cost += worker("record-mail-events, a sending", starts) + worker("record-mail-events, a delivery", starts)
    cost["SQS"] += S["requests_to_sqs"] * PRICES["sqs_request"]
    cost["SES"] += PRICES["mail"]
    return cost


def follow_up(function: str, starts: float) -> Counter:
    """What a request causes after its response: statistics, the change feed, and mail at the price of a reminder."""
    cost = Counter()
    for worker_name in ("update-statistics", "relay-changes"):
        if (row := f"{worker_name}, after {function}") in UNITS:
            cost += worker(row, starts)
            cost += push("to nobody", 0) if worker_name == "relay-changes" else Counter()
    return cost + reminder(starts) if function in MAILING else cost


def alarm_metrics() -> int:
    """The number of metrics that alarms read: each metric is billed as one alarm."""
    alarms = [one["Properties"] for one in TEMPLATE["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    return sum(1 if "MetricName" in one else sum("MetricStat" in metric for metric in one["Metrics"]) for one in alarms)


def observability() -> str:
    """What metrics, dashboard, alarms and traces cost per month."""
    names = re.findall(r"^\| `(\w+)` \| (?:Count|Seconds) \|", (PROJECT / "docs/metrics.md").read_text(), re.MULTILINE)
    kinds = re.findall(r'=> "(\w+)"', (PROJECT / "shared/api/src/workers/outcomes.rs").read_text())
    series = len(names) - 1 + len(kinds)
    rows = [
        ["metrics of an idle stack", 0.0],
        [f"one of the {series} metrics ({len(names)} names, `MailsSent` by {len(kinds)} kinds), if it has data in every hour", PRICES["metric_month"]],
        ["all of them, if all have data in every hour", series * PRICES["metric_month"]],
        ["the alarms, if there is an `AlarmAddress`", alarm_metrics() * PRICES["alarm_month"]],
        ["the dashboard (`Dashboard=true`)", PRICES["dashboard_month"]],
        ["a million traces (`Tracing=Active`)", 1e6 * PRICES["trace"]],
    ]
    return table(["per month", "$"], [[what, dollars(price)] for what, price in rows])


def queues() -> int:
    """The number of queues that Lambda reads."""
    mappings = [one["Properties"] for one in TEMPLATE["Resources"].values() if one["Type"] == "AWS::Lambda::EventSourceMapping"]
    return sum("Queue" in str(mapping["EventSourceArn"]) for mapping in mappings)


def push(what: str, messages: int) -> Counter:
    """One change of a space that is pushed: queued, and sent as so many messages."""
    cost = worker(f"push-changes, {what}", waits_ms=S["call_ms"] * (messages > 0))
    cost["SQS"] += S["requests_to_sqs"] * PRICES["sqs_request"]
    cost["WebSocket"] += messages * PRICES["live_message"]
    return cost


def connected_hour() -> Counter:
    """An hour of a live connection with its heartbeats, and its share of opening and ending one that lives for two hours."""
    cost = times(worker("receive-live, a heartbeat", waits_ms=S["call_ms"]), S["heartbeats"])
    opened = sum((worker(what) for what in ("open-live", "connect-live", "disconnect-live")), Counter())
    cost += times(opened + Counter({"API Gateway": PRICES["api_request"]}), 1 / 2)
    cost["WebSocket"] += 60 * PRICES["live_minute"] + 2 * S["heartbeats"] * PRICES["live_message"]
    return cost


def live() -> str:
    """What live updates cost."""
    to_two = push("to two", 2)
    columns = {
        "1,000 hours of a connection": times(connected_hour(), 1000),
        "million messages, two for each change": times(to_two, 1e6 / 2),
        "million changes that nobody receives": times(push("to nobody", 0), 1e6),
    }
    return by_part(columns)


def idle(with_alarms: bool = True) -> Counter:
    """A month without any request."""
    runs = S["days"] * 24 * 60
    cost = times(worker("dispatch-due-timers, when nothing is due"), runs)
    deletions = runs / DELETION_INTERVAL
    cost += times(worker("finish-deletions, when there is nothing to do"), deletions)
    cost["schedule"] += (runs + deletions) * PRICES["schedule"]
    cost["SQS"] += queues() * S["pollers"] * 3 * runs * PRICES["sqs_request"]
    return cost + Counter({"alarms": alarm_metrics() * PRICES["alarm_month"] * with_alarms})


def month(users: int) -> Counter:
    """A month with that many active users."""
    starts, day = STARTS[users], Counter()
    for function, often in MIX.items():
        day += times(request(function, starts) + follow_up(function, starts), often)
    day += times(reminder(starts), S["reminders"])
    cost = idle() + times(day, users * S["days"])
    item, counted = S["task_bytes"] + S["entry_bytes"], S["counted_bytes"] + S["entry_bytes"]
    changes = sum(MIX[name] for name in ("create-task", "update-task", "complete-task")) * S["days"]
    feed = users * changes / GB * (S["feed_bytes"] + S["entry_bytes"])
    tasks = users * S["tasks"] / GB
    cost["storage"] += (tasks * ((1 + S["entries"]) * item + counted) + feed) * PRICES["storage_gb_month"]
    cost["storage"] += (tasks * (item + counted) + feed) * PRICES["backup_gb_month"]
    return cost


def dollars(value: float) -> str:
    return f"{value:,.2f}"


def endpoints() -> str:
    parts = ["API Gateway", "Lambda", "DynamoDB", "logs", "data out"]
    rows = []
    for function in sorted(MEASURED):
        (_, steps, reads, writes, _), cost = UNITS[function], request(function, 1 / 50)
        caused = sum(follow_up(function, 1 / 50).values())
        ms = billed(MEASURED[function]["warm_cpu_us"], steps * S["call_ms"], memory_of(function))
        spent = [dollars(cost[part] * 1e6) for part in parts]
        whole = f"**{dollars((sum(cost.values()) + caused) * 1e6)}**"
        rows.append([f"`{function}`", f"{reads:g}, {writes:g}", ms, *spent, dollars(caused * 1e6) if caused else "", whole])
    header = ["per million requests", "read, write units", "billed, ms", *(f"{part}, $" for part in parts), "follow-up work, $", "total, $"]
    return table(header, rows)


def by_part(costs: dict[str, Counter], digits: int = 2) -> str:
    last = list(costs.values())[-1]
    rows = [[part, *(f"{cost[part]:,.{digits}f}" for cost in costs.values())] for part, _ in last.most_common()]
    rows.append(["**total**", *(f"**{sum(cost.values()):,.{digits}f}**" for cost in costs.values())])
    return table(["$", *costs], rows)


def server() -> float:
    hours = 24 * S["days"]
    return hours * (PRICES["server_hour"] + PRICES["address_hour"]) + 8 * PRICES["volume_gb_month"]


def prices() -> str:
    found = json.loads((PROJECT / "bench" / "prices.json").read_text())
    rows = [[what, f"{price:.10f}".rstrip("0"), source] for price, what, source in (p for n, p in found.items() if n != "looked up")]
    return f"{found['looked up']}.\n\n" + table(["", "$", "source"], rows)


def mix() -> str:
    """The assumed requests of an active user, as a sentence."""
    each = ", ".join(f"`{function}` {often}" for function, often in MIX.items())
    starts = ", ".join(f"one in {1 / share:.0f} with {users:,}" for users, share in STARTS.items())
    return (
        f"An active user makes {sum(MIX.values())} requests a day ({each}) and gets {S['reminders']} reminders by mail. Requests "
        f"that start a function: {starts} users."
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
        "idle": by_part({"without alarms, per month": idle(with_alarms=False), "with alarms": idle()}),
        "live": live(),
        "observability": observability(),
        "months": by_part(months) + f"\n\nWith a million users that is ${per_user:.4f} per user and month, and ${per_user * 12:.2f} per year.",
        "mix": mix(),
        "server": f"${server():.2f} per month, and its mails through SES: ${mails[100]:.2f} for 100 users, ${mails[10_000]:,.2f} for 10,000.",
        "largest": "\n".join(shares),
        "assumed": table(["", ""], [[f"{value:g}", what] for value, what in ASSUMED.values()]),
        "prices": prices(),
    }
    if sys.argv[1:] == ["--check"]:
        if filled(blocks, DOCUMENT) != DOCUMENT.read_text():
            sys.exit("cost: docs/cost.md is outdated: run make cost")
        return
    write(blocks, DOCUMENT)
    print(by_part(months), "Details: docs/cost.md", sep="\n\n")


if __name__ == "__main__":
    main()
