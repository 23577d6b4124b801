"""What operators do with accounts."""

import unittest

from playwright.sync_api import expect

from support import BrowserTest, Operator, Person, call, mail


class Operators(BrowserTest):
    def test_an_operator_finds_a_user_writes_to_them_and_blocks_them(self) -> None:
        operator, mary = Operator(), Person("Mary Shelley")
        credentials = {"email": mary.email, "password": mary.password}
        page = self.page(operator, "#/today")
        page.get_by_role("link", name="Operators").click()
        page.get_by_role("searchbox", name="Search by address").fill(mary.email)
        page.get_by_role("button", name="Search").click()
        expect(page.locator("main li.row")).to_have_count(1)
        manage = page.get_by_role("button", name="Manage Mary Shelley")

        manage.click()
        page.get_by_role("button", name="Write a message").click()
        page.get_by_label("Subject").fill("Your export is ready")
        page.get_by_label("Text", exact=True).fill("Download it in your profile.\nThank you.")
        page.get_by_role("button", name="Send").click()
        dialog = page.get_by_role("dialog")
        self.assertIn("Download it in your profile.", mail(mary.email, "Your export is ready"))
        dialog.get_by_role("button", name="Refresh").click()
        expect(dialog.get_by_text("Sent", exact=True)).to_be_visible()
        dialog.get_by_role("button", name="Close").click()

        manage.click()
        page.get_by_role("button", name="Block", exact=True).click()
        page.get_by_role("alertdialog", name="Block Mary Shelley?").get_by_role("button", name="Block").click()
        expect(page.locator("main li.row")).to_contain_text("Blocked")
        status, problem = call("POST", "v1/auth/login", credentials)
        self.assertEqual((status, problem["code"]), (403, "account_disabled"))

        manage.click()
        page.get_by_role("button", name="Unblock", exact=True).click()
        page.get_by_role("alertdialog", name="Unblock").get_by_role("button", name="Unblock").click()
        expect(page.locator("main li.row")).not_to_contain_text("Blocked")
        self.assertEqual(call("POST", "v1/auth/login", credentials)[0], 200)


if __name__ == "__main__":
    unittest.main()
