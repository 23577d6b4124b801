"""Tests of make smoke, with a scripted server and a scripted AWS."""

import contextlib
import io
import threading
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import smoke
from cloud import CannotRun
from smoke import FAILS, HOLDS, NEEDS_AWS


class Server(BaseHTTPRequestHandler):
    """Responds as the test says."""

    answers = staticmethod(lambda handler: (200, {}))
    closes = False

    def do(self):
        if self.closes:
            return  # before it has read the body
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status, headers = type(self).answers(self)
        self.send_response(status)
        for name, value in {"content-length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_POST = do_OPTIONS = do  # noqa: N815

    def log_message(self, *_):
        pass


class Stack(smoke.Stack):
    """A deployed stack that is not looked up."""

    def __init__(self, url: str, aws: dict | None = None, local: bool = False, **parameters: str):
        self.name, self.url, self.local, self.parameters = "bell", url, local, parameters
        self.client = lambda _: self
        self.__dict__.update(aws or {})

    def resource(self, logical_id):
        return logical_id

    def user(self, address):
        return {"access_token": "token"}


class Smoke(unittest.TestCase):
    def setUp(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        Server.closes = False

    def stack(self, answers=lambda handler: (200, {}), aws=None, local=False, **parameters):
        Server.answers = staticmethod(answers)
        return Stack(f"http://127.0.0.1:{self.server.server_port}/base", aws, local, **parameters)

    def test_odd_requests_reach_the_server_as_they_are_and_500_is_a_failure(self):
        seen = []
        stack = self.stack(lambda handler: seen.append((handler.path, dict(handler.headers))) or (400, {}))
        self.assertEqual(smoke.odd_requests(stack)[0], HOLDS)
        self.assertIn('/base/v1/health?q="a"', [path for path, _ in seen])
        self.assertIn("foo bar", [headers.get("X-Forwarded-Proto") for _, headers in seen])
        for broken in ("?q=<x>", "?%"):
            verdict, words = smoke.odd_requests(self.stack(lambda handler, broken=broken: (502 if handler.path.endswith(broken) else 200, {})))
            self.assertEqual((verdict, broken in words), (FAILS, True), words)

    def test_a_connection_that_is_closed_is_no_answer(self):
        Server.closes = True
        self.assertEqual(smoke.odd_requests(self.stack())[0], FAILS)
        self.assertEqual(smoke.large_bodies(self.stack())[0], FAILS)

    def test_large_bodies_are_the_clients_fault(self):
        self.assertEqual(smoke.large_bodies(self.stack(lambda _: (413, {})))[0], HOLDS)
        too_large = lambda handler: (500 if int(handler.headers["content-length"]) > 6_000_000 else 413, {})  # noqa: E731
        self.assertEqual(smoke.large_bodies(self.stack(too_large))[0], FAILS)

    def test_www_authenticate_must_keep_its_name(self):
        self.assertEqual(smoke.www_authenticate(self.stack(lambda _: (401, {"WWW-Authenticate": "Bearer realm=x"})))[0], HOLDS)
        renamed = {"x-amzn-remapped-www-authenticate": "Bearer realm=x"}
        self.assertEqual(smoke.www_authenticate(self.stack(lambda _: (401, renamed)))[0], FAILS)

    def test_origins_are_a_list_and_are_allowed(self):
        def found(origins, allow="https://b.example"):
            aws = {"get_api": lambda ApiId: {"CorsConfiguration": {"AllowOrigins": origins}}}  # noqa: N803
            answer = lambda _: (204, {"access-control-allow-origin": allow})  # noqa: E731
            return smoke.cors(self.stack(answer, aws, AllowedOrigins="https://b.example,https://a.example"))[0]

        self.assertEqual(found(["https://a.example", "https://b.example"]), HOLDS)
        self.assertEqual(found("https://b.example,https://a.example"), FAILS)
        self.assertEqual(found(["https://b.example,https://a.example"]), FAILS)
        self.assertEqual(found(["https://a.example", "https://b.example"], allow="https://c.example"), FAILS)

    def test_a_configuration_set_that_suppresses_or_says_nothing_fails(self):
        def found(answer, local=False):
            return smoke.suppression(self.stack(aws={"get_configuration_set": lambda ConfigurationSetName: answer}, local=local))[0]  # noqa: N803

        self.assertEqual(found({"SuppressionOptions": {"SuppressedReasons": []}}), HOLDS)
        self.assertEqual(found({"SuppressionOptions": {"SuppressedReasons": ["BOUNCE"]}}), FAILS)
        self.assertEqual(found({}), FAILS)
        self.assertEqual(found({}, local=True), NEEDS_AWS)

    def test_the_throttle_says_what_it_counts(self):
        counted = {"health": 0}

        def answer(handler):
            route = handler.path.rsplit("/", 1)[-1]
            counted["health"] += route == "health"
            return (429 if route == "health" and counted["health"] > 5 else 200), {}

        verdict, words = smoke.throttle(self.stack(answer, ApiRateLimit="5"))
        self.assertEqual((verdict, words.endswith("per route")), (HOLDS, True), words)
        self.assertEqual(smoke.throttle(self.stack(ApiRateLimit="5"))[0], FAILS)
        self.assertEqual(smoke.throttle(self.stack(local=True))[0], NEEDS_AWS)

    def test_a_check_that_cannot_run_fails(self):
        def broken(_):
            raise KeyError("x")

        before = dict(smoke.CHECKS)
        self.addCleanup(lambda: smoke.CHECKS.update(before))
        for one in smoke.CHECKS:
            smoke.CHECKS[one] = broken
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.assertEqual(smoke.check(self.stack()), len(before))
        self.assertEqual(printed.getvalue().count(FAILS), len(before))

    def test_journeys_that_read_mails_are_known_by_their_text(self):
        source = """
            #[test]
            fn quiet() { User::new(); }
            #[test]
            fn mailed() { let ada = User::new(); ada.mails(); }
            /// Words.
            #[test]
            fn operated() { User::operator(); }
            fn common() { eve.mails(); }
            #[test]
            fn shared() { let space = common(&ada); }
        """
        self.assertEqual(smoke.mailbox_journeys("bell", source), ["bell::mailed", "bell::operated", "bell::shared"])
        found = [name for file in smoke.JOURNEYS.glob("*.rs") for name in smoke.mailbox_journeys(file.stem, file.read_text())]
        self.assertIn("live::members_of_a_space_see_each_others_changes_live_until_they_are_removed", found)

    def test_a_stack_that_would_stop_the_journeys_is_refused_with_what_to_do(self):
        with self.assertRaisesRegex(CannotRun, "RegistrationsPerHour=20.*make deploy STACK=bell PARAMETERS="):
            smoke.roomy(self.stack(Registration="open", RegistrationsPerHour="20", LogInsPerMinute="1000"))
        with self.assertRaisesRegex(CannotRun, "Registration=invited.*PARAMETERS=Registration=open"):
            smoke.roomy(self.stack(Registration="invited", RegistrationsPerHour="1000", LogInsPerMinute="1000"))
        smoke.roomy(self.stack(Registration="open", RegistrationsPerHour="1000", LogInsPerMinute="1000"))

    def test_the_token_of_an_address_is_served_on_this_machine_only(self):
        stack = self.stack()
        stack.verification_token = {"a+1@example.com": "the token"}.__getitem__
        server = smoke.token_server(stack)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}"
        self.assertEqual(server.server_address[0], "127.0.0.1")
        with urllib.request.urlopen(f"{url}/a%2B1%40example.com", timeout=10) as answer:
            self.assertEqual(answer.read(), b"the token")
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{url}/b@example.com", timeout=10)

    def test_without_a_stack_there_is_one_line_of_usage(self):
        for arguments in ([], [""], ["a", "b"]):
            with self.assertRaisesRegex(CannotRun, "^usage: make smoke STACK="):
                smoke.main(arguments)


if __name__ == "__main__":
    unittest.main()
