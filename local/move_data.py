"""make move-data: copies the data of a stack of version 0.2.0 or earlier to a new stack, in the layout of version 0.3.0.

An item that the new stack has already stays as it is, so the command can be repeated. Counts against rate limits are not
copied, nor are statistics, which the new stack computes from the tasks. docs/operations.md ("Upgrading from 0.2.0") has the steps before and after.

usage: move_data.py FROM TO
"""

import sys
from collections.abc import Iterator

import boto3
from botocore.exceptions import BotoCoreError, ClientError

TABLES = ("AccountsTable", "TasksTable")
# What a client sees of a task: in format 1 attributes of the item, in format 2 members of its map `task`.
SEEN = (
    "title", "description", "status", "priority", "category", "tags", "due", "due_at", "time_zone", "recurrence",
    "next_occurrence", "auto_complete_after", "checklist", "assigned_to", "created_by", "version", "created_at",
    "updated_at", "completed_at", "completed_by",
)  # fmt: skip
# What a client sees of a reminder. The rest is the state of its delivery.
REMINDER = ("id", "before", "at", "snoozed", "fire_at")
# Partitions that are not copied.
LEFT_OUT = ("LIMIT#", "COUNTED#", "COUNTS#")
# Sort keys of the items with timers. They are copied last: a due one is sent at once, and then needs its space and reader.
WITH_TIMERS = ("TASK", "NOTICE", "DIGEST")
# The delivery of a reminder that nothing has happened to.
WAITING = {"status": {"S": "scheduled"}}


class CannotMove(Exception):
    """A prerequisite is missing; the message is one line that says what to do."""


def delivery(reminder: dict) -> dict | None:
    """The delivery of a reminder, unless it only waits for its time."""
    state = {name: value for name, value in reminder.items() if name not in REMINDER}
    return None if state == WAITING else state | {name: reminder[name] for name in ("id", "fire_at")}


def moved(item: dict) -> dict | None:
    """An item in the layout of 0.3.0. None if it is not copied."""
    if item["pk"]["S"].startswith(LEFT_OUT):
        return None
    if item["sk"]["S"] != "TASK" or "task" in item:
        return item
    seen = {name: item[name] for name in SEEN if name in item}
    seen["space"] = {"S": "spc_" + item["space_key"]["S"].removeprefix("SPACE#")}
    reminders = [reminder["M"] for reminder in item.get("reminders", {"L": []})["L"]]
    if reminders:
        shown = [{name: one[name] for name in REMINDER if name in one} for one in reminders]
        seen["reminders"] = {"L": [{"M": one} for one in shown]}
    rest = {name: value for name, value in item.items() if name not in (*SEEN, "reminders")}
    deliveries = [state for state in map(delivery, reminders) if state]
    if deliveries:
        rest["deliveries"] = {"L": [{"M": state} for state in deliveries]}
    state = {"revision": item["version"], "last_write": {"S": "edit"}, "format": {"N": "2"}}
    return rest | state | {"task": {"M": seen}}


def items(client, table: str) -> Iterator[dict]:
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def copy(client, source: str, target: str, with_timers: bool) -> tuple[int, int]:
    """Copies the items of a table with timers, or the others. Returns how many were copied, and how many the target had."""
    copied = present = 0
    for item in filter(None, map(moved, items(client, source))):
        if (item["sk"]["S"] in WITH_TIMERS) != with_timers:
            continue
        try:
            client.put_item(TableName=target, Item=item, ConditionExpression="attribute_not_exists(pk)")
            copied += 1
        except client.exceptions.ConditionalCheckFailedException:
            present += 1
    return copied, present


def table_of(stacks, stack: str, name: str) -> str:
    try:
        return stacks.describe_stack_resource(StackName=stack, LogicalResourceId=name)["StackResourceDetail"]["PhysicalResourceId"]
    except ClientError as error:
        raise CannotMove(f"the stack {stack} has no {name} ({error.response['Error']['Message']})") from error


def main() -> None:
    if len(sys.argv) != 3 or not all(sys.argv[1:]) or sys.argv[1] == sys.argv[2]:
        raise CannotMove("name two stacks: make move-data FROM=<old stack> TO=<new stack>")
    stacks, client = boto3.client("cloudformation"), boto3.client("dynamodb")
    tables = [tuple(table_of(stacks, stack, name) for stack in sys.argv[1:]) for name in TABLES]
    for with_timers in (False, True):
        for name, (source, target) in zip(TABLES, tables, strict=True):
            copied, present = copy(client, source, target, with_timers)
            what = "items with timers" if with_timers else "other items"
            print(f"{name}, {what}: {copied:,} copied, {present:,} were there already")


if __name__ == "__main__":
    try:
        main()
    except (CannotMove, BotoCoreError, ClientError) as error:
        sys.exit(f"move-data: {error}")
