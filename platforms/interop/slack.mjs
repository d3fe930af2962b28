// A bot written with the platform's own framework. It talks to the server at
// API, answers what it gets, and prints what it does. A test plays the other
// side of the conversation.
import bolt from "@slack/bolt";

const { API: slackApiUrl, BOT_TOKEN: token, APP_TOKEN: appToken, PERSON: person } = process.env;
const say = (...words) => console.log("bolt:", ...words);
const clientOptions = { slackApiUrl, retryConfig: { retries: 0 } };
const app = new bolt.App({ token, appToken, socketMode: true, clientOptions, logLevel: bolt.LogLevel.ERROR });
app.error(async (e) => say("ERROR", e.stack));

const question = (label) => [
  { type: "section", text: { type: "mrkdwn", text: "*Deploy* now &lt;or never&gt;?" } },
  { type: "actions", elements: [
    { type: "button", action_id: "deploy", text: { type: "plain_text", text: label }, value: "deploy:yes" },
    { type: "button", action_id: "why", text: { type: "plain_text", text: "Why" }, url: "https://example.org/why" },
  ] },
];

app.event("app_mention", async ({ event }) => say("mentioned in", event.channel, "by", event.user === person ? "Ada" : "?"));

app.message(async ({ message, client }) => {
  say("heard", JSON.stringify(message.text), "in", message.channel_type, message.subtype ?? "");
  if (message.subtype === "message_changed") return;
  if (message.text === "bye") {
    await client.chat.postMessage({ channel: message.channel, text: "bye" });
    setTimeout(async () => { await app.stop(); say("ended"); }, 50);
    return;
  }
  if (message.files) {
    const got = await client.files.info({ file: message.files[0].id });
    const resp = await fetch(got.file.url_private_download, { headers: { authorization: `Bearer ${token}` } });
    const bytes = Buffer.from(await resp.arrayBuffer());
    say("file", got.file.name, bytes.length, "bytes");
    await client.filesUploadV2({ channel_id: message.channel, file: bytes, filename: "copy-of-" + got.file.name, initial_comment: "here" });
    return;
  }
  const sent = await client.chat.postMessage({ channel: message.channel, thread_ts: message.ts, text: "Deploy?", blocks: question("Yes") });
  say("replied in the thread", sent.message.thread_ts === message.ts);
  const dm = await client.conversations.open({ users: person });
  const second = await client.chat.postMessage({ channel: dm.channel.id, text: "teh" });
  await client.chat.update({ channel: dm.channel.id, ts: second.ts, text: "edited" });
  const history = await client.conversations.history({ channel: message.channel, limit: 10 });
  say("history", history.messages.map((m) => m.reply_count ?? 0).join());
  const replies = await client.conversations.replies({ channel: message.channel, ts: message.ts });
  say("replies", replies.messages.length);
});

app.action("deploy", async ({ ack, body, action, respond, client }) => {
  await ack();
  say("button", action.value);
  await respond({ response_type: "ephemeral", replace_original: false, text: "noted" });
  await client.chat.update({ channel: body.channel.id, ts: body.container.message_ts, text: "Done", blocks: question("Done") });
});

app.command("/postern", async ({ ack, command, respond }) => {
  await ack();
  say("command", JSON.stringify(command.text));
  await respond({ response_type: "in_channel", text: "it runs" });
});

const me = await app.client.auth.test();
say("bot", me.user, (me.response_metadata.scopes ?? []).length, "scopes");
const names = await app.client.users.info({ user: person });
say("person", names.user.real_name);
const chats = await app.client.users.conversations({ types: "im,public_channel" });
say("chats", chats.channels.map((c) => c.name ?? "direct").join());
for (const [name, call] of Object.entries({
  "unknown channel": () => app.client.chat.postMessage({ channel: "C0", text: "x" }),
  "bad blocks": () => app.client.chat.postMessage({ channel: chats.channels[0].id, text: "x", blocks: [{ type: "telepathy" }] }),
})) {
  try {
    await call();
    say("ERROR", name, "was accepted");
  } catch (e) {
    say("refused", name + ":", e.data?.error);
  }
}
await app.start();
say("ready");
