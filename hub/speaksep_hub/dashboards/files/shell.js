// The frame's part of a page: draws the view on a model that needs no kernel, and says how the connection is.

import { KernellessModel } from "./kernelless.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const word = document.getElementById("connection");
const view = document.getElementById("view");

/** @param {string} text @param {{href: string, words: string}} [link] */
function say(text, link) {
  word.textContent = text;
  if (!link) return;
  const there = document.createElement("a");
  there.href = link.href;
  there.textContent = link.words;
  word.append(" ", there);
}

async function begin() {
  const config = read("config");
  const model = new KernellessModel(read("data"), config);
  const here = encodeURIComponent(location.pathname + location.search);
  model.on("change:standing", () => {
    const { standing, why } = model.get("connection");
    if (standing === "open") say("");
    else if (standing === "away") say("The service is away; this page goes on when it is back.");
    else if (standing === "signed-out") {
      say("You are signed out.", { href: `${config.signIn}?next=${here}`, words: "Sign in again" });
    } else say(`${why || "This page is not to be had any more."}`);
  });
  const { default: module } = await import(config.module);
  const cleanup = await module.render({ model, el: view });
  view.removeAttribute("aria-busy");
  model.follow();
  // A page that the browser keeps to come back to goes on as it was.
  addEventListener("pagehide", ({ persisted }) => {
    model.stop();
    if (!persisted) cleanup?.();
  });
  addEventListener("pageshow", ({ persisted }) => persisted && model.follow());
}

begin().catch((error) => {
  view.removeAttribute("aria-busy");
  say(`This page could not be drawn: ${error.message}`);
});
