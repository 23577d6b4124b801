"""The commands of local/operate.py, end to end: on what really happens to messages, tasks and accounts of the local cloud."""

import json
import urllib.error
from datetime import UTC, datetime, timedelta

import operate
from cloud import CannotRun, Cloud
from deploy import configuration
from invoke_events import PASSWORD, account, call, operator
from ses_events import event_of, get, wait


def check(cloud: Cloud, url: str, mails: str) -> None:
    """A reminder ends in the dead-letter queue and is redriven, and so is an SES event about it; then its user is blocked."""
    stack, parameters = configuration()
    stack = operate.Stack(stack, cloud.client)
    email, tokens = account(url, mails, "Rae")
    token, user = tokens["access_token"], tokens["user"]["id"]

    task = dead_letter_reminder(stack, url, token)
    log = lambda: get(f"{url}/v1/tasks/{task}/reminders", token)["items"][0]  # noqa: E731
    assert log()["status"] == "scheduled", log()
    expect(operate.redrive(stack, "reminders"), "the first one is about", "ReminderDeadLetterQueue is empty")
    wait("the redriven reminder", lambda: log()["status"] == "sent")

    tags = {"taskbell-subject": task, "taskbell-reminder": log()["id"], "taskbell-user": user}
    event = event_of(cloud, email, tags, "Delivery", {"delivery": {}})
    queue = stack.resource("MailEventDeadLetterQueue")
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    expect(operate.redrive(stack, "mail-events"), f"Delivery of {task}", "1 redriven, 0 failed")
    expect(operate.deliveries(stack, task), "reminders: 1", f"to {user}", "message ", "feedback delivered")

    boss = parameters["OperatorAddress"]
    operator(url, mails, boss)
    for blocked, words, status in ((True, "is blocked since", 403), (False, "is not blocked", 200)):
        expect(operate.block(stack, email, blocked, (boss, PASSWORD)), f"{user} {words}")
        assert log_in(url, email) == status, f"blocked: {blocked}, and a log-in is answered {log_in(url, email)}"
    print("end to end: make redrive, make deliveries and make block work", flush=True)


def expect(printed, *words: str) -> None:
    """Runs a command, and checks that it prints these words, and no address of a user."""
    printed = "\n".join(printed)
    missing = [word for word in words if word not in printed]
    if missing or "@example.com" in printed:
        raise CannotRun(f"a command of local/operate.py printed {printed!r}, without {missing}")


def log_in(url: str, email: str) -> int:
    try:
        call(f"{url}/v1/auth/login", {"email": email, "password": PASSWORD})
        return 200
    except urllib.error.HTTPError as error:
        return error.code


def dead_letter_reminder(stack: operate.Stack, url: str, token: str) -> str:
    """Creates a task whose reminder is received, and not handled, until SQS moves it to the dead-letter queue."""
    functions, sqs = stack.client("lambda"), stack.client("sqs")
    mapping, queue, dead = map(stack.resource, ("SendRemindersMapping", "ReminderQueue", "ReminderDeadLetterQueue"))
    # Hides nothing, so the message is received again at once.
    received = lambda url: sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, MaxNumberOfMessages=10).get("Messages", [])  # noqa: E731
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    try:
        fires = datetime.now(UTC) + timedelta(seconds=2)
        draft = {"title": "Dead letter", "reminders": [{"at": fires.strftime("%Y-%m-%dT%H:%M:%SZ")}]}
        task = call(f"{url}/v1/tasks", draft, token)["id"]
        # SQS moves a message when it is asked for it once more than the queue allows.
        is_dead = lambda: any(task in message["Body"] for message in received(dead))  # noqa: E731
        wait("a message in the dead-letter queue", lambda: (received(queue), is_dead())[1])
    finally:
        functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    return task
