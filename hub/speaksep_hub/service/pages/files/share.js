// The dialog in which something is shared, or a share is changed: with whom, for how long, by a link.

import { call } from "./api.js";
import { element } from "./element.js";

const DAY_S = 86400;
const LIVES = [["for 7 days", 7], ["for 30 days", 30], ["for a year", 365], ["until I end it", 0]];
const LINK_DAYS = 30;

/**
 * What an address of the dashboards is about, to be shared.
 * @param {string} asked "recording/ID", "batch/ID", "collection/all", "collection/BATCH" or "compare/ID..ID"
 * @returns {Choice|null}
 */
export function choiceOf(asked) {
  const [, kind, which] = /^(\w+)\/(.+)$/.exec(asked) ?? [];
  const [a, b] = (which ?? "").split("..");
  const made = {
    recording: () => [{ job: which }, "a recording"],
    batch: () => [{ batch: which }, `batch ${which}`],
    collection: () => (which === "all" ? [{ all: true }, "all my recordings"] : [{ batch: which }, `batch ${which}`]),
    compare: () => [{ a, b }, "two takes"],
  }[kind ?? ""];
  if (!made) return null;
  const [what, word] = made();
  return { kind, what, word };
}

/**
 * @typedef {{kind: string, what: any, word: string}} Choice something that can be shared, and what it is called
 * @param {{title: string, choices?: Choice[], share?: any}} asked a new share of one of the choices; or one to change
 * @param {(share: any) => void} done told of the share as it is then
 */
export function askToShare({ title, choices = [], share = null }, done) {
  const kinds = choices.map(({ word }, number) =>
    element("label", { className: "check" },
      element("input", { type: "radio", name: "choice", value: String(number), checked: number === 0 }), word));
  const name = element("input", { type: "text", value: share?.title ?? title, maxLength: 255 });
  const users = element("input", { type: "text", value: (share?.users ?? []).join(", "), placeholder: "vera, viktor" });
  const groups = element("input", { type: "text", value: (share?.groups ?? []).join(", "), placeholder: "editors" });
  const life = element("select", {}, ...(share ? [element("option", { value: "" }, untilOf(share))] : []),
    ...LIVES.map(([word, days]) => element("option", { value: String(days), selected: !share && days === 30 }, word)));
  const download = element("input", { type: "checkbox", checked: share?.download ?? false });
  const link = element("input", { type: "checkbox" });
  const word = element("p", { className: "bad", role: "alert" });
  const go = element("button", { type: "submit", className: "main" }, share ? "Save" : "Share");
  const form = element("form", { method: "dialog" },
    element("h2", { id: "dialog-title" }, share ? "Change what is shared" : `Share ${title}`),
    ...(kinds.length > 1 ? [element("fieldset", {}, element("legend", {}, "What they see"), ...kinds)] : []),
    field("Called", name),
    field("People", users, "names, with commas between them"),
    field("Groups", groups, "all members of these"),
    field("Until", life),
    element("label", { className: "check" }, download, "they may save its files"),
    ...(share ? [] : [element("label", { className: "check" }, link, "make a link, too, to be handed on")]),
    word,
    element("p", { className: "row" }, go, element("button", { type: "button", onclick: () => dialog.close() }, "Cancel")));
  const dialog = shown(form);

  const wanted = () => ({
    title: name.value, users: listed(users.value), groups: listed(groups.value), download: download.checked,
    ...(life.value === "" ? {} : { expires_in: Number(life.value) * DAY_S || null }),
  });
  form.onsubmit = async (event) => {
    event.preventDefault();
    go.disabled = true;
    word.textContent = "";
    try {
      const chosen = choices[Number(form.elements.choice?.value ?? 0)];
      const made = share
        ? await call("PATCH", `shares/${share.id}`, wanted())
        : await call("POST", "shares", { kind: chosen.kind, what: chosen.what, ...wanted() });
      done(made);
      if (!link.checked) return dialog.close();
      const days = Number(life.value) || LINK_DAYS;
      const linked = await call("POST", `shares/${made.id}/links`, { expires_in: days * DAY_S });
      done({ ...made, link: true });
      form.replaceChildren(element("h2", { id: "dialog-title" }, "Shared"), ...linkParts(linked, () => dialog.close()));
      form.querySelector("button").focus();
    } catch (error) {
      word.textContent = error.message;
    } finally {
      go.disabled = false;
    }
  };
}

/**
 * A link as it is told once, to be copied.
 * @param {any} linked @param {() => void} close
 */
export function linkParts(linked, close) {
  const field_ = element("input", { type: "text", readOnly: true, value: linked.url ?? linked.token, onfocus: () => field_.select() });
  const told = element("span", { className: "quiet", role: "status" });
  const copy = element("button", { type: "button", className: "main", onclick: async () => {
    field_.select();
    // Without https, or if the browser is not allowed to: what is selected can be copied by hand.
    await navigator.clipboard?.writeText(field_.value).then(() => (told.textContent = "copied"), () => (told.textContent = "copy it by hand"));
  } }, "Copy");
  const until = linked.expires_at ? ` until ${new Date(linked.expires_at).toLocaleDateString()}` : "";
  return [
    element("p", {}, `Whoever you give this link gets there${until}. It is not shown again.`),
    field("Link", field_),
    element("p", { className: "row" }, copy, element("button", { type: "button", onclick: close }, "Done"), told),
  ];
}

/** @param {HTMLElement} inside with an element "dialog-title" @returns {HTMLDialogElement} */
export function shown(inside) {
  const dialog = element("dialog", { "aria-labelledby": "dialog-title" }, inside);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @param {any} share @returns {string} until when, in words */
export function untilOf(share) {
  if (share.state !== "open") return share.state;
  return share.expires_at ? `until ${new Date(share.expires_at).toLocaleDateString()}` : "until I end it";
}

function field(word, input, hint = "") {
  return element("label", { className: "field" }, element("span", {}, word, hint && element("small", { className: "quiet" }, ` ${hint}`)), input);
}

const listed = (words) => words.split(/[,;\n]/).map((each) => each.trim()).filter(Boolean);
