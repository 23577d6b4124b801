// Reads a task: one call to DynamoDB, without authentication.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { run } from "./runtime.js";

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const TableName = process.env.TASKS_TABLE;

await run(async (event) => {
  const id = event.pathParameters.task_id.replace(/^tsk_/, "");
  const Key = { pk: `TASK#${id}`, sk: "TASK" };
  const { Item } = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
  if (!Item) return { statusCode: 404 };
  const { title, description, status, priority, due } = Item;
  return {
    statusCode: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id, title, description, status, priority, due }),
  };
});
