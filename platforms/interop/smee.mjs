// The relay's own client passes on to TARGET what comes by the channel at SOURCE,
// until it is killed.
import SmeeClient from "smee-client";

const say = (level) => (...words) => console.log(level, ...words.map(String));
const smee = new SmeeClient({ source: process.env.SOURCE, target: process.env.TARGET, logger: { info: say("smee:"), error: say("smee failed:") } });
await smee.start();
