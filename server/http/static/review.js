// Keys for going through the list: j and k move, r says right, w opens what it should have been. They can be switched off.
const cases = document.querySelector("[data-cases]");
const keys = document.getElementById("keys");
if (cases && keys) {
  document.querySelector("[data-keys]").hidden = false;
  keys.checked = localStorage.getItem("review-keys") !== "off";
  keys.addEventListener("change", () => localStorage.setItem("review-keys", keys.checked ? "on" : "off"));
  const all = () => [...cases.querySelectorAll("[data-case]")];
  const here = () => document.activeElement?.closest?.("[data-case]");
  const step = (by) => {
    const list = all();
    const at = list.indexOf(here());
    const next = list[at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox]), select, textarea");
    if (!keys.checked || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      j: () => step(1),
      k: () => step(-1),
      r: () => here()?.querySelector("[data-right]").click(),
      w: () => {
        const wrong = here()?.querySelector("[data-wrong]");
        if (!wrong) return;
        wrong.open = true;
        wrong.querySelector("select").focus();
      },
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  // After a judgement the piece is a new one: whoever works by keys goes on with the next.
  let judged = -1;
  document.addEventListener("htmx:beforeSwap", (event) => { judged = all().indexOf(event.detail.target); });
  document.addEventListener("htmx:afterSwap", () => {
    const list = all();
    (list[judged + 1] ?? list[judged])?.focus();
  });
}
