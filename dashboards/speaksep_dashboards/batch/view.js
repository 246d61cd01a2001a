/** How far a batch is, what failed and why, what it cost. See page.py. */
const STATE_WORDS = {
  succeeded: ["done", "done"], running: ["running", "busy"], cancelling: ["being stopped", "busy"],
  queued: ["waiting", "waiting"], cancelled: ["stopped", "left"], failed: ["failed", "wrong"], refused: ["refused", "wrong"],
};
const LINES = 25;

function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const word = box("word quiet");
  word.setAttribute("role", "status");
  const asker = new Asker(model, {
    signal,
    onLive: (live) => (word.textContent = live ? "" : "Nobody answers at the moment: this is how it was last."),
  });
  const outbox = new Outbox(model, asker, signal);
  const address = (rest) => (model.get("address") ?? "") + rest;
  const link = (href, text, label) => {
    const element = make("a", { href: address(href), textContent: text });
    if (label) element.setAttribute("aria-label", label);
    return element;
  };

  const glance = box("glance");
  const progress = make("progress", { max: 1 });
  progress.setAttribute("aria-label", "Progress of the batch");
  const parts = box("states");
  const running = box("running");
  const failed = box("failed");
  const costs = box("costs");
  const now = make("h3", { textContent: "Running now" });
  const cards = {
    progress: card("Progress", "two-thirds", progress, parts, glance, now, running, word),
    failed: card("What failed", "", failed),
    cost: card("Cost", "third", costs),
  };

  function showProgress({ counts, total, done, eta_s: eta, finished, cost }) {
    progress.value = done;
    progress.hidden = finished;
    const of = Object.keys(STATE_WORDS);
    parts.replaceChildren(partsBar("Jobs", of.map((state) => {
      const [words, kind] = STATE_WORDS[state];
      return { words, kind, count: counts[state] ?? 0 };
    })));
    const left = finished ? "finished" : eta === null ? (counts.queued ? "waits for a worker" : "–") : `about ${lasts(eta)}`;
    glance.replaceChildren(figures([
      [`${total - (counts.queued + counts.running + counts.cancelling)} of ${total}`, "recordings over"],
      [percent(done), "of the work"],
      [left, finished ? "nothing more happens by itself" : "left"],
      [lasts(cost.sound_s), "of sound done"],
    ]));
  }

  /** Lines that stay while they are about the same job, so that a reader's place in them stays. */
  const lines = new Map();
  function showRunning({ running: jobs }) {
    now.hidden = !jobs.length;
    const there = new Set(jobs.map(({ id }) => id));
    for (const [id, line] of lines) {
      if (!there.has(id)) {
        line.root.remove();
        lines.delete(id);
      }
    }
    for (const job of jobs) {
      let line = lines.get(job.id);
      if (!line) {
        line = { bar: make("progress", { max: 1 }), stage: make("span", { className: "quiet" }), since: make("span", { className: "quiet since" }) };
        line.bar.setAttribute("aria-label", `Progress of ${job.name}`);
        line.root = box("job", make("strong", { textContent: job.name }), line.bar, line.stage, line.since);
        lines.set(job.id, line);
        running.append(line.root);
      }
      line.bar.value = job.fraction;
      line.stage.textContent = `${job.state === "cancelling" ? "is being stopped" : job.message || job.stage || "starts"}${job.attempts > 1 ? `, attempt ${job.attempts}` : ""}`;
      line.started = job.started_at ? Date.parse(job.started_at) : null;
    }
    tick();
  }
  function tick() {
    for (const { since, started } of lines.values()) {
      since.textContent = started ? lasts(Math.max(0, Math.round((Date.now() - started) / 1000))) : "";
    }
  }

  function showFailed({ failed: jobs, counts, reasons }) {
    const count = counts.failed + counts.refused;
    cards.failed.hidden = !count;
    const why = reasons.map(({ reason, jobs: each }) => pill(`${reason} × ${each}`, "error"));
    const entries = jobs.map((job) => {
      const words = job.state === "refused" ? "never begun" : `after ${job.attempts} attempt${job.attempts === 1 ? "" : "s"}`;
      const notebook = job.report ? link(`documents/${job.id}.html`, "executed notebook", `Executed notebook of ${job.name}`) : "no notebook";
      return make("li", {},
        make("strong", { textContent: job.name }), ` ${job.error || "No reason was told."}`,
        make("div", { className: "quiet" }, job.hint ? `${job.hint} · ` : "", `${words} · `, notebook));
    });
    const more = make("p", { className: "quiet", textContent: `And ${count - jobs.length} more, in the table below.` });
    more.hidden = jobs.length === count;
    const key = JSON.stringify(jobs);
    if (failed.dataset.shown === key) return; // the focus may be in it
    failed.dataset.shown = key;
    failed.replaceChildren(make("p", {}, ...why.flatMap((each) => [each, " "])), make("ul", { className: "failures" }, ...entries), more);
  }

  function showCost({ cost }) {
    const rows = [
      ["Recordings that ran", String(cost.jobs)],
      ["Results used again", String(cost.cached)],
      ["Time on CPUs alone", lasts(cost.cpu_s)],
      ["Time with a GPU", lasts(cost.gpu_s)],
      ["Processors were busy for", cost.processor_s === null ? "not measured" : lasts(cost.processor_s)],
      ["Per second of sound", cost.rtf === null ? "–" : `${cost.rtf.toFixed(2)} s`],
    ];
    const [least, most] = cost.predicted_s;
    if (most) {
      rows.push(["Predicted, on two CPU cores", `${lasts(least)} to ${lasts(most)}`]);
      rows.push(["Those took", `${lasts(cost.compared_s)}${verdict(cost.compared_s, least, most)}`]);
    }
    costs.replaceChildren(factsOf(rows));
  }
  const verdict = (took, least, most) => (took > most ? ", longer than predicted" : took < least ? ", less than predicted" : ", as predicted");

  // All jobs, a page at a time.
  const wanted = { text: "", state: "", offset: 0 };
  const search = make("input", { type: "text", placeholder: "name" });
  search.setAttribute("aria-label", "Only recordings with this in their name");
  const state = make("select");
  state.setAttribute("aria-label", "Only in this state");
  const before = button("‹", "Earlier recordings", () => page(-LINES), signal);
  const after = button("›", "Later recordings", () => page(LINES), signal);
  const where = make("span", { className: "quiet" });
  where.setAttribute("role", "status");
  const body = box("jobs");
  let asked = 0;
  async function showJobs() {
    const mine = ++asked;
    try {
      const { data } = await asker.ask("jobs", { ...wanted, limit: LINES });
      if (mine !== asked) return;
      const { rows, count } = data;
      const last = wanted.offset + rows.length;
      where.textContent = count ? `${wanted.offset + 1} to ${last} of ${count}` : "none";
      before.disabled = wanted.offset === 0;
      after.disabled = last >= count;
      const key = JSON.stringify(rows);
      if (body.dataset.shown === key) return; // the focus may be in it
      body.dataset.shown = key;
      body.replaceChildren(tableOf("Recordings of this batch", ["Recording", "State", "Sound#", "Predicted#", "Took#", "On"], rows.map(jobRow)));
    } catch (error) {
      if (!signal.aborted && mine === asked && error.reason !== "no-answer") where.textContent = error.message;
    }
  }
  function jobRow(job) {
    const [words, kind] = STATE_WORDS[job.state];
    const opens = job.state === "succeeded" && ["separate", "diagnose"].includes(model.get("data").notebook);
    const name = opens ? link(`${model.get("data").opens}${job.id}/`, job.name) : job.name;
    const severity = { wrong: "error", busy: "notice", left: "warning" }[kind] ?? "info";
    return [
      name,
      make("span", {}, pill(job.cached ? "used again" : words, severity), job.state === "running" ? ` ${percent(job.fraction)}` : "", job.error ? ` ${job.error}` : ""),
      lasts(job.sound_s),
      job.predicted_s ? `${lasts(job.predicted_s[0])} to ${lasts(job.predicted_s[1])}` : "–",
      lasts(job.seconds),
      job.device.split(/[:(]/)[0].trim() || "–",
    ];
  }
  const page = (step) => {
    wanted.offset = Math.max(0, wanted.offset + step);
    showJobs();
  };
  let typing = 0;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      Object.assign(wanted, { text: search.value, offset: 0 });
      showJobs();
    }, 150);
  }, { signal });
  state.addEventListener("change", () => {
    Object.assign(wanted, { state: state.value, offset: 0 });
    showJobs();
  }, { signal });

  const root = box("speaksep page batch-view");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", model.get("data").title);
  state.add(new Option("all states", ""));
  for (const each of model.get("data").states) state.add(new Option(STATE_WORDS[each][0], each));
  const table = card("Recordings", "", box("bar", search, state, before, where, after), body);
  const title = make("h1", { textContent: model.get("data").title });
  const said = [commentsPart({ model, outbox, signal }), outboxLine(outbox, signal)];
  root.append(title, box("cards", cards.progress, cards.cost, cards.failed, table, ...said));
  el.append(root);

  const show = () => {
    const data = model.get("data");
    for (const part of [showProgress, showRunning, showFailed, showCost]) part(data);
    showJobs();
  };
  model.on("change:data", show);
  const clockwork = setInterval(tick, 1000);
  show();
  return () => {
    model.off("change:data", show);
    clearInterval(clockwork);
    clearTimeout(typing);
    controller.abort();
    root.remove();
  };
}

export default { render };
