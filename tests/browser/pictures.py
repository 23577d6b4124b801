"""Writes pictures of the main pages for the documentation: light, dark and of a phone.

usage: pictures.py FOLDER, with TASKBELL_URL, TASKBELL_MAIL_URL and TASKBELL_OPERATOR as for the tests"""

import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from seed import Household
from support import SECONDS, URL, Operator, browser, go, settled

LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "is_mobile": True, "has_touch": True},
}


def take(page: Page, path: Path) -> None:
    """Writes a picture of a page that has loaded, without a mark of the focus or the mouse."""
    page.mouse.move(0, 0)
    settled(page)
    page.wait_for_load_state("networkidle")
    expect(page.locator(".task-meta").get_by_text("…")).to_have_count(0)
    expect(page.locator(".toast")).to_have_count(0)
    page.evaluate("document.activeElement.blur()")
    page.screenshot(path=path, animations="disabled")
    print(path, path.stat().st_size // 1024, "KB")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    home, boss = Household(), Operator()
    pages = {
        "today": "today", "upcoming": "upcoming", "task": f"task/{home.main['id']}", "space": f"space/{home.space}",
        "members": f"space/{home.space}/members", "statistics": "statistics", "profile": "profile",
    }  # fmt: skip
    for look, options in LOOKS.items():
        context = browser().new_context(locale="en-GB", timezone_id="Europe/Berlin", reduced_motion="reduce", **options)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        page.goto(f"{URL}/")
        take(page, folder / f"log-in-{look}.png")
        home.ada.log_in(page)
        for name, fragment in pages.items():
            go(page, f"#/{fragment}")
            take(page, folder / f"{name}-{look}.png")
        context.clear_cookies()
        page = context.new_page()
        page.goto(f"{URL}/#/operators")
        boss.log_in(page)
        take(page, folder / f"operators-{look}.png")
        context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
