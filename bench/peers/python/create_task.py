"""Creates a task: one call to DynamoDB, without authentication and validation."""

import json
import os
import uuid

import boto3

client = boto3.client("dynamodb")
TABLE = os.environ["TASKS_TABLE"]


def handler(event, context):
    task = json.loads(event["body"])
    fields = {name: task.get(name) or "" for name in ("title", "description", "priority", "due")}
    task_id = str(uuid.uuid4())
    item = {"pk": {"S": f"PEER#{task_id}"}, "sk": {"S": "TASK"}}
    client.put_item(TableName=TABLE, Item=item | {name: {"S": value} for name, value in fields.items()})
    return {
        "statusCode": 201,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"id": task_id} | fields),
    }
