// Starts emulate's Slack, as it was published, on a free port. Says "ready <address>" when it answers, and
// "call <method> <path> <status>" after every request. On its input, "events <address>" subscribes an address
// to all events, and "home <user>" asks for the Home tab of somebody; it ends with its input.
import { readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";

const dist = new URL("./node_modules/emulate/dist/", import.meta.url);
const { createEmulator } = await import(new URL("api.js", dist));

// What the package does not offer from outside: where events are subscribed to, and Home tabs.
const file = readdirSync(dist).find(
  (name) => /^dist-.*\.js$/.test(name) && readFileSync(new URL(name, dist), "utf8").includes('name: "slack",'),
);
const { slackPlugin, getSlackStore } = await import(new URL(file, dist));
const register = slackPlugin.register;
let events;
let held;
slackPlugin.register = (app, store, webhooks, ...rest) => {
  events = webhooks;
  held = getSlackStore(store);
  register(app, store, webhooks, ...rest);

  // Slack names the app in every event; emulate does not.
  const dispatch = webhooks.dispatch.bind(webhooks);
  webhooks.dispatch = (event, action, payload, ...to) =>
    dispatch(event, action, { api_app_id: seed.slack.oauth_apps[0].app_id, ...payload }, ...to);

  // Slack takes both verbs for every method; emulate takes GET for a few.
  const got = ["chat.getPermalink", "files.info", "files.list", "users.profile.get", "users.getPresence", "pins.list"];
  const fetch = app.fetch;
  app.fetch = async (request) => {
    const url = new URL(request.url);
    const method = url.pathname.startsWith("/api/") ? url.pathname.slice(5) : undefined;
    let asked = request;
    if (request.method === "GET" && method !== undefined && !got.includes(method)) {
      const headers = new Headers(request.headers);
      headers.set("content-type", "application/x-www-form-urlencoded");
      asked = new Request(url.origin + url.pathname, { method: "POST", headers, body: url.searchParams.toString() });
    }
    const response = await fetch(asked);
    console.log(`call ${request.method} ${url.pathname} ${response.status}`);
    return response;
  };
};

const seed = JSON.parse(readFileSync(process.argv[2], "utf8"));
const emulator = await createEmulator({ service: "slack", port: 0, seed });
console.log(`ready ${emulator.url.replace("localhost", "127.0.0.1")}`);
for await (const line of createInterface({ input: process.stdin })) {
  const [word, url] = line.split(" ");
  if (word === "events") {
    events.register({ url, events: ["*"], active: true, owner: "slack" });
    console.log("events");
  } else if (word === "home") {
    const home = held.views.all().find((view) => view.type === "home" && view.user_id === url);
    console.log(`home ${JSON.stringify(home ?? null)}`);
  }
}
process.exit(0);
