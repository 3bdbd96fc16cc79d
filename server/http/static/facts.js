// A refused tap brings the card as it is now: it is shown in place like any other answer. Focus stays where the thumb was.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 409) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  const card = document.getElementById(event.detail.target.id);
  const said = document.getElementById("said");
  const note = card && card.querySelector(".note p");
  if (said && note) said.textContent = note.textContent.trim();
  if (card && document.activeElement === document.body) card.focus({ preventScroll: true });
});
// Jumps to the form when a link asks for it.
const asked = location.hash && document.querySelector(`details${CSS.escape ? location.hash.replace(/[^#\w-]/g, "") : ""}`);
if (asked) asked.open = true;
