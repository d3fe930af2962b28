// A bot written with discord.js. It talks to the server at API, answers what it
// gets, and prints what it does. A test plays the other side of the conversation.
import {
  ActionRowBuilder, ButtonBuilder, ButtonStyle, Client, Events, GatewayIntentBits, MessageFlags, Partials,
} from "discord.js";

const { API: api, TOKEN: token, CHANNEL: channel } = process.env;
const say = (...words) => console.log("discord.js:", ...words);
const client = new Client({
  rest: { api, version: "10" },
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.DirectMessages, GatewayIntentBits.MessageContent],
  partials: [Partials.Channel],
  allowedMentions: { parse: [] },
});
const buttons = (label) => new ActionRowBuilder().addComponents(
  new ButtonBuilder().setCustomId("deploy:yes").setLabel(label).setStyle(ButtonStyle.Primary),
  new ButtonBuilder().setURL("https://example.org/why").setLabel("Why").setStyle(ButtonStyle.Link),
);
const careful = (f) => (...args) => f(...args).catch((e) => say("ERROR", e.stack));

client.on(Events.Error, (e) => say("ERROR", e.stack));
client.on(Events.MessageCreate, careful(async (m) => {
  if (m.author.id === client.user.id) return;
  say("heard", JSON.stringify(m.content), "from", m.author.displayName, "in", m.guild ? m.guild.name : "direct",
    m.channel.isThread() ? "thread" : "", m.mentions.has(client.user) ? "mentioned" : "");
  if (m.content === "bye") {
    await m.channel.send("bye");
    await client.destroy();
    say("ended");
    return;
  }
  if (m.attachments.size > 0) {
    const a = m.attachments.first();
    const bytes = Buffer.from(await (await fetch(a.url)).arrayBuffer());
    say("file", a.name, bytes.length, "bytes");
    await m.channel.send({ files: [{ attachment: bytes, name: "copy-of-" + a.name }] });
    return;
  }
  await m.channel.sendTyping();
  const sent = await m.reply({ content: "Deploy **now**, <@" + m.author.id + ">?", components: [buttons("Yes")] });
  say("replied", sent.reference.messageId === m.id ? "to it" : "to ?");
  const again = await m.channel.send({ content: "teh", nonce: "once", enforceNonce: true });
  const same = await m.channel.send({ content: "teh", nonce: "once", enforceNonce: true });
  say("nonce", again.id === same.id ? "kept one" : "made two");
  const edited = await again.edit("the");
  say("edited", edited.content, edited.editedTimestamp > 0);
  const history = await m.channel.messages.fetch({ after: m.id, limit: 10 });
  say("history", history.size);
}));
client.on(Events.MessageUpdate, (_, m) => {
  if (m.author.id !== client.user.id) say("changed", JSON.stringify(m.content));
});
client.on(Events.InteractionCreate, careful(async (i) => {
  if (i.isButton()) {
    say("button", i.customId, "by", i.user.displayName);
    await i.deferUpdate();
    await i.message.edit({ content: "Done", components: [buttons("Again")] });
    await i.followUp({ content: "noted", flags: MessageFlags.Ephemeral });
    return;
  }
  say("command", i.commandName, i.options.getString("text"));
  await i.deferReply();
  await i.editReply("answered");
  await i.followUp("and more");
}));
client.once(Events.ClientReady, careful(async (c) => {
  say("ready", c.user.username, "in", c.guilds.cache.map((g) => g.name).join());
  const app = await c.application.fetch();
  await app.commands.create({ name: "ask", description: "Ask", options: [{ type: 3, name: "text", description: "What", required: true }] });
  say("commands", (await app.commands.fetch()).map((x) => x.name).join());
  for (const [name, call] of Object.entries({
    "unknown channel": () => c.rest.post("/channels/1/messages", { body: { content: "x" } }),
    "too long": () => c.rest.post(`/channels/${channel}/messages`, { body: { content: "x".repeat(2001) } }),
    "empty": () => c.rest.post(`/channels/${channel}/messages`, { body: { content: "" } }),
  })) {
    try {
      await call();
      say("ERROR", name, "was accepted");
    } catch (e) {
      say("refused", name + ":", e.code);
    }
  }
  say("listening");
}));
await client.login(token);
