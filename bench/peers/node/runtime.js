// The Runtime API loop. AWS's own client is a native module that compiles a C++ library on installation; this one does
// less, to Node's advantage.

import http from "node:http";

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true });
const base = "/2018-06-01/runtime/invocation";

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path: base + path, method, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve({ headers: response.headers, text }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

export async function run(handler) {
  for (;;) {
    const { headers, text } = await call("GET", "/next");
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      await call("POST", `/${id}/response`, JSON.stringify(await handler(JSON.parse(text))));
    } catch (error) {
      await call("POST", `/${id}/error`, JSON.stringify({ errorMessage: String(error) }));
    }
  }
}
