// Keeps the desk's pages live, rings when something arrives, and listens to the quick keys. The pages work without it.
"use strict";

const board = document.getElementById("board");
const lost = document.getElementById("lost-line");
const soundButton = document.getElementById("sound");
const keys = document.getElementById("keys");
const SOUND = "spillway.desk.sound";
const POLL = 5000, LEAST = 1000;
const title = document.title;

const store = (kind) => ({
  get(name) { try { return window[kind].getItem(name); } catch { return null; } },
  set(name, value) { try { window[kind].setItem(name, value); } catch { /* a private window keeps nothing */ } },
  drop(name) { try { window[kind].removeItem(name); } catch { /* nothing was kept */ } },
});
const lasting = store("localStorage"), here = store("sessionStorage");

// ---- sound: two soft notes for an arrival, a long two-tone alarm for an emergency

let audio = null;
function note(at, frequency, length, volume) {
  const oscillator = audio.createOscillator(), gain = audio.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0.0001, at);
  gain.gain.exponentialRampToValueAtTime(volume, at + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + length);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + length);
}
function play(kind) {
  document.documentElement.dataset.rang = kind; // what a person hears, for those who look
  if (!audio || audio.state !== "running") return;
  const now = audio.currentTime + 0.05;
  if (kind === "alarm") for (let turn = 0; turn < 6; turn += 1) note(now + turn * 0.28, turn % 2 ? 660 : 990, 0.26, 0.5);
  else { note(now, 523, 0.18, 0.2); note(now + 0.2, 659, 0.25, 0.2); }
}
function setSound(on) {
  soundButton.setAttribute("aria-pressed", String(on));
  soundButton.textContent = on ? soundButton.dataset.on : soundButton.dataset.off;
  lasting.set(SOUND, on ? "1" : "");
}
if (soundButton && "AudioContext" in window) {
  soundButton.hidden = false;
  soundButton.addEventListener("click", async () => {
    const on = soundButton.getAttribute("aria-pressed") !== "true";
    audio ??= new AudioContext();
    await (on ? audio.resume() : audio.suspend());
    setSound(on);
    if (on) play("arrival");
  });
  // A browser lets a page sound only after a touch or a key on it.
  if (lasting.get(SOUND)) {
    const wake = () => { audio ??= new AudioContext(); audio.resume(); setSound(true); };
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, wake, { once: true });
  }
}

// ---- what is new

const state = () => board?.querySelector("[data-rings]")?.dataset ?? { rings: "", alarms: "", unread: "0" };
const listed = (text) => new Set((text ?? "").split(" ").filter(Boolean));
let known = { rings: listed(state().rings), alarms: listed(state().alarms) };

function ring() {
  const rings = listed(state().rings), alarms = listed(state().alarms);
  const fresh = (now, before) => [...now].some((one) => !before.has(one));
  if (fresh(alarms, known.alarms)) play("alarm");
  else if (fresh(rings, known.rings)) play("arrival");
  known = { rings, alarms };
  badge();
}
function badge() {
  const count = Number(state().unread ?? 0);
  document.title = count ? `(${count}) ${title}` : title;
  if (navigator.setAppBadge) (count ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {});
}

// ---- how long they wait, by the server's clock

let ahead = 0;
const clock = (iso) => { if (iso) ahead = Date.parse(iso) - Date.now(); };
clock(state().now);
function tick() {
  for (const time of board.querySelectorAll("time[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() + ahead - Date.parse(time.dataset.since)) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    const text = hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
    if (time.textContent !== text) time.textContent = text;
  }
}
if (board) setInterval(tick, 1000);

// ---- live, by events; by asking again when events do not come through

let last = 0, waiting = null;
async function refresh() {
  const rest = LEAST - (Date.now() - last);
  if (rest > 0) {
    waiting ??= setTimeout(() => { waiting = null; refresh(); }, rest);
    return;
  }
  last = Date.now();
  try {
    const answer = await fetch(board.dataset.piece, { credentials: "same-origin" });
    if (answer.redirected) { location.reload(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    put(await answer.text());
    connected(true);
  } catch { connected(false); }
}
// What changed on the board comes with the event: pieces by their id, and the lines of a list with its order.
function apply(text) {
  const news = JSON.parse(text), root = board.querySelector("[data-rings]");
  const focused = board.contains(document.activeElement) ? mark(document.activeElement) : null;
  const made = (html) => { const holder = document.createElement("template"); holder.innerHTML = html.trim(); return holder.content; };
  for (const [id, html] of Object.entries(news.pieces)) {
    const place = document.getElementById(id);
    if (!place) { refresh(); return; }
    place.replaceWith(made(html));
  }
  for (const [id, html] of Object.entries(news.items)) document.getElementById(id)?.replaceWith(made(html));
  for (const [id, keys] of Object.entries(news.lists)) {
    const list = document.getElementById(id);
    const lines = keys.map((key) => document.getElementById(key) ?? (news.items[key] ? made(news.items[key]).firstElementChild : null));
    if (!list || lines.includes(null)) { refresh(); return; }
    list.replaceChildren(...lines);
  }
  Object.assign(root.dataset, { rings: news.rings, alarms: news.alarms, unread: news.unread });
  clock(news.now);
  tick();
  if (focused && !board.contains(document.activeElement)) board.querySelector(focused)?.focus({ preventScroll: true });
  ring();
  connected(true);
}
function put(html) {
  const focused = board.contains(document.activeElement) ? mark(document.activeElement) : null;
  const log = board.querySelector("[role=log]");
  const atEnd = !log || log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const where = log?.scrollTop ?? 0;
  const rings = state().rings;
  board.innerHTML = html;
  if (state().rings !== rings) signs.writing = 0; // what they wrote is there
  showSigns();
  const again = board.querySelector("[role=log]");
  if (again) again.scrollTop = atEnd ? again.scrollHeight : where;
  clock(state().now);
  if (focused) board.querySelector(focused)?.focus({ preventScroll: true });
  ring();
  // What is about to be sent with Enter must not change under the finger.
  if (!document.getElementById("suggested")?.contains(document.activeElement)) document.body.dispatchEvent(new Event("desk-changed"));
}
function mark(element) {
  const form = element.closest("form");
  if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  if (form) return `form[action="${CSS.escape(form.getAttribute("action"))}"] ${element.name ? `[name="${element.name}"][value="${element.value}"]` : "button"}`;
  return null;
}
function connected(yes) { if (lost) lost.hidden = yes; }

let poll = null;
function asking(on) {
  if (on && poll === null) poll = setInterval(refresh, POLL);
  if (!on && poll !== null) { clearInterval(poll); poll = null; }
}
if (board?.dataset.live) {
  if ("EventSource" in window) {
    const listen = () => {
      const events = new EventSource(board.dataset.live);
      events.addEventListener("changed", refresh);
      events.addEventListener("sign", (event) => heardSigns(event));
      events.addEventListener("board", (event) => apply(event.data));
      events.addEventListener("open", () => { asking(false); connected(true); });
      events.addEventListener("error", () => {
        asking(true);
        if (events.readyState === EventSource.CLOSED) setTimeout(listen, POLL);
      });
    };
    listen();
  } else asking(true);
  addEventListener("online", refresh);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  badge();
  const log = board.querySelector("[role=log]");
  if (log) log.scrollTop = log.scrollHeight;
}
if (board?.dataset.heartbeat) {
  const beat = () => fetch("/desk/heartbeat", { method: "POST", credentials: "same-origin" }).catch(() => connected(false));
  setInterval(beat, Number(board.dataset.heartbeat) * 1000);
}

// ---- the call: what did not change is not said again by a screen reader, and keeps its focus

const call = document.getElementById("call");
let callWas = null;
call?.addEventListener("htmx:beforeSwap", (event) => {
  const now = event.detail.xhr.responseText;
  if (now === callWas) event.detail.shouldSwap = false;
  callWas = now;
});
// Who has the call changed: the buttons beside it are others now. What somebody is typing is left alone.
const callNow = () => call?.querySelector("[data-now]")?.dataset.now ?? "";
const callBefore = callNow();
let typed = false;
if (call) addEventListener("input", () => { typed = true; });
call?.addEventListener("htmx:afterSwap", () => {
  if (callNow() !== callBefore && !typed) location.reload();
});

// ---- signs of a web chat: that the resident writes or has read, and to them that the agent writes

const sign = document.getElementById("sign");
const SIGN_EVERY = 3000;
let signs = { writing: 0, read: 0 }, signOff = null, signAt = 0;
function showSigns() {
  if (!sign) return;
  const said = Number(board.querySelector("[data-said]")?.dataset.said ?? 0);
  const answered = board.querySelector(".transcript > li:last-child")?.classList.contains("resident"); // it was read, then
  const text = signs.writing > 0 ? sign.dataset.writing : said && signs.read >= said && !answered ? sign.dataset.read : "";
  if (sign.textContent !== text) sign.textContent = text; // a screen reader says it once
}
function heardSigns(event) {
  signs = JSON.parse(event.data);
  clearTimeout(signOff);
  if (signs.writing > 0) signOff = setTimeout(() => { signs.writing = 0; showSigns(); }, 1000 * signs.writing);
  showSigns();
}
document.getElementById("text")?.addEventListener("input", (event) => {
  if (!sign || !event.target.value.trim() || Date.now() - signAt < SIGN_EVERY) return;
  signAt = Date.now();
  fetch(sign.dataset.tell, { method: "POST", credentials: "same-origin" }).catch(() => {}); // a sign that is lost is no loss
});

// ---- what was typed survives a lost connection and a reload

for (const field of document.querySelectorAll("[data-draft]")) {
  const name = `spillway.desk.draft.${field.dataset.draft}`;
  field.value ||= here.get(name) ?? "";
  field.addEventListener("input", () => here.set(name, field.value));
  field.form.addEventListener("submit", () => here.drop(name));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); field.form.requestSubmit(); }
  });
}

// ---- a second press while the first is on its way does nothing

const AGAIN = 4000;
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, AGAIN);
});
addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });

// ---- quick keys

const typing = (element) => element.matches("input, textarea, select, [contenteditable]");
if (keys) {
  const opener = document.getElementById("keys-open");
  if (opener) { opener.hidden = false; opener.addEventListener("click", () => keys.showModal()); }
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (typing(event.target)) { if (event.key === "Escape") event.target.blur(); return; }
    if (event.key === "?") { event.preventDefault(); keys.showModal(); return; }
    const target = /^[a-z1-3]$/.test(event.key) ? document.querySelector(`[data-key="${event.key}"]`) : null;
    if (!target) return;
    event.preventDefault();
    if (typing(target) || /^[1-3]$/.test(event.key)) target.focus();
    else target.click();
  });
}
