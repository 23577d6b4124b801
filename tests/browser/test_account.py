"""Links in mails, and sessions that end or are shared."""

import unittest

from playwright.sync_api import Request, expect

from support import URL, BrowserTest, Person, go, link


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
        expect(page.get_by_label("Code")).to_have_value(code)
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


class Sessions(BrowserTest):
    expected_failures = ("401",)

    def log_in_again(self, person: Person, page) -> None:
        person.log_in(page)
        expect(page.get_by_role("heading", name="Statistics")).to_be_visible()
        self.assertTrue(page.url.endswith("#/statistics"), page.url)

    def test_a_session_that_was_ended_elsewhere_asks_for_a_log_in_and_returns(self) -> None:
        ada = Person()
        page = self.page(ada)
        go(page, "#/statistics")
        expect(page.get_by_role("heading", name="Statistics")).to_be_visible()
        # Ends all sessions but that of the API.
        ada.api("DELETE", "v1/me/sessions")
        page.reload()
        self.log_in_again(ada, page)

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
        running: set[Request] = set()
        most = 0

        def begins(request: Request) -> None:
            nonlocal most
            if request.url.endswith("/v1/auth/refresh"):
                running.add(request)
                most = max(most, len(running))

        context.on("request", begins)
        context.on("requestfinished", lambda request: running.discard(request))
        context.on("requestfailed", lambda request: running.discard(request))
        for fragment in ("#/all", "#/upcoming"):
            for tab in tabs:
                tab.goto("about:blank")
            for tab in tabs:
                tab.goto(f"{URL}/{fragment}", wait_until="commit")
            for tab in tabs:
                expect(tab.get_by_role("heading", name=fragment[2:].capitalize(), exact=True)).to_be_visible()
                expect(tab.locator(".skeleton")).to_have_count(0)
        # Each use of the cookie makes the next one, and of two at the same time only the last counts.
        self.assertEqual(most, 1)

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
