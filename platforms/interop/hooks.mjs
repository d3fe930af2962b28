// Programs that post into chats, as they come: of each only the address is
// another. HOOK is a hook's address. Prints what each makes of the answer.
const hook = process.env.HOOK; // …/api/webhooks/execute/{token}
const say = (who, what) => console.log(`${who}: ${what}`);

async function slack() {
  const { IncomingWebhook } = await import("@slack/webhook");
  const posted = new IncomingWebhook(hook + "/slack", { username: "deploys", icon_emoji: ":rocket:" });
  say("slack", (await posted.send("slack text <https://example.org|a link> & *bold*")).text);
  const { text } = await posted.send({
    text: "fallback",
    blocks: [
      { type: "header", text: { type: "plain_text", text: "slack blocks" } },
      { type: "section", text: { type: "mrkdwn", text: "*Build* <https://example.org/1|#1> of `main`" }, fields: [{ type: "mrkdwn", text: "*State:*\nfailed" }] },
      { type: "divider" },
      { type: "context", elements: [{ type: "mrkdwn", text: "by <!here> ada" }] },
    ],
  });
  say("slack", text);
  try {
    await posted.send({});
  } catch (e) {
    say("slack", `${e.code} ${e.message}`);
  }
  try {
    await new IncomingWebhook(hook.replace(/[^/]+$/, "x".repeat(64)) + "/slack").send("to nobody");
  } catch (e) {
    say("slack", `${e.code} ${e.message}`);
  }
}

// Its client builds addresses as the platform's are: the version of the API, then
// an id and a token.
async function discord() {
  const { DiscordAPIError, EmbedBuilder, WebhookClient } = await import("discord.js");
  const { origin, pathname } = new URL(hook);
  const [id, token] = pathname.split("/").slice(-2);
  const client = new WebhookClient({ id, token }, { rest: { api: origin + "/api", retries: 0 } });
  const first = await client.send("discord content **bold** @everyone");
  say("discord", `${typeof first.id} ${typeof first.channel_id}`);
  const embed = new EmbedBuilder().setTitle("discord embed").setDescription("it *failed*").setURL("https://example.org/2").addFields({ name: "State", value: "red" }).setFooter({ text: "ci" });
  await client.send({ username: "ci", embeds: [embed] });
  await client.sendSlackMessage({ text: "discord slack" });
  try {
    await client.send({ content: "x".repeat(4001) });
    say("discord", "a long text is taken");
  } catch (e) {
    say("discord", `${e instanceof DiscordAPIError} ${e.status} ${e.code}`);
  }
  try {
    await new WebhookClient({ id, token: "x".repeat(64) }, { rest: { api: origin + "/api", retries: 0 } }).send("to nobody");
  } catch (e) {
    say("discord", `${e instanceof DiscordAPIError} ${e.status}`); // whose form it would be is not told
  }
  client.destroy();
}

const post = async (who, suffix, body, type = "application/json") => {
  const r = await fetch(hook + suffix, { method: "POST", body, headers: { "Content-Type": type } });
  say(who, `${r.status} ${await r.text()}`);
};

// https://developers.mattermost.com/integrate/webhooks/incoming/
async function mattermost() {
  await post("mattermost", "/mattermost", JSON.stringify({ text: "mattermost text\n| a | b |\n|---|---|\n| 1 | 2 |", username: "mm" }));
  await post("mattermost", "/mattermost", "payload=" + encodeURIComponent(JSON.stringify({ text: "mattermost form" })), "application/x-www-form-urlencoded");
  await post("mattermost", "/mattermost", JSON.stringify({ attachments: [{ fallback: "f", color: "#FF8000", pretext: "mattermost attachment", title: "Title", title_link: "https://example.org", text: "in it",
    fields: [{ short: true, title: "State", value: "red" }] }] }));
}

// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
const alertmanager = () => post("alertmanager", "/alertmanager", JSON.stringify({
  version: "4", groupKey: '{}:{alertname="alertmanager alert"}', truncatedAlerts: 0, status: "firing", receiver: "postern",
  groupLabels: { alertname: "alertmanager alert" }, commonLabels: { alertname: "alertmanager alert", severity: "page" }, commonAnnotations: { summary: "High latency" },
  externalURL: "http://alertmanager.example:9093",
  alerts: [{ status: "firing", labels: { alertname: "alertmanager alert", instance: "db-1", severity: "page" }, annotations: { summary: "High latency" },
    startsAt: "2026-11-21T12:00:00.000Z", endsAt: "0001-01-01T00:00:00Z", generatorURL: "http://prometheus.example/graph", fingerprint: "c6eadffa33fcdf37" }],
}), "application/json");

// https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
const grafana = () => post("grafana", "/grafana", JSON.stringify({
  receiver: "My Super Webhook", status: "firing", orgId: 1,
  alerts: [{ status: "firing", labels: { alertname: "grafana alert", team: "blue", zone: "us-1" },
    annotations: { description: "The system has high memory usage", runbook_url: "https://myrunbook.com/runbook/1234", summary: "This alert was triggered for zone us-1" },
    startsAt: "2021-10-12T09:51:03.157076+02:00", endsAt: "0001-01-01T00:00:00Z", generatorURL: "https://play.grafana.org/alerting/1afz29v7z/edit", fingerprint: "c6eadffa33fcdf37",
    silenceURL: "https://play.grafana.org/alerting/silence/new", dashboardURL: "", panelURL: "", values: { B: 44.23943737541908, C: 1 } }],
  groupLabels: {}, commonLabels: { team: "blue" }, commonAnnotations: {}, externalURL: "https://play.grafana.org/", version: "1", groupKey: "{}:{}", truncatedAlerts: 0,
  title: "[FIRING:1]  (blue)", state: "alerting", message: "**Firing**\n\nLabels:\n - alertname = grafana alert\n",
}));

const plain = () => post("plain", "", JSON.stringify({ content: "plain content", username: "curl" }));

for (const one of process.env.WHO.split(",")) await { slack, discord, mattermost, alertmanager, grafana, plain }[one]();
