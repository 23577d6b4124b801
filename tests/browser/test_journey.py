"""From the registration to the reminder and the end of the session."""

import unittest
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

import support
from support import PASSWORD, URL, BrowserTest, add, go, link, mail, row


class Journey(BrowserTest):
    def test_a_reminder_is_set_in_the_app_and_arrives(self) -> None:
        # A zone without daylight saving time, in which no time of day is ambiguous, and which is not that of the server.
        zone, email = "Asia/Tokyo", support.address()
        page = self.page(timezone_id=zone)
        page.get_by_role("link", name="Create account").click()
        page.get_by_label("Name").fill("Ada Lovelace")
        page.get_by_label("Email address").fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        expect(page.get_by_label("Time zone")).to_have_value(zone)
        page.get_by_role("button", name="Create account").click()
        expect(page.get_by_role("heading", name="Check your mailbox")).to_be_visible()

        page.goto(link(email, "Confirm your email address", support.LINK))
        page.get_by_role("button", name="Confirm email address").click()
        expect(page.get_by_role("button")).to_have_count(0)

        page.goto(f"{URL}/")
        page.get_by_label("Email address").fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible()

        # The next full minute that leaves enough time to set the reminder.
        due = (datetime.now(ZoneInfo(zone)) + timedelta(seconds=80)).replace(second=0)
        add(page, f"Water the plants at {due:%H:%M} ^0m !high #garden")
        go(page, "#/all")
        task = row(page, "Water the plants")
        expect(task).to_contain_text("High")
        expect(task).to_contain_text("#garden")
        expect(task).to_contain_text(f"{due:%H:%M}")
        text = mail(email, "Reminder: Water the plants")
        self.assertIn("Water the plants", text)

        task.get_by_role("link", name="Water the plants").click()
        expect(page.get_by_label("Title")).to_have_value("Water the plants")

        def is_logged() -> bool:
            page.reload()
            log = page.locator("section", has=page.get_by_role("heading", name="Reminder history")).locator("li")
            expect(log).to_have_count(1)
            return log.inner_text().startswith("Sent ") and "At the due time" in log.inner_text()

        # The log is written after the mail was sent, and reading it again is what a person would do.
        support.until(is_logged, "the delivery log says that the reminder was sent")

        page.reload()
        expect(page.get_by_role("heading", name="Water the plants")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_text("You are logged out.")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        self.assertNotIn("Water the plants", page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })"))


if __name__ == "__main__":
    unittest.main()
