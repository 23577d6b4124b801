"""The commands of operators, with scripted services and a scripted API."""

import contextlib
import io
import json
import os
import unittest
from pathlib import Path
from unittest import mock
from urllib.error import HTTPError

from botocore.exceptions import ClientError

import operate
from cloud import CannotRun

FIXTURES = Path(__file__).resolve().parent.parent / "shared" / "aws" / "tests" / "fixtures" / "0.3.0"
TASK, NOTICE = "tsk_01KJM6JM00J452VV4909EC3FQB", "ntc_01KJM6JM00J452VV4909EC3FQB"


def message(body, number: int = 1, **attributes: str) -> dict:
    return {
        "MessageId": f"m{number}",
        "ReceiptHandle": f"r{number}",
        "Body": body if isinstance(body, str) else json.dumps(body),
        "Attributes": {"SentTimestamp": "1772352000000"},
        "MessageAttributes": {name: {"StringValue": value} for name, value in attributes.items()},
    }


def timer(number: int = 1) -> dict:
    return message({"at": "2026-03-01T08:00:00Z", "subject": TASK}, number)


def mail_event(number: int = 1, **attributes: str) -> dict:
    mail = {"destination": ["ada@example.com"], "tags": {"taskbell-subject": [TASK]}}
    return message({"detail": {"eventType": "Bounce", "mail": mail}}, number, **attributes)


class Aws(operate.Stack):
    """A stack that is also each of its clients. Its dead-letter queue returns these batches."""

    def __init__(self, *batches: list[dict], logged: str = "", refuses: str = "", items: list[dict] = ()):
        self.name, self.outputs, self.client = "bell", {"ApiUrl": "https://bell.example"}, lambda _: self
        self.batches, self.logged, self.refuses, self.items = list(batches), logged, refuses, items
        self.sent, self.deleted, self.searched = [], [], {}

    def resource(self, logical_id):
        return logical_id

    def get_queue_attributes(self, **_):
        waiting = sum(map(len, self.batches))
        return {"Attributes": {"ApproximateNumberOfMessages": str(waiting), "ApproximateNumberOfMessagesNotVisible": "0"}}

    def receive_message(self, **_):
        return {"Messages": self.batches.pop(0)} if self.batches else {}

    def delete_message(self, QueueUrl, ReceiptHandle):  # noqa: N803 (as boto3 names them)
        self.deleted.append((QueueUrl, ReceiptHandle))

    def send_message(self, QueueUrl, MessageBody):  # noqa: N803
        self.sent.append((QueueUrl, MessageBody))

    def invoke(self, FunctionName, Payload):  # noqa: N803
        self.sent.append((FunctionName, Payload))
        if self.refuses and self.refuses in Payload:
            failure = {"errorMessage": "DynamoDB refused\n ada@example.com"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failure).encode())}
        return {"Payload": io.BytesIO(b"null")}

    def get_paginator(self, _):
        return self

    def paginate(self, **searched):
        self.searched = searched
        return [{"events": []}, {"events": [{"message": json.dumps({"error": self.logged})}] if self.logged else []}]

    def get_item(self, TableName, Key, ConsistentRead):  # noqa: N803
        assert (TableName, ConsistentRead) == ("TasksTable", True)
        found = [item for item in self.items if {name: item[name] for name in Key} == Key]
        return {"Item": found[0]} if found else {}


def until_error(lines) -> tuple[list[str], str]:
    """The lines of a command, and the error that ends it."""
    seen, error = [], ""
    try:
        for line in lines:
            seen.append(line)
    except CannotRun as raised:
        error = str(raised)
    return seen, error


class Redrive(unittest.TestCase):
    def test_reminders_are_sent_again_and_then_deleted(self):
        aws = Aws([timer(1), timer(2)], [timer(3)], logged="the item kept changing")
        lines, error = until_error(operate.redrive(aws, "reminders"))
        self.assertEqual(
            lines,
            [
                "ReminderDeadLetterQueue: 3 waiting",
                f"the first one is about {TASK}, due at 2026-03-01T08:00:00Z; its error: the item kept changing",
                "2 redriven, 0 failed",
                "3 redriven, 0 failed",
                "ReminderDeadLetterQueue is empty",
            ],
        )
        self.assertEqual((error, aws.sent), ("", [("ReminderQueue", timer()["Body"])] * 3))
        self.assertEqual(aws.deleted, [("ReminderDeadLetterQueue", f"r{number}") for number in (1, 2, 3)])
        self.assertEqual(aws.searched["filterPattern"], '"message not handled" "m1"')
        self.assertEqual(aws.searched["startTime"], 1772352000000)

    def test_a_reminder_without_a_logged_error_was_lost_in_a_crash(self):
        lines, _ = until_error(operate.redrive(Aws([timer()]), "reminders"))
        self.assertIn("look for a crash or a timeout", lines[1])

    def test_what_is_not_a_timer_stays_in_the_queue(self):
        for body in ("hello", "5", {"at": "2026-03-01T08:00:00Z"}):
            aws = Aws([message(body, 1), timer(2)], [message(body, 1)])
            lines, error = until_error(operate.redrive(aws, "reminders"))
            self.assertIn("the first one is not a timer", lines[1])
            self.assertEqual(aws.deleted, [("ReminderDeadLetterQueue", "r2")])
            self.assertTrue(error.startswith("ReminderDeadLetterQueue still has 1: correct the cause"), error)

    def test_mail_events_are_recorded_and_those_that_fail_stay(self):
        bad = mail_event(2) | {"Body": mail_event()["Body"].replace("Bounce", "Complaint")}
        aws = Aws([mail_event(1, ErrorMessage="timed out"), bad], [bad], refuses="Complaint")
        lines, error = until_error(operate.redrive(aws, "mail-events"))
        self.assertEqual(lines[1], f"the first one is Bounce of {TASK}; its error: timed out")
        self.assertEqual(lines[2:], ["1 redriven, 1 failed", "failed: DynamoDB refused …"])
        self.assertEqual(aws.deleted, [("MailEventDeadLetterQueue", "r1")])
        self.assertEqual([name for name, _ in aws.sent], ["RecordMailEventsFunction"] * 2)
        self.assertIn("MailEventDeadLetterQueue still has 1", error)

    def test_the_error_of_an_event_is_that_of_lambda_or_eventbridge(self):
        for attributes, error in (({"ERROR_MESSAGE": "no permission"}, "no permission"), ({}, "unknown")):
            lines, _ = until_error(operate.redrive(Aws([mail_event(**attributes)]), "mail-events"))
            self.assertTrue(lines[1].endswith(f"its error: {error}"), lines[1])
        lines, _ = until_error(operate.redrive(Aws([message({"detail": 5})]), "mail-events"))
        self.assertIn("not an SES event of this stack", lines[1])

    def test_an_empty_queue_is_left_alone(self):
        lines, error = until_error(operate.redrive(Aws(), "reminders"))
        self.assertEqual((lines, error), (["ReminderDeadLetterQueue: 0 waiting", "ReminderDeadLetterQueue is empty"], ""))


class Deliveries(unittest.TestCase):
    def lines(self, identifier: str) -> list[str]:
        items = [item for name in ("task", "notification") for item in json.loads((FIXTURES / f"{name}.json").read_text())]
        return list(operate.deliveries(Aws(items=items), identifier))

    def test_each_reminder_of_a_task_is_a_line_replaced_ones_included(self):
        first, *lines = self.lines(TASK)
        self.assertEqual(first, f"{TASK} is completed; reminders: {len(lines)}")
        self.assertEqual(lines, sorted(lines))
        self.assertIn("2026-03-28T02:30:00Z  scheduled", lines)
        self.assertIn(
            "2026-03-29T01:00:00Z  sent       sent at 2026-03-01T08:00:00Z, message m, reason too_old, feedback bounced, "
            "attempts 3, uncertain attempts 2",
            lines,
        )

    def test_a_notification_has_one_line_without_its_address(self):
        what, line = self.lines(NOTICE)
        self.assertEqual(what, f"assignment {NOTICE}")
        self.assertEqual(
            line, "2026-03-01T08:00:00Z  sent       sent at 2026-03-01T08:00:00Z, to usr_01KJM6JM00J452VV4909EC3FQB, message m-1, attempts 1"
        )
        self.assertEqual(self.lines("ntc_01KJM6JM000V50N5DQX0JWFTJF"), ["invitation ntc_01KJM6JM000V50N5DQX0JWFTJF", "2026-03-01T08:00:00Z  scheduled"])

    def test_a_wrong_id_is_one_line(self):
        for wrong in ("usr_01KJM6JM00J452VV4909EC3FQB", "tsk_1", TASK.lower(), f"{TASK}0"):
            with self.assertRaisesRegex(CannotRun, f"^{wrong} is not the id of a task"):
                self.lines(wrong)
        with self.assertRaisesRegex(CannotRun, "^the stack bell has no task tsk_01KJM6JM00J452VV4909EC3FQZ: it was deleted"):
            self.lines(f"{TASK[:-1]}Z")


class Block(unittest.TestCase):
    """The API answers as the test says, and keeps what it was asked."""

    def block(self, blocked: bool, role: str = "operator", emails=("Ada@example.com",), **errors: int) -> list[str]:
        self.asked = []

        def ask(url, method, path, body=None, token=""):
            self.asked.append((method, path, body))
            if path in errors:
                raise CannotRun(f"{method} {path} was answered {errors[path]}")
            return {
                "POST": {"access_token": "t", "user": {"role": role}},
                "GET": {"items": [{"id": "usr_1", "email": email} for email in emails]},
                "PATCH": {"disabled_at": "2026-03-01T08:00:00Z" if blocked else None},
            }[method]

        with mock.patch.object(operate, "ask", ask):
            return list(operate.block(Aws(), "ada@example.com", blocked, ("boss@example.com", "secret")))

    def test_the_account_is_blocked_and_the_session_ends(self):
        self.assertEqual(self.block(True), ["usr_1 is blocked since 2026-03-01T08:00:00Z"])
        self.assertEqual(
            self.asked,
            [
                ("POST", "/v1/auth/login", {"email": "boss@example.com", "password": "secret"}),
                ("GET", "/v1/users?email=ada%40example.com&limit=1", None),
                ("PATCH", "/v1/users/usr_1", {"disabled": True}),
                ("POST", "/v1/auth/logout", {}),
            ],
        )
        self.assertEqual(self.block(False), ["usr_1 is not blocked"])
        self.assertIn(("PATCH", "/v1/users/usr_1", {"disabled": False}), self.asked)

    def test_another_account_is_never_blocked(self):
        for emails in ((), ("ada@example.com.au",)):
            with self.assertRaisesRegex(CannotRun, "^no account has the address ada@example.com$"):
                self.block(True, emails=emails)
            self.assertEqual(self.asked[-1][1], "/v1/auth/logout")

    def test_only_an_operator_can_block(self):
        with self.assertRaisesRegex(CannotRun, "^boss@example.com is not an operator"):
            self.block(True, role="user")
        self.assertEqual([path for _, path, _ in self.asked], ["/v1/auth/login", "/v1/auth/logout"])

    def test_credentials_come_from_the_environment_or_the_terminal(self):
        with mock.patch.dict(os.environ, {"OPERATOR_ADDRESS": "boss@example.com", "OPERATOR_PASSWORD": "secret"}):
            self.assertEqual(operate.credentials(), ("boss@example.com", "secret"))
        with mock.patch.dict(os.environ, {"OPERATOR_ADDRESS": "", "OPERATOR_PASSWORD": ""}):
            with mock.patch("builtins.input", lambda _: "b"), mock.patch("getpass.getpass", lambda _: "s"):
                self.assertEqual(operate.credentials(), ("b", "s"))
            with mock.patch("builtins.input", side_effect=EOFError), self.assertRaisesRegex(CannotRun, "set OPERATOR_ADDRESS"):
                operate.credentials()

    def test_an_error_response_is_one_line_with_its_detail(self):
        problem = b'{"code": "forbidden", "detail": "Only operators can do this."}'
        for body, why in ((problem, "forbidden: Only operators can do this."), (b"<html>", "Forbidden"), (b"[]", "Forbidden")):
            error = HTTPError("", 403, "Forbidden", None, io.BytesIO(body))
            with mock.patch("operate.DIRECT.open", side_effect=error), self.assertRaises(CannotRun) as raised:
                operate.ask("https://bell.example", "GET", "/v1/users?email=ada%40example.com")
            self.assertEqual(str(raised.exception), f"GET /v1/users was answered 403 ({why})")


class Arguments(unittest.TestCase):
    def error(self, *arguments: str, clients=None) -> str:
        with mock.patch.object(operate, "clients_of", lambda _: (clients, "")), self.assertRaises(SystemExit) as ended:
            with contextlib.redirect_stdout(io.StringIO()):
                operate.main(list(arguments))
        self.assertNotIn("\n", str(ended.exception.code))
        return str(ended.exception.code)

    def test_a_missing_or_wrong_argument_is_one_line(self):
        for command, wrong in {
            "redrive": (["", "reminders"], ["bell", ""], ["bell", "other"]),
            "deliveries": (["", TASK, ""], ["bell", "", ""], ["bell", TASK, NOTICE]),
            "block": (["", "a@example.com", ""], ["bell", "", ""], ["bell", "a@example.com", "yes"]),
        }.items():
            for arguments in wrong:
                self.assertEqual(self.error(command, *arguments), f"make {command}: usage: make {command} {operate.USAGE[command]}")

    def test_a_missing_stack_and_missing_rights_are_one_line(self):
        class Refuses:
            def __init__(self, code, text):
                self.error = ClientError({"Error": {"Code": code, "Message": text}}, "DescribeStacks")

            def describe_stacks(self, **_):
                raise self.error

        missing = Refuses("ValidationError", "Stack with id bell does not exist")
        said = self.error("redrive", "bell", "reminders", clients=lambda _: missing)
        self.assertEqual(said, "make redrive: the stack bell does not exist in this account and region")
        forbidden = Refuses("AccessDenied", "not authorized")
        self.assertIn("not authorized", self.error("redrive", "bell", "reminders", clients=lambda _: forbidden))


if __name__ == "__main__":
    unittest.main()
