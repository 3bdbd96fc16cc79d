// The chat page's script. The page works without it; with it, nothing a resident typed is lost and answers come without a reload.
"use strict";

const setup = JSON.parse(document.getElementById("setup").textContent);
const word = setup.words;
const byId = (id) => document.getElementById(id);
const [talk, composer, say, choices, progress, trouble] = ["talk", "composer", "say", "choices", "progress", "trouble"].map(byId);

// A browser may refuse storage, in a private window or in a frame; the page then remembers until it is closed.
const memory = new Map();
const store = {
  get(key) {
    try { return localStorage.getItem(key); } catch { return memory.get(key) ?? null; }
  },
  set(key, value) {
    memory.set(key, value);
    try { localStorage.setItem(key, value); } catch { /* kept in memory */ }
  },
  drop(key) {
    memory.delete(key);
    try { localStorage.removeItem(key); } catch { /* was in memory */ }
  },
};
const PENDING = "spillway.pending", SESSION = "spillway.session", DRAFT = "spillway.draft";
const byHeader = setup.embed || !navigator.cookieEnabled;
const bubbles = new Map(); // what the resident sent, by client_id
const seen = new Set(); // numbers of our texts on the page
const state = { last: setup.last, owner: setup.owner, reference: setup.reference, picked: setup.picked, unseen: 0, flushing: false, failures: 0 };
const title = document.title;
const clock = new Intl.DateTimeFormat(setup.language === "es" ? "es-US" : "en-US", { hour: "numeric", minute: "2-digit", timeZone: setup.zone });
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---- what is on the page

const ALLOWED = new Set(["P", "BR", "STRONG", "EM", "UL", "OL", "LI", "A"]);

function copySafe(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.textContent);
    else if (node.nodeType === Node.ELEMENT_NODE && ALLOWED.has(node.tagName)) {
      const copy = document.createElement(node.tagName);
      const href = node.getAttribute("href") ?? "";
      if (node.tagName === "A" && /^(https:|tel:)/.test(href)) copy.href = href;
      copySafe(node, copy);
      to.append(copy);
    }
  }
}

function leaveFrame(root) {
  if (!setup.embed) return;
  for (const link of root.querySelectorAll('a[href^="https:"]:not([target])')) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.title = word.new_tab;
  }
}

function partOf(part, live) {
  const made = element("div", `part ${["card", "safety"].includes(part.role) ? part.role : "words"}`);
  if (part.lang) made.lang = part.lang;
  if (part.html) copySafe(new DOMParser().parseFromString(part.html, "text/html").body, made);
  else made.append(element("p", "", part.text));
  if (live && part.role === "card") made.setAttribute("role", "alert");
  return made;
}

function draw(said, live) {
  const mine = said.speaker === "resident";
  const who = ["resident", "agent", "bot"].includes(said.speaker) ? said.speaker : "system";
  const bubble = element("article", `bubble ${mine ? "mine" : "ours"} from-${who}`);
  if (said.parts[0]?.lang) bubble.lang = said.parts[0].lang;
  const head = element("p", "who", `${word[`who_${who}`]}, `);
  head.lang = setup.language;
  const time = element("time", "", clock.format(new Date(said.at)));
  time.dateTime = said.at;
  head.append(time);
  bubble.append(head, ...said.parts.map((part) => partOf(part, live && !mine)));
  leaveFrame(bubble);
  talk.append(bubble);
  if (mine) bubbles.set(said.client_id, bubble);
  byId("privacy")?.remove();
  byId("about").hidden = false;
  return bubble;
}

function offer(options) {
  choices.replaceChildren();
  if (!options.length) return;
  choices.setAttribute("aria-label", word.choices_label);
  for (const option of options) {
    const button = element("button", "", option.label);
    button.setAttribute("form", "composer");
    button.name = "choice";
    button.value = option.value;
    choices.append(button);
  }
}

function standing(owner, reference) {
  if (reference) {
    state.reference = reference;
    byId("reference").textContent = reference;
  }
  if (owner === state.owner) return;
  state.owner = owner;
  if (owner !== "agent") writing(0);
  const line = byId("owner");
  line.hidden = owner === "bot";
  line.textContent = word[`owner_${owner}`] ?? "";
}

function complain(text) {
  trouble.hidden = !text;
  trouble.textContent = text;
}

function delivery(bubble, text, again) {
  bubble.querySelector(".delivery")?.remove();
  if (!text) return;
  const line = element("p", "delivery", text);
  line.lang = setup.language;
  if (again) {
    const button = element("button", "plain", word.again);
    button.type = "button";
    button.addEventListener("click", () => flush());
    line.append(" ", button);
  }
  bubble.append(line);
}

// ---- sending: what is typed is kept until the server has it, under one name, so that it arrives once

const pending = {
  all() {
    try { return JSON.parse(store.get(PENDING)) ?? []; } catch { return []; }
  },
  add(message) { store.set(PENDING, JSON.stringify([...this.all(), message])); },
  drop(id) {
    const left = this.all().filter((message) => message.client_id !== id);
    if (left.length) store.set(PENDING, JSON.stringify(left));
    else store.drop(PENDING);
  },
};

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function request(path, options = {}) {
  const headers = { ...options.headers };
  const token = byHeader && store.get(SESSION);
  if (token) headers["X-Spillway-Session"] = token;
  return fetch(`/chat/${path}`, { credentials: "same-origin", cache: "no-store", ...options, headers });
}

async function begin() {
  const response = await request(`sessions?lang=${setup.language}`, { method: "POST" });
  if (!response.ok) throw new Error("no session");
  if (!byHeader) return;
  const { session } = await response.json();
  store.set(SESSION, session);
  tellCity({ spillway: "keep", session });
}

// In a frame the browser may deny us any storage; the city's page, which our policy named, then keeps the session for this tab.
const inFrame = setup.embed && parent !== window;

function tellCity(message) {
  if (inFrame) parent.postMessage(message, "*");
}

function sessionFromCity() {
  if (!inFrame || store.get(SESSION)) return Promise.resolve();
  return new Promise((done) => {
    addEventListener("message", function told(event) {
      if (event.source !== parent || event.data?.spillway !== "session") return;
      removeEventListener("message", told);
      if (typeof event.data.session === "string") store.set(SESSION, event.data.session);
      done();
    });
    setTimeout(done, 1000);
    tellCity({ spillway: "hello" });
  });
}

async function post(message) {
  return request(`messages?lang=${setup.language}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(message),
    signal: AbortSignal.timeout(20000),
  });
}

function show(message) {
  const text = message.label ?? message.text;
  const bubble = draw({ speaker: "resident", client_id: message.client_id, at: message.at, parts: [{ text, html: null, lang: "", role: "resident" }] }, true);
  bubble.classList.add("waiting");
  return bubble;
}

function arrived(id) {
  pending.drop(id);
  const bubble = bubbles.get(id);
  if (!bubble?.classList.contains("waiting")) return;
  bubble.classList.remove("waiting");
  delivery(bubble, word.sent);
}

function give(text, label) {
  const message = { client_id: newId(), text, at: new Date().toISOString() };
  if (label && label !== text) message.label = label;
  if (state.picked) message.language = setup.language;
  pending.add(message);
  choices.replaceChildren();
  complain("");
  show(message).scrollIntoView({ block: "nearest" });
  flush();
}

async function flush() {
  if (state.flushing) return;
  state.flushing = true;
  clearTimeout(state.retry);
  await state.ready;
  try {
    for (let next = pending.all()[0]; next; next = pending.all()[0]) {
      const bubble = bubbles.get(next.client_id) ?? show(next);
      delivery(bubble, word.sending);
      if (!(await deliver(next, bubble))) break;
    }
  } finally {
    state.flushing = false;
    progress.textContent = "";
  }
}

async function deliver(message, bubble) {
  const { client_id, text, language } = message;
  const slow = setTimeout(() => { if (state.owner === "bot") progress.textContent = word.answering; }, 500);
  try {
    if (!state.reference && !state.begun) { await begin(); state.begun = true; }
    let response = await post({ client_id, text, language });
    if (response.status === 401) { await begin(); response = await post({ client_id, text, language }); }
    if (response.ok) { replied(await response.json()); return true; }
    if (response.status === 429) return later(bubble, Number(response.headers.get("Retry-After")) || 10, (await response.json()).error);
    if (response.status >= 400 && response.status < 500 && response.status !== 408) return handBack(message, bubble, (await response.json()).error);
    return later(bubble);
  } catch {
    return later(bubble);
  } finally {
    clearTimeout(slow);
  }
}

function later(bubble, seconds, why) {
  state.failures += 1;
  delivery(bubble, word.not_sent, true);
  complain(why ?? (navigator.onLine ? "" : word.offline));
  state.retry = setTimeout(flush, 1000 * (seconds ?? Math.min(30, 2 ** state.failures)));
  return false;
}

function handBack(message, bubble, why) {
  pending.drop(message.client_id);
  bubbles.delete(message.client_id);
  bubble.remove();
  if (!say.value.trim()) say.value = message.text;
  grow();
  complain(`${word.refused} ${why}`);
  return true;
}

function replied(reply) {
  state.failures = 0;
  complain("");
  arrived(reply.client_id);
  const known = reply.id !== null && seen.has(reply.id);
  if (reply.parts.length && !known) {
    if (reply.id !== null) { seen.add(reply.id); state.last = Math.max(state.last, reply.id); }
    draw({ speaker: "bot", at: new Date().toISOString(), parts: reply.parts }, true);
  }
  offer(reply.options);
  standing(reply.owner, reply.reference);
  state.picked = false;
  (bubbles.get(reply.client_id) ?? talk.lastElementChild)?.scrollIntoView({ block: "start" });
  listen();
}

// ---- listening: what a person writes comes by itself

function heard(said) {
  if (said.speaker === "resident") {
    if (bubbles.has(said.client_id)) arrived(said.client_id);
    else draw(said, false);
    return;
  }
  if (said.id === null || seen.has(said.id)) return;
  seen.add(said.id);
  state.last = Math.max(state.last, said.id);
  if (said.client_id) arrived(said.client_id);
  if (said.speaker === "agent") writing(0);
  const atEnd = innerHeight + scrollY > document.documentElement.scrollHeight - 200;
  const bubble = draw(said, true);
  if (atEnd) bubble.scrollIntoView({ block: "nearest" });
  if (document.hidden) document.title = `(${(state.unseen += 1)}) ${word.unseen} - ${title}`;
}

async function catchUp() {
  const response = await request(`messages?after=${state.last}&lang=${setup.language}`);
  if (!response.ok) return false;
  const history = await response.json();
  history.messages.forEach(heard);
  standing(history.owner, history.reference);
  const last = history.messages.at(-1);
  if (last?.options.length && !pending.all().length) offer(last.options);
  return true;
}

async function follow(signal) {
  const response = await request("events", { headers: { Accept: "text/event-stream", "Last-Event-ID": String(state.last) }, signal });
  if (!response.ok) throw new Error("no stream");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    state.quiet = 0;
    buffer += value.replaceAll("\r", "");
    const events = buffer.split("\n\n");
    buffer = events.pop();
    for (const event of events) {
      const field = (name) => event.split("\n").filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join("\n");
      const data = field("data");
      if (!data) continue;
      if (field("event") === "owner") standing(JSON.parse(data).owner);
      else if (field("event") === "sign") writing(JSON.parse(data).writing);
      else heard(JSON.parse(data));
      tellRead();
    }
  }
}

async function listen() {
  if (state.stop || !state.reference) return;
  state.stop = new AbortController();
  const { signal } = state.stop;
  state.quiet = 0;
  while (!signal.aborted) {
    try {
      await catchUp();
      if (!signal.aborted) await follow(signal);
    } catch { /* the connection broke; it is tried again below */ }
    state.quiet = Math.min(state.quiet + 1, 5);
    if (!signal.aborted) await new Promise((wake) => { setTimeout(wake, 1000 * 2 ** state.quiet); signal.addEventListener("abort", wake); });
  }
}

function deafen() {
  state.stop?.abort();
  state.stop = null;
}

// ---- signs, while a person has the chat: "the agent is writing", and to them that the resident writes and has read

const SIGN_EVERY = 3000;
function writing(seconds) {
  clearTimeout(state.signOff);
  const line = byId("sign"), text = seconds > 0 ? word.agent_writes : "";
  if (line.textContent !== text) line.textContent = text; // said once, however often it is renewed
  if (seconds > 0) state.signOff = setTimeout(() => writing(0), 1000 * seconds);
}

function tell(sign) {
  if (state.owner !== "agent" || !state.reference) return;
  const body = JSON.stringify(sign);
  request(`signs?lang=${setup.language}`, { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => {}); // a sign that is lost is no loss
}

function tellWriting() {
  if (!say.value.trim() || Date.now() - (state.signAt ?? 0) < SIGN_EVERY) return;
  state.signAt = Date.now();
  tell({ writing: true });
}

function tellRead() {
  if (document.hidden || state.owner !== "agent" || state.last <= (state.readTold ?? 0)) return;
  state.readTold = state.last;
  tell({ read: state.last });
}

// ---- the page's own events

function grow() {
  say.style.height = "auto";
  say.style.height = `${say.scrollHeight + 2}px`;
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (button?.name === "choice") return give(button.value, button.textContent.trim());
  const text = say.value.trim();
  if (!text) return say.focus();
  if (text.length > setup.longest) return complain(fill(word.too_long, { length: text.length, limit: setup.longest }));
  say.value = "";
  store.drop(DRAFT);
  state.signAt = 0;
  grow();
  give(text);
});
say.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});
say.addEventListener("input", () => { grow(); complain(""); store.set(DRAFT, say.value); tellWriting(); });
byId("end").addEventListener("submit", () => { deafen(); [PENDING, SESSION, DRAFT].forEach(store.drop); tellCity({ spillway: "keep", session: null }); });
addEventListener("online", () => { complain(""); flush(); });
addEventListener("offline", () => complain(word.offline));
addEventListener("pagehide", deafen);
addEventListener("pageshow", (event) => { if (event.persisted) { listen(); flush(); } });
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) { state.unseen = 0; document.title = title; listen(); flush(); tellRead(); }
  else if (state.owner === "bot") deafen();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.repeat && !event.isComposing) tellCity({ spillway: "close" });
});

async function start() {
  for (const bubble of talk.querySelectorAll(".bubble[data-client]")) {
    if (bubble.classList.contains("mine")) bubbles.set(bubble.dataset.client, bubble);
    else if (bubble.dataset.id) seen.add(Number(bubble.dataset.id));
  }
  leaveFrame(document);
  if (setup.picked) history.replaceState(null, "", location.href.replace(/([?&])set=1&?/, "$1").replace(/[?&]$/, ""));
  for (const message of pending.all()) if (bubbles.has(message.client_id)) pending.drop(message.client_id);
  say.value = say.value || store.get(DRAFT) || "";
  grow();
  await (state.ready = sessionFromCity());
  if (byHeader && store.get(SESSION)) await catchUp().then((known) => known && state.reference && choices.replaceChildren()).catch(() => {});
  pending.all().forEach((message) => bubbles.has(message.client_id) || show(message));
  byId("latest")?.scrollIntoView({ block: "nearest" });
  flush();
  listen();
}

start();
