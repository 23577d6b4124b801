"""SES events, end to end. The local cloud's SES publishes none, so they are sent to the stack from here."""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta

from cloud import CannotRun, Cloud
from deploy import configuration
from invoke_events import account, call, resource, verify


def check(cloud: Cloud, url: str, mails: str) -> None:
    """A mail is delivered, then the address bounces, then it is verified again."""
    email, tokens = account(url, mails, "Lin")
    token, user = tokens["access_token"], tokens["user"]["id"]
    fires = datetime.now(UTC) + timedelta(seconds=2)
    draft = {"title": "Ring", "reminders": [{"at": fires.strftime("%Y-%m-%dT%H:%M:%SZ")}]}
    task = call(f"{url}/v1/tasks", draft, token)
    entry = lambda: get(f"{url}/v1/tasks/{task['id']}/reminders", token)["items"][0]  # noqa: E731
    wait("the reminder", lambda: entry()["status"] == "sent")

    tags = {"taskbell-subject": task["id"], "taskbell-reminder": entry()["id"], "taskbell-user": user}
    publish(cloud, email, tags, "Delivery", {"delivery": {}})
    wait("the delivery in the delivery log", lambda: entry()["feedback"] == "delivered")
    publish(cloud, email, tags, "Bounce", {"bounce": {"bounceType": "Permanent"}})
    me = lambda: get(f"{url}/v1/me", token)  # noqa: E731
    wait("mail to stop", lambda: (me()["mail_stopped"] or {}).get("reason") == "bounced")

    call(f"{url}/v1/me/verify-email", {}, token)
    time.sleep(1)  # the two verification mails have different seconds
    wait("mail to resume", lambda: verify(url, mails, email) or me()["mail_stopped"] is None)
    print("end to end: SES events reach the delivery log and the profile", flush=True)


def publish(cloud: Cloud, to: str, tags: dict[str, str], kind: str, more: dict) -> None:
    """Does what EventBridge does: matches the event against the stack's rule and invokes the rule's target. Only AWS itself
    may put SES events on a bus."""
    event, bus = event_of(cloud, to, tags, kind, more), cloud.client("events")
    rule = bus.describe_rule(Name=named(cloud, "RecordMailEventsFunctionMail"))
    if not bus.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]:
        raise CannotRun(f"the rule {rule['Name']} does not match {kind}: {rule['EventPattern']}")
    (target,) = bus.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    answer = cloud.client("lambda").invoke(FunctionName=target["Arn"], Payload=json.dumps(event))
    if "FunctionError" in answer:
        raise CannotRun(f"record-mail-events failed: {answer['Payload'].read().decode()}")


def event_of(cloud: Cloud, to: str, tags: dict[str, str], kind: str, more: dict) -> dict:
    """An event about a mail, as SES publishes it."""
    tags = tags | {"ses:configuration-set": named(cloud, "MailConfigurationSet")}
    mail = {
        "timestamp": datetime.now(UTC).isoformat(),
        "messageId": "published",
        "destination": [to],
        "tags": {name: [value] for name, value in tags.items()},
    }
    return {
        "id": "00000000-0000-0000-0000-000000000000",
        "source": "aws.ses",
        "detail-type": f"Email {kind}",
        "account": "000000000000",
        "region": "us-east-1",
        "time": mail["timestamp"],
        "resources": [],
        "detail": {"eventType": kind, "mail": mail} | more,
    }


def named(cloud: Cloud, logical_id: str) -> str:
    """The physical id of a resource of the stack."""
    return resource(cloud.client, configuration()[0], logical_id)


def get(url: str, token: str) -> dict:
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def wait(what: str, condition) -> None:
    for _ in range(150):
        if condition():
            return
        time.sleep(0.2)
    raise CannotRun(f"timed out while waiting for {what}")
