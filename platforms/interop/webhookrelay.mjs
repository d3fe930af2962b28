// A client of Webhook Relay's WebSocket server, written from its documentation
// and on the library that the documentation's example uses, with what its own
// SDK does: it signs in, subscribes, answers pings, comes back after a cut, stays
// away when it is refused, and reports with the API's own call.
// https://docs.webhookrelay.com/products/webhooks/websocket-server
import { WebSocket } from "ws";

const { SERVER: server, KEY: key, SECRET: secret, BUCKETS: buckets } = process.env;
const authorization = secret.startsWith("sk-") ? `Bearer ${secret}` : `Basic ${btoa(`${key}:${secret}`)}`;
const say = (...words) => console.log(...words);

async function report({ id, bucked_id }) {
  const r = await fetch(`${server}/v1/logs/${id}`, { method: "PUT", headers: { Authorization: authorization, "Content-Type": "application/json" },
    body: JSON.stringify({ id, bucket_id: bucked_id, status_code: 201, status: "sent", retries: 0, response_body: btoa("thanks"), response_headers: { "X-Answer": ["yes"] } }) });
  say("reported", id, r.status, (await r.json()).status);
}

function connect() {
  const ws = new WebSocket(server.replace("http", "ws") + "/v1/socket");
  let refused = false;
  ws.on("open", () => ws.send(JSON.stringify({ action: "auth", key, secret })));
  ws.on("message", (data) => {
    const m = JSON.parse(String(data));
    if (m.type === "webhook") {
      say("webhook", JSON.stringify(m));
      return report(m.meta);
    }
    if (m.status !== "ping") say("status", m.status);
    if (m.status === "authenticated") ws.send(JSON.stringify({ action: "subscribe", buckets: buckets.split(",") }));
    if (m.status === "ping") ws.send(JSON.stringify({ action: "pong" }));
    if (m.status === "unauthorized") {
      refused = true;
      ws.close(4001, "unauthorized");
    }
  });
  ws.on("error", () => {});
  ws.on("close", () => refused || setTimeout(connect, 100));
}
connect();
