"""make mail: prints the mails that the local cloud has sent, and writes their HTML and a list of them to .local/mail/.
make link: prints the newest link in these mails, as soon as there is one; with ADDRESS only of mails to this address, and
with ACTION (verify, complete, snooze) only links that do this. Other mails may have links too: of other people, or that
snooze a task."""

import json
import os
import re
import shutil
import sys
import time
import urllib.request
from datetime import datetime
from email.utils import parseaddr
from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".local"
# The token begins with the user and the action: 01M8….verify.…, 01M8….snooze-PT1H-….
# To the page of an action, or to a page of the app with a code. The first group that is there is the action.
LINK = re.compile(r"https?://\S+/(?:v1/actions/\w+\.([a-z]+)\S+|#/([a-z-]+)\?\S+)")
# A mail arrives about a second after its cause.
SECONDS_TO_WAIT = 15
INDEX = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Mails of the local Taskbell</title>
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
  body {{ max-width: 42rem; margin: 2rem auto; padding: 0 1rem }}
  h1 {{ font-size: 1.5rem }}
  ol {{ list-style: none; padding: 0 }}
  li {{ padding: .75rem 0; border-top: 1px solid color-mix(in srgb, CanvasText 15%, Canvas) }}
  a {{ font-weight: 600; overflow-wrap: anywhere }}
  small {{ display: block; overflow-wrap: anywhere; color: color-mix(in srgb, CanvasText 70%, Canvas) }}
</style>
<h1>Mails of the local Taskbell</h1>
{mails}
"""


def mailbox() -> str:
    """The mailbox URL of the local cloud, from the environment or from make run."""
    if url := os.environ.get("TASKBELL_MAIL_URL"):
        return url
    try:
        lines = (FOLDER / "env").read_text().splitlines()
    except FileNotFoundError:
        sys.exit("make mail: the local cloud is not running: start it with make run")
    return dict(line.split("=", 1) for line in lines)["TASKBELL_MAIL_URL"]


def mails(url: str) -> list[dict]:
    """All mails, oldest first."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            accounts = json.load(answer)["messages"]
    except OSError as error:
        sys.exit(f"make mail: the local cloud does not respond at {url}: {error}")
    return sorted((mail for account in accounts.values() for mail in account), key=lambda mail: mail["Timestamp"])


def moment(mail: dict) -> str:
    """When the mail was sent, in the local time zone."""
    return datetime.fromtimestamp(mail["Timestamp"]).astimezone().isoformat(" ", "seconds")


def index(pages: list[tuple[dict, str]]) -> str:
    """The page that lists mails, newest first: each mail, and the name of its page, oldest first."""
    items = [
        f'<li><a href="{escape(name)}">{escape(mail["Subject"])}</a>\n  <small>{escape(", ".join(mail["To"]))} · {moment(mail)}</small>'
        for mail, name in reversed(pages)
    ]
    return INDEX.format(mails="\n".join(["<ol>", *items, "</ol>"]) if items else "<p>No mails yet.")


def show(sent: list[dict], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pages = []
    for number, mail in enumerate(sent, start=1):
        name = re.sub(r"[^a-z0-9]+", "-", mail["Subject"].lower()).strip("-")[:60]
        page = folder / f"{number:03}-{name}.html"
        page.write_text(mail["BodyHtml"] or "")
        pages.append((mail, page.name))
        print(f"{'─' * 72}\nAt:      {moment(mail)}\nTo:      {', '.join(mail['To'])}")
        text = "\n".join(mail["BodyText"].strip().splitlines())
        print(f"Subject: {mail['Subject']}\nHTML:    {page}\n\n{text}\n")
    (folder / "index.html").write_text(index(pages))
    print(f"{len(sent)} sent. To read them in a browser:" if sent else "no mails yet")
    print(folder / "index.html")


def is_to(mail: dict, address: str) -> bool:
    """Whether a mail is to an address, which may be beside a name. Every mail is to the empty address."""
    return not address or address.casefold() in (parseaddr(one)[1].casefold() for one in mail["To"])


def newest_link(url: str, address: str = "", action: str = "") -> str:
    """The newest link in the mails to an address that does an action; each is any if it is empty."""
    for _ in range(SECONDS_TO_WAIT * 5):
        texts = [mail["BodyText"] for mail in mails(url) if is_to(mail, address)]
        links = [link[0] for text in texts for link in LINK.finditer(text) if action in ("", link[1] or link[2])]
        if links:
            return links[-1]
        time.sleep(0.2)
    sys.exit(f"make link: no mail{f' to {address}' if address else ''} contains a link{f' with the action {action}' if action else ''}")


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["link"]:
            print(newest_link(mailbox(), *sys.argv[2:]))
        else:
            show(mails(mailbox()), FOLDER / "mail")
    except BrokenPipeError:
        # The reader of the pipe has closed it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
