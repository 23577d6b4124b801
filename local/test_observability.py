"""Tests of the exporter for the local cloud, and of the files in observability/ against each other and against Grafana's types."""

import copy
import enum
import json
import re
import typing
import unittest

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from exporter import Metrics, Resource, measures, percentile, sample
from yace import PROJECT, all_names, jobs, metric_name, price

FOLDER = PROJECT / "observability"
# The metrics that the functions write. A test of the functions compares the document with the code.
CUSTOM = set(re.findall(r"^\| `(\w+)` \|", (PROJECT / "docs/metrics.md").read_text(), re.MULTILINE))
# An alert that the template cannot have.
ONLY_PROMETHEUS = {"NoDataAlarm"}
# Names of metrics in an expression. All others in it are functions, labels and words of PromQL.
METRIC = re.compile(r"\b(?:aws_\w+|taskbell:\w+:\w+)\b")


def rules() -> list[dict]:
    document = yaml.safe_load((FOLDER / "prometheus" / "rules.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def line(at: int, names: dict[str, object], dimensions: dict[str, str], **more: object) -> str:
    """A log line with metrics, as the functions write it. `at` is in milliseconds."""
    metrics = [{"Name": name, "Unit": "Count"} for name in names]
    directive = {"Namespace": "Taskbell", "Dimensions": [list(dimensions)], "Metrics": metrics}
    header = {"Timestamp": at, "CloudWatchMetrics": [directive]}
    return json.dumps({"message": "mail sent", **more, **names, "_aws": header, **dimensions})


def exported(lines: list[tuple[float, str]], now: float, resources: list[Resource] = ()) -> list[str]:
    """The samples with a time that these lines become, without the labels of every metric."""
    metrics = Metrics(jobs(), 0)
    metrics.resources = list(resources)
    for at, text in lines:
        metrics.add(measures(text, at), now)
    metrics.close(now)
    found = metrics.text().replace('account_id="000000000000",', "").replace('name="taskbell",region="us-east-1"', "")
    return [one.replace(",}", "}") for one in found.splitlines() if "_info{" not in one]


class Exporter(unittest.TestCase):
    stack = {"Stack": "taskbell"}

    def test_a_minute_has_the_time_of_its_start_and_the_names_and_labels_of_yace(self):
        lines = [
            (0, line(61_000, {"ReminderLateness": 4}, self.stack)),
            (0, line(119_999, {"ReminderLateness": 90, "RemindersLate": 1}, self.stack)),
            (0, line(120_000, {"ReminderLateness": 0}, self.stack)),
        ]
        self.assertEqual(
            exported(lines, 186),
            [
                'aws_taskbell_reminder_lateness_sample_count{dimension_Stack="taskbell"} 2 60000',
                'aws_taskbell_reminder_lateness_sample_count{dimension_Stack="taskbell"} 1 120000',
                'aws_taskbell_reminder_lateness_maximum{dimension_Stack="taskbell"} 90 60000',
                'aws_taskbell_reminder_lateness_maximum{dimension_Stack="taskbell"} 0 120000',
                'aws_taskbell_reminders_late_sum{dimension_Stack="taskbell"} 1 60000',
            ],
        )

    def test_kinds_of_mails_are_counted_separately(self):
        kinds = ["digest", "reminder", "digest"]
        lines = [(0, line(1, {"MailsSent": 1}, {**self.stack, "Kind": kind})) for kind in kinds]
        self.assertEqual(
            exported(lines, 70),
            [
                'aws_taskbell_mails_sent_sum{dimension_Kind="digest",dimension_Stack="taskbell"} 2 0',
                'aws_taskbell_mails_sent_sum{dimension_Kind="reminder",dimension_Stack="taskbell"} 1 0',
            ],
        )

    def test_an_open_minute_is_not_exported_and_a_late_line_counts_in_it(self):
        metrics = Metrics(jobs(), 0)
        metrics.add(measures(line(30_000, {"PushesSent": 1}, self.stack), 0), 40)
        self.assertEqual(metrics.text(), "")
        metrics.close(64.9)
        self.assertEqual(metrics.text(), "", "for a few seconds lines of the last minute arrive")
        metrics.close(65)
        first = metrics.text()
        self.assertRegex(first, r"\} 1 0\n$")
        metrics.add(measures(line(50_000, {"PushesSent": 5}, self.stack), 0), 70)
        self.assertEqual(metrics.text(), first, "what was exported does not change")
        metrics.close(125)
        self.assertRegex(metrics.text(), r"\} 5 60000\n")

    def test_values_are_forgotten_after_the_time_that_yace_reads(self):
        metrics = Metrics(jobs(), 0)
        metrics.add(measures(line(90_000, {"PushesSent": 1}, self.stack), 0), 100)
        for now, count in ((1000, 1), (60 + 1800 + 5, 1), (120 + 1800 + 5, 0)):
            metrics.close(now)
            self.assertEqual(metrics.text().count("pushes_sent"), count, now)
        metrics.close(10_000)
        self.assertEqual(metrics.values, {})

    def test_arrays_are_several_values_and_unknown_members_are_ignored(self):
        text = line(1, {"FeedLag": [0.5, 2, "3", None, True, 1.25]}, self.stack, deep={"_aws": 1}, list=[[]], trace_id="1-2")
        self.assertEqual([one.value for one in measures(text, 0)], [0.5, 2, 1.25])
        self.assertEqual(exported([(0, line(60_000, {"Unknown": 7}, self.stack))], 200), [], "yace.yml does not have it")

    def test_garbage_is_skipped(self):
        good = json.loads(line(1, {"PushesSent": 1}, self.stack))
        broken = ["", "null", "7", '"text"', "[]", "{", "START RequestId: 1", "[" * 100_000, '{"_aws":' * 10_000, "\x00"]
        for header in (None, 7, [], {}, {"Timestamp": "1"}, {"Timestamp": True}, {"Timestamp": float("nan")}, {"Timestamp": 1}):
            broken.append(json.dumps({**good, "_aws": header}))
        for directives in (None, {}, [None], [7], [[]], [{}]):
            broken.append(json.dumps({**good, "_aws": {"Timestamp": 1, "CloudWatchMetrics": directives}}))
        fine = good["_aws"]["CloudWatchMetrics"][0]
        for change in (
            {"Dimensions": None}, {"Dimensions": "Stack"}, {"Dimensions": ["Stack"]}, {"Dimensions": [[7]]}, {"Dimensions": [["Absent"]]},
            {"Dimensions": [["PushesSent"]]}, {"Metrics": None}, {"Metrics": [None, 7, {}, {"Name": 7}, {"Name": ["x"]}, {"Name": "Absent"}]},
        ):  # fmt: skip
            broken.append(json.dumps({**good, "_aws": {"Timestamp": 1, "CloudWatchMetrics": [{**fine, **change}]}}))
        for value in (None, "1", True, {}, [], [[1]], float("inf")):
            broken.append(json.dumps({**good, "PushesSent": value}))
        for text in broken:
            self.assertEqual(measures(text, 0), [], text[:200])
        self.assertEqual(len(measures(json.dumps(good), 0)), 1)

    def test_labels_are_escaped(self):
        self.assertEqual(sample("m", {"b": 'a"\\\n', "a": "1", "c": ""}, 0.5, 60), 'm{a="1",b="a\\"\\\\\\n"} 0.5 60000')
        self.assertEqual(sample("m", {}, 123_456_789.0), "m{} 123456789")

    def test_responses_are_the_metrics_of_the_api(self):
        tags = {"aws:cloudformation:stack-name": "taskbell", "aws:cloudformation:logical-id": "HttpApi"}
        api = Resource("AWS/ApiGateway", "arn:aws:apigateway:us-east-1::/apis/taskbell", ("ApiId", "taskbell"), tags)
        other = Resource("AWS/ApiGateway", "arn:other", ("ApiId", "other"), tags | {"aws:cloudformation:stack-name": "x"})
        statuses = [200, 201, 404, 429, 500, 503] + [200] * 94
        answers = [{"message": "response sent", "status": one, "duration_ms": n} for n, one in enumerate(statuses, 1)]
        answers += [{"message": "response sent", "status": "200", "duration_ms": 1}, {"message": "response sent"}, {"status": 500}]
        found = exported([(301, json.dumps(one)) for one in answers], 700, [other, api])
        values = {one.split("{")[0]: one.split("} ")[1] for one in found}
        self.assertEqual(
            values,
            {
                "aws_apigateway_count_sum": "100 300000",
                "aws_apigateway_4xx_sum": "2 300000",
                "aws_apigateway_5xx_sum": "2 300000",
                "aws_apigateway_latency_p50": "50 300000",
                "aws_apigateway_latency_p99": "99 300000",
            },
        )
        self.assertIn('name="arn:aws:apigateway:us-east-1::/apis/taskbell"', found[0])
        self.assertIn('tag_aws_cloudformation_logical_id="HttpApi",tag_aws_cloudformation_stack_name="taskbell"}', found[0])
        self.assertEqual(exported([(301, json.dumps(answers[0]))], 700, [other]), [], "not of another stack")

    def test_percentiles(self):
        self.assertEqual([percentile([3, 1, 2], share) for share in (0, 0.33, 0.34, 0.67, 1)], [1, 1, 2, 3, 3])


class Files(unittest.TestCase):
    exported = all_names(jobs())
    recorded: typing.ClassVar = {rule["record"] for rule in rules() if "record" in rule}

    def test_names_are_those_of_yace(self):
        # The first four are from YACE's own tests.
        for parts, name in {
            ("AWS/ElastiCache", "CPUUtilization", "Average"): "aws_elasticache_cpuutilization_average",
            ("/aws/sagemaker/TrainingJobs", "CPUUtilization", "Average"): "aws_sagemaker_trainingjobs_cpuutilization_average",
            ("Glue", "glue.driver.aggregate.bytesRead", "Average"): "aws_glue_driver_aggregate_bytes_read_average",
            ("Glue", "aggregate.glue.jobs.bytesRead", "Average"): "aws_glue_aggregate_glue_jobs_bytes_read_average",
            ("AWS/SES", "Reputation.BounceRate", "Maximum"): "aws_ses_reputation_bounce_rate_maximum",
            ("AWS/ApiGateway", "5xx", "Sum"): "aws_apigateway_5xx_sum",
            ("AWS/ApiGateway", "Latency", "p99"): "aws_apigateway_latency_p99",
            ("Taskbell", "ReminderLateness", "SampleCount"): "aws_taskbell_reminder_lateness_sample_count",
        }.items():
            self.assertEqual(metric_name(*parts), name)

    def test_every_job_exports_each_period_once_and_only_when_it_is_complete(self):
        document = yaml.safe_load((FOLDER / "prometheus" / "yace.yml").read_text())
        for job in document["discovery"]["jobs"] + document["customNamespace"]:
            self.assertTrue(job["addCloudwatchTimestamp"] and job["exportAllDataPoints"])
            self.assertEqual((job["delay"] % job["period"], job["length"] % job["period"]), (0, 0), "periods are aligned")
            self.assertGreaterEqual(job["delay"], 180)
            self.assertGreaterEqual(job["length"], 1800)

    def test_every_custom_metric_is_one_that_the_functions_write(self):
        self.assertEqual({name for job in jobs() if job.namespace == "Taskbell" for name in job.metrics}, CUSTOM)

    def test_rules_tests_and_dashboard_use_exported_metrics(self):
        for name in ("prometheus/rules.yml", "prometheus/rules_test.yml", "grafana/dashboard.json"):
            text = re.sub(r"^\s*#.*$", "", (FOLDER / name).read_text(), flags=re.MULTILINE)
            unknown = set(METRIC.findall(text)) - self.exported - self.recorded
            self.assertEqual(unknown, set(), name)

    def test_every_exported_metric_is_on_the_dashboard(self):
        board = (FOLDER / "grafana" / "dashboard.json").read_text() + (FOLDER / "prometheus" / "rules.yml").read_text()
        unused = self.exported - set(METRIC.findall(board))
        self.assertEqual({name for name in unused if not name.endswith("_info")}, set(), "each one costs money")

    def test_alerts_are_the_alarms_and_each_has_a_runbook_and_a_test(self):
        alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
        alarms = set(re.findall(r"^  (\w+Alarm):$", (PROJECT / "template.yaml").read_text(), re.MULTILINE))
        self.assertEqual(set(alerts), alarms | ONLY_PROMETHEUS)
        for name, rule in alerts.items():
            document = "docs/monitoring.md" if name in ONLY_PROMETHEUS else "docs/runbooks.md"
            self.assertEqual(rule["annotations"]["runbook"], f"{document}#{name.lower()}")
            self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
        tests = yaml.safe_load((FOLDER / "prometheus" / "rules_test.yml").read_text())["tests"]
        cases = [case for test in tests for case in test["alert_rule_test"]]
        self.assertEqual({case["alertname"] for case in cases if case["exp_alerts"]}, set(alerts))
        self.assertEqual({case["alertname"] for case in cases if not case["exp_alerts"]}, set(alerts))

    def test_the_price_in_the_documentation_is_that_of_the_configuration(self):
        text = (PROJECT / "docs" / "monitoring.md").read_text()
        for interval in (300, 60):
            metrics, _, dollars = price(interval)
            self.assertIn(f"| {interval} s | {metrics} | ${dollars:.2f} |", text)


class Board(unittest.TestCase):
    """The dashboard against the types that Grafana publishes for it (grafana-foundation-sdk)."""

    board = json.loads((FOLDER / "grafana" / "dashboard.json").read_text())

    def problems(self, board: dict) -> list[str]:
        decoded = Dashboard.from_json(copy.deepcopy(board))
        return [*lost(board, json.loads(JSONEncoder().encode(decoded)), "board"), *mistyped(decoded, Dashboard, "board")]

    def setUp(self):
        register_default_plugins()

    def test_every_member_exists_in_grafana_and_has_its_type(self):
        self.assertEqual(self.problems(self.board), [])

    def test_the_check_finds_wrong_members(self):
        panel = next(n for n, one in enumerate(self.board["panels"]) if one["type"] == "timeseries")
        for path, value in (
            ("titel", "x"), ("gridPos.w", "4"), ("options.legend.showLegend", 1), ("options.tooltip.mode", "few"), ("targets.0.expr", 5),
            ("targets.0.expression", "x"), ("fieldConfig.defaults.custom.drawStyle", "dots"), ("fieldConfig.defaults.units", "s"),
        ):  # fmt: skip
            board = copy.deepcopy(self.board)
            *steps, last = path.split(".")
            part = board["panels"][panel]
            for step in steps:
                part = part[int(step) if step.isdigit() else step]
            part[last] = value
            self.assertEqual(len(self.problems(board)), 1, path)

    def test_panels_have_ids_of_their_own_and_the_variables(self):
        panels = self.board["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        self.assertEqual([one["name"] for one in self.board["templating"]["list"]], ["datasource", "stack"])
        used = [one["datasource"] for panel in panels if panel["type"] != "row" for one in (panel, *panel["targets"])]
        self.assertEqual({one["uid"] for one in used}, {"${datasource}"})

    def test_panels_do_not_overlap(self):
        cells = [
            (x, y)
            for one in (panel["gridPos"] for panel in self.board["panels"])
            for x in range(one["x"], one["x"] + one["w"])
            for y in range(one["y"], one["y"] + one["h"])
        ]
        self.assertEqual(len(cells), len(set(cells)))
        self.assertEqual(max(x for x, _ in cells), 23)


def lost(given: object, encoded: object, path: str) -> list[str]:
    """What is not in the document after Grafana's types have decoded and encoded it."""
    if isinstance(given, dict) and isinstance(encoded, dict):
        missing = [f"{path}.{key}: unknown" for key in given if key not in encoded]
        return missing + [one for key in given if key in encoded for one in lost(given[key], encoded[key], f"{path}.{key}")]
    if isinstance(given, list) and isinstance(encoded, list) and len(given) == len(encoded):
        return [one for n, pair in enumerate(zip(given, encoded, strict=True)) for one in lost(*pair, f"{path}[{n}]")]
    return [] if given == encoded else [f"{path}: {given} became {encoded}"]


def mistyped(value: object, hint: object, path: str) -> list[str]:
    """What does not have the type that Grafana declares."""
    arguments, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin is typing.Union:
        results = [mistyped(value, one, path) for one in arguments if one is not type(None) or value is None]
        return min(results, key=len, default=[])
    if origin is typing.Literal or (isinstance(hint, type) and issubclass(hint, enum.Enum)):
        allowed = arguments or [one.value for one in hint]
        return [] if value in allowed else [f"{path}: {value!r} is none of {allowed}"]
    if origin is list and isinstance(value, list):
        return [one for n, item in enumerate(value) for one in mistyped(item, arguments[0], f"{path}[{n}]")]
    if origin is dict and isinstance(value, dict):
        return [one for key, item in value.items() for one in mistyped(item, arguments[1], f"{path}.{key}")]
    expected = {float: (int, float), typing.Any: object}.get(hint, hint if isinstance(hint, type) else origin)
    if not isinstance(value, expected) or (isinstance(value, bool) and hint in (int, float)):
        return [f"{path}: {value!r} is no {hint}"]
    if not type(value).__module__.startswith("grafana_foundation_sdk.models."):
        return []
    members = typing.get_type_hints(type(value)).items()
    return [one for name, inner in members for one in mistyped(getattr(value, name), inner, f"{path}.{name}")]


if __name__ == "__main__":
    unittest.main()
