import { button, make } from "./elements.js";

/** The voice book: who is known, and how to know them no longer. */
export function voicesPart({ lab, trans, server, jobs }) {
  const element = make("section", "", { "aria-label": trans.__("Voices") });
  const word = make("p", "", { role: "status", class: "speaksep-quiet" });
  const list = make("ul", "", { "aria-label": trans.__("Voices") });
  element.append(make("h2", trans.__("Voices")), word, list);
  let done = 0;
  let shown = "";

  async function forget(voice) {
    const { Dialog, showDialog } = lab.apputils;
    const { button: pressed } = await showDialog({
      title: trans.__("Forget %1?", voice.name),
      body: trans.__("Everything that was made from samples of this voice is removed from the book, for good."),
      buttons: [Dialog.cancelButton({ label: trans.__("Cancel") }), Dialog.warnButton({ label: trans.__("Forget") })],
    });
    if (!pressed.accept) return;
    await server.ask("voices", "DELETE", { where: voice.where, name: voice.name });
    await look();
  }

  async function look() {
    try {
      const { voices } = await server.ask("voices");
      word.textContent = voices.length ? "" : trans.__("Nobody is enrolled.");
      if (shown === JSON.stringify(voices)) return; // the focus stays where it is
      shown = JSON.stringify(voices);
      list.replaceChildren(
        ...voices.map((voice) => {
          const row = make("li", "", { class: "speaksep-row" });
          const seconds = trans.__("%1 s of speech", Math.round(voice.seconds ?? 0));
          row.append(make("span", voice.name, { class: "speaksep-name" }), make("span", seconds, { class: "speaksep-state" }));
          if (voice.where !== "shared") row.append(button(trans.__("Forget…"), trans.__("Forget %1", voice.name), () => forget(voice)));
          return row;
        }),
      );
    } catch (error) {
      word.textContent = error.message;
    }
  }

  /** A job that ended may have been an enrolment. */
  const update = () => {
    const now = (jobs.jobs ?? []).filter(({ state }) => state === "succeeded").length;
    if (now !== done && jobs.looked) look();
    done = now;
  };
  return { element, update, look };
}
