"""What holds for all pages: sizes, accessibility, text of others, and many tasks."""

import os
import unittest
import uuid
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from seed import PUBLIC, Household
from support import URL, BrowserTest, Person, go, row, settled, until

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The characters turn the text around: embedding, override, isolate, and marks.
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> \u202egnihtyna\u202c \u2067x\u2069 \u200f&lt;b&gt; ${alert(3)} " + "w" * 200


def shown(page: Page, fragment: str) -> None:
    """Opens a page and waits until it has loaded what it shows."""
    go(page, f"#/{fragment}")
    settled(page)


class Pages(BrowserTest):
    # One page does not exist, and nobody is an operator.
    expected_failures = ("401", "403")

    @classmethod
    def setUpClass(cls) -> None:
        cls.axe = Path(os.environ["TASKBELL_AXE"]).read_text()
        cls.home = Household()
        # A long word is what makes a page wider than the screen.
        cls.home.ada.task("Donaudampfschifffahrtsgesellschaftskapitänsmütze" * 4, due=cls.home.at(0), tags=["x" * 40], category="Y" * 60)

    def every_page(self, **options: Any):
        """Each page of the app: first without a session, then with one."""
        page = self.page(**options)
        for fragment in PUBLIC:
            shown(page, fragment)
            yield page, fragment
        shown(page, "login")
        self.home.ada.log_in(page)
        for fragment in self.home.pages():
            shown(page, fragment)
            yield page, fragment

    def fits(self, page: Page) -> None:
        wide = page.evaluate("""() => [...document.querySelectorAll("body *")]
            .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest(".visually-hidden, .nav"))
            .map((element) => `${element.tagName}.${element.className}`).slice(0, 5)""")
        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), page.viewport_size["width"], wide)

    def accessible(self, page: Page) -> None:
        page.evaluate(self.axe)
        found = page.evaluate("(rules) => axe.run({ runOnly: rules, resultTypes: ['violations'] })", RULES)
        violations = [(each["id"], node["html"][:200], node.get("failureSummary")) for each in found["violations"] for node in each["nodes"]]
        self.assertEqual(violations, [])

    def navigation_is_reachable(self, page: Page) -> None:
        # A menu that is closed has no role.
        navigation, menu = page.locator("nav"), page.get_by_role("button", name="Menu")
        links = {"Today", "Upcoming", "Overdue", "All", "Assigned to me", "Personal", "House and garden", "Statistics", "Profile"}
        for name in sorted(links):
            if menu.is_visible():
                menu.click()
            link = navigation.get_by_role("link", name=name, exact=True, include_hidden=True)
            link.click()
            expect(link).to_have_attribute("aria-current", "page")
            expect(page.locator("h1")).to_have_text(name)
            expect(page.locator("h1")).to_be_in_viewport()
        if menu.is_visible():
            menu.click()
        navigation.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    def test_every_page_fits_a_phone_and_is_accessible_in_dark_colours(self) -> None:
        look = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "color_scheme": "dark", "reduced_motion": "reduce"}
        for page, fragment in self.every_page(**look):
            with self.subTest(fragment):
                self.fits(page)
                self.accessible(page)
        self.navigation_is_reachable(page)

    def test_every_page_fits_at_twice_the_size_and_is_reachable(self) -> None:
        for page, fragment in self.every_page(viewport={"width": 640, "height": 400}, device_scale_factor=2):
            with self.subTest(fragment):
                self.fits(page)
        self.navigation_is_reachable(page)

    def test_every_page_is_accessible_in_light_colours(self) -> None:
        for page, fragment in self.every_page(color_scheme="light", reduced_motion="reduce"):
            with self.subTest(fragment):
                self.accessible(page)

    def test_a_hostile_title_stays_text(self) -> None:
        ada = self.home.grace
        task = ada.task(HOSTILE, description=HOSTILE, due=self.home.at(0))
        ada.api("POST", f"v1/tasks/{task['id']}/comments", {"text": HOSTILE})
        page = self.page(ada)
        for fragment in ("today", "all", "search?q=alert"):
            shown(page, fragment)
            title = page.locator(f"[data-id='{task['id']}'] .task-title")
            expect(title).to_be_visible()
            self.assertEqual(title.evaluate("(element) => [element.textContent, element.children.length]"), [task["title"], 0])
            # What turns the text around ends with the title.
            self.assertEqual(title.evaluate("(element) => [element.dir, getComputedStyle(element).unicodeBidi]"), ["auto", "isolate"])
        title.click()
        expect(page.get_by_label("Title")).to_have_value(task["title"])
        expect(page.locator(".comment")).to_contain_text("<script>alert(2)</script>")
        self.assertEqual(page.locator("h1").evaluate("(element) => element.textContent"), task["title"])
        self.assertEqual(page.locator("main script, main img").count(), 0)
        # A dialog and a message are made of the title, too.
        page.get_by_role("button", name="Complete", exact=True).click()
        expect(page.get_by_role("status").filter(has_text="is completed.")).to_contain_text("<img src=x onerror=alert(1)>")
        self.assertEqual(page.locator("img").count(), 0)


class Many(BrowserTest):
    def test_a_list_of_a_thousand_tasks_does_not_move_while_it_loads(self) -> None:
        ada = Person()
        home = Household.at
        for part in range(10):
            new = [{"title": f"Task {part * 100 + number}", "due": home(number % 30)} for number in range(100)]
            answer = ada.api("POST", "v1/tasks/batch", {"operations": [{"op": "create", "task": task} for task in new]}, **{"Idempotency-Key": str(uuid.uuid4())})
            self.assertEqual({result["status"] for result in answer["results"]}, {201})
        page = self.page(ada).context.new_page()
        # The observer is there before the page, so that no shift is missed.
        page.add_init_script("""globalThis.shifts = [];
            new PerformanceObserver((list) => shifts.push(...list.getEntries())).observe({ type: "layout-shift", buffered: true });""")
        page.goto(f"{URL}/#/all")
        expect(row(page, "Task 0")).to_be_visible()
        page.wait_for_load_state("networkidle")
        shifts = page.evaluate("shifts.map(({ value, sources }) => [value, sources.map(({ node }) => node?.className ?? '')])")
        self.assertLess(sum(value for value, _ in shifts), 0.05, shifts)

        def is_complete() -> bool:
            page.mouse.wheel(0, 20_000)
            return page.locator("li.task").count() == 1000

        until(is_complete, "the rest, which comes as the reader goes on")


if __name__ == "__main__":
    unittest.main()
