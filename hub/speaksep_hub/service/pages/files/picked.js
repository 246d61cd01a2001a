// Several results at once: picked in the list, shared as a collection, or two of them compared.

import { element } from "./element.js";

export class Picked {
  /** @param {(asked: {title: string, choices: any[]}) => void} share */
  constructor(share) {
    this.share = share;
    this.bar = document.getElementById("picked");
    /** @type {Map<string, {job: any, box: HTMLInputElement}>} */
    this.jobs = new Map();
  }

  /** @param {any} job @returns {HTMLElement} */
  box(job) {
    const box = element("input", { type: "checkbox", "aria-label": `Pick ${job.name ?? job.id}`, checked: this.jobs.has(job.id) });
    box.onchange = () => {
      if (box.checked) this.jobs.set(job.id, { job, box });
      else this.jobs.delete(job.id);
      this.update();
    };
    return box;
  }

  update() {
    const jobs = [...this.jobs.values()].map(({ job }) => job);
    this.bar.hidden = jobs.length === 0;
    const collection = { kind: "collection", what: { jobs: jobs.map((job) => job.id) }, word: "a collection" };
    const actions = [["Share them", () => this.share({ title: jobs.length === 1 ? jobs[0].name ?? jobs[0].id : `${jobs.length} recordings`, choices: [collection] })]];
    if (jobs.length === 2 && jobs.every((job) => job.kind === "separation")) {
      const [a, b] = jobs;
      const compare = { kind: "compare", what: { a: a.id, b: b.id }, word: "to compare" };
      const title = a.name === b.name ? `two takes of ${a.name}` : `${a.name} and ${b.name}`;
      actions.push(["Have them compared", () => this.share({ title, choices: [compare] })]);
    }
    actions.push(["Pick none", () => this.clear()]);
    this.bar.replaceChildren(
      element("span", { role: "status" }, `${jobs.length} picked`),
      ...actions.map(([word, act]) => element("button", { type: "button", onclick: act }, word)),
    );
  }

  clear() {
    this.jobs.forEach(({ box }) => (box.checked = false));
    this.jobs.clear();
    this.update();
  }
}
