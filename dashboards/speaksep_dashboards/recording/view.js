/** One recording: what is wrong with it, who spoke when, what each sounds like. See recording/page.py. */
function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const word = box("word quiet");
  word.setAttribute("role", "status");
  const asker = new Asker(model, {
    signal,
    timeoutMs: 30000,
    onLive: (live) => (word.textContent = live ? "" : "No answer at the moment: what is seen here is what was there last."),
  });
  const outbox = new Outbox(model, asker, signal);
  const slots = new Slots(signal);
  const root = box("speaksep page recording");
  const title = make("h1");
  const facts = make("p", { className: "quiet" });
  const cards = box("cards");
  const beside = box("cards beside"); // what stands beside the figures of cleaning, or in a row of its own
  root.append(title, facts, word, outboxLine(outbox, signal), cards);
  el.append(root);

  /** @type {ReturnType<typeof trackPlayer> | null} */
  let player = null;
  const listen = (start, stop) => {
    player.element.scrollIntoView({ block: "nearest" });
    return player.listen(start, stop);
  };
  const comments = commentsPart({
    model, outbox, signal,
    now: () => player?.transport.now() ?? 0,
    seek: (at) => player?.transport.seek(at),
  });

  /** What there is before there is a result. */
  function waiting({ job }) {
    if (job.error) return [slots.get("job", job, () => errorCard(job.state === "queued" ? "It failed, and is tried again" : "This could not be done", job.error))];
    if (job.state === "cancelled") return [slots.get("job", job, () => errorCard("Cancelled", { error: "Whoever asked for this stopped it." }))];
    return [slots.get("job", job, () => {
      const progress = make("progress", { max: 1, value: job.fraction });
      progress.setAttribute("aria-label", "How much is done");
      const words = job.state === "queued" ? "Waiting for its turn." : `${percent(job.fraction)} done${job.stage ? `: ${job.stage}` : ""}.`;
      return card("Not finished yet", "", make("p", { textContent: `${words} This page changes by itself.` }), progress);
    })];
  }

  function found(data) {
    const { diagnosis, speakers, pairs, overlaps, cleaning, made, files, pending, sound, lanes } = data;
    const listening = slots.get("player", [sound, lanes], (end) => {
      player = trackPlayer(model, asker, end);
      const table = folded("Turns as a table", () => turnsTable());
      return card(speakers.length ? "Who spoke when" : "The recording", "", player.element, speakers.length ? table : "");
    });
    player.update();
    arrange(beside, [
      slots.get("made", [made, diagnosis.recording, data.revision], () => madeCard(data)),
      files.length && model.get("address") !== "" && slots.get("files", files, () => filesCard(files, model.get("address") ?? "")),
    ]);
    beside.classList.toggle("half", Boolean(cleaning));
    return [
      pending && slots.get("pending", pending, () => card("A correction is being made", "", make("p", { textContent: "This page changes by itself when it is done." }))),
      slots.get("summary", [diagnosis, speakers.length], () => summaryCard(data)),
      slots.get("findings", diagnosis.findings, (end) => findingsCard(diagnosis, listen, end)),
      !speakers.length && slots.get("nobody", 1, () => card("Nobody speaks in this recording", "", make("p", {
        textContent: "So there are no tracks: everything that is heard is in the rest.",
      }))),
      listening,
      speakers.length && slots.get("speakers", [speakers], () => speakersCard(data)),
      speakers.length > 1 && slots.get("overlaps", [speakers, pairs, overlaps], (end) => overlapsCard(data, listen, end)),
      cleaning && slots.get("cleaning", [cleaning, sound], (end) => cleaningCard(data, player, end)),
      beside,
    ];
  }

  function turnsTable() {
    const { turns, speakers } = model.get("data");
    const nameOf = (number) => {
      const speaker = speakers.find((each) => each.number === number);
      return speaker?.name || `Speaker ${number}`;
    };
    const rows = turns.slice(0, 1000).map(([start, end, number, sure]) => [nameOf(number), clock(start, 2), clock(end, 2), percent(sure)]);
    return tableOf(`${turns.length} turns${turns.length > 1000 ? ", the first 1000" : ""}`, ["Speaker", "From#", "To#", "Certainty#"], rows);
  }

  function show() {
    const data = model.get("data");
    title.textContent = data.title;
    facts.textContent = [
      data.name && data.name !== data.title && data.name,
      data.diagnosis && clock(data.diagnosis.recording.seconds, 0),
      data.finished_at && new Date(data.finished_at).toLocaleDateString(undefined, { dateStyle: "medium" }),
    ].filter(Boolean).join(" · ");
    arrange(cards, [...(data.diagnosis ? found(data) : waiting(data)), comments]);
  }

  model.on("change:data", show);
  signal.addEventListener("abort", () => model.off("change:data", show));
  show();
  return () => {
    controller.abort();
    root.remove();
  };
}

export default { render };
