// Measures how long changes take to reach a live connection of another client, from the response to the change.
// Prints the milliseconds, one per line.
//
// usage: node --experimental-websocket live.mjs URL EMAIL PASSWORD CHANGES

const [url, email, password, changes] = process.argv.slice(2);

async function api(method, path, body, token) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const token = (await api("POST", "/v1/auth/login", { email, password })).access_token;
const socket = new WebSocket((await api("POST", "/v1/live", undefined, token)).url);
await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));

const arrived = new Map();
let notify = () => {};
socket.onmessage = ({ data }) => {
  arrived.set(JSON.parse(data).id, performance.now());
  notify();
};

for (let number = 0; number < Number(changes); number++) {
  const { id } = await api("POST", "/v1/tasks", { title: `Task ${number}` }, token);
  const answered = performance.now();
  while (!arrived.has(id)) await new Promise((resolve) => (notify = resolve));
  console.log(arrived.get(id) - answered);
}
socket.close();
