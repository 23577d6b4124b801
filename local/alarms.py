"""Evaluates the alarms of template.yaml on measured values, as CloudWatch does on its metrics: the local cloud does not.

All periods end now. Whether CloudWatch treats metrics without any data in FILL alike, only AWS can show.
"""

import operator
from collections.abc import Callable
from functools import cache

from samtranslator.yaml_helper import yaml_parse

from deploy import TEMPLATE

OPERATORS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}
# A series of a metric: pairs of a time in seconds and a value.
Series = list[tuple[float, float]]
# Finds the series of a metric by its namespace, name, and dimensions as in the template.
Find = Callable[[str, str, list], Series]


@cache
def alarms() -> dict[str, dict]:
    """The properties of all alarms."""
    resources = yaml_parse(TEMPLATE.read_text())["Resources"]
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}


def statistic(name: str, values: list[float]) -> float | None:
    """One statistic of a period. None if it has no data."""
    if not values:
        return None
    if name.startswith("p"):
        return sorted(values)[max(0, -(-len(values) * int(name[1:]) // 100) - 1)]
    return {"Sum": sum, "SampleCount": len, "Maximum": max}[name](values)


def calculate(expression: str, values: dict[str, float | None]) -> float | None:
    """A metric math expression of the template. None if a metric without data is used without FILL."""
    functions = {"IF": lambda chosen, one, other: one if chosen else other, "FILL": lambda one, other: other if one is None else one}
    try:
        return eval(expression, {"__builtins__": {}}, functions | values)  # noqa: S307: the template is ours
    except (TypeError, ZeroDivisionError):
        return None


def is_firing(alarm: dict, find: Find, now: float) -> bool:
    """Whether an alarm is in the state ALARM."""
    several = alarm.get("Metrics", [])
    period = alarm.get("Period") or next(one["MetricStat"]["Period"] for one in several if "MetricStat" in one)
    breaching = 0
    for number in range(alarm["EvaluationPeriods"]):
        start, end = now - period * (number + 1), now - period * number

        def of(metric: dict, wanted: str, start: float = start, end: float = end) -> float | None:
            series = find(metric["Namespace"], metric["MetricName"], metric.get("Dimensions", []))
            return statistic(wanted, [value for at, value in series if start < at <= end])

        if several:
            stats = [one for one in several if "MetricStat" in one]
            values = {one["Id"]: of(one["MetricStat"]["Metric"], one["MetricStat"]["Stat"]) for one in stats}
            value = calculate(next(one["Expression"] for one in several if "Expression" in one), values)
        else:
            value = of(alarm, alarm.get("Statistic") or alarm["ExtendedStatistic"])
        missing = alarm["TreatMissingData"] == "breaching"
        breaching += missing if value is None else OPERATORS[alarm["ComparisonOperator"]](value, float(alarm["Threshold"]))
    return breaching >= alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
