// Creates a task: one call to DynamoDB, without authentication and validation.

import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { run } from "./runtime.js";

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}), {
  marshallOptions: { removeUndefinedValues: true },
});
const TableName = process.env.TASKS_TABLE;

await run(async (event) => {
  const { title, description, priority, due } = JSON.parse(event.body);
  const id = randomUUID();
  const Item = { pk: `PEER#${id}`, sk: "TASK", title, description, priority, due };
  await client.send(new PutCommand({ TableName, Item }));
  return {
    statusCode: 201,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id, title, description, priority, due }),
  };
});
