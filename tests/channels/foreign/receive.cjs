// A receiver of webhooks as Node.js programs have one: the signature is verified by the library of Standard Webhooks.
// The first line of standard input has the secret of each path as JSON; it says its port, and then a line of JSON for
// each request. It ends when standard input does.
"use strict";
const http = require("http");
const readline = require("readline");
const { Webhook } = require("standardwebhooks");

let secrets = {};

function verified(request, body) {
  try {
    return { verified: true, body: new Webhook(secrets[request.url]).verify(body, request.headers) };
  } catch (error) {
    return { verified: false, error: error.message };
  }
}

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const found = verified(request, Buffer.concat(pieces).toString("utf8"));
    process.stdout.write(JSON.stringify({ path: request.url, id: request.headers["webhook-id"], ...found }) + "\n");
    response.writeHead(found.verified ? 204 : 400).end();
  });
});

const lines = readline.createInterface({ input: process.stdin });
lines.once("line", (line) => {
  secrets = JSON.parse(line);
  server.listen(0, "127.0.0.1", () => process.stdout.write(JSON.stringify({ port: server.address().port }) + "\n"));
});
lines.on("close", () => process.exit(0));
