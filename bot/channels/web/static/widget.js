// Puts a button on a city's page that opens the 311 chat in a frame. One tag: <script src=".../chat/widget.js" async></script>.
const script = document.currentScript;
const origin = new URL(script.src).origin;
const asked = script.dataset.lang || document.documentElement.lang.slice(0, 2);
const language = asked in WORDS ? asked : "en";
const word = WORDS[language];

const host = document.createElement("div");
host.id = "spillway-chat";
host.lang = language;
const root = host.attachShadow({ mode: "open" });
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { all: initial; position: fixed; right: 1rem; bottom: 1rem; z-index: 2147483000; font: 16px/1.4 system-ui, sans-serif; }
  * { box-sizing: border-box; }
  [hidden] { display: none !important; }
  button, a { font: inherit; cursor: pointer; }
  :focus-visible { outline: 4px solid #2491ff; outline-offset: 2px; }
  .open { min-height: 3rem; padding: .5rem 1.25rem; border: 2px solid #fff; border-radius: 1.5rem; background: #005ea2; color: #fff; font-weight: 700; box-shadow: 0 2px 8px #0006; }
  .open:hover { background: #1a4480; }
  .panel { position: fixed; right: 1rem; bottom: 5rem; display: flex; flex-direction: column; width: min(26rem, calc(100vw - 2rem)); height: min(42rem, calc(100dvh - 6rem));
    background: #fff; border: 1px solid #565c65; border-radius: .25rem; overflow: hidden; box-shadow: 0 4px 24px #0006; }
  .head { display: flex; align-items: center; justify-content: space-between; gap: .5rem; padding: .25rem .25rem .25rem .75rem; background: #fdeeee; border-bottom: 1px solid #a9aeb1; }
  .head a { color: #b50909; font-weight: 700; }
  .close { width: 2.75rem; height: 2.75rem; border: 0; background: none; color: #1b1b1b; font-size: 1.5rem; line-height: 1; }
  iframe { flex: 1; width: 100%; border: 0; }
  @media (max-width: 30rem), (max-height: 30rem) { .panel { inset: 0; width: auto; height: auto; border: 0; border-radius: 0; } }
`);
root.adoptedStyleSheets = [sheet];

function element(tag, className, attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const panel = element("div", "panel", { role: "dialog", "aria-label": word.frame, id: "panel" });
panel.hidden = true;
const head = element("div", "head");
const emergency = element("a", "", { href: "tel:911" });
emergency.textContent = word.emergency;
const close = element("button", "close", { type: "button", "aria-label": word.close });
close.textContent = "\u00d7";
head.append(emergency, close);
panel.append(head);
const open = element("button", "open", { type: "button", "aria-expanded": "false", "aria-controls": "panel", "aria-haspopup": "dialog" });
open.textContent = word.open;
root.append(panel, open);
let frame = null;

function leave() {
  kept((box) => box.removeItem(KEPT));
  frame?.contentWindow.postMessage({ spillway: "leave" }, origin);
  show(false);
}

function show(visible) {
  if (visible && !frame) {
    frame = element("iframe", "", { src: `${origin}/chat/?embed=1&lang=${language}`, title: word.frame });
    panel.append(frame);
  }
  panel.hidden = !visible;
  open.setAttribute("aria-expanded", String(visible));
  (visible ? frame : open).focus();
}

open.addEventListener("click", () => show(panel.hidden));
close.addEventListener("click", () => show(false));
// The first Escape closes the panel, from wherever it is pressed; three in a row also forget what was said in it.
let presses = [];
function escape() {
  const now = Date.now();
  presses = [...presses.filter((at) => now - at < 3000), now];
  if (frame && presses.length >= 3) leave();
  else if (!panel.hidden) show(false);
}
root.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.repeat) escape();
});
// The chat's own frame may be denied storage; this page then keeps its session for this tab, so that the talk goes on.
const KEPT = "spillway.session";
const kept = (change) => {
  try { return change(sessionStorage); } catch { return null; }
};
addEventListener("message", (event) => {
  if (!frame || event.source !== frame.contentWindow || event.origin !== origin) return;
  const { spillway, session } = event.data ?? {};
  if (spillway === "close") escape();
  else if (spillway === "leave") { kept((box) => box.removeItem(KEPT)); show(false); }
  else if (spillway === "hello") frame.contentWindow.postMessage({ spillway: "session", session: kept((box) => box.getItem(KEPT)) }, origin);
  else if (spillway === "keep") kept((box) => (session ? box.setItem(KEPT, session) : box.removeItem(KEPT)));
});

if (document.body) document.body.append(host);
else addEventListener("DOMContentLoaded", () => document.body.append(host));
