"""Reads a task: one call to DynamoDB, whoever asks."""

import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TASKS_TABLE"])


def handler(event, context):
    task_id = event["pathParameters"]["task_id"].removeprefix("tsk_")
    item = table.get_item(Key={"pk": f"TASK#{task_id}", "sk": "TASK"}, ConsistentRead=True).get("Item")
    if item is None:
        return {"statusCode": 404}
    body = {name: item.get(name) for name in ("title", "description", "status", "priority", "due")}
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"id": task_id} | body),
    }
