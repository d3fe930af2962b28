// A bot written with the platform's own client. It talks to the server at API,
// answers what it gets, and prints what it does. A test plays the other side of
// the conversation.
import ws from "ws";
import mattermost from "@mattermost/client";

globalThis.WebSocket = ws;
const { API, TOKEN } = process.env;
const say = (...words) => console.log("client:", ...words);
const client = new mattermost.Client4();
client.setUrl(API);
client.setToken(TOKEN);
const me = await client.getMe();
say("bot", me.username);
try {
  await client.createPost({ channel_id: "nowhere", message: "x" });
  say("ERROR: it was accepted");
} catch (e) {
  say("refused", e.status_code);
}

const socket = new mattermost.WebSocketClient();
const heard = async (msg) => {
  if (msg.event === "reaction_added") {
    const reaction = JSON.parse(msg.data.reaction);
    if (reaction.user_id !== me.id) say("reaction", reaction.emoji_name);
    return;
  }
  if (msg.event !== "posted") return;
  const post = JSON.parse(msg.data.post);
  if (post.user_id === me.id) return;
  say("heard", JSON.stringify(post.message), "in", msg.data.channel_type);
  if (post.message === "bye") {
    await client.createPost({ channel_id: post.channel_id, message: "bye" });
    socket.close();
    process.exit(0);
  }
  if (post.file_ids?.length) {
    const resp = await fetch(client.getFileUrl(post.file_ids[0], 0), { headers: { authorization: `Bearer ${TOKEN}` } });
    const bytes = await resp.arrayBuffer();
    const form = new FormData();
    form.append("channel_id", post.channel_id);
    form.append("files", new Blob([bytes], { type: "text/plain" }), "copy-of-" + post.metadata.files[0].name);
    const up = await client.uploadFile(form);
    await client.createPost({ channel_id: post.channel_id, message: "", file_ids: [up.file_infos[0].id], pending_post_id: `${me.id}:2` });
    return;
  }
  const sent = await client.createPost({ channel_id: post.channel_id, root_id: post.id, message: "teh", pending_post_id: `${me.id}:1` });
  const changed = await client.patchPost({ id: sent.id, message: "edited" });
  say("edited", changed.edit_at > 0);
  await client.addReaction(me.id, sent.id, "one");
  say("reacted");
};
let queue = Promise.resolve(); // one after the other
socket.addMessageListener((msg) => { queue = queue.then(() => heard(msg)).catch((e) => say("ERROR", e.stack)); });
socket.addFirstConnectListener(() => say("ready"));
socket.initialize(API.replace("http", "ws") + "/api/v4/websocket", TOKEN);
