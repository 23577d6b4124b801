"""make lighthouse: audits the pages of the app on the local cloud of make run, logged in to an account of make demo.

Prints the scores of each page, and exits with 1 if one is below 95."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from browser import INSTALL, chromium
from cloud import free_port
from demo import PASSWORD, create

PROGRAM = Path(__file__).parent / "lighthouse/node_modules/lighthouse/cli/index.js"
CATEGORIES = ("performance", "accessibility", "best-practices")
LEAST = 95
PAGES = ("", "#/today", "#/all", "#/spaces", "#/statistics", "#/profile")


def audit(url: str, port: int, folder: Path) -> dict[str, int]:
    """The scores of a page, as the browser at this port shows it."""
    report = folder / "report.json"
    command = ["node", PROGRAM, url, f"--port={port}", f"--only-categories={','.join(CATEGORIES)}", "--preset=desktop", "--quiet",
               "--disable-storage-reset", "--output=json", f"--output-path={report}"]
    subprocess.run(command, check=True)
    found = json.loads(report.read_text())["categories"]
    return {name: round(100 * (found[name]["score"] or 0)) for name in CATEGORIES}


def main() -> int:
    program = chromium()
    if not program:
        sys.exit(f"make lighthouse: {INSTALL}")
    url, address, _ = create()
    port, low = free_port(), 0
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        options = {"executable_path": program, "args": ["--no-sandbox", f"--remote-debugging-port={port}"]}
        context = playwright.chromium.launch_persistent_context(str(folder / "profile"), **options)
        for path in PAGES:
            if path == PAGES[1]:
                page = context.new_page()
                page.goto(f"{url}/")
                page.get_by_label("Email").fill(address)
                page.get_by_label("Password").first.fill(PASSWORD)
                page.keyboard.press("Enter")
                page.wait_for_url(f"**/{path}")
                page.close()
            scores = audit(f"{url}/{path}", port, folder)
            low += sum(score < LEAST for score in scores.values())
            print(f"{path or 'log-in':14}", *(f"{name} {score}" for name, score in scores.items()), flush=True)
        context.close()
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
