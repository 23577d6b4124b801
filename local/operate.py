"""make redrive, make deliveries, make block: the steps of docs/runbooks.md that take more than one command.

The stack is looked up with the credentials and the region in the environment; the stack of make run, by its name, on the
running local cloud. No command prints an email address of a user, except the one that it was given.

usage: operate.py redrive STACK reminders|mail-events
       operate.py deliveries STACK TASK NOTICE            one of the two is empty
       operate.py block STACK ADDRESS UNBLOCK             UNBLOCK is true, false or empty
"""

import getpass
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from cloud import CannotRun
from invoke_events import resource
from smoke import clients_of

USAGE = {
    "redrive": "STACK=<name of the stack> QUEUE=reminders or QUEUE=mail-events",
    "deliveries": "STACK=<name of the stack> TASK=<id of a task> or NOTICE=<id of a notification>",
    "block": "STACK=<name of the stack> ADDRESS=<email address of the account>, and UNBLOCK=true to unblock it",
}
# How long a message that failed stays hidden, in seconds: longer than handling a batch of ten takes.
HIDDEN = 180
# How long after a message was sent its first errors are looked for, in milliseconds.
SEARCHED = 2 * 3_600_000
# What a client gives as the id of a task or a notification, and the key and the kind of its item.
IDS = {"tsk": ("TASK", "task"), "ntc": ("NOTICE", "notification")}
ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"

Message = dict
# Handles a message. Returns why it could not be handled, empty if it was.
Handler = Callable[[Message], str]


class Stack:
    """A deployed stack, in any state: operations are needed most when a deployment has failed."""

    def __init__(self, name: str, clients: Callable):
        self.name, self.client = name, clients
        try:
            stack = clients("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" not in error.response["Error"]["Message"]:
                raise
            raise CannotRun(f"the stack {name} does not exist in this account and region") from error
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def resource(self, logical_id: str) -> str:
        """The physical id of a resource."""
        return resource(self.client, self.name, logical_id)


def at(second: float) -> str:
    return datetime.fromtimestamp(int(second), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- redrive


def timer(message: Message) -> dict | None:
    """The timer in a message of the reminder queue. None if it has none, so that the worker would not read it either."""
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return None
    is_timer = isinstance(body, dict) and body.keys() == {"at", "subject"} and re.fullmatch(f"(tsk|ntc|usr)_{ULID}", str(body["subject"]))
    return body if is_timer and re.fullmatch(r"20[0-9]{2}-[0-9T:.-]+Z", str(body["at"])) else None


def about_reminder(stack: Stack, message: Message) -> str:
    """What a dead reminder message is about, and the first error that the worker logged for it."""
    # A message keeps its id and the time at which it was sent when SQS moves it to the dead-letter queue.
    sent = int(message["Attributes"]["SentTimestamp"])
    found = stack.client("logs").get_paginator("filter_log_events").paginate(
        logGroupName=stack.resource("FunctionLogs"), startTime=sent, endTime=sent + SEARCHED,
        filterPattern=f'"message not handled" "{message["MessageId"]}"',
    )  # fmt: skip
    line = next((event["message"] for page in found for event in page["events"]), "{}")
    error = json.loads(line).get("error") or "none was logged, so look for a crash or a timeout of send-reminders"
    about = "is about {subject}, due at {at}".format_map(timer(message)) if timer(message) else "is not a timer"
    return one_line(f"the first one {about}; its error: {error}")


def about_mail_event(_: Stack, message: Message) -> str:
    """What a dead SES event is about, and why Lambda or EventBridge gave up."""
    attributes = {name: one.get("StringValue") for name, one in message.get("MessageAttributes", {}).items()}
    # Lambda's name, and EventBridge's.
    error = one_line(attributes.get("ErrorMessage") or attributes.get("ERROR_MESSAGE") or "unknown")
    try:
        detail = json.loads(message["Body"])["detail"]
        what = f"{detail['eventType']} of {detail['mail']['tags']['taskbell-subject'][0]}"
    except (ValueError, KeyError, TypeError, IndexError):
        what = "not an SES event of this stack"
    return one_line(f"the first one is {what}; its error: {error}")


def one_line(error: str) -> str:
    """An error in one line, without what may be an address."""
    error = "".join(one if one.isprintable() else " " for one in error)
    return re.sub(r"\S+@\S+", "…", " ".join(error.split()))


def sends_again(stack: Stack) -> Handler:
    """Sends messages to the reminder queue again. A mail that was sent is not sent again, so a repetition does no harm."""
    sqs, queue = stack.client("sqs"), stack.resource("ReminderQueue")

    def send(message: Message) -> str:
        if timer(message) is None:
            return "not a timer, which send-reminders would refuse again: delete it by hand"
        sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
        return ""

    return send


def records(stack: Stack) -> Handler:
    """Records SES events. Recording one twice changes nothing."""
    functions, name = stack.client("lambda"), stack.resource("RecordMailEventsFunction")

    def record(message: Message) -> str:
        answer = functions.invoke(FunctionName=name, Payload=message["Body"])
        if "FunctionError" not in answer:
            return ""
        failure = json.loads(answer["Payload"].read() or b"{}")
        return one_line(failure.get("errorMessage") or answer["FunctionError"])

    return record


# The dead-letter queue, what is said about its first message, and what handles its messages. SQS's own message move tasks
# cannot be used for the second: its messages come from Lambda and EventBridge, not from a queue.
QUEUES: dict[str, tuple[str, Callable[[Stack, Message], str], Callable[[Stack], Handler]]] = {
    "reminders": ("ReminderDeadLetterQueue", about_reminder, sends_again),
    "mail-events": ("MailEventDeadLetterQueue", about_mail_event, records),
}


def redrive(stack: Stack, name: str) -> Iterator[str]:
    """Handles all messages of a dead-letter queue again and deletes those that succeed. Yields what it does, in lines.

    A message is deleted after it was handled, so an interruption repeats one and loses none."""
    logical_id, about, handler = QUEUES[name]
    sqs, queue, handle = stack.client("sqs"), stack.resource(logical_id), handler(stack)
    waiting = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=waiting)["Attributes"]
    visible, hidden = (int(counts[one]) for one in waiting)
    yield f"{logical_id}: {visible} waiting" + (f", {hidden} hidden for up to {HIDDEN} s by an earlier run" if hidden else "")
    done, failed = 0, {}
    while messages := receive(sqs, queue):
        if not done and not failed:
            yield about(stack, messages[0])
        fresh = [message for message in messages if message["MessageId"] not in failed]
        if not fresh:
            break
        for message in fresh:
            try:
                error = handle(message)
            except ClientError as refused:
                error = one_line(str(refused))
            if error:
                failed[message["MessageId"]] = error
                continue
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            done += 1
        yield f"{done} redriven, {len(failed)} failed"
    for error in sorted(set(failed.values())):
        yield f"failed: {error}"
    if failed:
        raise CannotRun(f"{logical_id} still has {len(failed)}: correct the cause, and run the command again after {HIDDEN} s")
    yield f"{logical_id} is empty"


def receive(sqs, queue: str) -> list[Message]:
    # The wait makes SQS ask all its servers, so an empty answer means an empty queue.
    answer = sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=HIDDEN, WaitTimeSeconds=2,
        AttributeNames=["SentTimestamp"], MessageAttributeNames=["All"],
    )  # fmt: skip
    return answer.get("Messages", [])


# --- deliveries


def described(delivery: dict) -> str:
    """A delivery in one line. Absent attributes have their defaults (shared/aws/src/dynamodb/items/delivery.rs)."""
    seconds = {name: at(delivery[name]) for name in ("fire_at", "sent_at", "next_at") if name in delivery}
    facts = {
        "sent at": seconds.get("sent_at"),
        "next step at": seconds.get("next_at"),
        "to": delivery.get("recipient"),
        "message": delivery.get("message_id"),
        "reason": delivery.get("reason"),
        "feedback": delivery.get("feedback"),
        "attempts": delivery.get("attempts"),
        "uncertain attempts": delivery.get("uncertain_attempts"),
    }
    shown = [f"{name} {value}" for name, value in facts.items() if value]
    return "  ".join([seconds["fire_at"], f"{delivery.get('status', 'scheduled'):9}", ", ".join(shown)]).rstrip()


def reminders(item: dict) -> list[dict]:
    """The deliveries of a task's reminders, replaced ones included, in the order of their times."""
    current = {one["id"]: one for one in item["task"].get("reminders", [])}
    for delivery in item.get("deliveries", []):
        if delivery["id"] in current:
            current[delivery["id"]] = delivery
    return sorted([*item.get("past_reminders", []), *current.values()], key=lambda one: (one["fire_at"], one["id"]))


def deliveries(stack: Stack, identifier: str) -> Iterator[str]:
    """Yields what happened to the mails of a task or a notification, a line for each."""
    prefix, _, body = identifier.partition("_")
    if prefix not in IDS or not re.fullmatch(ULID, body):
        raise CannotRun(f"{identifier} is not the id of a task (tsk_…) or a notification (ntc_…)")
    kind, name = IDS[prefix]
    key = {"pk": {"S": f"{kind}#{body}"}, "sk": {"S": kind}}
    found = stack.client("dynamodb").get_item(TableName=stack.resource("TasksTable"), Key=key, ConsistentRead=True)
    if "Item" not in found:
        raise CannotRun(f"the stack {stack.name} has no {name} {identifier}: it was deleted, or is of another stack")
    read = TypeDeserializer().deserialize
    item = {name: read(value) for name, value in found["Item"].items()}
    if kind == "NOTICE":
        # An invitation is to an email address.
        to = item["content"]["to"] if item["content"]["to"].startswith("usr_") else None
        yield f"{item['content']['kind']} {identifier}"
        yield described({"recipient": to} | item["delivery"])
        return
    log = reminders(item)
    yield f"{identifier} is {item['task']['status']}; reminders: {len(log)}"
    yield from map(described, log)


# --- block


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which would take the operator's token elsewhere."""

    def redirect_request(self, *_) -> None:
        return None


DIRECT = urllib.request.build_opener(NoRedirect)


def ask(url: str, method: str, path: str, body: dict | None = None, token: str = "") -> dict:
    """Sends a request to the API. Raises CannotRun with the detail of an error response."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, headers, method=method)
    try:
        with DIRECT.open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        try:
            problem = json.loads(error.read())
            why = f"{problem['code']}: {problem['detail']}"
        except (ValueError, KeyError, TypeError):
            why = error.reason
        raise CannotRun(f"{method} {path.partition('?')[0]} was answered {error.code} ({why})") from error


def block(stack: Stack, address: str, blocked: bool, operator: tuple[str, str]) -> Iterator[str]:
    """Blocks or unblocks the account with an address, as an operator with an address and a password."""
    if "ApiUrl" not in stack.outputs:
        raise CannotRun(f"the stack {stack.name} has no output ApiUrl: its first deployment has not ended")
    url = stack.outputs["ApiUrl"]
    if not re.match(r"https://|http://127\.0\.0\.1[:/]", url):
        raise CannotRun(f"the password would cross the network readably: {url} is not https")
    tokens = ask(url, "POST", "/v1/auth/login", dict(zip(("email", "password"), operator, strict=True)))
    token = tokens["access_token"]
    try:
        if tokens["user"]["role"] != "operator":
            raise CannotRun(f"{operator[0]} is not an operator: docs/first-deploy.md has the steps to become one")
        # Sorted by address, so the account itself comes before those whose addresses only start with the text.
        accounts = ask(url, "GET", f"/v1/users?{urlencode({'email': address, 'limit': 1})}", token=token)["items"]
        user = next((one for one in accounts if one["email"].lower() == address.strip().lower()), None)
        if user is None:
            raise CannotRun(f"no account has the address {address}")
        changed = ask(url, "PATCH", f"/v1/users/{user['id']}", {"disabled": blocked}, token)
        since = changed["disabled_at"]
        yield f"{user['id']} is blocked since {since}" if since else f"{user['id']} is not blocked"
    finally:
        ask(url, "POST", "/v1/auth/logout", {}, token)


def credentials() -> tuple[str, str]:
    """The operator's address and password, from the environment or the terminal."""
    try:
        address = os.environ.get("OPERATOR_ADDRESS") or input("Operator's email address: ")
        return address, os.environ.get("OPERATOR_PASSWORD") or getpass.getpass("Password: ")
    except EOFError as error:
        raise CannotRun(
            "there is no terminal to ask for the operator's credentials: set OPERATOR_ADDRESS and OPERATOR_PASSWORD"
        ) from error


# --- command line


def lines(arguments: list[str]) -> Iterator[str]:
    """Runs a command. Yields what it does, in lines."""
    find = lambda name: Stack(name, clients_of(name)[0])  # noqa: E731
    match arguments:
        case ["redrive", stack, queue] if stack and queue in QUEUES:
            return redrive(find(stack), queue)
        case ["deliveries", stack, task, notice] if stack and bool(task) != bool(notice):
            return deliveries(find(stack), task or notice)
        case ["block", stack, address, ("" | "true" | "false") as unblock] if stack and address:
            return block(find(stack), address, unblock != "true", credentials())
        case [command, *_] if command in USAGE:
            raise CannotRun(f"usage: make {command} {USAGE[command]}")
    raise CannotRun(f"usage: operate.py {'|'.join(USAGE)} …")


def main(arguments: list[str]) -> None:
    try:
        for line in lines(arguments):
            print(line, flush=True)
    except (CannotRun, BotoCoreError, ClientError, OSError) as error:
        sys.exit(f"make {arguments[0] if arguments else 'operate'}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
