"""Lists: finding tasks, moving them to other days, and coming back to where one was."""

import unittest
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from support import BrowserTest, Person, add, go, row, settled, until


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

    def test_the_focus_stays_at_a_task_when_rows_come_go_and_move(self) -> None:
        first, *_ = [self.ada.task(f"Task {number}", due="2199-01-05") for number in range(3)]
        page = self.page(self.ada, "#/all")
        focused = row(page, "Task 2").get_by_role("link", name="Task 2")
        focused.focus()
        self.ada.api("POST", f"v1/tasks/{first['id']}/complete")
        expect(row(page, "Task 0")).to_have_count(0)
        expect(focused).to_be_focused()
        page.keyboard.press("d")
        page.get_by_role("button", name="Tomorrow").click()
        expect(page.get_by_role("heading", name="Tomorrow")).to_be_visible()
        expect(focused).to_be_focused()

    def test_a_click_beside_the_title_opens_the_task(self) -> None:
        self.ada.task("Gym")
        page = self.page(self.ada, "#/all")
        box = row(page, "Gym").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(page.get_by_label("Title")).to_have_value("Gym")

    def test_a_deletion_waits_as_long_as_its_undo_has_the_focus(self) -> None:
        self.ada.task("Do not delete")
        page = self.page(self.ada, "#/all", now=datetime.now())
        row(page, "Do not delete").get_by_role("link").focus()
        page.keyboard.press("Delete")
        undo = page.get_by_role("button", name="Undo")
        undo.focus()
        page.clock.fast_forward(60_000)
        self.assertEqual(len(self.ada.titled("Do not delete")), 1)
        page.keyboard.press("Enter")
        expect(row(page, "Do not delete")).to_be_visible()
        page.clock.pause_at(datetime.now() + timedelta(hours=1))
        row(page, "Do not delete").get_by_role("link").focus()
        page.keyboard.press("Delete")
        expect(undo).to_be_visible()
        page.clock.fast_forward(7_000)
        until(lambda: self.ada.titled("Do not delete") == [], "the deletion")

    def test_today_is_read_again_after_midnight(self) -> None:
        zone = ZoneInfo("Europe/Berlin")
        evening = datetime.now(zone).replace(hour=23, minute=58)
        page = self.page(self.ada, now=evening)
        settled(page)
        expect(page.get_by_text(f"{evening.day} {evening:%B}")).to_be_visible()
        with page.expect_request(lambda request: "due=today" in request.url):
            page.clock.fast_forward(180_000)
        tomorrow = evening + timedelta(days=1)
        expect(page.get_by_text(f"{tomorrow.day} {tomorrow:%B}")).to_be_visible()

    def test_a_filter_that_hides_all_tasks_is_said_and_removed(self) -> None:
        self.ada.task("Buy milk")
        page = self.page(self.ada, "#/all", viewport={"width": 360, "height": 740})
        page.get_by_role("button", name="Sort and filter").click()
        page.get_by_role("combobox", name="Priority", exact=True).select_option("urgent")
        expect(page.get_by_text("No task here has this priority.")).to_be_visible()
        go(page, "#/today")
        go(page, "#/all")
        expect(page.get_by_role("combobox", name="Priority", exact=True)).to_be_visible()
        page.get_by_role("button", name="Any priority").click()
        expect(row(page, "Buy milk")).to_be_visible()

    def test_the_menu_of_a_phone_closes_at_the_page_that_is_shown(self) -> None:
        page = self.page(self.ada, "#/today", viewport={"width": 360, "height": 740})
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name="Today", exact=True).click()
        expect(page.get_by_role("navigation")).to_have_count(0)
        expect(page.get_by_role("textbox", name="Add a task")).to_be_enabled()

    def test_changes_that_are_not_saved_are_kept_and_said(self) -> None:
        self.ada.task("Write a letter")
        page = self.page(self.ada, "#/all")
        row(page, "Write a letter").get_by_role("link", name="Write a letter").click()
        page.get_by_label("Description").fill("Dear Eve")
        go(page, "#/today")
        said = page.get_by_role("status").filter(has_text="“Write a letter” has changes that are not saved.")
        said.get_by_role("button", name="Open").click()
        expect(page.get_by_label("Description")).to_have_value("Dear Eve")
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
        expect(page.get_by_label("Description")).to_have_value("Dear Eve")

    def test_a_date_that_is_half_typed_does_not_remove_the_due_date(self) -> None:
        task = self.ada.task("Call the bank", due="2199-01-05", reminders=[{"before": "P1D"}])
        page = self.page(self.ada, f"#/task/{task['id']}")
        date = page.get_by_label("Due date")
        date.focus()
        page.keyboard.press("Delete")
        expect(date).to_have_value("")
        page.keyboard.press("Control+s")
        expect(page.get_by_text("Complete the date or the time, or clear it.")).to_be_visible()
        self.assertEqual(self.ada.api("GET", f"v1/tasks/{task['id']}")["due"], "2199-01-05")
        page.get_by_role("button", name="Remove due date").click()
        page.get_by_role("button", name="Save").click()
        until(lambda: self.ada.api("GET", f"v1/tasks/{task['id']}")["due"] is None, "no due date")

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
