"""Reads a task: one call to DynamoDB, without authentication."""

import json
import os

import boto3

client = boto3.client("dynamodb")
TABLE = os.environ["TASKS_TABLE"]


def handler(event, context):
    task_id = event["pathParameters"]["task_id"].removeprefix("tsk_")
    key = {"pk": {"S": f"TASK#{task_id}"}, "sk": {"S": "TASK"}}
    item = client.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item")
    if item is None:
        return {"statusCode": 404}
    names = ("title", "description", "status", "priority", "due")
    body = {"id": task_id} | {name: item[name].get("S") for name in names if name in item}
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }
