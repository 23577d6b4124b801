"""Runs the end-to-end tests on a separate local cloud, which is stopped afterwards.

usage: e2e.py PROGRAMS [test arguments]    PROGRAMS is the folder with the functions that cargo built
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import browser
import ses_events
import smoke
import try_deletions
import try_operations
from cloud import CannotRun, Cloud, free_port
from deploy import PROJECT, api_url, configuration, deploy
from invoke_events import PASSWORD, account, call
from mail import mails
from run import first_requests, stop_on_signals

FOLDER = PROJECT / ".local"
MOST_EVENTS = 10_000  # log events that one request can return


@contextmanager
def own_cloud(programs: Path, who: str, **parameters: str) -> Iterator[tuple[Cloud, dict[str, str]]]:
    """A context with a local cloud and the deployed stack. Yields the cloud and the outputs of the stack."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="own-", dir=FOLDER) as folder:
        cloud = Cloud(Path(folder), free_port())
        try:
            print(f"{who}: starting a local cloud on {cloud.endpoint}", flush=True)
            cloud.start()
            yield cloud, deploy(cloud, FOLDER / "archives-test", lambda name: programs / name, **parameters)
        finally:
            cloud.stop()


def main(programs: Path, arguments: list[str]) -> int:
    with own_cloud(programs, "end to end") as (cloud, outputs):
        environment = os.environ | {
            "TASKBELL_URL": api_url(cloud),
            "TASKBELL_OPERATOR": configuration()[1]["OperatorAddress"],
            "TASKBELL_MAIL_URL": f"{cloud.endpoint}/_ministack/ses/messages",
        }
        printed = try_first_requests(environment)
        # They spend most of their time waiting, so all of them run concurrently.
        command = ["cargo", "test", "--workspace", "--test", "journeys", "--", "--test-threads=32", *arguments]
        status = subprocess.run(command, cwd=PROJECT, env=environment).returncode
        if not status and not arguments:
            printed(environment["TASKBELL_MAIL_URL"])
            ses_events.check(cloud, environment["TASKBELL_URL"], environment["TASKBELL_MAIL_URL"])
            try_operations.check(cloud, environment["TASKBELL_URL"], environment["TASKBELL_MAIL_URL"])
            status = browser.run(environment)
            try_deletions.check(cloud, environment["TASKBELL_URL"], environment["TASKBELL_MAIL_URL"])
            status = smoke.check(smoke.Stack(configuration()[0], cloud.client)) or status
        return status or private(cloud, outputs["FunctionLogs"])


def try_first_requests(environment: dict[str, str]) -> Callable[[str], None]:
    """Pastes the requests that make run prints and that of the README into a shell. Returns a check for the mail that they
    cause, and that they can be pasted again. Somebody else's mail with a link is there first."""
    account(environment["TASKBELL_URL"], environment["TASKBELL_MAIL_URL"], "Earlier")
    paste(environment)

    def look(mailbox: str) -> None:
        reminded = lambda: any(mail["Subject"] == "Reminder: Try Taskbell" for mail in mails(mailbox))  # noqa: E731
        ses_events.wait("the mail caused by the requests printed by make run", reminded)
        paste(environment)
        # The reminder has links that change its task. They must not be used.
        url = environment["TASKBELL_URL"]
        token = call(f"{url}/v1/auth/login", {"email": "you@example.com", "password": PASSWORD})["access_token"]
        if any(task["version"] != 1 for task in ses_events.get(f"{url}/v1/tasks", token)["items"]):
            raise CannotRun("the requests of make run, pasted again, used a link that changes a task")
        print("end to end: the requests of make run and README.md work when pasted together, and again", flush=True)

    return look


def paste(environment: dict[str, str]) -> None:
    """Sends these requests from the input of a shell, as pasted text is: no command may read what follows it."""
    block = "\n\n".join([first_requests(environment["TASKBELL_URL"]), *readme_requests(), ""])
    pasted = subprocess.run(["bash"], input=block, cwd=PROJECT, env=environment, capture_output=True, text=True)
    answers = pasted.stdout.splitlines()
    shown = len(answers) == 4 and answers[1] == "200" and '"Try Taskbell"' in answers[2] and '"Pay rent"' in answers[3]
    if pasted.stderr or not shown:
        raise CannotRun(f"the requests of make run and README.md failed: {pasted.stdout}{pasted.stderr}")


def readme_requests() -> list[str]:
    """The requests in README.md."""
    blocks = re.findall(r"^```sh\n(curl .*?)^```$", (PROJECT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [block.strip() for block in blocks]


def log_lines(logs: Any, group: str) -> list[str]:
    """The lines of all functions. The local cloud returns the first 10,000 of a request and no token, so each stream is read alone."""
    lines = []
    for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
        for stream in page["logStreams"]:
            events = logs.filter_log_events(logGroupName=group, logStreamNames=[stream["logStreamName"]])["events"]
            if len(events) >= MOST_EVENTS:
                raise CannotRun(f"the log stream {stream['logStreamName']} is too long to be read as a whole")
            lines += [event["message"] for event in events]
    return lines


def private(cloud: Cloud, group: str) -> int:
    """Fails if the functions' logs contain an address, a password or a token of the tests."""
    lines = log_lines(cloud.client("logs"), group)
    secrets = ("@", "correct horse", "eyJ", "Bearer ")
    leaks = [line for line in lines if any(secret in line for secret in secrets)]
    # SES message ids look like addresses.
    leaks = [line for line in leaks if "@email.amazonses.com" not in line]
    print(f"end to end: {len(lines)} log lines, {len(leaks)} with private data", flush=True)
    for line in leaks[:5]:
        print(line.rstrip())
    return 1 if leaks or not lines else 0


def run(who: str, main: Callable[[], int]) -> None:
    """Runs a program that starts a local cloud, and stops both in order on any signal."""
    stop_on_signals()
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (CannotRun, OSError) as error:
        sys.exit(f"{who}: {error}")


if __name__ == "__main__":
    run("end to end", lambda: main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
