"""make demo: creates an account with tasks, and one that shares a space with it, on the local cloud of make run, and prints how to open
it. Each call creates new accounts."""

import json
import secrets
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

from mail import newest_link

ENV = Path(__file__).resolve().parent.parent / ".local" / "env"
PASSWORD = "correct horse battery staple"


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


def shared(her: str) -> list[dict]:
    return [
        {"title": "Buy paint for the fence", "due": day(2), "priority": "medium", "tags": ["shopping"]},
        {"title": "Invite the neighbours", "due": day(6), "checklist": [{"title": "First floor"}, {"title": "Second floor"}]},
        {"title": "Return the ladder", "due": day(-1), "priority": "high", "assigned_to": her},
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


def account(values: dict[str, str], name: str, address: str) -> tuple[Api, str]:
    """Registers an account and confirms its address. Returns requests of the account, and its id."""
    api = Api(values["TASKBELL_URL"])
    credentials = {"email": address, "password": PASSWORD}
    api.post("/v1/auth/register", credentials | {"name": name, "time_zone": "Europe/Berlin"})
    confirmation = newest_link(values["TASKBELL_MAIL_URL"], address, "verify")
    api.post("/v1/auth/verify-email", {"token": confirmation.rsplit("/", 1)[1]})
    session = api.post("/v1/auth/login", credentials)
    api.headers["authorization"] = f"Bearer {session['access_token']}"
    return api, session["user"]["id"]


def create() -> tuple[str, str, str]:
    """Creates two accounts, and tasks. Returns the URL of the local cloud, and the addresses."""
    if not ENV.exists():
        sys.exit("make demo: the local cloud is not running: start it with make run")
    values = dict(line.split("=", 1) for line in ENV.read_text().splitlines())
    number = secrets.token_hex(3)
    address, other = f"demo-{number}@example.com", f"lin-{number}@example.com"
    api, _ = account(values, "Demo", address)
    lin, her = account(values, "Lin", other)
    space = api.post("/v1/spaces", {"name": "Garden"})["id"]
    api.post(f"/v1/spaces/{space}/invitations", {"email": other, "role": "member"})
    invitation = newest_link(values["TASKBELL_MAIL_URL"], other, "invitation")
    lin.post("/v1/invitations/accept", {"token": invitation.rsplit("token=", 1)[1]})
    for tasks, query in ((personal(), ""), (shared(her), f"?space={space}")):
        for task in tasks:
            api.post(f"/v1/tasks{query}", task)
    created = api.batch([{"op": "create", "task": task} for task in done()])
    api.batch([{"op": "complete", "id": task} for task in created])
    return values["TASKBELL_URL"], address, other


if __name__ == "__main__":
    url, address, other = create()
    print(f"Open      {url}/\nAddress   {address}\nPassword  {PASSWORD}\nShares a space with {other} (same password)")
