"""make smoke STACK=NAME: runs the end-to-end journeys against a deployed stack, and checks what only AWS can show.

Each check passes, fails or, on a local cloud, needs AWS. The stack is looked up with the credentials and the region in the
environment; the stack of make run, by its name, on the running local cloud.
"""

import http.client
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from cloud import CannotRun, Cloud
from deploy import PROJECT, configuration
from deploy_to_aws import stack_of
from invoke_events import PASSWORD, call, links, resource
from ses_events import get

HOLDS, FAILS, NEEDS_AWS = "passed", "FAILED", "needs AWS"
# The result of a check, and the observation in words.
Verdict = tuple[str, str]
# SES itself accepts and answers mail to these addresses, also in the sandbox ("Using the mailbox simulator manually").
SIMULATOR = "{}+{}@simulator.amazonses.com"
# A function of a journey whose source contains one of these reads mails.
READS_MAILS = ("User::operator", ".mails()")
# Registrations and log-ins of the journeys within a minute or two.
REGISTRATIONS, LOG_INS = 100, 100


class Stack:
    """A deployed stack."""

    def __init__(self, name: str, clients: Callable):
        self.name, self.client = name, clients
        status, self.parameters = stack_of(clients("cloudformation"), name)
        if not status.endswith("_COMPLETE") or "DELETE" in status or status == "ROLLBACK_COMPLETE":
            raise CannotRun(f"the stack {name} {'does not exist' if not status else f'is in {status}'}: deploy it first (make deploy, or make run)")
        stack = clients("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        self.url = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}["ApiUrl"]
        self.local = bool(self.parameters.get("EndpointUrl"))

    def resource(self, logical_id: str) -> str:
        """The physical id of a resource."""
        return resource(self.client, self.name, logical_id)

    def ask(self, method: str, path: str, headers: dict | None = None, body: bytes | None = None) -> tuple[int, dict]:
        """Sends a request unchanged, without escaping anything. Returns the status and headers of the response."""
        base = urlsplit(self.url)
        kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
        connection = kind(base.netloc, timeout=30)
        try:
            try:
                connection.request(method, base.path + path, body, headers or {})
            except OSError:
                pass  # the server has responded and closed before it read everything
            answer = connection.getresponse()
            answer.read()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}
        except (OSError, http.client.HTTPException) as error:
            return 0, {"error": str(error)}
        finally:
            connection.close()

    def verification_token(self, address: str) -> str:
        """The token that verifies an address, as its mail has it, for an address whose mails cannot be read."""
        key = {"pk": {"S": f"EMAIL#{address.lower()}"}, "sk": {"S": "CREDENTIAL"}}
        credential = self.client("dynamodb").get_item(TableName=self.resource("AccountsTable"), Key=key)["Item"]
        signed = links(self.client, self.name, credential["user"]["S"].removeprefix("usr_"))
        return signed("verify", int(time.time()) + 600)

    def user(self, address: str) -> dict:
        """Registers a user and verifies the address. Returns the tokens."""
        call(f"{self.url}/v1/auth/register", {"email": address, "password": PASSWORD, "name": "Smoke"})
        call(f"{self.url}/v1/auth/verify-email", {"token": self.verification_token(address)})
        return call(f"{self.url}/v1/auth/login", {"email": address, "password": PASSWORD})


def wait(seconds: int, condition: Callable) -> bool:
    """Waits until a condition is true. Returns whether it became true in time."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(1)
    return bool(found)


def odd_requests(stack: Stack) -> Verdict:
    """Query strings and headers that are invalid in a URI are answered with a status below 500."""
    queries = ['?q="a"', "?q=<x>", "?q={a}|b^`", "?%", "?q=%FF%00", "?=&&=", "?" + "a" * 4000]
    headers = [{"X-Forwarded-Proto": "foo bar"}, {"X-Forwarded-Port": "x"}, {"X-Forwarded-Host": "a b"}, {"Cookie": 'a="b;;='}]
    asked = [(query, {}) for query in queries] + [("", one) for one in headers]
    wrong = [(query[:20] or one, status) for query, one in asked if not 200 <= (status := stack.ask("GET", f"/v1/health{query}", one)[0]) < 500]
    return (FAILS, f"answered with 5xx or not at all: {wrong}") if wrong else (HOLDS, f"{len(asked)} requests answered below 500")


def cors(stack: Stack) -> Verdict:
    """The parameter AllowedOrigins becomes a list, and preflight requests follow it."""
    api = stack.client("apigatewayv2").get_api(ApiId=stack.resource("HttpApi"))
    origins, wanted = api.get("CorsConfiguration", {}).get("AllowOrigins"), stack.parameters["AllowedOrigins"].split(",")
    if not isinstance(origins, list) or sorted(origins) != sorted(wanted):
        return FAILS, f"the API allows {origins} instead of {wanted}"
    origin = "https://app.example.com" if wanted == ["*"] else wanted[0]
    preflight = {"Origin": origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
    status, headers = stack.ask("OPTIONS", "/v1/tasks", preflight)
    allowed = headers.get("access-control-allow-origin")
    return (HOLDS if status < 300 and allowed in ("*", origin) else FAILS), f"{wanted}; a preflight request is answered {status} and allows {allowed}"


def suppression(stack: Stack) -> Verdict:
    """The configuration set has an empty list of suppression reasons. Without a list, that of the account would apply."""
    found = stack.client("sesv2").get_configuration_set(ConfigurationSetName=stack.resource("MailConfigurationSet"))
    if "SuppressionOptions" not in found:
        return (NEEDS_AWS if stack.local else FAILS), "the configuration set has no suppression options"
    reasons = found["SuppressionOptions"].get("SuppressedReasons", [])
    return (FAILS if reasons else HOLDS), f"suppressed reasons: {reasons or 'none'}"


def mail_events(stack: Stack) -> Verdict:
    """Mails to the simulator come back as events: a bounce and a complaint stop mail, a delivery appears in the delivery log."""
    now = time.time_ns()
    if not stack.local:
        for kind, reason in (("bounce", "bounced"), ("complaint", "complained")):
            address = SIMULATOR.format(kind, now)
            token = stack.user(address)["access_token"]
            # What becomes of the verification mail no longer counts once the address is verified.
            call(f"{stack.url}/v1/auth/forgot-password", {"email": address})
            stopped = lambda: (get(f"{stack.url}/v1/me", token)["mail_stopped"] or {}).get("reason") == reason  # noqa: B023, E731
            if not wait(180, stopped):
                return FAILS, f"no {kind} event arrived within three minutes"
    token = stack.user(SIMULATOR.format("success", now))["access_token"]
    fires = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    task = call(f"{stack.url}/v1/tasks", {"title": "Smoke", "reminders": [{"at": fires}]}, token)
    entry = lambda: get(f"{stack.url}/v1/tasks/{task['id']}/reminders", token)["items"][0]  # noqa: E731
    if not wait(60, lambda: entry()["status"] == "sent"):
        return FAILS, f"the reminder is {entry()['status']} after a minute: {entry().get('reason')}"
    if stack.local:
        return NEEDS_AWS, "the reminder was sent; the local cloud's SES sends no events"
    if not wait(180, lambda: entry().get("feedback") == "delivered"):
        return FAILS, "the reminder was sent, but no delivery event arrived within three minutes"
    return HOLDS, "bounce, complaint and delivery events arrived"


def large_bodies(stack: Stack) -> Verdict:
    """A body over the limits of Lambda and API Gateway is answered with 4xx."""
    token = stack.user(SIMULATOR.format("success", time.time_ns()))["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    sizes = {size: stack.ask("POST", "/v1/tasks", headers, b'{"title": "' + b"x" * (size * 1_000_000) + b'"}')[0] for size in (1, 5, 7, 9, 11)}
    words = ", ".join(f"{size} MB: {status or 'closed'}" for size, status in sizes.items())
    return (HOLDS if all(400 <= status < 500 for status in sizes.values()) else FAILS), words


def www_authenticate(stack: Stack) -> Verdict:
    """The header reaches the client under its own name."""
    status, headers = stack.ask("GET", "/v1/me")
    found = headers.get("www-authenticate", "")
    return (HOLDS if status == 401 and found.startswith("Bearer") else FAILS), f"{status}, www-authenticate: {found or 'none'}"


def empty_endpoint(stack: Stack) -> Verdict:
    """Lambda accepts an empty variable, and the functions treat it as unset."""
    if stack.local:
        return NEEDS_AWS, "the variable is set on the local cloud"
    found = stack.client("lambda").get_function_configuration(FunctionName=stack.resource("GetTaskFunction"))
    value = found["Environment"]["Variables"].get("AWS_ENDPOINT_URL")
    token = stack.user(SIMULATOR.format("success", time.time_ns()))["access_token"]
    tasks = get(f"{stack.url}/v1/tasks", token)["items"]
    return (HOLDS if value == "" and tasks == [] else FAILS), f"AWS_ENDPOINT_URL is {value!r}, and DynamoDB responds"


def throttle(stack: Stack) -> Verdict:
    """Over ApiRateLimit, API Gateway answers 429. Whether other routes are affected shows what the limit counts."""
    if stack.local:
        return NEEDS_AWS, "the local cloud does not throttle"
    limit = int(stack.parameters["ApiRateLimit"])
    with ThreadPoolExecutor(64) as pool:
        flood = [pool.submit(stack.ask, "GET", "/v1/health") for _ in range(limit * 6)]
        other = [pool.submit(stack.ask, "GET", "/v1/openapi.json") for _ in range(5)]
        answered = [one.result()[0] for one in flood]
        beside = [one.result()[0] for one in other]
    if 429 not in answered:
        return FAILS, f"{len(answered)} concurrent requests at {limit} per second allowed, and none was answered 429: the latency to the region may be too high"
    return HOLDS, f"{answered.count(429)} of {len(answered)} were 429; the limit is per {'API' if 429 in beside else 'route'}"


def metrics(stack: Stack) -> Verdict:
    """The metrics that alarms and dashboards read have data."""
    watch, end = stack.client("cloudwatch"), datetime.now(UTC)
    wanted = [
        ("AWS/Lambda", "Invocations", "FunctionName", "DispatchDueTimersFunction"),
        ("AWS/ApiGateway", "Count", "ApiId", "HttpApi"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "ReminderDeadLetterQueue"),
        # From log lines, by the journeys before.
        ("Taskbell", "AccountsRegistered", "Stack", None),
    ]
    empty = []
    for space, name, dimension, logical_id in wanted:
        value = stack.resource(logical_id).rsplit("/", 1)[-1] if logical_id else stack.name
        found = watch.get_metric_statistics(
            Namespace=space, MetricName=name, Dimensions=[{"Name": dimension, "Value": value}],
            StartTime=end - timedelta(minutes=30), EndTime=end, Period=300, Statistics=["Sum"],
        )  # fmt: skip
        if not found["Datapoints"]:
            empty.append(f"{space} {name}")
    pages = watch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack.name}-")
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    firing = [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]
    unknown = [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "INSUFFICIENT_DATA"]
    if firing:
        return FAILS, f"alarms in state ALARM: {', '.join(firing)}"
    if empty or unknown or bool(alarms) != bool(stack.parameters["AlarmAddress"]):
        words = f"metrics without data: {', '.join(empty) or 'none'}; {len(unknown)} of {len(alarms)} alarms not evaluated"
        return (NEEDS_AWS, words) if stack.local else (FAILS, f"{words}; this is normal for some minutes after a deployment")
    return HOLDS, f"{len(wanted)} metrics have data, {len(alarms)} alarms are OK"


JOURNEYS = PROJECT / "tests/tests/journeys"


def mailbox_journeys(module: str, source: str) -> list[str]:
    """The names of the journeys in a module that read mails and so need a mailbox."""
    parts = re.split(r"(#\[test\]\s+)?\bfn (\w+)", source)
    functions = list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))
    # Functions that journeys have in common, too.
    common = [f"{name}(" for test, name, text in functions if not test and any(word in text for word in READS_MAILS)]
    words = (*READS_MAILS, *common)
    return [f"{module}::{name}" for test, name, text in functions if test and any(word in text for word in words)]


def token_server(stack: Stack) -> ThreadingHTTPServer:
    """Serves the verification token of an address under its path on this machine, until it is shut down."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                status, text = 200, stack.verification_token(unquote(self.path[1:]))
            except (BotoCoreError, ClientError, KeyError) as error:
                status, text = 404, repr(error)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def journeys(stack: Stack, mailbox: str) -> Verdict:
    """Runs the end-to-end journeys. Without a readable mailbox, those that read mails are skipped and users get simulator addresses."""
    environment = os.environ | {"TASKBELL_URL": stack.url, "TASKBELL_OPERATOR": stack.parameters["OperatorAddress"]}
    tokens = token_server(stack)
    options = ["--test-threads=32"]
    left_out = []
    if mailbox:
        environment["TASKBELL_MAIL_URL"] = mailbox
    else:
        environment["TASKBELL_ADDRESSES"] = SIMULATOR.format("success", "{}")
        environment["TASKBELL_TOKEN_URL"] = f"http://127.0.0.1:{tokens.server_port}"
        for file in sorted(JOURNEYS.glob("*.rs")):
            left_out += mailbox_journeys(file.stem, file.read_text())
        options += ["--exact", *(word for name in left_out for word in ("--skip", name))]
    ran = subprocess.run(
        ["cargo", "test", "--quiet", "--workspace", "--test", "journeys", "--", *options],
        cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    tokens.shutdown()
    summary = re.search(r"\d+ passed; \d+ failed", ran.stdout)
    if ran.returncode:
        print(ran.stdout, flush=True)
    words = summary[0] if summary else "the journeys did not run"
    return (FAILS if ran.returncode else HOLDS), words + (f"; {len(left_out)} need a mailbox and were skipped" if left_out else "")


CHECKS = {
    "unusual query strings and headers pass API Gateway": odd_requests,
    "the CORS configuration is a list": cors,
    "the configuration set suppresses nothing": suppression,
    "mails to the simulator come back as events": mail_events,
    "bodies that are too large are 4xx": large_bodies,
    "WWW-Authenticate arrives": www_authenticate,
    "the empty endpoint variable is accepted": empty_endpoint,
    "the throttle": throttle,
    "metrics and alarms have data": metrics,
}


def check(stack: Stack) -> int:
    """Runs all checks. Returns how many failed."""
    failed = 0
    for what, one in CHECKS.items():
        try:
            verdict, words = one(stack)
        except (BotoCoreError, ClientError, urllib.error.URLError, KeyError) as error:
            verdict, words = FAILS, f"the check could not run: {error!r}"
        failed += verdict == FAILS
        print(f"smoke: {verdict:9}  {what}: {words}", flush=True)
    return failed


def roomy(stack: Stack) -> None:
    """Refuses a stack that would stop the journeys: by its rate limits, or because strangers may not register."""
    if stack.parameters["Registration"] != "open":
        raise CannotRun(
            f"the stack has Registration={stack.parameters['Registration']}, and the journeys register accounts: make deploy "
            f"STACK={stack.name} PARAMETERS=Registration=open, and restore it afterwards"
        )
    for name, needed in (("RegistrationsPerHour", REGISTRATIONS), ("LogInsPerMinute", LOG_INS)):
        if int(stack.parameters[name]) < needed:
            raise CannotRun(
                f"the stack has {name}={stack.parameters[name]}, and the journeys need {needed}: make deploy STACK={stack.name} "
                "PARAMETERS='RegistrationsPerHour=1000 LogInsPerMinute=1000', and restore them afterwards"
            )


def clients_of(name: str) -> tuple[Callable, str]:
    """The clients of the cloud that a stack is in, by its name, and the URL of its mailbox, empty if there is none."""
    running = PROJECT / ".local" / "env"
    if name == configuration()[0] and running.exists():
        local = dict(line.split("=", 1) for line in running.read_text().splitlines())
        cloud = Cloud(PROJECT / ".local" / "run", urlsplit(local["TASKBELL_AWS_ENDPOINT"]).port)
        return cloud.client, local["TASKBELL_MAIL_URL"]
    if name == configuration()[0]:
        raise CannotRun("the local cloud is not running: start it with make run")
    session = boto3.Session()
    if not session.region_name:
        raise CannotRun("no region is set: set AWS_DEFAULT_REGION to the region of the stack")
    return session.client, ""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0]:
        raise CannotRun("usage: make smoke STACK=<name of the stack>, such as STACK=taskbell, or STACK=taskbell-local while make run is running")
    clients, mailbox = clients_of(arguments[0])
    stack = Stack(arguments[0], clients)
    roomy(stack)
    failed = check(stack)
    verdict, words = journeys(stack, mailbox)
    print(f"smoke: {verdict:9}  journeys: {words}", flush=True)
    return int(bool(failed) or verdict == FAILS)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (CannotRun, BotoCoreError, ClientError, urllib.error.URLError) as error:
        sys.exit(f"make smoke: {error}")
