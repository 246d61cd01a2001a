import { ended } from "./jobs.js";
import { button, make } from "./elements.js";

/** The list of jobs; rows stay the same elements while they change, so that the focus stays where it is. */
export function jobsPart(context) {
  const { app, lab, trans, jobs, server } = context;
  const element = make("section", "", { "aria-label": trans.__("Jobs") });
  const word = make("p", "", { role: "status", class: "speaksep-quiet" });
  const list = make("ul", "", { "aria-label": trans.__("Jobs") });
  const none = make("p", trans.__("Nothing was asked for yet: choose recordings in the file browser, and Diagnose or Separate in their menu."), { class: "speaksep-quiet" });
  element.append(make("h2", trans.__("Jobs")), word, none, list);
  /** @type {Map<string, {row: HTMLElement, dress: (job: any) => void}>} */
  const rows = new Map();
  const verbs = { diagnose: trans.__("Diagnosis"), separate: trans.__("Separation") };
  const states = {
    sending: trans.__("sending"), queued: trans.__("waiting"), running: trans.__("running"), cancelling: trans.__("stopping"),
    succeeded: trans.__("done"), failed: trans.__("failed"), cancelled: trans.__("cancelled"),
  };

  const told = (act) => async () => {
    try {
      await act();
    } catch (error) {
      lab.apputils.Notification.error(error.message, { autoClose: 8000 });
    }
  };
  const away = (address) => window.open(address, "_blank", "noopener");
  const open = (job, of, name) => app.commands.execute("speaksep:open-page", { of, name, title: job.name });

  /** What can be done with a job as it is. */
  function acts(job) {
    const name = job.name ?? "";
    const here = job.where === "local";
    return [
      !ended(job) && [trans.__("Cancel"), trans.__("Cancel %1", name), () => jobs.act(job, "cancel")],
      job.state === "succeeded" && [trans.__("Result"), trans.__("Open the result of %1", name), () => (here ? open(job, "job", job.id) : away(job.page))],
      job.report && [trans.__("Report"), trans.__("Open the report of %1", name), () => away(here ? server.base + job.report : job.report)],
      job.folder && [trans.__("Files"), trans.__("Show the files of %1", name), () => app.commands.execute("filebrowser:go-to-path", { path: job.folder })],
      job.batch_page && [trans.__("Batch"), trans.__("Open the batch of %1", name), () => (here ? open({ name: job.batch_name }, "batch", job.batch) : away(job.batch_page))],
      job.notebook && job.state === "failed" && [trans.__("Notebook"), trans.__("Open the notebook of %1", name), () => app.commands.execute("docmanager:open", { path: job.notebook })],
      ["failed", "cancelled"].includes(job.state) && job.created_at && [trans.__("Again"), trans.__("Run %1 again", name), () => jobs.act(job, "retry")],
    ].filter(Boolean);
  }

  function makeRow() {
    const row = make("li", "", { class: "speaksep-job" });
    const name = make("span", "", { class: "speaksep-name" });
    const state = make("span", "", { class: "speaksep-state" });
    const progress = make("progress", "", { max: "1" });
    const why = make("p", "", { class: "speaksep-why" });
    const bar = make("div", "", { class: "speaksep-bar" });
    row.append(name, state, progress, why, bar);
    let offered = "";
    const dress = (job) => {
      name.textContent = job.name ?? job.id;
      name.title = [job.name, job.where === "local" ? trans.__("on this machine") : trans.__("by the service")].join(", ");
      const share = ended(job) || !job.fraction ? "" : ` ${Math.round(100 * job.fraction)} %`;
      state.textContent = `${verbs[job.verb] ?? job.verb} · ${states[job.state] ?? job.state}${share}`;
      row.dataset.state = job.state;
      progress.hidden = ended(job);
      progress.value = job.fraction ?? 0;
      progress.setAttribute("aria-label", trans.__("How much of %1 is done", job.name ?? ""));
      why.hidden = job.state !== "failed" || !job.error;
      why.textContent = [job.error?.error, job.error?.hint].filter(Boolean).join(" — ");
      const can = acts(job);
      const now = can.map(([words]) => words).join();
      if (now === offered) return;
      offered = now;
      bar.replaceChildren(...can.map(([words, label, act]) => button(words, label, told(act))));
    };
    return { row, dress };
  }

  const update = () => {
    word.textContent = jobs.word;
    const all = jobs.jobs ?? [];
    none.hidden = jobs.jobs === null || all.length > 0;
    const keys = new Set();
    let at = list.firstElementChild;
    for (const job of all) {
      const key = `${job.where}/${job.id}`;
      keys.add(key);
      if (!rows.has(key)) rows.set(key, makeRow());
      const { row, dress } = rows.get(key);
      dress(job);
      if (row === at) at = at.nextElementSibling;
      else list.insertBefore(row, at);
    }
    for (const [key, { row }] of rows) {
      if (keys.has(key)) continue;
      row.remove();
      rows.delete(key);
    }
  };
  return { element, update };
}
