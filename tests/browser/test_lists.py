"""Lists: finding tasks, moving them to other days, and coming back to where one was."""

import unittest

from playwright.sync_api import expect

from support import BrowserTest, Person, add, go, row, until


class Lists(BrowserTest):
    def setUp(self) -> None:
        super().setUp()
        self.ada = Person()

    def test_going_back_returns_to_the_place_in_the_list(self) -> None:
        for number in range(45):
            self.ada.task(f"Task {number:02}", due=f"2199-01-{1 + number % 28:02}")
        page = self.page(self.ada, "#/all")
        # The rows beyond the first forty come while the page is scrolled.
        expect(row(page, "Task 00")).to_be_visible()
        opened = row(page, "Task 15").get_by_role("link", name="Task 15")
        opened.scroll_into_view_if_needed()
        self.assertGreater(page.evaluate("scrollY"), 300)
        opened.click()
        expect(page.get_by_label("Title")).to_have_value("Task 15")
        self.assertEqual(page.evaluate("scrollY"), 0, "a page begins at its top")
        page.go_back()
        expect(opened).to_be_in_viewport()
        page.go_forward()
        expect(page.get_by_label("Title")).to_have_value("Task 15")
        page.get_by_role("button", name="Back").click()
        expect(opened).to_be_in_viewport()

    def test_a_search_finds_words_tags_and_categories(self) -> None:
        self.ada.task("Paint the fence", tags=["garden tools"], category="Home & yard")
        self.ada.task("Buy garden tools")
        page = self.page(self.ada, "#/all")
        expect(row(page, "Paint the fence")).to_be_visible()
        search = page.get_by_role("searchbox")
        for wanted, found, other in (
            ('#"garden tools"', "Paint the fence", "Buy garden tools"),
            ("@Home & yard", "Paint the fence", "Buy garden tools"),
            ("garden tools", "Buy garden tools", "Paint the fence"),
        ):
            search.fill(wanted)
            page.get_by_role("button", name="Search").click()
            expect(page.get_by_role("heading", name="Search", level=1)).to_be_visible()
            expect(search).to_be_focused()
            expect(row(page, found)).to_be_visible()
            expect(row(page, other)).to_have_count(0)
        search.fill("#<img src=x onerror=alert(1)>&space=%2e")
        search.press("Enter")
        expect(page.get_by_text("Nothing was found.")).to_be_visible()

    def test_a_task_moves_to_another_day_keeps_its_time_and_comes_back(self) -> None:
        task = self.ada.task("Call the bank", due="2199-01-05T09:30[America/New_York]", reminders=[])

        def due() -> str:
            return self.ada.api("GET", f"v1/tasks/{task['id']}")["due"]

        page = self.page(self.ada, "#/all")
        row(page, "Call the bank").get_by_role("link", name="Call the bank").focus()
        page.keyboard.press("d")
        page.get_by_label("Another day").fill("2199-02-01")
        page.get_by_role("button", name="Set", exact=True).click()
        until(lambda: due() == "2199-02-01T09:30:00[America/New_York]", "the new day")
        page.keyboard.press("z")
        until(lambda: due() == task["due"], "the day before")
        row(page, "Call the bank").hover()
        row(page, "Call the bank").get_by_role("button", name="Change the due date").click()
        page.get_by_role("button", name="No due date").click()
        until(lambda: due() is None, "no due date")

    def test_changes_that_are_not_saved_are_kept_and_said(self) -> None:
        self.ada.task("Write a letter")
        page = self.page(self.ada, "#/all")
        row(page, "Write a letter").get_by_role("link", name="Write a letter").click()
        page.get_by_label("Description").fill("Dear Eve")
        go(page, "#/today")
        said = page.get_by_role("status").filter(has_text="“Write a letter” has changes that are not saved.")
        said.get_by_role("button", name="Open").click()
        expect(page.get_by_label("Description")).to_have_value("Dear Eve")

    def test_the_quick_add_shows_the_reminder_that_a_task_gets(self) -> None:
        page = self.page(self.ada, "#/all")
        page.get_by_label("Add a task", exact=True).fill("Water the plants every 3 days 9am")
        preview = page.locator(".add-preview")
        expect(preview).to_contain_text("Every 3 days")
        expect(preview).to_contain_text("30 minutes before")
        page.get_by_label("Add a task", exact=True).press("Escape")
        page.keyboard.press("2")
        expect(page.get_by_role("heading", name="Upcoming")).to_be_visible()
        expect(page.get_by_label("Add a task", exact=True)).to_have_value("Water the plants every 3 days 9am")
        add(page, "Water the plants every 3 days 9am")
        until(lambda: self.ada.titled("Water the plants"), "the task")
        self.assertEqual(self.ada.titled("Water the plants")[0]["reminders"][0]["before"], "PT30M")


if __name__ == "__main__":
    unittest.main()
