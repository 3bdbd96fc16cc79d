// "Leave this page", for somebody whose screen is watched: nothing of the chat stays on the page, in storage or behind Back.
// The link itself does it without this script; with it, the page is blank before anything has to be loaded.
"use strict";

(() => {
  const LEFT = "spillway.left", KEPT = ["spillway.pending", "spillway.session", "spillway.draft"];
  const PRESSES = 3, WITHIN = 3000;
  const link = document.getElementById("leave");
  const framed = document.body.classList.contains("embed");
  const forget = link.pathname;
  let presses = [];

  function store(change) {
    try { return change(localStorage); } catch { return null; } // a browser that refuses storage kept nothing
  }

  function blank() {
    document.documentElement.hidden = true;
    document.title = "\u200b";
    for (const field of document.querySelectorAll("textarea")) field.value = "";
    store((box) => {
      // Kept until a page of the chat comes without the talk: the browser may have lost the word that takes the cookie away.
      box.setItem(LEFT, "1");
      KEPT.forEach((key) => box.removeItem(key));
    });
  }

  function cookieGone() {
    return fetch(forget, { method: "POST", keepalive: true, signal: AbortSignal.timeout(3000) });
  }

  async function leave() {
    blank();
    window.stop(); // an answer on its way would bring the cookie back
    if (!framed) {
      const told = navigator.sendBeacon(forget);
      location.replace(told ? link.dataset.to : link.href);
      return;
    }
    if (parent !== window) parent.postMessage({ spillway: "leave" }, "*");
    await cookieGone().catch(() => {}); // what is left of it is taken away when the frame loads
    location.replace(`${location.pathname}?embed=1&lang=${document.documentElement.lang}`);
  }

  async function finish() {
    blank();
    try {
      await cookieGone();
      store((box) => box.removeItem(LEFT));
      location.replace(location.href);
    } catch {
      setTimeout(finish, 2000);
    }
  }

  link.addEventListener("click", (event) => {
    event.preventDefault();
    leave();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.repeat || event.isComposing) return;
    const now = Date.now();
    presses = [...presses.filter((at) => now - at < WITHIN), now];
    if (presses.length >= PRESSES) leave();
  });
  if (framed) {
    addEventListener("message", (event) => {
      if (event.source === parent && parent !== window && event.data?.spillway === "leave") leave();
    });
  }

  function leftBefore() {
    if (!store((box) => box.getItem(LEFT))) return;
    if (document.querySelector(".bubble.mine")) finish();
    else store((box) => { box.removeItem(LEFT); KEPT.forEach((key) => box.removeItem(key)); });
  }

  const keys = document.getElementById("leave-keys");
  if (keys) keys.hidden = false;
  leftBefore();
  addEventListener("pageshow", (event) => { if (event.persisted) leftBefore(); });
})();
