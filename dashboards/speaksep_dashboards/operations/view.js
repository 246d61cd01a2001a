/** How the platform does. See page.py. */
function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const word = box("word quiet");
  word.setAttribute("role", "status");
  new Asker(model, {
    signal,
    onLive: (live) => (word.textContent = live ? "" : "No answer at the moment: what is seen here is what was there last."),
  });
  const slots = new Slots(signal);
  const cards = box("cards");
  const root = box("speaksep page operations-view", make("h1", { textContent: model.get("data").title }), word, cards);
  el.append(root);

  const usual = (spread) => (spread ? `${lasts(spread.median)}, 95 % less than ${lasts(spread.p95)}` : "–");

  function now({ counts, queue, running, gpus }) {
    const slotsOf = gpus.devices.flatMap(({ slots: each }) => each);
    return card("Now", "", figures([
      [String(counts.queued), "waiting"],
      [queue.oldest_s === null ? "–" : lasts(queue.oldest_s), "the oldest waits for"],
      [String(counts.running + counts.cancelling), "running"],
      [String(new Set(running.map(({ worker }) => worker)).size), "workers at work"],
      [slotsOf.length ? `${slotsOf.filter(Boolean).length} of ${slotsOf.length}` : "none", "GPU slots leased"],
    ]));
  }

  function day({ finished }) {
    const time = ({ at }) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const hours = finished.hours.map(({ at, succeeded, failed }) => {
      const when = time({ at });
      return { value: succeeded + failed, bad: failed, words: `${when}: ${succeeded} done${failed ? `, ${failed} failed` : ""}` };
    });
    return card("The last 24 hours", "two-thirds", figures([
      [String(finished.jobs), "jobs over"],
      [percent(finished.jobs ? finished.failed / finished.jobs : null), "failed"],
      [percent(finished.cached), "by an earlier result"],
      [finished.wait_s ? lasts(finished.wait_s.median) : "–", "usual wait"],
      [finished.rtf ? `${finished.rtf.median.toFixed(2)} s` : "–", "per second of sound"],
    ]), columnsChart("Jobs by the hour", hours, [0, 6, 12, 18].map((k) => time(finished.hours[k])).concat("now")), make("p", { className: "quiet", textContent: "Jobs by the hour; failed ones in orange at the top." }));
  }

  function speed({ finished }) {
    const rows = finished.rtf_by.map(({ notebook, on, jobs, median, p95 }) => [notebook, on, String(jobs), `${median.toFixed(3)} s`, `${p95.toFixed(3)} s`]);
    return card("Speed and waiting", "half",
      make("p", { textContent: `Waited for a worker, usually: ${usual(finished.wait_s)}.` }),
      rows.length ? tableOf("Seconds per second of sound, results that were used again left out", ["Notebook", "On", "Jobs#", "Median#", "95 % below#"], rows)
        : make("p", { className: "quiet", textContent: "Nothing was computed yet." }));
  }

  function errors({ finished }) {
    const rows = finished.reasons.map(({ name, jobs }) => [name, String(jobs)]);
    const lost = finished.lost ? make("p", { textContent: `Workers vanished ${finished.lost} times; their jobs were begun again.` }) : "";
    return card("What failed", "third", rows.length ? tableOf("Failed jobs by reason", ["Reason", "Jobs#"], rows)
      : make("p", { className: "quiet", textContent: "Nothing failed." }), lost);
  }

  function work({ running }) {
    const rows = running.map(({ id, owner, notebook, worker, stage, state, fraction, attempts, started_at: started }) => {
      const bar = make("progress", { max: 1, value: fraction });
      bar.setAttribute("aria-label", `Progress of job ${id}`);
      const since = started ? lasts(Math.max(0, (Date.parse(model.get("data").made_at) - Date.parse(started)) / 1000)) : "–";
      return [id.slice(0, 8), owner, notebook, worker || "–", make("span", {}, bar, ` ${state === "cancelling" ? "is being stopped" : stage}`), String(attempts), since];
    });
    return card("Running", "work", rows.length ? tableOf("Jobs that run", ["Job", "Whose", "Notebook", "Worker", "Progress", "Attempt#", "Since#"], rows)
      : make("p", { className: "quiet", textContent: "Nothing runs." }));
  }

  function leases({ gpus }) {
    const rows = gpus.devices.flatMap(({ name, slots: each, free_bytes: free, total_bytes: total, refusal }) =>
      each.map((holder, k) => [name, `${k + 1} of ${each.length}`, holder ?? (refusal || "free"), total ? `${sizeWords(free)} of ${sizeWords(total)}` : "–"]));
    const line = gpus.waiting.length ? make("p", { textContent: `Waiting for one: ${gpus.waiting.join(", ")}.` }) : "";
    return card("GPU leases", "half", rows.length ? tableOf("Slots of GPUs", ["GPU", "Slot", "Held by", "Memory free#"], rows)
      : make("p", { className: "quiet", textContent: `No GPU here${gpus.word ? `: ${gpus.word}` : ""}. Jobs run on CPUs.` }), line);
  }

  function room({ disk }) {
    return card("Room", "half", factsOf([
      ["Free", disk.free_bytes === null ? "not known" : sizeWords(disk.free_bytes)],
      ["Recordings", String(disk.recordings)],
      ["They take", sizeWords(disk.recordings_bytes)],
      ["Announced by uploads", sizeWords(disk.announced_bytes)],
    ]));
  }

  function who({ finished }) {
    const table = (caption, head, list) => tableOf(caption, [head, "Jobs#"], list.map(({ name, jobs }) => [name, String(jobs)]));
    return card("Who", "half", table("Jobs of people", "Whose", finished.people), table("Jobs of workers", "Worker", finished.workers));
  }

  function show() {
    const data = model.get("data");
    const { finished, running, gpus, disk, counts, queue } = data;
    arrange(cards, [
      slots.get("now", [counts, queue, gpus, running.length], () => now(data)),
      slots.get("day", finished, () => day(data)),
      slots.get("errors", [finished.reasons, finished.lost], () => errors(data)),
      slots.get("work", running, () => work(data)),
      slots.get("speed", [finished.rtf_by, finished.wait_s], () => speed(data)),
      slots.get("leases", gpus, () => leases(data)),
      slots.get("who", [finished.people, finished.workers], () => who(data)),
      slots.get("room", disk, () => room(data)),
    ]);
  }
  model.on("change:data", show);
  show();
  return () => {
    model.off("change:data", show);
    controller.abort();
    root.remove();
  };
}

export default { render };
