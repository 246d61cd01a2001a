// Sending recordings: several at once, each with its progress, and on to their separation.

import { call, send } from "./api.js";
import { element } from "./element.js";

/** @param {(job: any) => void} begun told of every job that is asked for @param {AbortSignal} signal */
export function offerToSend(begun, signal) {
  const byId = (id) => document.getElementById(id);
  const input = byId("files");
  const drop = byId("drop");
  const list = byId("sending");
  const all = (files) => [...files].forEach((file) => one(file, list, begun, chosen()));
  const chosen = () => ({ separate: byId("separate").checked, speakers: byId("speakers").valueAsNumber });
  const listen = (target, event, act) => target.addEventListener(event, act, { signal });
  listen(byId("send"), "submit", (event) => event.preventDefault());
  listen(input, "change", () => {
    all(input.files);
    input.value = "";
  });
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    listen(drop, kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") all(event.dataTransfer.files);
    });
  }
}

async function one(file, list, begun, wanted) {
  const bar = element("progress", { max: 1, value: 0, "aria-label": `Sending ${file.name}` });
  const word = element("span", { className: "quiet" }, "is being sent");
  const line = element("li", {}, file.name, bar, word);
  list.append(line);
  try {
    const recording = await send(file, (share) => {
      bar.value = share;
      if (share === 1) word.textContent = "is being looked at";
    });
    if (wanted.separate) {
      const options = Number.isNaN(wanted.speakers) ? {} : { speakers: wanted.speakers };
      begun(await call("POST", `recordings/${recording.id}/separations`, options));
    } else {
      begun(await call("POST", `recordings/${recording.id}/diagnosis`));
    }
    line.remove();
  } catch (error) {
    bar.remove();
    word.className = "bad";
    word.textContent = error.message;
  }
}
