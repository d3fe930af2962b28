// A bot written with the platform's own client. It talks to the server at
// DOMAIN, answers what it gets, and prints what it does. A test plays the other
// side of the conversation.
import * as lark from "@larksuiteoapi/node-sdk";

const { APP_ID: appId, APP_SECRET: appSecret, DOMAIN: domain, CHAT: chat } = process.env;
const say = (...words) => console.log("lark:", ...words);
const options = { appId, appSecret, domain, loggerLevel: lark.LoggerLevel.error };
const client = new lark.Client(options);
const ws = new lark.WSClient({ ...options, autoReconnect: false, onError: (e) => say("ERROR", String(e)), onReady: () => say("ready") });

const card = (label) => JSON.stringify({
  config: { update_multi: true },
  elements: [
    { tag: "markdown", content: "**Deploy** &#42;now&#42;?" },
    { tag: "action", actions: [
      { tag: "button", text: { tag: "plain_text", content: label }, type: "primary", value: { data: "deploy:yes" } },
      { tag: "button", text: { tag: "plain_text", content: "Why" }, url: "https://example.org/why" },
    ] },
  ],
});
const text = (s) => JSON.stringify({ text: s });
const read = async (stream) => {
  const parts = [];
  for await (const p of stream) parts.push(p);
  return Buffer.concat(parts);
};

async function heard({ sender, message: m }) {
  const content = JSON.parse(m.content);
  say("heard", m.message_type, JSON.stringify(content.text ?? content.file_name), "in", m.chat_type, "from", sender.sender_id.open_id === process.env.PERSON ? "Ada" : "?");
  if (content.text === "bye") {
    await client.im.message.create({ params: { receive_id_type: "chat_id" }, data: { receive_id: m.chat_id, msg_type: "text", content: text("bye") } });
    setTimeout(() => { ws.close({ force: true }); say("ended"); }, 50);
    return;
  }
  if (m.message_type === "file") {
    const got = await client.im.messageResource.get({ path: { message_id: m.message_id, file_key: content.file_key }, params: { type: "file" } });
    const bytes = await read(got.getReadableStream());
    say("file", content.file_name, bytes.length, "bytes");
    const up = await client.im.file.create({ data: { file_type: "stream", file_name: "copy-of-" + content.file_name, file: bytes } });
    await client.im.message.create({ params: { receive_id_type: "chat_id" }, data: { receive_id: m.chat_id, msg_type: "file", content: JSON.stringify({ file_key: up.file_key }) } });
    return;
  }
  const reaction = await client.im.messageReaction.create({ path: { message_id: m.message_id }, data: { reaction_type: { emoji_type: "Typing" } } });
  const sent = await client.im.message.reply({ path: { message_id: m.message_id }, data: { msg_type: "interactive", content: card("Yes") } });
  say("replied", sent.data.msg_type, "to", sent.data.parent_id === m.message_id ? "it" : "?");
  await client.im.messageReaction.delete({ path: { message_id: m.message_id, reaction_id: reaction.data.reaction_id } });
  const posted = await client.im.message.create({
    params: { receive_id_type: "open_id" },
    data: { receive_id: process.env.PERSON, msg_type: "post", uuid: "once", content: JSON.stringify({ en_us: { title: "Title", content: [[
      { tag: "text", text: "bold <b>&amp;", style: ["bold"] }, { tag: "a", text: "link", href: "https://example.org" }, { tag: "at", user_id: process.env.PERSON },
    ]] } }) },
  });
  await client.im.message.update({ path: { message_id: posted.data.message_id }, data: { msg_type: "text", content: text("edited") } });
  say("edited", posted.data.message_id.slice(0, 3));
}

const dispatcher = new lark.EventDispatcher({ loggerLevel: lark.LoggerLevel.error }).register({
  "im.message.receive_v1": async (e) => {
    // Not awaited: the acknowledgement is not to wait for the answer.
    heard(e).catch((err) => say("ERROR", err.response ? JSON.stringify(err.response.data) : err.stack));
  },
  "im.chat.member.bot.added_v1": async (e) => say("added to", e.name),
  "card.action.trigger": async (e) => {
    say("button", e.action.value.data, "in", e.context.open_chat_id === chat ? "the group" : "?");
    client.im.message.patch({ path: { message_id: e.context.open_message_id }, data: { content: card("Done") } })
      .then(() => say("patched"), (err) => say("ERROR", JSON.stringify(err.response?.data)));
    return { toast: { type: "success", content: "noted" } };
  },
});

const who = await client.request({ method: "GET", url: "/open-apis/bot/v3/info" });
say("bot", who.bot.app_name);
const names = await client.contact.user.get({ path: { user_id: process.env.PERSON }, params: { user_id_type: "open_id" } });
say("person", names.data.user.name);
const chats = await client.im.chat.list({});
say("chats", chats.data.items.map((c) => c.name).join());
for (const [name, call] of Object.entries({
  "unknown chat": () => client.im.message.create({ params: { receive_id_type: "chat_id" }, data: { receive_id: "oc_0", msg_type: "text", content: text("x") } }),
  "bad content": () => client.im.message.create({ params: { receive_id_type: "chat_id" }, data: { receive_id: chat, msg_type: "text", content: "x" } }),
})) {
  try {
    await call();
    say("ERROR", name, "was accepted");
  } catch (e) {
    say("refused", name + ":", e.response?.data?.code);
  }
}
await ws.start({ eventDispatcher: dispatcher });
