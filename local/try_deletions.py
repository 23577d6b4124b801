"""finish-deletions, end to end: nothing is left of an account that was deleted but what docs/privacy.md names."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cloud import CannotRun, Cloud
from deploy import configuration
from invoke_events import PASSWORD, account, call, resource
from ses_events import wait

# What a deletion keeps for a time (docs/privacy.md): counts against rate limits, sent mails, change feeds.
KEPT = ("LIMIT#", "NOTICE#", "FEED#")


def check(cloud: Cloud, url: str, mails: str) -> None:
    """An account with a task and a comment is deleted, and the worker runs until nothing of it is left."""
    _, tokens = account(url, mails, "Gil")
    token, user = tokens["access_token"], tokens["user"]["id"].removeprefix("usr_")
    task = call(f"{url}/v1/tasks", {"title": "Mine", "due": "2199-03-01"}, token)["id"]
    call(f"{url}/v1/tasks/{task}/comments", {"text": "Mine, too."}, token)
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    deletion = urllib.request.Request(f"{url}/v1/me", json.dumps({"password": PASSWORD}).encode(), headers, method="DELETE")
    with urllib.request.urlopen(deletion, timeout=20) as answer:
        assert answer.status == 204, answer.status

    stack, _ = configuration()
    accounts, tasks = (resource(cloud.client, stack, name) for name in ("AccountsTable", "TasksTable"))
    marker = ("DELETIONS", f"USER#{user}")

    def left() -> set[tuple[str, str]]:
        """What is left, after a run. Statistics and the change feed follow changes, so one run may be too early."""
        finish(cloud, stack)
        mine = lambda item: any(body in str(item) for body in (user, task.removeprefix("tsk_")))  # noqa: E731
        found = [item for table in (accounts, tasks) for item in items(cloud, table) if mine(item)]
        return {(item["pk"]["S"], item["sk"]["S"]) for item in found if not item["pk"]["S"].startswith(KEPT)}

    wait("the deletion of an account", lambda: left() == {marker})
    # It is finished once no request that was running then can still add anything.
    earlier = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    key = {"pk": {"S": marker[0]}, "sk": {"S": marker[1]}}
    cloud.client("dynamodb").update_item(
        TableName=accounts, Key=key, UpdateExpression="SET deleted_at = :at", ExpressionAttributeValues={":at": {"S": earlier}}
    )
    wait("the end of the deletion", lambda: left() == set())
    print("end to end: nothing is left of a deleted account", flush=True)


def finish(cloud: Cloud, stack: str) -> None:
    """Runs finish-deletions, as the schedule does every five minutes."""
    function = resource(cloud.client, stack, "FinishDeletionsFunction")
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload="{}")
    if "FunctionError" in answer:
        raise CannotRun(f"finish-deletions failed: {answer['Payload'].read().decode()}")


def items(cloud: Cloud, table: str) -> Iterator[dict]:
    """All items of a table."""
    for page in cloud.client("dynamodb").get_paginator("scan").paginate(TableName=table):
        yield from page["Items"]
