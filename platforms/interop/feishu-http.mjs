// A server for events written with the platform's own client. It prints what
// reaches it, and ends when it hears "bye".
import http from "node:http";
import * as lark from "@larksuiteoapi/node-sdk";

const { ENCRYPT_KEY: encryptKey, VERIFICATION_TOKEN: verificationToken } = process.env;
const say = (...words) => console.log("lark:", ...words);
const logger = { error: (...w) => say("ERROR", ...w), warn: (...w) => say("warned", ...w.flat()), info() {}, debug() {}, trace() {} };

const dispatcher = new lark.EventDispatcher({ encryptKey, verificationToken, logger, loggerLevel: lark.LoggerLevel.warn }).register({
  "im.message.receive_v1": async ({ message: m }) => {
    const { text } = JSON.parse(m.content);
    say("heard", JSON.stringify(text), "in", m.chat_type);
    if (text === "bye") setTimeout(() => process.exit(0), 100);
  },
  "card.action.trigger": async (e) => {
    say("button", e.action.value.data);
    return { toast: { type: "info", content: "noted" } };
  },
});
const server = http.createServer(lark.adaptDefault("/feishu", dispatcher, { autoChallenge: true }));
server.listen(0, "127.0.0.1", () => say("listens", server.address().port));
