"""make mail and make link: the right link among those of other people and of other actions, and a page without foreign HTML."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

import mail
from mail import index, newest_link, show

URL = "http://127.0.0.1:4566/_aws/execute-api/taskbell/%24default/v1/actions"


def sent(to: str, *actions: str, subject: str = "Confirm", html: str = "<p>Hello") -> dict:
    text = "\n".join(f"Open: {URL}/01M8.{action}.0.signature" for action in actions)
    return {"To": [to], "Subject": subject, "BodyText": text, "BodyHtml": html, "Timestamp": 1_795_000_000.5}


def link_in(*boxes: list[dict], address: str = "", action: str = "") -> str:
    """The link that is found in a mailbox with these contents, one after the other; the last one stays."""
    contents = iter(boxes)
    last = boxes[-1]
    with patch.object(mail, "mails", lambda url: next(contents, last)), patch.object(mail.time, "sleep"):
        return newest_link("http://mailbox", address, action)


class Link(unittest.TestCase):
    def test_the_mail_to_an_address_is_awaited_whatever_came_before(self):
        before = [sent("demo@example.com", "verify-demo")]
        after = [*before, sent("you@example.com", "verify-you"), sent("lin@example.com", "verify-lin")]
        self.assertIn(".verify-you.", link_in(before, before, after, address="you@example.com"))
        self.assertIn(".verify-lin.", link_in(after))

    def test_an_address_is_compared_as_a_whole_and_without_its_name(self):
        for to in ("You@example.com", "You <you@example.com>"):
            self.assertIn(".verify.", link_in([sent(to, "verify")], address="you@Example.com"))
        for to in ("not-you@example.com", "you@example.com.org", '"you@example.com" <lin@example.com>'):
            with self.assertRaisesRegex(SystemExit, "no mail to you@example.com contains a link"):
                link_in([sent(to, "verify")], address="you@example.com")

    def test_an_action_is_looked_for_behind_newer_links(self):
        box = [sent("you@example.com", "verify"), sent("you@example.com", "complete-TASK", "snooze-PT1H-TASK")]
        self.assertIn(".snooze-PT1H-", link_in(box, address="you@example.com"))
        self.assertIn(".verify.", link_in(box, address="you@example.com", action="verify"))
        with self.assertRaisesRegex(SystemExit, "with the action complet$"):
            link_in(box, action="complet")


    def test_a_page_of_the_app_with_a_code_is_an_action(self):
        app = URL.removesuffix("/v1/actions")
        text = f"Accept: {app}/#/invitation?token=01M8.abc\nOpen in the app: {app}/#/task/tsk_01M8"
        box = [sent("you@example.com", "verify"), {**sent("you@example.com"), "BodyText": text}]
        for action in ("", "invitation"):
            self.assertTrue(link_in(box, action=action).endswith("/#/invitation?token=01M8.abc"), action)
        self.assertIn(".verify.", link_in(box, action="verify"))


class Pages(unittest.TestCase):
    def test_the_list_has_the_newest_mail_first_and_links_to_its_page(self):
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()) as printed:
            show([sent("a@example.com", subject="First"), sent("b@example.com", subject="Second, and last")], Path(name) / "mail")
            page = (Path(name) / "mail" / "index.html").read_text()
            self.assertLess(page.index('<a href="002-second-and-last.html">Second, and last</a>'), page.index('<a href="001-first.html">First</a>'))
            self.assertTrue((Path(name) / "mail" / "002-second-and-last.html").is_file())
            self.assertEqual(printed.getvalue().splitlines()[-1], f"{name}/mail/index.html")

    def test_what_others_have_written_is_escaped(self):
        page = index([(sent('"<b>" <you@example.com>', subject="<script>alert(1)</script>"), '"><i>.html')])
        for tag in ("<script", "<b>", "<i>", "<you"):
            self.assertNotIn(tag, page)

    def test_a_list_of_no_mails_says_so(self):
        self.assertIn("No mails yet", index([]))


if __name__ == "__main__":
    unittest.main()
