"""What YACE (the Prometheus exporter for CloudWatch) makes of observability/prometheus/yace.yml: names of metrics, and a price.

`python local/yace.py 300` prints the price of its requests to CloudWatch when it reads every 300 seconds.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parent.parent
CONFIGURATION = PROJECT / "observability" / "prometheus" / "yace.yml"
# CloudWatch, us-east-1: dollars per metric in GetMetricData, which has no free quota, and per call of ListMetrics, of which a
# million a month are free for the whole account.
DOLLARS = 0.01 / 1000
FREE_CALLS = 1_000_000
MAIL_KINDS = ["reminder", "digest", "assignment", "invitation", "message", "verification", "code", "account"]
# The resource type of each namespace with resources, and the dimension that identifies one. The WebSocket API has those metrics
# that the HTTP API lacks, so together they count as one.
TYPES = {
    "AWS/Lambda": ("AWS::Serverless::Function", "FunctionName"),
    "AWS/SQS": ("AWS::SQS::Queue", "QueueName"),
    "AWS/ApiGateway": ("AWS::Serverless::HttpApi", "ApiId"),
    "AWS/DynamoDB": ("AWS::DynamoDB::Table", "TableName"),
}


def snake(text: str) -> str:
    """Lower case, with an underscore before a capital letter that follows a lower-case letter or a digit."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    return re.sub(r"[ ,\t/\\.\-:=@<>()“]", "_", words).replace("%", "_percent").lower()


def metric_name(namespace: str, metric: str, statistic: str) -> str:
    """As YACE's BuildMetricName: a metric loses a part of the namespace that its name repeats."""
    prefix, name, skip = snake(namespace.removeprefix("/").lower()), snake(metric), 0
    for part in prefix.split("_"):
        if name[skip:].startswith(part):
            skip = len(part)
    prefix = prefix if prefix.startswith("aws") else f"aws_{prefix}"
    return f"{prefix}_{name[skip:].removeprefix('_')}" + (f"_{snake(statistic)}" if statistic else "")


def label_name(text: str) -> str:
    """A tag or dimension as a part of a label."""
    return re.sub(r"[ ,\t/\\.\-:=@<>()“]", "_", text).replace("%", "_percent")


@dataclass
class Job:
    """One job of the configuration."""

    namespace: str
    # The label `name` of a custom namespace's metrics. Those of resources have an ARN.
    name: str
    dimensions: frozenset[str]
    search: dict[str, re.Pattern]
    # Tags that become labels.
    tags: list[str]
    period: int
    length: int
    # Metrics and their statistics.
    metrics: dict[str, list[str]]

    def selects(self, tags: dict[str, str]) -> bool:
        """Whether a resource with these tags belongs to the job."""
        return all(key in tags and value.search(tags[key]) for key, value in self.search.items())

    def names(self) -> Iterator[str]:
        """The names of all its metrics in Prometheus."""
        for metric, statistics in self.metrics.items():
            yield from (metric_name(self.namespace, metric, statistic) for statistic in statistics)


def jobs(text: str | None = None) -> list[Job]:
    """The jobs of the configuration."""
    document = yaml.safe_load(CONFIGURATION.read_text() if text is None else text)
    exported = document["discovery"]["exportedTagsOnMetrics"]
    return [
        Job(
            namespace=one.get("namespace") or one["type"],
            name=one.get("name", ""),
            dimensions=frozenset(one.get("dimensionNameRequirements", [])),
            search={tag["key"]: re.compile(tag["value"]) for tag in one.get("searchTags", [])},
            tags=exported.get(one.get("type"), []),
            period=one["period"],
            length=one["length"],
            metrics={metric["name"]: metric["statistics"] for metric in one["metrics"]},
        )
        for one in document["discovery"]["jobs"] + document["customNamespace"]
    ]


def all_names(configured: list[Job]) -> set[str]:
    """Every metric that YACE can export, with the information about resources that it finds by their tags."""
    information = {metric_name(job.namespace, "info", "") for job in configured if job.search}
    return information | {name for job in configured for name in job.names()}


def requested(job: Job, resources: list[tuple[str, str]]) -> int:
    """How many metrics a job requests each time, for a stack with these resources (logical id and type)."""
    statistics = sum(map(len, job.metrics.values()))
    if "Kind" in job.dimensions:
        return statistics * len(MAIL_KINDS)
    if job.namespace == "AWS/SES":
        return statistics * 2  # Of the account and of the stack's configuration set.
    if job.namespace not in TYPES:
        return statistics
    if not job.dimensions:
        return 0  # Throttles of DynamoDB, which exist only after one has occurred.
    logical_id = job.search.get("aws:cloudformation:logical-id", re.compile(""))
    return statistics * sum(kind == TYPES[job.namespace][0] and bool(logical_id.search(name)) for name, kind in resources)


def price(interval: int) -> tuple[int, int, float]:
    """Metrics per request, calls of ListMetrics in 30 days, and dollars in 30 days for the metrics."""
    template = (PROJECT / "template.yaml").read_text()
    resources = re.findall(r"^  (\w+):\n    Type: (\S+)$", template, re.MULTILINE)
    configured, times = jobs(), 30 * 86_400 // interval
    metrics = sum(requested(job, resources) for job in configured)
    return metrics, times * sum(len(job.metrics) for job in configured), metrics * times * DOLLARS


if __name__ == "__main__":
    number, calls, dollars = price(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
    listing = max(0, calls - FREE_CALLS) * DOLLARS
    print(f"{number} metrics: ${dollars:.2f} in 30 days; {calls:,} calls of ListMetrics: ${listing:.2f} after the free million")
