// Services that send webhooks, each signed with the library that its receivers
// are told to check with. TASK says to where, and prints one line of JSON for
// each request: what it was, what it was answered with, and whether the body is
// what JavaScript writes again of it.
import { createHmac } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";

const { service, url, secret, shape, from, to, at = 8 } = JSON.parse(process.env.TASK);
const now = Math.floor(Date.now() / 1000);

// Everything that GitHub's own examples have: of github.com, and of each version
// of its enterprise server.
function* github() {
  const root = "node_modules/@octokit/webhooks-examples/";
  for (const folder of readdirSync(root, { withFileTypes: true }).filter((d) => d.isDirectory())) {
    for (const { name, examples } of JSON.parse(readFileSync(`${root}${folder.name}/index.json`))) {
      for (const example of examples) yield { event: name, value: example };
    }
  }
}

// Bodies as the other services send them, some with what JSON may be written with
// in more than one way.
function* others() {
  for (let i = 0; i < 12; i++) {
    yield { event: "thing.done", value: { id: `evt_${i}`, type: "thing.done", created: now, text: `é😀 \u2028 <b> & "${i}"`, amount: 12.5 + i, 7: "seven" } };
  }
}

function* line() {
  for (let i = 0; i < 12; i++) {
    yield { event: "message", value: { destination: to, events: [{
      type: "message", mode: "active", timestamp: Date.now(), webhookEventId: `01H${String(i).padStart(23, "0")}`, deliveryContext: { isRedelivery: false },
      replyToken: `reply${i}`, source: { type: "user", userId: from }, message: { type: "text", id: `${1000 + i}`, quoteToken: "q", text: `hello ${i} é😀` } }] } };
  }
}

const lib = await import({ github: "@octokit/webhooks-methods", stripe: "stripe", standard: "standardwebhooks", line: "@line/bot-sdk" }[service]);

async function headers(body, event, n) {
  switch (service) {
    case "github":
      return { "X-GitHub-Event": event, "X-GitHub-Delivery": `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
        "User-Agent": "GitHub-Hookshot/interop", "X-Hub-Signature-256": await lib.sign(secret, body) };
    case "stripe":
      return { "Stripe-Signature": lib.default.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: now }) };
    case "standard":
      return { "Webhook-Id": `msg_${n}`, "Webhook-Timestamp": String(now), "Webhook-Signature": new lib.Webhook(secret).sign(`msg_${n}`, new Date(now * 1000), body) };
    case "line": { // its library checks only
      const signature = createHmac("sha256", secret).update(body).digest("base64");
      if (!lib.validateSignature(body, secret, signature)) throw new Error("the platform's own library does not take this signature");
      return { "X-Line-Signature": signature };
    }
  }
}

// What a service may write: all in one line, in lines, or with escapes for all
// that is not ASCII.
const shapes = {
  compact: (v) => JSON.stringify(v),
  lines: (v) => JSON.stringify(v, null, 2),
  ascii: (v) => JSON.stringify(v).replace(/[\u007f-\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")),
};

const queue = [...{ github, line }[service]?.() ?? others()].map((e, n) => ({ ...e, n }));
async function work() {
  for (let e = queue.shift(); e; e = queue.shift()) {
    const body = shapes[shape](e.value);
    const r = await fetch(url, { method: "POST", body, headers: { "Content-Type": "application/json", ...(await headers(body, e.event, e.n)) } });
    await r.arrayBuffer();
    console.log(JSON.stringify({ event: e.event, status: r.status, body: Buffer.from(body).toString("base64"), same: JSON.stringify(JSON.parse(body)) === body }));
  }
}
await Promise.all(Array.from({ length: at }, work));
