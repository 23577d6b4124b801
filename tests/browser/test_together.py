"""Two people in one space."""

import unittest

from playwright.sync_api import expect

from support import BrowserTest, Person, add, go, link, row

SAVED = "Saved."


class Together(BrowserTest):
    # A save that meets a later version is answered by 412.
    expected_failures = ("412",)

    @classmethod
    def setUpClass(cls) -> None:
        cls.ada, cls.grace = Person(), Person("Grace Hopper")
        cls.space = cls.ada.space_with(cls.grace)["id"]

    def both(self, at: str):
        """The same page of both people."""
        pages = [self.page(person, at) for person in (self.ada, self.grace)]
        return pages

    def test_what_one_changes_appears_at_the_other_without_a_reload(self) -> None:
        ada, grace = self.both(f"#/space/{self.space}")
        for page in (ada, grace):
            expect(page.get_by_role("heading", name="Garden")).to_be_visible()
            page.evaluate("document.body.dataset.loaded = 'once'")
        add(ada, "Plant the tulips !urgent")
        expect(row(grace, "Plant the tulips")).to_contain_text("Urgent")
        task = self.ada.titled("Plant the tulips")
        self.assertEqual(task, [])  # It is not in the personal space.

        row(grace, "Plant the tulips").get_by_role("link", name="Plant the tulips").click()
        title = grace.get_by_label("Title")
        title.fill("Plant the roses")
        grace.get_by_role("button", name="Save").click()
        expect(row(ada, "Plant the roses")).to_be_visible()
        expect(row(ada, "Plant the tulips")).to_have_count(0)

        grace.get_by_role("textbox", name="Comment").fill("Red ones, please.")
        grace.get_by_role("button", name="Add comment").click()
        row(ada, "Plant the roses").get_by_role("link", name="Plant the roses").click()
        expect(ada.get_by_text("Red ones, please.")).to_be_visible()
        ada.get_by_role("textbox", name="Comment").fill("I like yellow.")
        ada.get_by_role("button", name="Add comment").click()
        expect(grace.get_by_text("I like yellow.")).to_be_visible()

        go(grace, f"#/space/{self.space}")
        ada.get_by_role("button", name="Complete", exact=True).click()
        expect(row(grace, "Plant the roses")).to_have_count(0)
        for page in (ada, grace):
            self.assertEqual(page.evaluate("document.body.dataset.loaded"), "once")

    def test_members_and_invitations_change_without_a_reload(self) -> None:
        alan = Person("Alan Turing")
        invitation = self.ada.api("POST", f"v1/spaces/{self.space}/invitations", {"email": alan.email, "role": "viewer"})
        url = link(alan.email, self.ada.name)
        other = self.ada.api("POST", f"v1/spaces/{self.space}/invitations", {"email": f"eve.{alan.email}", "role": "viewer"})
        ada, page = self.page(self.ada, f"#/space/{self.space}/members"), self.page(at=url[url.index("#") :])
        page.get_by_role("main").get_by_role("link", name="Log in").click()
        alan.log_in(page)
        expect(ada.get_by_text(invitation["email"], exact=True)).to_be_visible()
        for each in (ada, page):
            each.evaluate("document.body.dataset.loaded = 'once'")
        # What is being typed stays.
        ada.get_by_label("Email address").fill("bob@example.com")
        page.get_by_role("button", name="Accept invitation").click()
        expect(ada.get_by_text("Alan Turing")).to_be_visible()
        expect(ada.get_by_text(invitation["email"], exact=True)).to_have_count(0)
        expect(ada.get_by_label("Email address")).to_have_value("bob@example.com")
        expect(ada.get_by_label("Email address")).to_be_focused()

        page.get_by_role("main").get_by_role("link", name="Members").click()
        expect(page.get_by_role("heading", name="3 members")).to_be_visible()
        expect(page.get_by_role("heading", name="Invite a person")).to_have_count(0)
        ada.get_by_label("Role of Alan Turing").select_option("admin")
        expect(page.get_by_role("heading", name="Invite a person")).to_be_visible()

        # Nothing announces an invitation, so they are read again when the page becomes visible.
        expect(page.get_by_text(other["email"], exact=True)).to_be_visible()
        self.ada.api("DELETE", f"v1/spaces/{self.space}/invitations/{other['id']}")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.get_by_text(other["email"], exact=True)).to_have_count(0)
        for each in (ada, page):
            self.assertEqual(each.evaluate("document.body.dataset.loaded"), "once")

    def clash(self):
        """Both have changed the title of a task, and Ada has saved hers. Returns the task, the page of Grace and the dialog in it."""
        task = self.ada.task("Cut the hedge", self.space)
        ada, grace = self.both(f"#/task/{task['id']}")
        for page, title in ((grace, "Cut the hedge in May"), (ada, "Cut the hedge in June")):
            expect(page.get_by_label("Title")).to_have_value("Cut the hedge")
            page.get_by_label("Title").fill(title)
        ada.get_by_role("button", name="Save").click()
        expect(ada.get_by_role("status").filter(has_text=SAVED)).to_be_visible()
        expect(grace.get_by_text("Somebody else has changed this task. What you have changed is kept.")).to_be_visible()
        expect(grace.get_by_label("Title")).to_have_value("Cut the hedge in May")
        grace.get_by_role("button", name="Save").click()
        dialog = grace.get_by_role("dialog", name="This task has changed meanwhile")
        expect(dialog.get_by_label("Cut the hedge in May")).to_be_visible()
        expect(dialog.get_by_label("Cut the hedge in June")).to_be_visible()
        self.assertEqual(self.title_of(task), "Cut the hedge in June")
        return task, grace, dialog

    def title_of(self, task: dict) -> str:
        return self.ada.api("GET", f"v1/tasks/{task['id']}")["title"]

    def test_both_change_a_title_and_the_later_one_chooses_the_own_version(self) -> None:
        task, grace, dialog = self.clash()
        dialog.get_by_label("Cut the hedge in May").check()
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0)
        expect(grace.get_by_role("status").filter(has_text=SAVED)).to_be_visible()
        self.assertEqual(self.title_of(task), "Cut the hedge in May")

    def test_both_change_a_title_and_the_later_one_keeps_the_other_version(self) -> None:
        task, grace, dialog = self.clash()
        dialog.get_by_label("Cut the hedge in June").check()
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0)
        expect(grace.get_by_label("Title")).to_have_value("Cut the hedge in June")
        self.assertEqual(self.title_of(task), "Cut the hedge in June")


if __name__ == "__main__":
    unittest.main()
