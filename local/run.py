"""make run: runs the whole system on a local cloud until Ctrl-C."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TextIO

from cloud import CannotRun, Cloud, free_port
from deploy import PROJECT, api_url, deploy

FOLDER = PROJECT / ".local"
ENV = FOLDER / "env"
LOG = FOLDER / "functions.log"
# MiniStack's own log lines about each invocation.
NOISE = ("START RequestId:", "END RequestId:", "REPORT RequestId:")
# Levels that only the file has: several lines for each request would scroll the URL away.
QUIET = ("TRACE", "DEBUG", "INFO")

READY = """
Taskbell is ready.
  App    {url}/
         (register with any address, then: make link; or: make demo)
  API    {url}
  Mails  make mail
  Logs   make logs ({log}; warnings and errors are shown here too)

To try the API, paste this into a second terminal, in this folder:

{requests}

A reminder arrives two minutes later: make mail
Press Ctrl-C here to stop everything.
"""

# The purpose of each request, and its command. They also work when they are pasted again: the link is that which verifies
# this address, whatever mails came after it, and it can be used twice.
FIRST_REQUESTS = [
    (
        "Register",
        """curl -sSw '\\n' '{url}/v1/auth/register' -H 'content-type: application/json' \\
    -d '{{"email": "you@example.com", "password": "correct horse battery staple", "name": "Ada", "time_zone": "Europe/Berlin"}}'""",
    ),
    (
        "Verify your address with the link in the mail",
        """curl -sSo /dev/null -w '%{{http_code}}\\n' -X POST "$(make -s link ADDRESS=you@example.com ACTION=verify)\"""",
    ),
    (
        "Log in, and keep the access token",
        """TOKEN=$(curl -sS '{url}/v1/auth/login' -H 'content-type: application/json' \\
    -d '{{"email": "you@example.com", "password": "correct horse battery staple"}}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')""",
    ),
    (
        "Create a task that is due in two minutes, with a reminder at that time",
        """curl -sSw '\\n' '{url}/v1/tasks' -H 'content-type: application/json' -H "authorization: Bearer $TOKEN" \\
    -d '{{"title": "Try Taskbell", "due": "'$(date -u -d '+2 minutes' +%FT%TZ 2>/dev/null || date -u -v+2M +%FT%TZ)'", "reminders": [{{"before": "PT0S"}}]}}'""",
    ),
]


def first_requests(url: str) -> str:
    """Requests to paste into a shell, one by one or all together: their purposes are comments."""
    return "\n\n".join(f"# {what}\n{command.format(url=url)}" for what, command in FIRST_REQUESTS)


def say(text: str) -> None:
    print(text, flush=True)


def chosen_port() -> int:
    """The port in TASKBELL_PORT, which must be free; without it 4566 or any free one."""
    wanted = os.environ.get("TASKBELL_PORT", "")
    if not wanted:
        return free_port(4566)
    if not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise CannotRun(f"TASKBELL_PORT={wanted} is not a port: give a number from 1 to 65535")
    if free_port(int(wanted)) != int(wanted):
        raise CannotRun(f"port {wanted} on 127.0.0.1 is in use: stop the process that uses it, or set another TASKBELL_PORT")
    return int(wanted)


def only_one() -> object:
    """Takes a lock that is held until the process ends."""
    FOLDER.mkdir(exist_ok=True)
    lock = (FOLDER / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise CannotRun("make run is already running in this folder: stop it first") from error
    return lock


def is_notable(line: str) -> bool:
    """Whether a log line is also shown in the terminal: a warning, an error, or what no function logs, such as a panic."""
    try:
        entry = json.loads(line)
    except ValueError:
        return True
    return not isinstance(entry, dict) or entry.get("level") not in QUIET


def record(line: str, file: TextIO) -> None:
    """Writes a log line to the file, and prints it if it is notable."""
    if line and not line.startswith(NOISE):
        print(line, file=file, flush=True)
        if is_notable(line):
            say(line)


def follow_logs(cloud: Cloud, group: str, file: TextIO) -> None:
    """Records the functions' logs until interrupted."""
    logs, seen, since = cloud.client("logs"), set(), int(time.time() * 1000)
    while cloud.process.poll() is None:
        answer = logs.filter_log_events(logGroupName=group, startTime=since)
        for event in answer["events"]:
            key = (event["timestamp"], event["logStreamName"], event["message"])
            if key not in seen:
                record(event["message"].rstrip(), file)
            seen.add(key)
        if answer["events"]:
            # The last two seconds are read again: lines arrive out of order.
            since = max(since, max(event["timestamp"] for event in answer["events"]) - 2000)
            seen = {key for key in seen if key[0] >= since}
        time.sleep(0.5)
    raise CannotRun(f"the local cloud stopped unexpectedly: see {cloud.log}")


def main() -> None:
    lock = only_one()
    for old in (ENV, LOG):
        old.unlink(missing_ok=True)
    for old in ("mail", "sam", "cargo-lambda"):
        shutil.rmtree(FOLDER / old, ignore_errors=True)
    cloud = Cloud(FOLDER / "run", chosen_port())
    try:
        if subprocess.run(["make", "--no-print-directory", "build"], cwd=PROJECT).returncode:
            raise CannotRun("the build failed: see above")
        say(f"starting the local cloud on {cloud.endpoint}")
        cloud.start()
        say("deploying template.yaml (about ten seconds)")
        outputs = deploy(cloud, FOLDER / "archives", lambda name: PROJECT / "target" / "lambda" / name / "bootstrap")
        mails = f"{cloud.endpoint}/_ministack/ses/messages"
        values = {"URL": api_url(cloud), "MAIL_URL": mails, "AWS_ENDPOINT": cloud.endpoint}
        written = ENV.with_suffix(".new")
        written.write_text("".join(f"TASKBELL_{name}={value}\n" for name, value in values.items()))
        written.rename(ENV)
        with LOG.open("w") as file:
            url = values["URL"]
            say(READY.format(url=url, log=LOG.relative_to(PROJECT), requests=first_requests(url)))
            follow_logs(cloud, outputs["FunctionLogs"], file)
    finally:
        ENV.unlink(missing_ok=True)
        cloud.stop()
        lock.close()
        say("stopped")


# Ctrl-C, kill, and a closed terminal.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupted(*_) -> None:
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def stop_on_signals() -> None:
    """Has the first of these signals raise KeyboardInterrupt, and ignores the others while the program stops in order."""
    for number in ENDINGS:
        signal.signal(number, interrupted)


if __name__ == "__main__":
    stop_on_signals()
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
    except CannotRun as error:
        sys.exit(f"make run: {error}")
    except OSError as error:
        sys.exit(f"make run: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
