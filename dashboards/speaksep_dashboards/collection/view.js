/** How many were brushed is said, and taken back, here. */
function brushBar({ keep, clear, signal }) {
  const words = make("span");
  words.setAttribute("role", "status");
  const bar = box("bar brush", words, button("Clear brush", "Show all again", clear, signal));
  bar.hidden = true;
  return Object.assign(bar, {
    say(number) {
      bar.hidden = number === null;
      words.textContent = number === null ? "" : `${count(number)} brushed.`;
    },
  });
}

/** What is not in the table, and why. */
function notes({ states, reasons, unreadable }) {
  const words = [];
  const waiting = (states.queued ?? 0) + (states.running ?? 0) + (states.cancelling ?? 0);
  if (waiting) words.push(`${count(waiting)} not separated yet`);
  if (states.failed) {
    const why = Object.entries(reasons).map(([reason, number]) => `${reason} ${count(number)}`);
    words.push(`${count(states.failed)} failed (${why.join(", ")})`);
  }
  if (states.cancelled) words.push(`${count(states.cancelled)} cancelled`);
  const lost = { "gone-result": "kept no longer", "half-written": "not whole", "newer-version": "of a later version of SpeakSep" };
  for (const [reason, number] of Object.entries(unreadable)) words.push(`${count(number)} ${lost[reason] ?? reason}`);
  return words.length ? `Not shown: ${words.join("; ")}.` : "";
}

function render({ model, el }) {
  const ending = new AbortController();
  const { signal } = ending;
  const asker = new Asker(model, { signal });
  const outbox = new Outbox(model, asker, signal);
  const data = () => model.get("data");
  const front = model.get("address");
  const address = front === "" ? null : (front ?? "") + data().opens;

  let recordings = new Recordings(data());
  /** @type {Uint32Array | null} */
  let brushed = null;
  const root = box("speaksep page collection");
  const title = make("h1");
  const noted = make("p", { className: "quiet" });
  const totals = make("div");
  totals.setAttribute("role", "status");
  const found = { rows: new Uint32Array() };

  const filters = new Filters(recordings, () => filter(), signal);
  const brush = brushBar({ clear: () => paint(null), signal });
  const figuresWord = make("p", { className: "quiet hint" });
  const drags = button("Brush by dragging", "Brush by dragging over a figure", () => drag(!dragging), signal, { pressed: false });
  let dragging = !matchMedia("(pointer: coarse)").matches; // under a finger a drag scrolls the page
  const dragBar = box("bar drag", drags);
  dragBar.hidden = true;
  const plots = new Figures({ brush: (rows) => paint(rows.length ? rows : null), signal });
  const worst = new Worst({ address, signal });
  const table = new PagedTable({ address, asker, signal });
  const save = button("Save as CSV", "Save these recordings as a table, CSV", () => saved(), signal);
  table.pager.append(save);

  const nothing = make("p");
  const empty = card("No recordings", "", nothing);
  const parts = [
    card("Recordings", "", totals, filters.element, brush),
    card("Figures", "", figuresWord, dragBar, plots.element),
    card("Need attention most", "", worst.element),
    card("All of them", "", table.element),
  ];
  const cards = box("cards", empty, ...parts, commentsPart({ model, outbox, signal }), outboxLine(outbox, signal));
  root.append(title, noted, cards);
  el.append(root);

  /** The filters say something else; of what is brushed, that which is among `kept` stays so. */
  function filter(kept = null) {
    found.rows = recordings.matching(filters.wish);
    filters.clear.disabled = !filters.any;
    const still = kept && found.rows.filter((row) => kept.has(recordings.ids[row]));
    paint(still?.length ? still : null);
  }

  /** Show what fits, and of it only what is brushed. */
  function paint(rows) {
    brushed = rows;
    const shown = brushed ?? found.rows;
    brush.say(brushed && brushed.length);
    total(shown);
    table.show(recordings, shown);
    worst.show(recordings, shown);
    plots.show(recordings, found.rows, brushed);
  }

  function total(rows) {
    const sound_s = recordings.measured(rows, "sound_s").reduce((sum, each) => sum + each, 0);
    const alarming = rows.filter((row) => recordings.values.severity[row] >= 2).length;
    const middle = (column) => recordings.said(column, median(recordings.measured(rows, column)));
    const of = rows.length < recordings.size ? ` of ${count(recordings.size)}` : "";
    const pairs = [
      [`${count(rows.length)}${of}`, recordings.size === 1 ? "recording" : "recordings"],
      [sound_s < 360_000 ? lasting(sound_s) : `${count(Math.round(sound_s / 3600))} h`, "of sound"],
      [count(alarming), "need attention"],
      [middle("overlap_ratio"), "median overlap"],
      [middle("mos"), "median quality"],
    ];
    totals.replaceChildren(figures(pairs));
  }

  function saved() {
    const url = URL.createObjectURL(new Blob([recordings.csv(table.rows)], { type: "text/csv" }));
    make("a", { href: url, download: `${data().title || "recordings"}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  /** Other recordings than before, or the first; what the reader chose stays. */
  function fresh() {
    const kept = brushed && new Set(Array.from(brushed, (row) => recordings.ids[row]));
    recordings = new Recordings(data());
    title.textContent = data().title;
    noted.textContent = notes(data());
    noted.hidden = !noted.textContent;
    save.hidden = !data().can.download;
    empty.hidden = recordings.size > 0;
    nothing.textContent = noted.hidden
      ? "Nothing has been separated here yet. This page shows recordings as soon as there are any."
      : "None of them can be shown now. This page shows recordings as soon as there are any.";
    for (const part of parts) part.hidden = !recordings.size;
    filters.offer(recordings);
    filter(kept);
    if (recordings.size && !plots.document) draw();
  }

  async function draw() {
    figuresWord.textContent = "The figures come …";
    try {
      const Bokeh = await bokehOf(model, asker);
      if (signal.aborted) return;
      await plots.draw(Bokeh);
      dragBar.hidden = dragging; // a mouse needs no button
      drag(dragging);
    } catch (error) {
      figuresWord.textContent = `${error.message}. ${error.hint ?? ""}`;
    }
  }

  function drag(on) {
    dragging = on;
    drags.setAttribute("aria-pressed", String(on));
    plots.drag(on);
    figuresWord.textContent = on ? "Drag over a figure to brush recordings in all of them." : "";
  }

  model.on("change:data", fresh);
  signal.addEventListener("abort", () => {
    model.off("change:data", fresh);
    root.remove();
  });
  fresh();
  return () => ending.abort();
}

export default { render };
