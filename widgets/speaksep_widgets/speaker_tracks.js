/** One lane per speaker, heard together or apart, corrected in place. See speaker_tracks.py. */
const LANE_PX = 64;
const GRAB_PX = 6;

function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const seconds = model.get("seconds");
  const view = new View(seconds);
  const word = box("word quiet");
  word.setAttribute("role", "status");
  const asker = new Asker(model, {
    signal,
    timeoutMs: 60000,
    onLive: (live) => say(live ? "" : "The kernel does not answer: this is the last picture.", !live),
  });
  const rateHz = model.get("rate_hz");
  const files = new SoundFiles(() => model.get("sound_files"), rateHz, signal);
  const transport = new Transport(asker, { seconds, rateHz, lanes: model.get("lanes"), files }, signal);
  const { bar, shortcuts, update } = transportBar(transport, view, signal);

  const root = box("speaksep speaker-tracks");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Tracks of ${model.get("name")}`);
  const axis = document.createElement("canvas");
  axis.style.height = "20px";
  axis.setAttribute("role", "img");
  const rows = box("rows");
  const table = document.createElement("table");
  table.className = "unseen";

  /** @type {Map<string, {row: HTMLElement, sheet: Sheet, peaks: PeakStore, canvas: HTMLCanvasElement}>} */
  const lanes = new Map();
  let current = model.get("lanes")[1] ?? "mixture";
  let comparing = false;
  /** A boundary that is being dragged: drawn before Python knows of it. */
  let dragged = null;

  const speakers = () => model.get("speakers") ?? [];
  const numberOf = (lane) => speakers().find(({ label }) => label === lane)?.number ?? null;
  const nameOf = (lane) => {
    const entry = speakers().find(({ label }) => label === lane);
    return entry ? entry.name || lane.replace("_", " ") : lane;
  };
  const colourOf = (lane) => speakers().find(({ label }) => label === lane)?.colour ?? (lane === "mixture" ? null : "#808080");
  const turnsOf = (lane) => (model.get("turns") ?? []).filter((turn) => turn[2] === numberOf(lane));
  const mixer = (lane) => ({ gain: 1, solo: false, mute: lane === "mixture", ...(model.get("mixer") ?? {})[lane] });

  const edits = corrections(model, {
    asker, view, transport, say, speakers, nameOf,
    speaker: () => numberOf(current),
    corrected: () => { dragged = null; redraw(); },
    close: () => root.focus(),
  }, signal);
  const { acts } = edits;
  const compare = button("A/B", "Compare with the mixture (B)", () => toggleCompare(), signal, { pressed: false });
  edits.tools.append(compare);
  root.append(bar, edits.tools, edits.again.form, box("lane", box("head quiet"), axis), rows, word, table);
  el.append(root);

  function say(text, bad = false) {
    word.textContent = text;
    word.classList.toggle("bad", bad);
  }

  function toggleCompare() {
    comparing = !comparing;
    compare.setAttribute("aria-pressed", String(comparing));
    volumes();
  }

  function volumes() {
    const all = model.get("lanes");
    const solo = all.filter((lane) => mixer(lane).solo);
    const out = {};
    for (const lane of all) {
      const { gain, mute } = mixer(lane);
      const on = comparing ? lane === "mixture" : solo.length ? solo.includes(lane) : !mute;
      out[lane] = on ? (comparing ? 1 : gain) : 0;
    }
    transport.setVolumes(out);
  }

  function setMixer(lane, change) {
    const next = { ...(model.get("mixer") ?? {}) };
    next[lane] = { ...mixer(lane), ...change };
    model.set("mixer", next);
    model.save_changes();
  }

  function choose(lane) {
    current = lane;
    for (const [name, { row }] of lanes) row.classList.toggle("current", name === lane);
    redraw();
  }

  /** Rows for the lanes there are now; those that stay keep what they have fetched. */
  function build() {
    const names = model.get("lanes");
    transport.lanes = names;
    for (const [name, { row, own }] of lanes) {
      if (names.includes(name)) continue;
      own.abort();
      row.remove();
      lanes.delete(name);
    }
    for (const name of names) {
      if (!lanes.has(name)) lanes.set(name, makeLane(name));
      rows.append(lanes.get(name).row); // in order
    }
    if (!names.includes(current)) current = names[1] ?? names[0];
    edits.list();
    for (const name of names) dress(name);
    choose(current);
    describe();
    volumes();
  }

  function makeLane(name) {
    const own = new AbortController();
    signal.addEventListener("abort", () => own.abort());
    const lane = laneRow(name, {
      speaks: numberOf(name) !== null,
      height: name === "mixture" || name === "residual" ? LANE_PX * 0.7 : LANE_PX,
      rename: (title) => acts.correct({ op: "rename", speaker: numberOf(name), name: title }),
      leave: () => root.focus(),
      mix: setMixer,
      nameOf, mixer, choose,
    }, own.signal);
    const { canvas } = lane;
    const peaks = new PeakStore(asker, name, seconds, () => { sheet.ask(); settle(); });
    const snapshot = snapshotOf(model, name);
    if (snapshot) peaks.take(snapshot);
    const sheet = new Sheet(canvas, (context, width, height) => draw(name, context, width, height), own.signal);
    listenToPointer(canvas, view, {
      seek: (time) => transport.seek(time),
      grab: (time) => grab(name, time, canvas.clientWidth),
      hover: (time) => {
        canvas.style.cursor = time !== null && edgeNear(name, time, canvas.clientWidth) ? "ew-resize" : "text";
      },
    }, own.signal);
    return { ...lane, sheet, peaks, own };
  }

  /** Title, buttons and colour of a lane as they are now. */
  function dress(name) {
    const entry = speakers().find(({ label }) => label === name);
    const words = entry ? `${clock(entry.seconds, 0)} · ${Math.round(100 * entry.confidence)} % sure` : "";
    lanes.get(name).dress({ colour: colourOf(name), words });
  }

  const edgeNear = (lane, time, width) => nearestEdge(turnsOf(lane), time, (GRAB_PX / width) * view.span);

  function grab(lane, time, width) {
    const found = edgeNear(lane, time, width);
    if (!found) return null;
    const limit = (to) =>
      Math.min(Math.max(to, found.edge === "end" ? found.start + 0.02 : 0), found.edge === "start" ? found.end - 0.02 : seconds);
    return {
      move: (to) => {
        dragged = { lane, edge: found.edge, at: found.at, to: limit(to) };
        lanes.get(lane).sheet.ask();
      },
      drop: (to) => {
        if (!dragged) return;
        acts.correct({ op: "boundary", speaker: numberOf(lane), edge: found.edge, at_s: found.at, to_s: limit(to) });
      },
    };
  }

  function draw(name, context, width, height) {
    const lane = lanes.get(name);
    if (!lane) return;
    const colours = pageColours(root);
    const colour = colourOf(name) ?? colours.ink;
    const turns = turnsOf(name).map(([start, end, number, sure]) => {
      const moves = (edge, at) => dragged?.lane === name && dragged.edge === edge && Math.abs(at - dragged.at) < 1e-6;
      return [moves("start", start) ? dragged.to : start, moves("end", end) ? dragged.to : end, number, sure];
    });
    drawTurns(context, view, turns, { width, height, colour, ink: colours.ink, shade: colours.shade });
    const values = lane.peaks.values(view, Math.round(width));
    const gain = model.get("auto_gain") ? fillingGain(values) : model.get("gain");
    drawWaveform(context, values, { top: 0, height: height - 3, colour, gain });
    drawSelection(context, view, { width, height, colour: colours.accent });
    drawPlayhead(context, view, transport.now(), { width, height, colour: "#d55e00" });
  }

  const ruler = new Sheet(axis, (context, width, height) => {
    const colours = pageColours(root);
    drawAxis(context, view, { top: 0, width, height, ink: colours.ink, faint: colours.faint });
    drawPlayhead(context, view, transport.now(), { width, height, colour: "#d55e00" });
  }, signal);
  listenToPointer(axis, view, { seek: (time) => transport.seek(time) }, signal);

  function redraw() {
    ruler.ask();
    for (const { sheet } of lanes.values()) sheet.ask();
  }

  /** What the lanes show, as a table for those who do not see it. */
  function describe() {
    const heard = transport.heard();
    for (const [name, { canvas, peaks }] of lanes) {
      const turns = turnsOf(name);
      const shown = turns.filter(([start, end]) => end > view.start && start < view.stop).length;
      const words = [`between ${clock(view.start)} and ${clock(view.stop)}`];
      if (turns.length) words.unshift(`${shown} of ${turns.length} turns`);
      words.push(levelWords(peaks.values(view, Math.max(1, Math.round(canvas.clientWidth))), view));
      words.push(heard.includes(name) ? "heard" : "not heard");
      canvas.setAttribute("aria-label", `${nameOf(name)}: ${words.join(", ")}`);
    }
    const chosen = view.selection ? `, selected ${view.selection.map((time) => clock(time, 2)).join(" to ")}` : "";
    axis.setAttribute("aria-label", `Time from ${clock(view.start)} to ${clock(view.stop)}${chosen}`);
    fillTurnsTable(table, view, model.get("turns") ?? [], (number) => nameOf(speakers().find((entry) => entry.number === number)?.label ?? ""));
    edits.update();
  }

  /** The edge of the current lane's turns before or after the playhead. */
  function toEdge(direction) {
    const at = transport.now();
    const edges = turnsOf(current).flatMap(([start, end]) => [start, end]).sort((a, b) => a - b);
    const next = direction > 0 ? edges.find((edge) => edge > at + 1e-3) : edges.reverse().find((edge) => edge < at - 1e-3);
    if (next === undefined) return say("No more turns in this direction.");
    view.follow(next);
    return transport.seek(next);
  }

  function nudge(by) {
    const at = transport.now();
    const near = turnsOf(current)
      .flatMap(([start, end]) => [["start", start], ["end", end]])
      .find(([, edge]) => Math.abs(edge - at) < 0.011);
    if (!near) return say("Go to a boundary first (comma, full stop).", true);
    const [edge, at_s] = near;
    const to_s = Math.max(0, Math.min(seconds, at_s + by));
    return acts.correct({ op: "boundary", speaker: numberOf(current), edge, at_s, to_s }).then(() => transport.seek(to_s));
  }

  const move = (by) => {
    const names = model.get("lanes");
    choose(names[Math.max(0, Math.min(names.length - 1, names.indexOf(current) + by))]);
    say(`${nameOf(current)}`);
  };
  const height = autoGain(model, signal);
  const keys = new Keys(root, [
    ...shortcuts,
    height.shortcut,
    { keys: ["ArrowUp", "ArrowDown"], words: "Lane above, below", act: (e) => move(e.key === "ArrowUp" ? -1 : 1) },
    { keys: ["s", "S"], words: "Solo the lane", act: () => setMixer(current, { solo: !mixer(current).solo }) },
    { keys: ["m", "M"], words: "Mute the lane", act: () => setMixer(current, { mute: !mixer(current).mute }) },
    { keys: ["b", "B"], words: "Compare with the mixture", act: toggleCompare },
    { keys: ["Enter", "F2"], words: "Rename the speaker", act: () => lanes.get(current).title.select() },
    { keys: [",", "."], words: "Previous, next boundary of the lane", act: (e) => toEdge(e.key === "," ? -1 : 1) },
    { keys: ["Alt+ArrowLeft", "Alt+ArrowRight"], words: "Move the boundary at the playhead by 0.1 s", act: (e) => nudge(e.key === "ArrowLeft" ? -0.1 : 0.1) },
    { keys: ["c", "C"], words: "Split the speaker at the playhead", act: acts.cut },
    { keys: ["v", "V"], words: "Split the speaker by voice", act: acts.voices },
    { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], words: "Give the selection to this speaker", act: (e) => acts.reassign(Number(e.key)) },
    { keys: ["0"], words: "Give the selection to someone new", act: () => acts.reassign("new") },
    { keys: ["g", "G"], words: "Merge the speaker into another", act: () => edits.merge.focus() },
    { keys: ["n", "N", "Delete"], words: "The selection is noise", act: acts.noise },
    { keys: ["r", "R"], words: "Separate the selection again", act: acts.again },
    { keys: ["Ctrl+z"], words: "Undo", act: acts.undo },
    { keys: ["Ctrl+y", "Ctrl+Z"], words: "Redo", act: acts.redo },
  ], signal);
  bar.append(height.control, button("?", "Keyboard shortcuts (?)", () => keys.help(), signal));

  shareView(model, view, transport, signal);
  const settle = keepUp(model, { view, transport, redraw, update, describe, say, observers: {
    "change:lanes": build,
    "change:speakers": build,
    "change:turns": () => { dragged = null; redraw(); describe(); },
    "change:edit_log": describe,
    "change:mixer": () => { for (const name of lanes.keys()) dress(name); volumes(); describe(); },
    "change:gain": redraw,
    "change:auto_gain": () => { height.update(); redraw(); },
    "change:revision": () => { for (const { peaks } of lanes.values()) peaks.clear(); transport.clear(); },
    "change:word": () => say(model.get("word")),
    "change:separating": edits.again.update,
  } }, signal);
  build();
  update();
  edits.again.update();
  return () => {
    controller.abort();
    root.remove();
  };
}

export default { render };
