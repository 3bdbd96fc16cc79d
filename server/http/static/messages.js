// Reads spoken scripts aloud, and keeps people from leaving a draft whose last words are not kept yet.
const voices = "speechSynthesis" in window;
const showPlay = (root) => voices && root.querySelectorAll("[data-play]").forEach((button) => { button.hidden = false; });
showPlay(document);
document.addEventListener("htmx:afterSettle", () => showPlay(document));
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  if (!button) return;
  const speaking = speechSynthesis.speaking;
  speechSynthesis.cancel();
  if (speaking) return;
  const words = new SpeechSynthesisUtterance(button.dataset.play);
  words.lang = { en: "en-US", es: "es-US" }[button.dataset.lang] || button.dataset.lang;
  speechSynthesis.speak(words);
});

const editor = document.getElementById("editor");
if (editor) {
  let typed = 0, kept = 0, sent = 0, asking = false, leaving = false, waiting = null;
  const saved = document.getElementById("saved");
  const say = (text) => { saved.textContent = text; saved.className = "saved unsaved"; };
  editor.addEventListener("input", () => { typed += 1; leaving = false; });
  // The last save is the one of the button: a save behind it would change the draft under the page that it leads to.
  editor.addEventListener("submit", (event) => {
    kept = typed;
    leaving = true;
    if (!asking) return;
    event.preventDefault();
    waiting = { by: event.submitter };
  });
  window.addEventListener("pageshow", () => { leaving = false; });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt !== editor) return;
    if (leaving) {
      event.preventDefault();
      return;
    }
    asking = true;
    sent = typed;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== editor) return;
    asking = false;
    if (event.detail.successful) {
      saved.className = "saved";
      if (!saved.querySelector("[role=alert]")) kept = sent;
    } else {
      say(editor.dataset.lost);
    }
    if (waiting) {
      const { by } = waiting;
      waiting = null;
      editor.requestSubmit(by && by.isConnected ? by : null);
    }
  });
  window.addEventListener("beforeunload", (event) => { if (typed > kept) event.preventDefault(); });
}
