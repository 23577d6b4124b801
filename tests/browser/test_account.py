"""Links in mails, and sessions that end or are shared."""

import unittest
from itertools import pairwise

from playwright.sync_api import Request, expect

import support
from support import PASSWORD, URL, BrowserTest, Person, go, link


class Links(BrowserTest):
    def no_code_in_the_address(self, page, code: str) -> None:
        self.assertNotIn(code, page.url)
        self.assertNotIn(code, page.evaluate("JSON.stringify(history.state)"))

    def test_the_link_of_a_mail_resets_the_password(self) -> None:
        ada = Person()
        page = self.page()
        page.get_by_role("link", name="Forgot your password?").click()
        page.get_by_label("Email address").fill(ada.email)
        page.get_by_role("button", name="Send code").click()
        expect(page.get_by_text("If the address has an account, a code was sent to it.")).to_be_visible()

        url = link(ada.email, "Reset your Taskbell password")
        page = self.page(at=url[url.index("#") :])
        expect(page.get_by_role("heading", name="Set a new password")).to_be_visible()
        code = url.rsplit("code=", 1)[1]
        expect(page.get_by_label("Code")).to_have_count(0)
        self.no_code_in_the_address(page, code)
        ada.password = "a longer sentence of several words"
        page.get_by_label("New password").fill(ada.password)
        page.get_by_role("button", name="Set password").click()
        expect(page.get_by_text("The password was changed")).to_be_visible()
        ada.log_in(page)

    def test_the_link_of_a_mail_accepts_an_invitation(self) -> None:
        ada, grace = Person(), Person("Grace Hopper")
        space = ada.api("POST", "v1/spaces", {"name": "Garden"})
        ada.api("POST", f"v1/spaces/{space['id']}/invitations", {"email": grace.email, "role": "member"})
        url = link(grace.email, ada.name)
        page = self.page(at=url[url.index("#") :])
        expect(page.get_by_role("heading", name="Accept an invitation")).to_be_visible()
        self.no_code_in_the_address(page, url.rsplit("token=", 1)[1])
        # Without a session, the invitation waits for the log-in.
        page.get_by_role("main").get_by_role("link", name="Log in").click()
        grace.log_in(page)
        page.get_by_role("button", name="Accept invitation").click()
        expect(page.get_by_role("heading", name="Garden")).to_be_visible()
        expect(page.get_by_role("navigation").get_by_role("link", name="Garden")).to_be_visible()
        self.no_code_in_the_address(page, url.rsplit("token=", 1)[1])
        self.assertIn(space["id"], [each["id"] for each in grace.api("GET", "v1/spaces")["items"]])

    def test_a_code_is_asked_for_only_if_it_did_not_come_with_the_link(self) -> None:
        for fragment, button in {
            "verify?token=x": "Verify",
            "reset?code=x": "Set password",
            "undo-email?code=x": "Restore the address",
            "remove-second-factor?code=x": "Remove second factor",
        }.items():
            with self.subTest(fragment):
                page = self.page(at=f"#/{fragment}")
                expect(page.get_by_role("button", name=button)).to_be_visible()
                expect(page.get_by_label("Code")).to_have_count(0)
                # The address has no code any more, so a reload loses it.
                page.reload()
                expect(page.get_by_label("Code")).to_have_accessible_description("Copy the code from the email.")

    def test_a_registration_goes_on_after_a_reload(self) -> None:
        email = support.address()
        page = self.page(at="#/register")
        page.get_by_label("Name").fill("Ada Lovelace")
        page.get_by_label("Email address").fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        expect(page.get_by_role("heading", name="Check your mailbox")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Check your mailbox")).to_be_visible()
        expect(page.get_by_text(f"An email was sent to {email}.")).to_be_visible()
        page.get_by_role("link", name="register again").click()
        expect(page.get_by_role("heading", name="Create an account")).to_be_visible()
        page.go_back()
        page.get_by_label("Code").fill(link(email, "Confirm your email address", support.LINK))
        page.get_by_role("button", name="Verify").click()
        expect(page.get_by_text("Your address is verified.")).to_be_visible()
        expect(page.get_by_label("Email address")).to_have_value(email)
        go(page, "#/verify")
        expect(page.get_by_role("heading", name="Verify your email address")).to_be_visible()


class Sessions(BrowserTest):
    expected_failures = ("401",)

    def log_in_again(self, person: Person, page) -> None:
        person.log_in(page)
        expect(page.get_by_role("heading", name="Statistics")).to_be_visible()
        self.assertTrue(page.url.endswith("#/statistics"), page.url)

    def test_pages_for_those_who_are_not_logged_in_are_not_shown_in_a_session(self) -> None:
        page = self.page(Person())
        for name in ("login", "register", "verify", "forgot", "reset"):
            go(page, "#/all")
            expect(page.get_by_role("heading", name="All", exact=True)).to_be_visible()
            go(page, f"#/{name}")
            expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible()
            self.assertTrue(page.url.endswith("#/today"), page.url)

    def test_a_session_that_was_ended_elsewhere_asks_for_a_log_in_and_returns(self) -> None:
        ada = Person()
        page = self.page(ada)
        go(page, "#/statistics")
        expect(page.get_by_role("heading", name="Statistics")).to_be_visible()
        # Ends all sessions but that of the API.
        ada.api("DELETE", "v1/me/sessions")
        page.reload()
        self.log_in_again(ada, page)

    def test_the_page_after_a_log_out_can_be_used_at_once(self) -> None:
        page = self.page(Person())
        page.evaluate("""() => {
            const original = IDBFactory.prototype.deleteDatabase;
            IDBFactory.prototype.deleteDatabase = (name) => {
                const slow = {};
                setTimeout(() => { original.call(indexedDB, name).onsuccess = () => slow.onsuccess(); }, 1000);
                return slow;
            };
        }""")
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_text("You are logged out.")).to_be_visible()
        # Loading the page again later would lose what is typed meanwhile.
        self.assertEqual(page.evaluate("performance.getEntriesByType('navigation')[0].type"), "reload")
        self.assertEqual(page.evaluate("indexedDB.databases()"), [])

    def test_a_new_password_ends_the_open_page_and_it_returns_after_the_log_in(self) -> None:
        ada = Person()
        page = self.page(ada)
        go(page, "#/statistics")
        expect(page.get_by_role("heading", name="Statistics")).to_be_visible()
        new = "a longer sentence of several words"
        ada.api("POST", "v1/me/password", {"current_password": ada.password, "new_password": new})
        ada.password = new
        # The app asks for changes as soon as it has a connection again. This works however the live connection has ended.
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(page.get_by_text("Your session has ended. Log in again.")).to_be_visible()
        self.log_in_again(ada, page)

    def test_tabs_that_load_at_once_keep_the_session(self) -> None:
        ada = Person()
        first = self.page(ada)
        context = first.context
        tabs = [first, *(context.new_page() for _ in range(3))]
        refreshes: list[Request] = []
        context.on("requestfinished", lambda request: refreshes.append(request) if request.url.endswith("/v1/auth/refresh") else None)
        for fragment in ("#/all", "#/upcoming"):
            for tab in tabs:
                tab.goto("about:blank")
            for tab in tabs:
                tab.goto(f"{URL}/{fragment}", wait_until="commit")
            for tab in tabs:
                expect(tab.get_by_role("heading", name=fragment[2:].capitalize(), exact=True)).to_be_visible()
                expect(tab.locator(".skeleton")).to_have_count(0)
        # Each use of the cookie makes the next one, and of two at the same time only the last counts.
        times = sorted((request.timing["startTime"], request.timing["responseStart"]) for request in refreshes)
        self.assertGreaterEqual(len(times), 8)
        for (start, duration), (following, _) in pairwise(times):
            self.assertGreaterEqual(following, start + duration)

    def test_a_log_out_reaches_the_other_tabs(self) -> None:
        ada = Person()
        first = self.page(ada)
        second = first.context.new_page()
        second.goto(f"{URL}/#/all")
        expect(second.get_by_role("heading", name="All", exact=True)).to_be_visible()
        first.get_by_role("button", name="Log out").click()
        for page in (first, second):
            expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        self.assertEqual([cookie["name"] for cookie in first.context.cookies()], [])


if __name__ == "__main__":
    unittest.main()
