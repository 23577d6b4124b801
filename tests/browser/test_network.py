"""Without a connection, with a slow one, and with an API that fails."""

import unittest
from datetime import datetime

from playwright.sync_api import Route, expect

from support import URL, BrowserTest, Person, add, call, go, row, settled, until

NO_CONNECTION = "There is no connection to the server."


class Network(BrowserTest):
    expected_failures = ("net::ERR_", "401", "503")

    def setUp(self) -> None:
        super().setUp()
        self.ada = Person()

    def offline_page(self):
        """A page that has everything that it needs without a connection."""
        self.ada.task("Read without a connection")
        page = self.page(self.ada, "#/all")
        expect(row(page, "Read without a connection")).to_be_visible()
        page.evaluate("navigator.serviceWorker.ready")
        return page

    def test_without_a_connection_tasks_are_read_and_a_change_is_sent_once_later(self) -> None:
        page = self.offline_page()
        page.context.set_offline(True)
        expect(page.get_by_text("No connection. You see what was stored on this device.")).to_be_visible()
        add(page, "Written without a connection")
        expect(row(page, "Written without a connection")).to_contain_text("Waiting to be sent")
        expect(page.get_by_text("1 change is waiting to be sent.")).to_be_visible()

        page.reload()
        expect(row(page, "Read without a connection")).to_be_visible()
        expect(row(page, "Written without a connection")).to_contain_text("Waiting to be sent")
        row(page, "Read without a connection").get_by_role("link", name="Read without a connection").click()
        expect(page.get_by_label("Title")).to_have_value("Read without a connection")
        go(page, "#/all")
        self.assertEqual(self.ada.titled("Written without a connection"), [])

        page.context.set_offline(False)
        expect(page.get_by_text("1 change is waiting to be sent.")).to_have_count(0)
        expect(row(page, "Written without a connection")).not_to_contain_text("Waiting")
        self.assertEqual(len(self.ada.titled("Written without a connection")), 1)

    def test_a_task_whose_response_was_lost_exists_once(self) -> None:
        page = self.page(self.ada, "#/all")
        attempts: list[int] = []

        def lose_first(route: Route) -> None:
            if route.request.method != "POST":
                return route.fallback()
            attempts.append(1)
            if len(attempts) > 1:
                return route.continue_()
            self.assertEqual(route.fetch().status, 201)
            return route.abort()

        # The space is in the query only if the app knows it already.
        page.route("**/v1/tasks*", lose_first)
        with page.expect_response(lambda response: response.request.method == "POST" and "/v1/tasks" in response.url):
            add(page, "Sent twice")
        expect(row(page, "Sent twice")).to_have_count(1)
        expect(page.get_by_text("waiting to be sent")).to_have_count(0)
        self.assertEqual(len(attempts), 2)
        self.assertEqual(len(self.ada.titled("Sent twice")), 1)

    def test_a_session_continues_after_the_response_to_a_refresh_was_lost(self) -> None:
        page = self.page(self.ada, "#/all")
        [cookie] = [each for each in page.context.cookies() if each["name"] == "taskbell_session"]
        # The server exchanges the token, and the browser keeps the old one.
        status, _ = call("POST", "v1/auth/refresh", {"cookie": True}, Cookie=f"taskbell_session={cookie['value']}")
        self.assertEqual(status, 200)
        for _ in range(2):
            page.reload()
            expect(page.get_by_role("heading", name="All")).to_be_visible()
            settled(page)
        add(page, "After the refresh")
        expect(row(page, "After the refresh")).not_to_contain_text("Waiting")
        until(lambda: self.ada.titled("After the refresh"), "the task at the server")

    def test_a_deletion_is_sent_when_the_page_is_left_at_once(self) -> None:
        self.ada.task("Kept")
        self.ada.task("Deleted")
        page = self.page(self.ada, "#/all")
        row(page, "Deleted").get_by_role("link").focus()
        # Whatever needs a turn comes too late when a page is closed.
        page.evaluate("() => { navigator.locks.request = () => new Promise(() => {}); }")
        page.keyboard.press("Delete")
        expect(page.get_by_role("button", name="Undo")).to_be_visible()
        page.goto("about:blank")
        until(lambda: self.ada.titled("Deleted") == [], "the deletion")
        # It is still stored, and sent again.
        page.goto(f"{URL}/#/all")
        expect(row(page, "Kept")).to_be_visible()
        expect(page.locator(".waiting-bar")).to_have_text("")

    def test_a_task_that_is_added_while_the_session_ends_is_sent_once_after_the_log_in(self) -> None:
        page = self.page(self.ada, "#/all", now=datetime.now())
        settled(page)
        self.ada.api("DELETE", "v1/me/sessions")
        page.clock.fast_forward("20:00")  # access tokens are valid for 15 minutes
        add(page, "Buy milk")
        expect(page.get_by_text("Your session has ended. Log in again.")).to_be_visible()
        expect(page.get_by_text("was not added")).to_have_count(0)
        self.ada.log_in(page)
        expect(row(page, "Buy milk")).to_have_count(1)
        until(lambda: len(self.ada.titled("Buy milk")) == 1, "the task at the server")

    def test_stored_lists_are_shown_while_the_server_does_not_answer(self) -> None:
        page = self.offline_page()
        held: list[Route] = []
        page.context.route("**/v1/**", lambda route: held.append(route))
        page.reload()
        expect(row(page, "Read without a connection")).to_be_visible(timeout=20_000)

    def test_the_draft_of_a_task_that_was_opened_before_it_was_sent_is_kept(self) -> None:
        page = self.page(self.ada, "#/all")
        held: list[Route] = []
        page.route("**/v1/tasks*", lambda route: held.append(route) if route.request.method == "POST" else route.fallback())
        add(page, "Write a letter")
        row(page, "Write a letter").get_by_role("link", name="Write a letter").click()
        page.get_by_label("Description").fill("Dear Grace,")
        go(page, "#/all")
        [created] = held
        created.continue_()
        until(lambda: self.ada.titled("Write a letter"), "the task at the server")
        page.go_back()
        expect(page.get_by_label("Description")).to_have_value("Dear Grace,")
        page.wait_for_url(lambda url: "/new_" not in url)
        page.get_by_label("Description").fill("Dear Grace, how are you?")
        page.reload()
        expect(page.get_by_label("Description")).to_have_value("Dear Grace, how are you?")
        expect(page.get_by_label("Title")).to_have_value("Write a letter")

    def test_a_log_in_without_a_connection_says_so_and_keeps_what_was_typed(self) -> None:
        page = self.page()
        page.route("**/v1/auth/login", lambda route: route.abort())
        email, password = page.get_by_label("Email address"), page.get_by_label("Password", exact=True)
        email.fill(self.ada.email)
        password.fill(self.ada.password)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert").filter(has_text=NO_CONNECTION)).to_be_visible()
        expect(email).to_have_value(self.ada.email)
        expect(password).to_have_value(self.ada.password)
        page.unroute("**/v1/auth/login")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible()

    def test_a_profile_that_cannot_be_saved_says_so_and_keeps_what_was_typed(self) -> None:
        page = self.page(self.ada)
        go(page, "#/profile")
        name = page.get_by_label("Name", exact=True)
        name.fill("Ada King")
        page.route("**/v1/me", lambda route: route.fulfill(status=503, content_type="application/problem+json", body='{"code": "unavailable", "status": 503}'))
        form = page.locator("form").filter(has=name)
        form.get_by_role("button").click()
        expect(form.get_by_role("alert")).to_contain_text("The service is not available at the moment.")
        expect(name).to_have_value("Ada King")
        page.unroute("**/v1/me")
        form.get_by_role("button").click()
        expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
        self.assertEqual(self.ada.api("GET", "v1/me")["name"], "Ada King")

    def test_a_list_that_cannot_be_read_says_so_and_tries_again(self) -> None:
        self.ada.task("Read later")
        page = self.page()
        # Live updates would read the task, too.
        page.route("**/v1/live", lambda route: route.abort())
        self.ada.log_in(page)
        page.route("**/v1/tasks?*", lambda route: route.fulfill(status=503, body="{}"))
        go(page, "#/all")
        failed = page.get_by_text("The server could not do this.")
        expect(failed).to_be_visible()
        page.unroute("**/v1/tasks?*")
        page.get_by_role("button", name="Try again").click()
        expect(row(page, "Read later")).to_be_visible()
        expect(failed).to_have_count(0)

    def test_a_description_that_cannot_be_sent_survives_a_reload_and_is_sent_later(self) -> None:
        task = self.ada.task("Write a letter")
        page = self.page(self.ada, f"#/task/{task['id']}")
        path = f"**/v1/tasks/{task['id']}"
        page.route(path, lambda route: route.abort() if route.request.method == "PATCH" else route.fallback())
        page.get_by_label("Description").fill("Dear Grace,")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="Saved on this device.")).to_be_visible()
        # What is typed and not saved stays, too.
        page.get_by_label("Title").fill("Write a long letter")
        expect(page.get_by_text("Unsaved changes", exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_label("Description")).to_have_value("Dear Grace,")
        expect(page.get_by_label("Title")).to_have_value("Write a long letter")
        expect(page.get_by_text("1 change is waiting to be sent.")).to_be_visible()
        page.unroute(path)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
        expect(page.get_by_text("1 change is waiting to be sent.")).to_have_count(0)
        saved = self.ada.api("GET", f"v1/tasks/{task['id']}")
        self.assertEqual((saved["title"], saved["description"]), ("Write a long letter", "Dear Grace,"))

    def test_a_slow_response_shows_the_progress_bar(self) -> None:
        page = self.page(self.ada)
        expect(page.get_by_role("progressbar")).to_have_count(0)
        held: list[Route] = []
        page.route("**/v1/stats*", lambda route: held.append(route))
        go(page, "#/statistics")
        expect(page.get_by_role("progressbar")).to_be_visible()
        for route in held:
            route.continue_()
        expect(page.get_by_role("progressbar")).to_have_count(0)
        expect(page.get_by_role("heading", name="Completed by day")).to_be_visible()


if __name__ == "__main__":
    unittest.main()
