// What the shell of every staff page does beyond plain HTML: menus that close, and a word when a part of a page cannot be fetched.
const menus = () => document.querySelectorAll(".shell-menu[open]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});

const trouble = document.getElementById("trouble");
const say = (text) => {
  trouble.querySelector("p").textContent = text;
  trouble.hidden = false;
  trouble.scrollIntoView({ block: "nearest" });
};
document.addEventListener("htmx:sendError", () => say(trouble.dataset.offline));
document.addEventListener("htmx:responseError", (event) => {
  let told = "";
  try {
    told = JSON.parse(event.detail.xhr.responseText).error;
  } catch {
    // The answer came from something in between, which knows nothing of ours to say.
  }
  say(told || trouble.dataset.failed);
});
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.successful) trouble.hidden = true;
});
