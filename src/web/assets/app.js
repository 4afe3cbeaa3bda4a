// The local workspace: shows the channels' messages as they happen and posts what is typed.
// Replies of the bot arrive as HTML in which the server has escaped everything from pastes.
"use strict";

const $ = (id) => document.getElementById(id);
const messages = $("messages");
/** The longest message in bytes, as the server has it. */
const MESSAGE_MAX = 40_000;
/** The channel that is shown, and the thread that is written to. */
let channel = null;
let thread = null;
/** A message that is being edited. */
let editing = null;

/** Calls the API; throws the sentence that the server answers with. */
async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error("The bot cannot be reached. It may be restarting; what you typed is still here.");
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({ error: `The bot answered ${response.status}.` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(label, action) {
  const made = element("button", "", label);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

/** Shows the end; a long conversation is shown from the message that it is about. */
function goTo(conversation) {
  messages.scrollTop = messages.scrollHeight;
  if (conversation && conversation.offsetHeight > messages.clientHeight) conversation.scrollIntoView({ block: "start" });
}

/** Follows what is new, but only when the reader is at the end. */
function keepingPlace(change) {
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
  const added = change();
  if (atEnd) goTo(added?.closest("#messages > .message"));
}

/** Shows a message as it is now; returns its node when it is a new one. */
function show(message, isNew) {
  if (message.channel !== channel) return null;
  const existing = $(`message-${message.id}`);
  if (message.deleted) {
    existing?.remove();
    return null;
  }
  const node = existing ?? element("div");
  node.id = `message-${message.id}`;
  node.className = `message ${message.is_bot ? "bot" : "person"}${isNew ? " new" : ""}`;
  const threadNode = node.querySelector(":scope > .thread") ?? element("div", "thread");

  const head = element("div", "head");
  head.append(element("span", "author", message.author));
  const time = element("time", "", new Date(message.posted_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
  time.dateTime = new Date(message.posted_at).toISOString();
  head.append(time);
  if (message.edited && !message.is_bot) head.append(element("span", "edited", "edited"));
  const body = element("div", "body");
  if (message.is_bot) {
    body.innerHTML = message.html ?? "";
    const actions = element("span", "actions");
    const look = button("Preview", () => attempt(async () => preview.show(await call("GET", `/api/messages/${message.id}/preview`))));
    look.title = "How this looks on Slack and Discord";
    actions.append(look);
    head.append(actions);
  } else {
    const actions = element("span", "actions");
    if (!message.thread) actions.append(button("Reply in thread", () => enterThread(message)));
    actions.append(button("Edit", () => startEditing(message)));
    actions.append(button("Delete", () => attempt(() => call("DELETE", `/api/messages/${message.id}`))));
    head.append(actions);
    body.append(element("div", "text", message.text));
  }
  node.replaceChildren(head, body);
  if (!message.thread) node.append(threadNode);
  if (existing) return null;
  const root = message.thread && $(`message-${message.thread}`);
  messages.querySelector(".empty")?.remove();
  (root?.querySelector(":scope > .thread") ?? messages).append(node);
  return node;
}

async function openChannel(name) {
  channel = name;
  leaveThread();
  history.replaceState(null, "", `#${name}`);
  for (const entry of $("channels").querySelectorAll("button")) entry.setAttribute("aria-current", entry.dataset.channel === name);
  $("channel-name").textContent = `#${name}`;
  await reload();
  $("text").focus();
}

/** What arrives while a history is on its way, one list for each: the history may be older. */
const arriving = new Set();

async function reload() {
  const shown = channel;
  const arrived = [];
  arriving.add(arrived);
  try {
    const list = await call("GET", `/api/channels/${encodeURIComponent(shown)}/messages`);
    if (shown !== channel) return;
    messages.replaceChildren();
    if (list.length === 0) {
      messages.append(element("p", "empty", "Nothing here yet. Paste an Okta error below, however mangled; the answer arrives in its thread."));
    }
    for (const message of [...list, ...arrived]) show(message, false);
    goTo(messages.lastElementChild);
  } finally {
    arriving.delete(arrived);
  }
}

function enterThread(message) {
  thread = message.id;
  $("replying").hidden = false;
  $("replying").querySelector("span").textContent = `Replying in the thread of “${message.text.slice(0, 60)}”`;
  $("text").focus();
}

function leaveThread() {
  thread = null;
  editing = null;
  $("replying").hidden = true;
}

function startEditing(message) {
  leaveThread();
  editing = message.id;
  $("replying").hidden = false;
  $("replying").querySelector("span").textContent = "Editing your message";
  $("text").value = message.text;
  $("text").focus();
}

/** Does something and shows the reason when it was refused. */
async function attempt(action) {
  $("refusal").hidden = true;
  try {
    return await action();
  } catch (error) {
    $("refusal").textContent = error.message;
    $("refusal").hidden = false;
    return undefined;
  }
}

async function runCommand(text) {
  const answer = await call("POST", "/api/commands", { text });
  const head = element("div", "head", "Only visible to you");
  head.append(button("Dismiss", () => ($("private").hidden = true)));
  const body = element("div", "body");
  body.innerHTML = answer.html;
  for (const offer of body.querySelectorAll(".offer")) {
    offer.addEventListener("click", () => attempt(() => runCommand(`/okta lookup ${offer.dataset.rule}`)));
  }
  $("private").replaceChildren(head, body);
  $("private").hidden = false;
  $("private").scrollTop = 0;
}

async function send() {
  const text = $("text").value;
  if (!text.trim()) return;
  const done = await attempt(async () => {
    if (new Blob([text]).size > MESSAGE_MAX) {
      throw new Error(`The message is longer than ${MESSAGE_MAX} bytes; paste the part around the error.`);
    }
    if (editing) {
      await call("PATCH", `/api/messages/${editing}`, { text });
      leaveThread();
    } else if (/^\s*\/okta\b/.test(text)) {
      await runCommand(text);
    } else {
      await call("POST", `/api/channels/${encodeURIComponent(channel)}/messages`, { text, thread, author: "you" });
    }
    return true;
  });
  if (done) $("text").value = "";
}

/** Everything that happens arrives here; the browser reconnects by itself and names what it has seen. */
function listen() {
  const updates = new EventSource("/api/updates");
  updates.onopen = () => {
    $("connection").textContent = "Connected";
    // What happened before the connection stood is not told by it.
    attempt(reload);
  };
  updates.onerror = () => {
    $("connection").textContent = "Connection lost, trying again…";
  };
  updates.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    for (const arrived of arriving) arrived.push(message);
    keepingPlace(() => show(message, true));
  });
  updates.addEventListener("start-over", () => attempt(reload));
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  } else if (event.key === "Escape") {
    leaveThread();
  }
});
$("leave-thread").addEventListener("click", leaveThread);

attempt(async () => {
  const { channels } = await call("GET", "/api/channels");
  for (const { name, scope } of channels) {
    const item = element("li");
    const entry = button(`# ${name}`, () => {
      $("channel-hint").textContent = hint(scope);
      attempt(() => openChannel(name));
    });
    entry.dataset.channel = name;
    item.append(entry);
    $("channels").append(item);
  }
  const wanted = channels.find(({ name }) => `#${name}` === location.hash) ?? channels[0];
  $("channel-hint").textContent = hint(wanted.scope);
  await openChannel(wanted.name);
  listen();
});

function hint(scope) {
  return scope === "okta"
    ? "An Okta support channel: every paste is taken to be about Okta."
    : "A mixed channel: the bot speaks only when a paste shows that Okta is involved.";
}
