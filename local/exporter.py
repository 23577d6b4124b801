"""The metrics of the local cloud for Prometheus, with the names and labels that YACE gives them on AWS.

What YACE reads from CloudWatch comes from the logs of the functions (their metrics, and one line for each response of the API),
from the queues, and from MiniStack's own metrics of Lambda. observability/prometheus/yace.yml says which metrics there are.
"""

import json
import math
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product

from cloud import REGION, Cloud
from sam_transform import API_ID
from yace import TYPES, Job, jobs, label_name, metric_name

ACCOUNT = "000000000000"
STACK_TAG, LOGICAL_TAG = "aws:cloudformation:stack-name", "aws:cloudformation:logical-id"
# Seconds between two looks at the cloud, and after the end of a minute before it is exported.
INTERVAL, DELAY = 5, 5
STATISTICS = {"Sum": sum, "SampleCount": len, "Maximum": max, "Minimum": min, "Average": lambda values: sum(values) / len(values)}

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Measure:
    """One value of a metric, at a time in seconds."""

    namespace: str
    metric: str
    dimensions: Dimensions
    at: float
    value: float


@dataclass(frozen=True)
class Resource:
    """A tagged resource, and the dimension of its metrics."""

    namespace: str
    arn: str
    dimension: tuple[str, str]
    tags: dict[str, str] = field(hash=False)


def is_number(value: object) -> bool:
    # The limits of a metric's value ("MetricDatum", CloudWatch API reference).
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 2.0**360


def objects(value: object) -> Iterator[dict]:
    """The objects in a list; nothing if it is no list."""
    return (one for one in (value if isinstance(value, list) else []) if isinstance(one, dict))


def embedded(line: dict) -> Iterator[Measure]:
    """The metrics in a log line, in CloudWatch's embedded metric format. Parts of another form are skipped."""
    header = line.get("_aws")
    if not isinstance(header, dict) or not is_number(header.get("Timestamp")):
        return
    for directive in objects(header.get("CloudWatchMetrics")):
        sets = directive.get("Dimensions")
        for names in sets if isinstance(sets, list) else []:
            if not isinstance(names, list) or not all(isinstance(n, str) and isinstance(line.get(n), str) for n in names):
                continue
            dimensions = tuple(sorted((name, line[name]) for name in names))
            for metric in objects(directive.get("Metrics")):
                values = line.get(metric["Name"]) if isinstance(metric.get("Name"), str) else None
                for value in values if isinstance(values, list) else [values]:
                    if is_number(value):
                        at = header["Timestamp"] / 1000
                        yield Measure(str(directive.get("Namespace")), metric["Name"], dimensions, at, value)


def response(line: dict, at: float) -> Iterator[Measure]:
    """What API Gateway measures, from the line that a function writes for a response."""
    status, duration = line.get("status"), line.get("duration_ms")
    if line.get("message") == "response sent" and is_number(status) and is_number(duration):
        values = {"Count": 1, "4xx": 400 <= status < 500, "5xx": status >= 500, "Latency": duration}
        for metric, value in values.items():
            yield Measure("AWS/ApiGateway", metric, (("ApiId", API_ID),), at, value)


def measures(message: str, at: float) -> list[Measure]:
    """Everything that is measured in a log message of that time."""
    try:
        line = json.loads(message)
    except (ValueError, RecursionError):
        return []
    return [*embedded(line), *response(line, at)] if isinstance(line, dict) else []


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def statistic(name: str, values: list[float]) -> float:
    return percentile(values, float(name[1:]) / 100) if name.startswith("p") else STATISTICS[name](values)


def sample(name: str, labels: dict[str, str], value: float, at: float | None = None) -> str:
    """A line in Prometheus' text format. A label without a value does not exist."""
    escaped = {key: text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"") for key, text in labels.items() if text}
    inside = ",".join(f'{key}="{text}"' for key, text in sorted(escaped.items()))
    number = int(value) if value == int(value) else value
    return f"{name}{{{inside}}} {number}" + ("" if at is None else f" {at * 1000:.0f}")


class Metrics:
    """Measured values of the last half hour. Periods are exported once they are complete, and never change afterwards."""

    def __init__(self, configured: list[Job], now: float):
        self.jobs = configured
        self.resources: list[Resource] = []
        self.values: dict[tuple[str, str, Dimensions], list[tuple[float, float]]] = defaultdict(list)
        # All periods that end before this time are complete.
        self.complete = now // 60 * 60

    def add(self, found: Iterable[Measure], now: float) -> None:
        """Records values. One that comes late counts in the minute that is still open."""
        for one in found:
            at = max(self.complete, min(one.at, now))
            self.values[one.namespace, one.metric, one.dimensions].append((at, one.value))

    def close(self, now: float) -> None:
        """Completes the minutes until DELAY seconds ago, and forgets values that are not exported any more."""
        self.complete = max(self.complete, (now - DELAY) // 60 * 60)
        oldest = self.complete - 2 * max(job.length for job in self.jobs)
        for key, values in list(self.values.items()):
            self.values[key] = [one for one in values if one[0] >= oldest]
            if not self.values[key]:
                del self.values[key]

    def text(self) -> str:
        """All of it, in Prometheus' text format."""
        lines = {
            sample(metric_name(one.namespace, "info", ""), {"name": one.arn} | tag_labels(one.tags, one.tags), 0): None
            for job in self.jobs
            for one in self.resources
            if job.search and one.namespace == job.namespace and job.selects(one.tags)
        }
        for job in self.jobs:
            for metric, wanted in ((metric, one) for metric, statistics in job.metrics.items() for one in statistics):
                for (namespace, name, dimensions), values in sorted(self.values.items()):
                    if (namespace, name) == (job.namespace, metric) and (labels := self.labels(job, dimensions)):
                        lines |= dict.fromkeys(self.periods(job, metric, wanted, labels, values))
        return "".join(f"{line}\n" for line in lines)

    def labels(self, job: Job, dimensions: Dimensions) -> dict[str, str] | None:
        """The labels of a metric in a job; None if the job does not export it."""
        if job.dimensions and job.dimensions != {name for name, _ in dimensions}:
            return None
        labels = {"account_id": ACCOUNT, "region": REGION, "name": job.name}
        labels |= {f"dimension_{label_name(name)}": value for name, value in dimensions}
        if not job.search:
            return labels
        found = (one for one in self.resources if one.namespace == job.namespace and one.dimension in dimensions)
        resource = next((one for one in found if job.selects(one.tags)), None)
        return labels | {"name": resource.arn} | tag_labels(resource.tags, job.tags) if resource else None

    def periods(self, job: Job, metric: str, wanted: str, labels: dict, values: list) -> Iterator[str]:
        """One statistic of a metric for each complete period, with the time of its start."""
        end = self.complete // job.period * job.period
        periods: dict[float, list[float]] = defaultdict(list)
        for at, value in values:
            periods[at // job.period * job.period].append(value)
        for start in sorted(start for start in periods if end - job.length <= start < end):
            yield sample(metric_name(job.namespace, metric, wanted), labels, statistic(wanted, periods[start]), start)


def tag_labels(tags: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    return {f"tag_{label_name(name)}": tags.get(name, "") for name in names}


class Source:
    """What the local cloud is asked for."""

    def __init__(self, cloud: Cloud, stack: str):
        self.cloud, self.stack = cloud, stack
        self.clients = {name: cloud.client(name) for name in ("cloudwatch", "logs", "resourcegroupstaggingapi")}
        described = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        self.group = next(one["OutputValue"] for one in described["Outputs"] if one["OutputKey"] == "FunctionLogs")
        self.seen: set[tuple] = set()

    def resources(self) -> list[Resource]:
        """The tagged resources of the stack. MiniStack does not list APIs by their tags."""
        api = {STACK_TAG: self.stack, LOGICAL_TAG: "HttpApi"}
        found = [Resource("AWS/ApiGateway", f"arn:aws:apigateway:{REGION}::/apis/{API_ID}", ("ApiId", API_ID), api)]
        pages = self.clients["resourcegroupstaggingapi"].get_paginator("get_resources")
        for page in pages.paginate(TagFilters=[{"Key": STACK_TAG, "Values": [self.stack]}]):
            for one in page["ResourceTagMappingList"]:
                tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
                _, _, service, _, _, rest = one["ResourceARN"].split(":", 5)
                if namespace := {"lambda": "AWS/Lambda", "sqs": "AWS/SQS", "dynamodb": "AWS/DynamoDB"}.get(service):
                    dimension = (TYPES[namespace][1], rest.removeprefix("function:").removeprefix("table/"))
                    found.append(Resource(namespace, one["ResourceARN"], dimension, tags))
        return found

    def lines(self, since: float) -> list[Measure]:
        """What is measured in the log lines since a time that were not read yet."""
        pages = self.clients["logs"].get_paginator("filter_log_events")
        events = [one for page in pages.paginate(logGroupName=self.group, startTime=int(since * 1000)) for one in page["events"]]
        keys = [(one["timestamp"], one["logStreamName"], one["message"]) for one in events]
        new = [key for key in dict.fromkeys(keys) if key not in self.seen]
        self.seen = set(keys)
        return [found for at, _, message in new for found in measures(message, at / 1000)]

    def queues(self, now: float) -> Iterator[Measure]:
        """How many messages each queue has, and the age of the oldest one. Delayed messages are not counted."""
        with urllib.request.urlopen(f"{self.cloud.endpoint}/_ministack/sqs/messages", timeout=10) as answer:
            regions = [region for account in json.load(answer)["messages"].values() for region in account.values()]
        for url, messages in (one for region in regions for one in region.items()):
            dimensions = (("QueueName", url.rsplit("/", 1)[-1]),)
            sent = [one["SentTimestamp"] for one in messages if one["IsVisible"] or one["ReceiveCount"]]
            visible = sum(one["IsVisible"] for one in messages)
            yield Measure("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, now, visible)
            yield Measure("AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions, now, now - min(sent, default=now))

    def functions(self, metrics: Metrics, end: float) -> Iterator[Measure]:
        """MiniStack's own metrics of Lambda, from the last complete minute to another. Each has one statistic."""
        queries = {
            f"q{number}": (metric, statistics[0], resource.dimension)
            for job in metrics.jobs
            for number, (resource, (metric, statistics)) in enumerate(product(metrics.resources, job.metrics.items()))
            if job.namespace == resource.namespace == "AWS/Lambda" and job.selects(resource.tags)
        }
        asked = [
            {
                "Id": key,
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": [{"Name": name, "Value": value}]},
                    "Period": 60,
                    "Stat": wanted,
                },
            }
            for key, (metric, wanted, (name, value)) in queries.items()
        ]
        start, stop = (datetime.fromtimestamp(at, UTC) for at in (metrics.complete, end))
        answer = self.clients["cloudwatch"].get_metric_data(MetricDataQueries=asked, StartTime=start, EndTime=stop)
        for one in answer["MetricDataResults"]:
            metric, _, dimension = queries[one["Id"]]
            for at, value in zip(one["Timestamps"], one["Values"], strict=True):
                yield Measure("AWS/Lambda", metric, (dimension,), at.timestamp(), value)


class Exporter:
    """Reads the local cloud every few seconds and answers Prometheus on a free port of 127.0.0.1."""

    def __init__(self, cloud: Cloud, stack: str):
        now = time.time()
        self.source = Source(cloud, stack)
        # As far back as YACE reads.
        self.metrics = Metrics(jobs(), now - 1800)
        self.metrics.resources = self.source.resources()
        self.since, self.text, self.ended = now - 1800, "", threading.Event()
        self.read(now)
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                # Without data Prometheus notices that the local cloud has ended.
                body = exporter.text.encode()
                self.send_response(200 if body else 503)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        for work in (self.server.serve_forever, self.follow):
            threading.Thread(target=work, daemon=True).start()

    def read(self, now: float) -> None:
        self.metrics.add(self.source.lines(self.since), now)
        self.metrics.add(self.source.queues(now), now)
        # Lines arrive out of order, and those of an invocation have the time of its end.
        self.since = max(self.since, now - 10)
        end = (now - DELAY) // 60 * 60
        if end > self.metrics.complete:
            self.metrics.add(list(self.source.functions(self.metrics, end)), now)
            self.metrics.close(now)
        self.text = self.metrics.text()

    def follow(self) -> None:
        while not self.ended.wait(INTERVAL):
            try:
                self.read(time.time())
            except Exception as error:  # noqa: BLE001: whatever it is, old values must not look like new ones
                print(f"exporter: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                self.text = ""

    def stop(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
