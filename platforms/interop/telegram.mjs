// A bot written with grammY, an independent client of the Bot API. It talks to
// the server at API_ROOT, answers what it gets, and prints what it does. A test
// plays the other side of the conversation.
import { Bot, InlineKeyboard, InputFile } from "grammy";

const { BOT_TOKEN: token, API_ROOT: apiRoot } = process.env;
const bot = new Bot(token, { client: { apiRoot } });
const say = (...words) => console.log("grammY:", ...words);

bot.on("message:text", async (ctx) => {
  say("heard", JSON.stringify(ctx.message.text), "from", ctx.from.first_name, "in", ctx.chat.type);
  if (ctx.message.text === "bye") {
    await ctx.reply("bye", { reply_parameters: { message_id: ctx.message.message_id } });
    say("stops");
    await bot.stop();
    return;
  }
  await ctx.replyWithChatAction("typing");
  const sent = await ctx.reply("<b>Deploy</b> &amp; restart?", {
    parse_mode: "HTML",
    message_thread_id: ctx.message.message_thread_id,
    reply_parameters: { message_id: ctx.message.message_id },
    reply_markup: new InlineKeyboard().text("Yes", "deploy:yes").text("No", "deploy:no").row().url("Why", "https://example.org/why"),
  });
  say("sent", sent.message_id, JSON.stringify(sent.text), "with", sent.reply_markup.inline_keyboard.length, "rows of buttons,",
    "reply to", sent.reply_to_message.message_id);
});

bot.on("callback_query:data", async (ctx) => {
  say("button", ctx.callbackQuery.data, "by", ctx.from.first_name);
  await ctx.answerCallbackQuery({ text: "noted" });
  await ctx.editMessageText("Deployed.");
  say("edited", ctx.callbackQuery.message.message_id);
});

bot.on("edited_message:text", (ctx) => say("edit", JSON.stringify(ctx.editedMessage.text)));

bot.on("message:document", async (ctx) => {
  const file = await ctx.getFile();
  const answer = await fetch(`${apiRoot}/file/bot${token}/${file.file_path}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  say("file", ctx.message.document.file_name, bytes.length, "bytes");
  const sent = await ctx.replyWithDocument(new InputFile(bytes, "copy-of-" + ctx.message.document.file_name), { caption: "a copy" });
  say("sent file", sent.document.file_name, sent.document.file_size, "bytes");
});

bot.on("my_chat_member", (ctx) => say("membership", ctx.myChatMember.old_chat_member.status, "to", ctx.myChatMember.new_chat_member.status));

bot.catch((err) => {
  say("ERROR", String(err.error));
  process.exitCode = 1;
});

for (const [name, call] of Object.entries({
  "chat not found": () => bot.api.sendMessage(1, "x"),
  "empty text": () => bot.api.sendMessage(Number(process.env.CHAT), " "),
  "bad HTML": () => bot.api.sendMessage(Number(process.env.CHAT), "<blink>x</blink>", { parse_mode: "HTML" }),
})) {
  try {
    await call();
    say("ERROR", name, "was accepted");
    process.exitCode = 1;
  } catch (e) {
    say("refused", name + ":", e.error_code, e.description);
  }
}

await bot.start({ onStart: (me) => say("connected as", me.username) });
say("ended");
