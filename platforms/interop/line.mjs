// A bot written with the platform's own client. It listens on a loopback port,
// checks signatures with the client's middleware, talks to the server at API,
// and prints what it does. A test plays the other side of the conversation.
import http from "node:http";
import { LineBotClient, middleware } from "@line/bot-sdk";

const { TOKEN: channelAccessToken, SECRET: channelSecret, API: api, GROUP: group, PERSON: person } = process.env;
const say = (...words) => console.log("line:", ...words);
const client = LineBotClient.fromChannelAccessToken({ channelAccessToken, apiBaseURL: api, dataApiBaseURL: api });
const check = middleware({ channelSecret });

const read = async (stream) => {
  const parts = [];
  for await (const p of stream) parts.push(p);
  return Buffer.concat(parts);
};

const bubble = {
  type: "flex", altText: "Deploy?",
  contents: {
    type: "bubble",
    body: { type: "box", layout: "vertical", contents: [{ type: "text", text: "Deploy {now}?", wrap: true }] },
    footer: { type: "box", layout: "vertical", contents: [
      { type: "button", action: { type: "postback", label: "Yes", data: "deploy:yes", displayText: "Yes" } },
      { type: "button", action: { type: "uri", label: "Why", uri: "https://example.org/why" } },
    ] },
  },
};

async function refused(what, call) {
  try {
    await call();
    say("ERROR: not refused:", what);
  } catch (e) {
    say("refused", what, e.status ?? e.statusCode, JSON.parse(e.body).message);
  }
}

async function on(e) {
  const m = e.message;
  if (e.type === "follow") return say("followed by", (await client.getProfile(e.source.userId)).displayName);
  if (e.type === "postback") return say("postback", e.postback.data, e.source.type);
  if (e.type !== "message") return say("event", e.type);
  say("heard", m.type, JSON.stringify(m.text ?? m.fileName ?? m.keywords), "in", e.source.type, e.deliveryContext.isRedelivery ? "again" : "");
  if (m.type === "file") {
    const bytes = await read(await client.getMessageContent(m.id));
    say("file", m.fileName, bytes.length, "bytes");
    return;
  }
  if (m.type === "sticker") return;
  if (m.text === "bye") {
    await client.replyMessage({ replyToken: e.replyToken, messages: [{ type: "text", text: "bye", quoteToken: m.quoteToken }] });
    setTimeout(() => { server.close(); server.closeAllConnections(); say("ended"); }, 50);
    return;
  }
  await client.showLoadingAnimation({ chatId: person, loadingSeconds: 5 });
  const sent = await client.replyMessage({ replyToken: e.replyToken, messages: [{ type: "text", text: "one moment" }, bubble] });
  say("replied with", sent.sentMessages.length, "messages");
  await refused("a used reply token", () => client.replyMessage({ replyToken: e.replyToken, messages: [{ type: "text", text: "x" }] }));
  const key = "123e4567-e89b-12d3-a456-426614174000";
  const push = () => client.pushMessage({ to: group, messages: [{ type: "textV2", text: "{who}, {{done}}", substitution: { who: { type: "mention", mentionee: { type: "user", userId: person } } } }] }, key);
  await push();
  await refused("the same retry key", push);
  await refused("nobody", () => client.pushMessage({ to: "U" + "9f".repeat(16), messages: [{ type: "text", text: "x" }] }));
  await refused("six messages", () => client.pushMessage({ to: group, messages: Array(6).fill({ type: "text", text: "x" }) }));
  await refused("a long label", () => client.pushMessage({ to: group, messages: [{ type: "text", text: "x", quickReply: { items: [{ type: "action", action: { type: "message", label: "x".repeat(21), text: "x" } }] } }] }));
  say("group", (await client.getGroupSummary(group)).groupName, (await client.getGroupMemberProfile(group, person)).displayName);
  say("quota", JSON.stringify(await client.getMessageQuota()), JSON.stringify(await client.getMessageQuotaConsumption()));
}

const server = http.createServer((req, res) => {
  check(req, res, async (err) => {
    if (err) {
      res.writeHead(400).end();
      return say("ERROR", String(err));
    }
    try {
      for (const e of req.body.events) await on(e);
      if (req.body.events.length === 0) say("verified", req.body.destination === (await client.getBotInfo()).userId ? "for us" : "?");
      res.writeHead(200).end("{}");
    } catch (e) {
      say("ERROR", String(e), e.body ?? "");
      res.writeHead(500).end();
    }
  });
});
server.listen(0, "127.0.0.1", async () => {
  say("bot", (await client.getBotInfo()).displayName);
  say("port", server.address().port);
});
