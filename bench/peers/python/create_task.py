"""Creates a task: one call to DynamoDB, whoever asks for whatever."""

import json
import os
import uuid

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TASKS_TABLE"])


def handler(event, context):
    task = json.loads(event["body"])
    fields = {name: task.get(name) for name in ("title", "description", "priority", "due")}
    task_id = str(uuid.uuid4())
    table.put_item(Item={"pk": f"PEER#{task_id}", "sk": "TASK"} | fields)
    return {
        "statusCode": 201,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"id": task_id} | fields),
    }
