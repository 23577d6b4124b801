"""make demo: creates an account with tasks on the local cloud of make run, and prints how to open it. Each call creates a new account."""

import json
import re
import secrets
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

from mail import mails

ENV = Path(__file__).resolve().parent.parent / ".local" / "env"
PASSWORD = "correct horse battery staple"
SECONDS_TO_WAIT = 30


def day(days: int) -> str:
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y-%m-%d")


def soon(minutes: int) -> str:
    return (datetime.now(timezone.utc) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:00Z")


def personal() -> list[dict]:
    return [
        {"title": "Call the dentist", "due": soon(5), "priority": "high", "reminders": [{"before": "PT2M"}]},
        {"title": "Water the plants", "due": day(0), "recurrence": "FREQ=WEEKLY", "category": "Home", "tags": ["plants"]},
        {"title": "Pay rent", "due": day(3), "recurrence": "FREQ=MONTHLY", "priority": "urgent", "category": "Home", "reminders": [{"before": "P1D"}]},
        {"title": "Renew the passport", "due": day(-2), "description": "Two photos, the old passport, and the form.",
         "checklist": [{"title": "Photos", "done": True}, {"title": "Form"}, {"title": "Appointment"}]},
        {"title": "Book a table for Saturday", "due": day(1), "tags": ["friends"]},
        {"title": "Read the manual of the bicycle lamp", "priority": "low"},
        {"title": "Learn ten words of Portuguese", "due": day(0), "recurrence": "FREQ=DAILY", "tags": ["language"]},
    ]


def shared() -> list[dict]:
    return [
        {"title": "Buy paint for the fence", "due": day(2), "priority": "medium", "tags": ["shopping"]},
        {"title": "Invite the neighbours", "due": day(6), "checklist": [{"title": "First floor"}, {"title": "Second floor"}]},
        {"title": "Return the ladder", "due": day(-1), "priority": "high"},
    ]


def done() -> list[dict]:
    """Tasks to complete, without which the page Statistics would be empty."""
    return [
        {"title": "Fix the bicycle lamp", "due": day(0), "priority": "high"},
        {"title": "Send the tax return", "due": day(-1), "priority": "urgent", "category": "Home"},
        {"title": "Buy a birthday present for Lin", "due": day(2), "tags": ["friends", "shopping"]},
        {"title": "Sort the photos of the summer", "priority": "low"},
        {"title": "Repot the fern", "due": day(0), "category": "Home", "tags": ["plants"]},
    ]


class Api:
    """Requests to the local cloud, with the access token once there is one."""

    def __init__(self, url: str) -> None:
        self.url, self.headers = url, {"content-type": "application/json"}

    def post(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), self.headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            sys.exit(f"make demo: POST {path} returned {error.code}: {error.read().decode()}")
        except OSError as error:
            sys.exit(f"make demo: the local cloud does not respond at {self.url}: {error}")

    def batch(self, operations: list[dict]) -> list[str]:
        """Sends all operations in one request. Returns the ids of their tasks."""
        results = self.post("/v1/tasks/batch", {"operations": operations})["results"]
        for result in results:
            if result["status"] >= 400:
                sys.exit(f"make demo: an operation of POST /v1/tasks/batch failed: {result}")
        return [result["id"] for result in results]


def verification(mailbox: str, address: str) -> str:
    """The token in the verification mail, as soon as it was sent."""
    for _ in range(SECONDS_TO_WAIT * 5):
        texts = [mail["BodyText"] for mail in mails(mailbox) if address in mail["To"]]
        found = re.search(r"^\s*([^\s/]+\.verify\.\S+)\s*$", "\n".join(texts), re.MULTILINE)
        if found:
            return found[1]
        time.sleep(0.2)
    sys.exit("make demo: the verification mail was not sent")


def create() -> tuple[str, str]:
    """Creates the account and its tasks. Returns the URL of the local cloud and the address of the account."""
    if not ENV.exists():
        sys.exit("make demo: the local cloud is not running: start it with make run")
    values = dict(line.split("=", 1) for line in ENV.read_text().splitlines())
    api = Api(values["TASKBELL_URL"])
    address = f"demo-{secrets.token_hex(3)}@example.com"
    account = {"email": address, "password": PASSWORD}
    api.post("/v1/auth/register", account | {"name": "Demo", "time_zone": "Europe/Berlin"})
    api.post("/v1/auth/verify-email", {"token": verification(values["TASKBELL_MAIL_URL"], address)})
    api.headers["authorization"] = f"Bearer {api.post('/v1/auth/login', account)['access_token']}"
    space = api.post("/v1/spaces", {"name": "Garden"})["id"]
    for tasks, query in ((personal(), ""), (shared(), f"?space={space}")):
        for task in tasks:
            api.post(f"/v1/tasks{query}", task)
    created = api.batch([{"op": "create", "task": task} for task in done()])
    api.batch([{"op": "complete", "id": task} for task in created])
    return values["TASKBELL_URL"], address


if __name__ == "__main__":
    url, address = create()
    print(f"Open      {url}/\nAddress   {address}\nPassword  {PASSWORD}")
