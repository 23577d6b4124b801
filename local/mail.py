"""make mail: prints the mails that the local cloud has sent, and writes their HTML to .local/mail/.
make link: prints the newest link in these mails, as soon as there is one."""

import json
import os
import re
import shutil
import sys
import time
import urllib.request
from datetime import datetime
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".local"
LINK = re.compile(r"https?://\S+/v1/actions/\S+")
# A mail arrives about a second after its cause.
SECONDS_TO_WAIT = 15


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


def show(sent: list[dict]) -> None:
    folder = FOLDER / "mail"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, mail in enumerate(sent, start=1):
        name = re.sub(r"[^a-z0-9]+", "-", mail["Subject"].lower()).strip("-")[:60]
        page = folder / f"{number:03}-{name}.html"
        page.write_text(mail["BodyHtml"] or "")
        print(f"{'─' * 72}\nAt:      {moment(mail)}\nTo:      {', '.join(mail['To'])}")
        text = "\n".join(mail["BodyText"].strip().splitlines())
        print(f"Subject: {mail['Subject']}\nHTML:    {page}\n\n{text}\n")
    print(f"{len(sent)} sent" if sent else "no mails yet")


def newest_link(url: str) -> str:
    for _ in range(SECONDS_TO_WAIT * 5):
        links = [link for mail in mails(url) for link in LINK.findall(mail["BodyText"])]
        if links:
            return links[-1]
        time.sleep(0.2)
    sys.exit("make link: no mail contains a link")


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["link"]:
            print(newest_link(mailbox()))
        else:
            show(mails(mailbox()))
    except BrokenPipeError:
        # The reader of the pipe has closed it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
