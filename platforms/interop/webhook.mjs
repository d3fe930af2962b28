// The services' own libraries check what our stand-in signed, and sign bodies for
// our connector to check. Everything comes and goes as JSON.
import { sign, verify } from "@octokit/webhooks-methods";
import { isValidSlackRequest } from "@slack/bolt";
import Stripe from "stripe";
import { Webhook } from "standardwebhooks";

const { body, secrets, headers, now } = JSON.parse(process.env.TASK);
const held = async (check) => {
  try {
    return (await check()) !== false;
  } catch {
    return false;
  }
};
const checks = {
  github: (b) => verify(secrets.github, b, headers.github["X-Hub-Signature-256"]),
  stripe: (b) => Stripe.webhooks.constructEvent(b, headers.stripe["Stripe-Signature"], secrets.stripe),
  slack: (b) => isValidSlackRequest({ signingSecret: secrets.slack, body: b, headers: {
    "x-slack-signature": headers.slack["X-Slack-Signature"], "x-slack-request-timestamp": Number(headers.slack["X-Slack-Request-Timestamp"]) } }),
  standard: (b) => new Webhook(secrets.standard).verify(b, { "webhook-id": headers.standard["Webhook-Id"],
    "webhook-timestamp": headers.standard["Webhook-Timestamp"], "webhook-signature": headers.standard["Webhook-Signature"] }, { jsonParse: false }),
};
const out = { good: {}, changed: {}, signed: {} };
for (const [name, check] of Object.entries(checks)) {
  out.good[name] = await held(() => check(body));
  out.changed[name] = await held(() => check(body + " "));
}
out.signed.github = { "X-Hub-Signature-256": await sign(secrets.github, body) };
out.signed.stripe = { "Stripe-Signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret: secrets.stripe, timestamp: now }) };
out.signed.standard = { "Webhook-Id": "msg_theirs", "Webhook-Timestamp": String(now),
  "Webhook-Signature": new Webhook(secrets.standard).sign("msg_theirs", new Date(now * 1000), body) };
console.log(JSON.stringify(out));
