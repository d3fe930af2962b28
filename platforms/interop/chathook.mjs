// Discord's and Slack's own clients for incoming webhooks post to our emulator.
import { WebhookClient } from "discord.js";
import { IncomingWebhook } from "@slack/webhook";

const say = (...words) => console.log(...words);
const { API, ID, TOKEN, SLACK } = process.env;

const hook = new WebhookClient({ id: ID, token: TOKEN }, { rest: { api: API, retries: 0 } });
const sent = await hook.send({ content: "**Ada** in Build: it is _out_ 😀", username: "Postern", allowedMentions: { parse: [] } });
say("discord sent", sent.id);
for (const [what, message] of [["too long", { content: "x".repeat(2001) }], ["a forbidden name", { content: "x", username: "My Discord" }], ["nothing", { content: "" }]]) {
  await hook.send(message).then(() => say("ERROR", what, "was taken"), (e) => say("discord refused", what + ":", e.status, e.code));
}
const lost = new WebhookClient({ id: ID, token: TOKEN.slice(0, -1) + "x" }, { rest: { api: API, retries: 0 } });
await lost.send("x").then(() => say("ERROR a wrong token was taken"), (e) => say("discord refused a wrong token:", e.status, e.code));

const slack = new IncomingWebhook(SLACK);
say("slack answered", (await slack.send("plain &amp; simple")).text);
say("slack answered", (await slack.send({ text: "fallback", blocks: [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: "rich *text*" }] }] }] })).text);
for (const [what, message] of [["nothing", {}], ["bad blocks", { text: "x", blocks: [{ type: "nonsense" }] }]]) {
  await slack.send(message).then(() => say("ERROR", what, "was taken"), (e) => say("slack refused", what + ":", e.original?.response?.status ?? e.statusCode ?? e.message));
}
await new IncomingWebhook(SLACK + "x").send("x").then(() => say("ERROR a wrong address was taken"), (e) => say("slack refused a wrong address:", e.original?.response?.status ?? e.statusCode ?? e.message));
say("ended");
