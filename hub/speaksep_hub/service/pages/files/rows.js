// One row of the table: a job, where it stands, and what can be done about it.

import { address, call } from "./api.js";
import { element } from "./element.js";
import { showResult } from "./tracks.js";

const KINDS = {
  separation: "separate", diagnosis: "diagnose", edit: "correct", identification: "name the speakers",
  conversion: "convert", enrolment: "enrol a voice",
};
export const FINISHED = new Set(["succeeded", "failed", "cancelled"]);

/** @param {any} job @returns {string} what tells it from others of the same recording */
function how({ parameters }) {
  const { quality, speakers, separator } = parameters ?? {};
  return [separator, quality, speakers && speakers !== "auto" && `${speakers} people`].filter(Boolean).map((word) => `, ${word}`).join("");
}

export class Row {
  /**
   * @param {any} job @param {(error: Error) => void} failed
   * @param {{page: string|null, ask: (asked: any) => void, box: (job: any) => HTMLElement}|null} sharing for who may share
   */
  constructor(job, failed, sharing) {
    this.job = job;
    this.failed = failed;
    this.sharing = sharing;
    this.result = null;
    this.state = element("td");
    this.actions = element("td", { className: "actions" });
    const since = new Date(job.created_at);
    this.name = element("td", { className: "name" }, job.name ?? job.notebook);
    this.line = element(
      "tr", { dataset: { job: job.id } },
      this.name,
      element("td", {}, KINDS[job.kind] ?? job.notebook, element("span", { className: "quiet" }, how(job))),
      this.state,
      element("td", { className: "since" }, element("time", { dateTime: since.toISOString() }, since.toLocaleString())),
      this.actions,
    );
    this.update(job);
  }

  /** @param {any} job all of it, or what an event says of it */
  update(job) {
    const before = this.job.state;
    Object.assign(this.job, job);
    const { state, fraction, message } = this.job;
    this.line.dataset.state = state;
    const inside = [element("span", { className: "state" }, state)];
    if (state === "running") {
      const bar = element("progress", { max: 1, value: fraction, "aria-label": `Progress of ${this.job.name ?? "the job"}` });
      inside.push(" ", bar, element("div", { className: "quiet" }, message || this.job.stage));
    }
    if (state === "failed") inside.push(element("div", { className: "bad" }, this.job.error?.error ?? message));
    this.state.replaceChildren(...inside);
    if (before !== state || !this.actions.childNodes.length) this.offer();
  }

  offer() {
    const { id, state, kind } = this.job;
    const offered = [];
    const act = (word, path) =>
      element("button", { type: "button", onclick: (event) => this.act(event.target, path) }, word);
    if (!FINISHED.has(state)) offered.push(act("Cancel", `jobs/${id}/cancel`));
    if (state === "failed" || state === "cancelled") offered.push(act("Try again", `jobs/${id}/retry`));
    if (FINISHED.has(state)) offered.push(element("a", { href: address(`jobs/${id}/report`), target: "_blank" }, "Report"));
    if (state === "succeeded" && kind === "separation") {
      const listen = element("button", { type: "button", "aria-expanded": "false" }, "Listen");
      listen.onclick = () => this.toggle(listen);
      offered.unshift(listen);
    }
    if (state === "succeeded" && this.sharing && (kind === "separation" || kind === "diagnosis")) offered.push(...this.shares());
    this.actions.replaceChildren(...offered);
  }

  shares() {
    const { id, batch, name } = this.job;
    const title = name ?? id;
    const choices = [{ kind: "recording", what: { job: id }, word: "this recording" }];
    if (batch) {
      choices.push({ kind: "batch", what: { batch }, word: "how its batch goes on" });
      choices.push({ kind: "collection", what: { batch }, word: "all recordings of its batch" });
    }
    this.name.prepend(this.sharing.box(this.job), " ");
    const share = element("button", { type: "button", onclick: () => this.sharing.ask({ title, choices }) }, "Share");
    const page = this.sharing.page && element("a", { href: new URL(`mine/recording/${id}/`, this.sharing.page).href }, "Dashboard");
    return [share, page].filter(Boolean);
  }

  async act(button, path) {
    button.disabled = true;
    try {
      this.update(await call("POST", path));
    } catch (error) {
      this.failed(error);
    } finally {
      button.disabled = false;
    }
  }

  async toggle(button) {
    if (this.result) {
      this.result.remove();
      this.result = null;
      button.setAttribute("aria-expanded", "false");
      return;
    }
    const cell = element("td", { colSpan: 5 }, "…");
    this.result = element("tr", { className: "result" }, cell);
    this.line.after(this.result);
    button.setAttribute("aria-expanded", "true");
    try {
      cell.replaceChildren(...(await showResult(this.job.id)));
    } catch (error) {
      cell.replaceChildren(element("span", { className: "bad" }, error.message));
    }
  }

  remove() {
    this.result?.remove();
    this.line.remove();
  }
}
