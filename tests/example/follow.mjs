// Runs the client of docs/live.md: prints its tasks, as a line of JSON, whenever it knows of a change. Commands on standard
// input: `cut` ends the connection; `lose` loses the next message.
//
// usage: TASKBELL_URL=… node --experimental-websocket follow.mjs docs/live.md ACCESS_TOKEN

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [guide, token] = process.argv.slice(2);
const code = readFileSync(guide, "utf8").match(/^```js\n([\s\S]*?)^```$/m)[1];
const { Live } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

async function api(method, path) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(process.env.TASKBELL_URL + path, { method, headers });
  if (!response.ok) throw Object.assign(new Error(`${method} ${path}`), { status: response.status });
  return response.json();
}

const live = new Live(api, ({ tasks }) => {
  const versions = [...tasks.values()].map(({ id, version }) => [id, version]);
  console.log(JSON.stringify(Object.fromEntries(versions)));
});

let losing = 0;
const receive = live.receive;
live.receive = (message) => {
  if (!message.sequence || losing === 0) return receive.call(live, message);
  losing--;
};

createInterface({ input: process.stdin })
  .on("line", (command) => {
    if (command === "cut") live.socket.close();
    if (command === "lose") losing++;
  })
  .on("close", () => process.exit());

live.connect();
