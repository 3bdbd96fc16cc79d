// The simulator's phones. All that happens between Twilio and the city happens on the server; this shows and speaks it.
"use strict";

const setup = JSON.parse(document.getElementById("setup").textContent);
const word = setup.words;
const byId = (id) => document.getElementById(id);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function complain(text) {
  byId("trouble").hidden = !text;
  byId("trouble").textContent = text;
}

async function ask(path, body) {
  complain("");
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  try {
    const response = await fetch(`/simulator/${path}${path.includes("?") ? "&" : "?"}lang=${setup.language}`, { cache: "no-store", ...options });
    const data = await response.json();
    if (response.ok) return data;
    complain(data.error);
  } catch {
    complain(word.error_connection);
  }
  return null;
}

// ---- the text phone

const texts = { screen: byId("texts"), from: byId("text-from"), body: byId("text-body"), shown: new Map(), kept: new Map(), busy: 0, turn: Promise.resolve() };

function bubble(kind, text, again) {
  texts.screen.querySelector(".empty")?.remove();
  const made = element("article", `bubble ${kind === "mine" ? "mine" : "ours"} from-${kind}`);
  const part = element("div", "part words");
  part.append(element("p", "", text.text));
  const cost = fill(text.segments === 1 ? word.segments_one : word.segments_many, { count: text.segments, encoding: text.encoding });
  made.append(element("p", "who", word[`who_${kind}`]), part);
  if (kind !== "carrier") made.append(element("p", "cost", cost));
  texts.screen.append(made);
  if (!again) texts.kept.set(texts.from.value, [...(texts.kept.get(texts.from.value) ?? []), [kind, text]]);
  texts.screen.scrollTop = texts.screen.scrollHeight;
}

function showTexts(sender, found) {
  if (sender !== texts.from.value) return;
  if (found.sent) bubble("mine", found.sent);
  const before = texts.shown.get(sender) ?? 0;
  for (const text of found.received.slice(before)) bubble(text.carrier ? "carrier" : "ours", text);
  texts.shown.set(sender, found.received.length);
  byId("blocked").hidden = !found.blocked;
  byId("blocked").textContent = found.blocked ? word.blocked : "";
}

function sendText() {
  const sender = texts.from.value, body = texts.body.value.trim();
  if (!body) return;
  texts.body.value = "";
  texts.busy += 1;
  texts.turn = texts.turn.then(async () => {
    const found = await ask("texts", { sender, body });
    texts.busy -= 1;
    if (found) showTexts(sender, found);
    else texts.body.value ||= body;
  });
}

async function lookForTexts() {
  if (document.hidden || texts.busy || !texts.shown.has(texts.from.value)) return;
  const sender = texts.from.value;
  const response = await fetch(`/simulator/texts?sender=${encodeURIComponent(sender)}`, { cache: "no-store" }).catch(() => null);
  if (response?.ok && !texts.busy) showTexts(sender, await response.json());
}

byId("text-form").addEventListener("submit", (event) => { event.preventDefault(); sendText(); });
texts.body.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); sendText(); }
});
async function takeUp() {
  const sender = texts.from.value;
  texts.screen.replaceChildren(element("p", "empty", word.texts_empty));
  for (const [kind, text] of texts.kept.get(sender) ?? []) bubble(kind, text, true);
  const found = await ask(`texts?sender=${encodeURIComponent(sender)}`);
  if (found) showTexts(sender, found);
}

texts.from.addEventListener("change", takeUp);
takeUp();
setInterval(lookForTexts, 3000);

// ---- the voice phone

const phone = { sid: null, told: 0, call: null, busy: false };
const keys = [...document.querySelectorAll("[data-key]")];
const speaker = window.speechSynthesis ?? null;
const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition ?? null;
document.querySelector(".aloud").hidden = !speaker;
byId("microphone").hidden = !Recognition;

function aloud(event) {
  if (!speaker || !byId("aloud").checked) return;
  const utterance = new SpeechSynthesisUtterance(event.text);
  utterance.lang = event.language || "en-US";
  utterance.voice = speaker.getVoices().find((voice) => voice.lang.replace("_", "-") === utterance.lang) ?? null;
  speaker.speak(utterance);
}

function caption(event, screen) {
  const line = element("p", "caption");
  if (event.kind === "say") {
    line.textContent = event.text;
    line.lang = event.language;
  } else if (event.kind === "press" || event.kind === "speech" || event.kind === "silence") {
    line.classList.add("did");
    line.textContent = event.text || word.caption_silence;
  } else if (event.kind === "whisper" || event.kind === "play") {
    line.classList.add("aside");
    line.textContent = event.kind === "play" ? word.caption_hold : fill(word.caption_whisper, { text: event.text });
  } else return;
  screen.append(line);
  screen.scrollTop = screen.scrollHeight;
}

const HIDDEN = new Set(["hints", "action", "voice"]);

function step(event) {
  const line = element("li");
  const attributes = Object.entries(event.attributes).filter(([name]) => !HIDDEN.has(name)).map(([name, value]) => `${name}="${value}"`);
  const address = event.kind === "redirect" ? new URL(event.text, location.href).pathname : event.text;
  line.append(element("strong", "", event.kind), " ", element("code", "", [...attributes, address].join(" ").slice(0, 240)));
  byId("steps").append(line);
}

function showCall(call) {
  phone.sid = call.sid;
  phone.call = call;
  const fresh = call.events.slice(phone.told);
  phone.told = call.events.length;
  for (const event of fresh) {
    step(event);
    caption(event, byId("captions"));
    if (event.kind === "say") aloud(event);
  }
  enable();
}

function enable() {
  const state = phone.call?.state ?? "idle";
  const listening = state === "listening" && !phone.busy;
  const open = phone.call !== null && state !== "ended";
  keys.forEach((key) => { key.disabled = !listening; });
  byId("call").disabled = open || phone.busy;
  byId("call-from").disabled = open;
  byId("hang-up").disabled = !open;
  byId("silent").disabled = !listening;
  const speech = listening && phone.call.speech;
  byId("microphone").disabled = byId("speech").disabled = !speech;
  byId("speech-form").querySelector("button").disabled = !speech;
  const dialing = state === "dialing";
  byId("dial").hidden = !dialing;
  byId("dial-title").textContent = dialing ? fill(word.dial_title, { number: phone.call.number }) : "";
  const shown = state === "conference" && phone.call.held ? "held" : state;
  byId("call-state").textContent = fill(word[`state_${phone.busy && !phone.call ? "ringing" : shown}`] ?? word.state_listening, { number: phone.call?.number });
}

async function act(path, body = {}) {
  if (phone.busy) return;
  speaker?.cancel();
  phone.busy = true;
  const focused = document.activeElement;
  enable();
  const call = await ask(path, body);
  phone.busy = false;
  if (call) showCall(call);
  else enable();
  if (focused?.isConnected && !focused.disabled) focused.focus();
}

byId("call").addEventListener("click", () => {
  phone.told = 0;
  phone.call = null;
  byId("captions").replaceChildren();
  byId("steps").replaceChildren();
  act("calls", { sender: byId("call-from").value });
});
byId("hang-up").addEventListener("click", () => act(`calls/${phone.sid}/hangup`).then(() => speaker?.cancel()));
byId("silent").addEventListener("click", () => act(`calls/${phone.sid}/silence`));
for (const key of keys) key.addEventListener("click", () => act(`calls/${phone.sid}/keys`, { keys: key.dataset.key }));
for (const button of document.querySelectorAll("[data-dial]"))
  button.addEventListener("click", () => act(`calls/${phone.sid}/dial`, { result: button.dataset.dial }));
byId("speech-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = byId("speech").value.trim();
  if (!words || !phone.call) return;
  byId("speech").value = "";
  act(`calls/${phone.sid}/speech`, { words });
});
document.querySelector(".controls").addEventListener("keydown", (event) => {
  if (/^[0-9*#]$/.test(event.key) && phone.call?.state === "listening") act(`calls/${phone.sid}/keys`, { keys: event.key });
});
byId("aloud").addEventListener("change", () => speaker?.cancel());
byId("microphone").addEventListener("click", () => {
  speaker?.cancel();
  const ear = new Recognition();
  ear.lang = phone.call.language;
  ear.onresult = (event) => {
    const heard = event.results[0][0];
    act(`calls/${phone.sid}/speech`, { words: heard.transcript.slice(0, 500), confidence: heard.confidence || 0.9 });
  };
  ear.onerror = () => byId("speech").focus();
  ear.start();
});

// ---- what happens to a call from elsewhere: the agent presses 1, holds, passes it on

async function lookAtCall() {
  if (document.hidden || phone.busy || !phone.call || phone.call.state === "ended") return;
  const { sid } = phone;
  const response = await fetch(`/simulator/calls/${sid}`, { cache: "no-store" }).catch(() => null);
  const call = response?.ok ? await response.json() : null;
  if (!call || phone.busy || phone.sid !== sid) return;
  const changed = call.events.length !== phone.told || call.state !== phone.call.state || call.held !== phone.call.held;
  if (changed) showCall(call);
}
setInterval(lookAtCall, 1500);

// ---- the agent's phone

const agent = { sid: null, told: 0, call: null, busy: false };
const agentKeys = [...document.querySelectorAll("[data-agent-key]")];

function showAgent(call) {
  if (call.sid !== agent.sid) {
    agent.sid = call.sid;
    agent.told = 0;
    byId("agent-captions").replaceChildren();
  }
  for (const event of call.events.slice(agent.told)) caption(event, byId("agent-captions"));
  agent.told = call.events.length;
  agent.call = call;
  enableAgent();
}

function enableAgent() {
  const state = agent.call?.state ?? "idle";
  const listening = state === "listening" && !agent.busy;
  const ringing = state === "ringing";
  agentKeys.forEach((key) => { key.disabled = !listening; });
  byId("agent-ring").hidden = !ringing;
  byId("agent-silent").disabled = !listening;
  byId("agent-hang-up").disabled = !(state === "listening" || state === "conference") || agent.busy;
  const said = word[`agent_state_${state}`] ?? word.agent_state_listening;
  if (byId("agent-state").textContent !== said) byId("agent-state").textContent = said;
}

async function actAgent(path, body = {}) {
  if (agent.busy || !agent.call) return;
  agent.busy = true;
  enableAgent();
  const call = await ask(path, body);
  agent.busy = false;
  if (call) showAgent(call);
  else enableAgent();
  lookAtCall();
}

async function lookAtAgents() {
  if (document.hidden || agent.busy) return;
  const response = await fetch("/simulator/agent", { cache: "no-store" }).catch(() => null);
  if (!response?.ok || agent.busy) return;
  const { calls } = await response.json();
  const which = byId("agent-call");
  const listed = calls.map((call) => `${call.sid} ${call.number}`).join();
  if (which.dataset.listed !== listed) {
    const before = which.value;
    which.dataset.listed = listed;
    which.replaceChildren(...calls.map((call) => { const option = element("option", "", call.number); option.value = call.sid; return option; }));
    if (calls.some((call) => call.sid === before)) which.value = before;
    byId("agent-which").hidden = calls.length < 2;
  }
  const live = calls.find((call) => call.sid === which.value);
  if (live) showAgent(live);
  else if (agent.call && agent.call.state !== "ended") {
    const last = await fetch(`/simulator/calls/${agent.sid}`, { cache: "no-store" }).catch(() => null);
    if (last?.ok && !agent.busy) showAgent(await last.json());
  }
}

byId("agent-answer").addEventListener("click", () => actAgent(`agent/${agent.sid}/answer`).then(() => agentKeys[0].focus()));
for (const button of document.querySelectorAll("[data-refuse]"))
  button.addEventListener("click", () => actAgent(`agent/${agent.sid}/refuse`, { result: button.dataset.refuse }));
for (const key of agentKeys) key.addEventListener("click", () => actAgent(`calls/${agent.sid}/keys`, { keys: key.dataset.agentKey }));
byId("agent-silent").addEventListener("click", () => actAgent(`calls/${agent.sid}/silence`));
byId("agent-hang-up").addEventListener("click", () => actAgent(`calls/${agent.sid}/hangup`));
byId("agent-call").addEventListener("change", lookAtAgents);
setInterval(lookAtAgents, 1500);
lookAtAgents();

addEventListener("pagehide", () => speaker?.cancel());
enable();
