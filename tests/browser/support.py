"""What the browser tests share: one browser, people who use the app, and the mails that they get.

TASKBELL_URL is the API without a slash at its end, and the app is at TASKBELL_URL/. TASKBELL_MAIL_URL is the mailbox of the local cloud.
TASKBELL_CHROMIUM is the browser (/usr/bin/chromium), TASKBELL_SECONDS the longest wait for a condition (60)."""

import atexit
import json
import os
import re
import time
import unittest
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, expect, sync_playwright

URL = os.environ["TASKBELL_URL"].rstrip("/")
MAIL_URL = os.environ["TASKBELL_MAIL_URL"]
# Live updates come from the local cloud itself, also when files of the app under work are served by a program in front of it.
HOSTS = {urlsplit(URL).netloc, urlsplit(MAIL_URL).netloc}
PASSWORD = "correct horse battery staple"
# A busy machine must not fail a test, so waits are much longer than the app needs.
SECONDS = int(os.environ.get("TASKBELL_SECONDS", "60"))
LINK = re.compile(r"https?://\S+/v1/actions/\S+")
APP_LINK = re.compile(r"https?://\S+/#/\S+")

Found = TypeVar("Found")

expect.set_options(timeout=SECONDS * 1000)


@cache
def browser() -> Browser:
    """The browser of this process."""
    program = sync_playwright().start()
    started = program.chromium.launch(
        executable_path=os.environ.get("TASKBELL_CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
    )

    def stop() -> None:
        started.close()
        program.stop()

    atexit.register(stop)
    return started


def until(condition: Callable[[], Found], what: str) -> Found:
    """The first true value of a condition that nothing announces, such as the arrival of a mail."""
    end = time.monotonic() + SECONDS * 2
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.2)
    raise AssertionError(f"not in time: {what}")


def call(method: str, path: str, body: Any = None, token: str | None = None, **headers: str) -> tuple[int, Any]:
    """Sends a request to the API. All tests share the limits of one address, so 429 is repeated when the response says."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/{path}", data, {"Content-Type": "application/json", **headers}, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    while True:
        try:
            answer = urllib.request.urlopen(request, timeout=SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            content = answer.read()
            if answer.status != 429:
                return answer.status, json.loads(content) if content else None
            time.sleep(float(answer.headers["Retry-After"]))


def mail(address: str, subject: str) -> str:
    """The text of the newest mail to an address whose subject begins like this. Waits for it."""

    def newest() -> str | None:
        with urllib.request.urlopen(MAIL_URL, timeout=SECONDS) as answer:
            accounts = json.load(answer)["messages"]
        sent = sorted((one for account in accounts.values() for one in account), key=lambda one: one["Timestamp"])
        mine = [one for one in sent if one["Subject"].startswith(subject) and any(address in to for to in one["To"])]
        return mine[-1]["BodyText"] if mine else None

    return until(newest, f"the mail “{subject}” to {address}")


def link(address: str, subject: str, pattern: re.Pattern[str] = APP_LINK) -> str:
    """The link in a mail."""
    found = pattern.search(mail(address, subject))
    assert found, f"the mail “{subject}” has no link"
    return found[0]


def address(name: str = "ada") -> str:
    """An address that nobody else has."""
    return f"{name.split()[0].lower()}.{uuid.uuid4().hex[:10]}@example.com"


class Person:
    """A registered user with a session of the API."""

    def __init__(self, name: str = "Ada Lovelace", zone: str = "Europe/Berlin") -> None:
        self.name, self.email, self.password = name, address(name), PASSWORD
        self.register(zone)
        self.open_session()

    def register(self, zone: str) -> None:
        call("POST", "v1/auth/register", {"email": self.email, "password": PASSWORD, "name": self.name, "time_zone": zone})
        code = link(self.email, "Confirm your email address", LINK).rsplit("/", 1)[1]
        assert call("POST", "v1/auth/verify-email", {"token": code})[0] == 204

    def open_session(self) -> None:
        status, session = call("POST", "v1/auth/login", {"email": self.email, "password": PASSWORD})
        assert status == 200, session
        self.token = session["access_token"]

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Sends a request and returns the body of its response, which must be a success."""
        status, answer = call(method, path, body, self.token, **headers)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer

    def task(self, title: str, space: str | None = None, **fields: Any) -> dict[str, Any]:
        """Creates a task."""
        return self.api("POST", "v1/tasks" + (f"?space={space}" if space else ""), {"title": title, **fields})

    def titled(self, title: str) -> list[dict[str, Any]]:
        """All tasks with this title."""
        tasks, cursor = [], ""
        while cursor is not None:
            page = self.api("GET", "v1/tasks?limit=100" + (f"&cursor={cursor}" if cursor else ""))
            tasks += page["items"]
            cursor = page["next_cursor"]
        return [task for task in tasks if task["title"] == title]

    def space_with(self, other: "Person", name: str = "Garden") -> dict[str, Any]:
        """Creates a space and makes another person a member of it."""
        space = self.api("POST", "v1/spaces", {"name": name})
        self.api("POST", f"v1/spaces/{space['id']}/invitations", {"email": other.email, "role": "member"})
        code = link(other.email, self.name).rsplit("token=", 1)[1]
        other.api("POST", "v1/invitations/accept", {"token": code})
        return space

    def log_in(self, page: Page) -> None:
        """Enters address and password on the page that asks for them."""
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        page.get_by_label("Email address").fill(self.email)
        page.get_by_label("Password", exact=True).fill(self.password)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Log in")).to_have_count(0)


class Operator(Person):
    """The first operator of the stack, whom other tests may have registered with the same password."""

    def __init__(self) -> None:
        self.name, self.email, self.password = "Olive Operator", os.environ["TASKBELL_OPERATOR"], PASSWORD
        if call("POST", "v1/auth/login", {"email": self.email, "password": PASSWORD})[0] != 200:
            self.register("Europe/Berlin")
        self.open_session()
        if self.api("GET", "v1/me")["role"] != "operator":
            self.api("POST", "v1/me/operator", {})
            code = re.search(r"^\s*([0-9A-Z]{26}\.[0-9a-f]{32})\s*$", mail(self.email, "Your Taskbell operator code"), re.MULTILINE)
            assert code, "the mail has no code"
            self.api("POST", "v1/me/operator", {"code": code[1]})
            self.open_session()  # earlier access tokens are no longer valid


class BrowserTest(unittest.TestCase):
    """A test in contexts of its own. Whatever it does, the app asks no other host, logs no error, and opens no dialog of the browser."""

    # Responses with these statuses are part of the test; the browser logs them as errors.
    expected_failures: tuple[str, ...] = ()

    def setUp(self) -> None:
        self.problems: list[str] = []
        self.addCleanup(self.no_problems)

    def no_problems(self) -> None:
        self.assertEqual(self.problems, [])

    def context(self, **options: Any) -> BrowserContext:
        """A browser without cookies and storage."""
        defaults: dict[str, Any] = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "viewport": {"width": 1280, "height": 800}}
        context = browser().new_context(**defaults | options)
        self.addCleanup(context.close)
        context.set_default_timeout(SECONDS * 1000)
        context.on("request", lambda request: self.note_host(request.url))
        context.on("console", self.note_message)
        context.on("weberror", lambda error: self.problems.append(f"error: {error.error}"))
        context.on("page", lambda page: (page.on("websocket", lambda socket: self.note_host(socket.url)), page.on("dialog", self.note_dialog)))
        return context

    def page(self, person: Person | None = None, at: str = "", now: datetime | None = None, **options: Any) -> Page:
        """A page of the app, of somebody who is logged in or of nobody. With `now`, the test moves its clock, which begins then."""
        context = self.context(**options)
        if now:
            context.clock.install(time=now)
        page = context.new_page()
        page.goto(f"{URL}/{at}")
        if person:
            person.log_in(page)
        return page

    def note_host(self, url: str) -> None:
        if urlsplit(url).scheme in {"http", "https", "ws", "wss"} and urlsplit(url).netloc not in HOSTS:
            self.problems.append(f"request to {url}")

    def note_message(self, message: ConsoleMessage) -> None:
        # Nobody but the server knows whether a browser has a session, so its first question may be answered by 401.
        no_session = "401" in message.text and message.location.get("url", "").endswith("/v1/auth/refresh")
        expected = "Failed to load resource" in message.text and any(status in message.text for status in self.expected_failures)
        if message.type == "error" and not no_session and not expected:
            self.problems.append(f"console: {message.text} {message.location.get('url', '')}")

    def note_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def go(page: Page, fragment: str) -> None:
    """Opens a page of the app as a link would, without loading the document again. Waits until the page before is gone."""
    script = """(fragment) => {
        if (location.hash === fragment) return;
        document.querySelector("h1")?.setAttribute("data-old", "");
        location.hash = fragment;
    }"""
    page.evaluate(script, fragment)
    expect(page.locator("h1:not([data-old])")).to_be_visible()


def settled(page: Page) -> None:
    """Waits until a page has loaded what it shows."""
    expect(page.locator("h1")).to_be_visible()
    if page.locator("#app.inside").count():
        expect(page.locator(".nav a[href^='#/space/']").first).to_be_attached()
    if page.locator(".groups").count():
        expect(page.locator(".groups li, .list-message .empty").first).to_be_visible()
    if page.locator(".back").count():
        expect(page.locator(".extras .log-scheduled, .extras .log-sent, .extras .log-skipped, main .empty").first).to_be_attached()
    expect(page.locator("[aria-busy=true], .skeleton")).to_have_count(0)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})))")


def add(page: Page, line: str) -> None:
    """Adds a task with the field for new ones."""
    field = page.get_by_role("textbox", name="Add a task")
    field.fill(line)
    field.press("Enter")


def row(page: Page, title: str):
    """The row of a task."""
    return page.locator("li.task").filter(has=page.get_by_role("link", name=title, exact=True))
