"""make mail: what the local cloud has sent, in the terminal; the HTML of each under .local/mail/."""

import json
import re
import shutil
import sys
import urllib.request
from datetime import datetime
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".local"


def moment(mail: dict) -> str:
    """When it was sent, in this machine's zone."""
    return datetime.fromtimestamp(mail["Timestamp"]).astimezone().isoformat(" ", "seconds")


def main() -> None:
    try:
        lines = (FOLDER / "env").read_text().splitlines()
    except FileNotFoundError:
        sys.exit("make mail: nothing is running: start it with make run")
    url = dict(line.split("=", 1) for line in lines)["TASKBELL_MAIL_URL"]
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            accounts = json.load(answer)["messages"]
    except OSError as error:
        sys.exit(f"make mail: the local cloud does not answer at {url}: {error}")
    mails = [mail for account in accounts.values() for mail in account]
    folder = FOLDER / "mail"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, mail in enumerate(mails, start=1):
        name = re.sub(r"[^a-z0-9]+", "-", mail["Subject"].lower()).strip("-")[:60]
        page = folder / f"{number:03}-{name}.html"
        page.write_text(mail["BodyHtml"] or "")
        print(f"{'─' * 72}\nAt:      {moment(mail)}\nTo:      {', '.join(mail['To'])}")
        print(f"Subject: {mail['Subject']}\nHTML:    {page}\n\n{mail['BodyText'].strip()}\n")
    print(f"{len(mails)} sent" if mails else "no mail yet")


if __name__ == "__main__":
    main()
