/** One lane per speaker, heard together or apart, corrected in place. See speaker_tracks.py. */
const LANE_PX = 64;
const GRAB_PX = 6;
/** Turns in the table for those who do not see the lanes. */
const MOST_ROWS = 100;

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
  const tools = box("bar");
  tools.setAttribute("role", "toolbar");
  tools.setAttribute("aria-label", "Corrections");
  const again = againForm(model, {
    ask: (what, choices = {}) => what === "cancel" ? step(what) : needSpan((where) => step(what, { ...where, ...choices }))(),
    close: () => root.focus(),
  }, signal);
  root.append(bar, tools, again.form, box("lane", box("head quiet"), axis), rows, word, table);
  el.append(root);

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

  function say(text, bad = false) {
    word.textContent = text;
    word.classList.toggle("bad", bad);
  }

  /** One correction: Python makes it or says why not. */
  async function correct(edit) {
    try {
      const { data } = await asker.ask("edit", { edit });
      say(data.word ?? "");
    } catch (error) {
      say(`${error.message}. ${error.hint ?? ""}`, true);
    }
    dragged = null;
    redraw();
  }
  const step = async (what, choices = {}) => {
    try {
      const { data } = await asker.ask(what, choices);
      say(data.word ?? model.get("word"));
    } catch (error) {
      say(`${error.message}. ${error.hint ?? ""}`, true);
    }
  };
  const span = () => (view.selection ? { start_s: view.selection[0], end_s: view.selection[1] } : null);
  const needSpan = (act) => () => (span() ? act(span()) : say("Select a stretch first: drag over it, or use [ and ].", true));
  const needSpeaker = (act) => () => {
    const speaker = numberOf(current);
    return speaker === null ? say("Choose a speaker's lane first (up and down arrows).", true) : act(speaker);
  };
  const acts = {
    cut: needSpeaker((speaker) => correct({ op: "split", speaker, at_s: transport.now() })),
    voices: needSpeaker((speaker) => correct({ op: "split", speaker, parts: 2 })),
    noise: needSpan((where) => correct({ op: "noise", ...where, speaker: numberOf(current) })),
    reassign: (to) => needSpan((where) => correct({ op: "reassign", ...where, speaker: numberOf(current), to }))(),
    merge: (into) => needSpeaker((speaker) =>
      into === speaker ? say("That is the same speaker.", true) : correct({ op: "merge", speakers: [speaker], into }))(),
    undo: () => step("undo"),
    redo: () => step("redo"),
  };

  const undo = button("↶", "Undo (Ctrl+Z)", acts.undo, signal);
  const redo = button("↷", "Redo (Ctrl+Y)", acts.redo, signal);
  const merge = menu("Merge into…", "Merge this speaker into another", (value) => acts.merge(Number(value)));
  const give = menu("Selection to…", "Give the selection to another speaker (1 to 9)", (value) =>
    acts.reassign(value === "new" ? "new" : Number(value)));
  const compare = button("A/B", "Compare with the mixture (B)", () => toggleCompare(), signal, { pressed: false });
  tools.append(
    undo, redo,
    button("Split here", "Split this speaker at the playhead (C)", acts.cut, signal),
    button("Split by voice", "Split this speaker into two voices (V)", acts.voices, signal),
    merge, give,
    button("Noise", "The selection is nobody's speech (N)", acts.noise, signal),
    button("Separate again…", "Separate the selection again with other settings (R)", () => again.toggle(), signal),
    compare,
  );

  function menu(title, label, act) {
    const select = document.createElement("select");
    select.setAttribute("aria-label", label);
    select.title = label;
    select.dataset.title = title;
    select.addEventListener("change", () => {
      const { value } = select;
      select.selectedIndex = 0;
      if (value) act(value);
    }, { signal });
    return select;
  }

  function fill(select, more = []) {
    select.replaceChildren(new Option(select.dataset.title, ""));
    for (const { label, number } of speakers()) select.add(new Option(nameOf(label), String(number)));
    for (const [text, value] of more) select.add(new Option(text, value));
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
    fill(merge);
    fill(give, [["someone new", "new"]]);
    for (const name of names) dress(name);
    choose(current);
    describe();
    volumes();
  }

  function makeLane(name) {
    const own = new AbortController();
    signal.addEventListener("abort", () => own.abort());
    const canvas = document.createElement("canvas");
    canvas.style.height = `${name === "mixture" || name === "residual" ? LANE_PX * 0.7 : LANE_PX}px`;
    canvas.setAttribute("role", "img");
    const title = document.createElement("input");
    title.type = "text";
    title.className = "title";
    title.setAttribute("aria-label", `Name of ${name}`);
    title.disabled = numberOf(name) === null;
    title.addEventListener("change", () => {
      correct({ op: "rename", speaker: numberOf(name), name: title.value.trim() || null });
    }, { signal: own.signal });
    title.addEventListener("keydown", (event) => {
      if (event.key === "Enter") root.focus();
      if (event.key === "Escape") {
        title.value = nameOf(name);
        root.focus();
      }
      event.stopPropagation();
    }, { signal: own.signal });
    const solo = button("S", `Solo ${name} (S)`, () => setMixer(name, { solo: !mixer(name).solo }), own.signal, { pressed: false });
    const mute = button("M", `Mute ${name} (M)`, () => setMixer(name, { mute: !mixer(name).mute }), own.signal, { pressed: false });
    const gain = document.createElement("input");
    gain.type = "range";
    gain.min = "0";
    gain.max = "4";
    gain.step = "0.05";
    gain.setAttribute("aria-label", `Gain of ${name}`);
    gain.addEventListener("input", () => setMixer(name, { gain: Number(gain.value) }), { signal: own.signal });
    const quiet = box("quiet small");
    const row = box("lane", box("head", box("line", title), box("line", solo, mute, gain), quiet), canvas);
    row.addEventListener("pointerdown", () => choose(name), { signal: own.signal, capture: true });
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
    return { row, canvas, sheet, peaks, own, title, solo, mute, gain, quiet };
  }

  /** Title, buttons and colour of a lane as they are now. */
  function dress(name) {
    const lane = lanes.get(name);
    const entry = speakers().find(({ label }) => label === name);
    if (root.getRootNode().activeElement !== lane.title) lane.title.value = nameOf(name);
    const { gain, solo, mute } = mixer(name);
    lane.solo.setAttribute("aria-pressed", String(solo));
    lane.mute.setAttribute("aria-pressed", String(mute));
    lane.gain.value = String(gain);
    lane.row.style.setProperty("--lane", colourOf(name) ?? "var(--ss-ink)");
    lane.quiet.textContent = entry ? `${clock(entry.seconds, 0)} · ${Math.round(100 * entry.confidence)} % sure` : "";
  }

  function edgeNear(lane, time, width) {
    const reach = (GRAB_PX / width) * view.span;
    let best = null;
    for (const [start, end] of turnsOf(lane)) {
      for (const [edge, at] of [["start", start], ["end", end]]) {
        const far = Math.abs(at - time);
        if (far <= reach && (!best || far < best.far)) best = { edge, at, far, start, end };
      }
    }
    return best;
  }

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
        correct({ op: "boundary", speaker: numberOf(lane), edge: found.edge, at_s: found.at, to_s: limit(to) });
      },
    };
  }

  function draw(name, context, width, height) {
    const lane = lanes.get(name);
    if (!lane) return;
    const colours = pageColours(root);
    const colour = colourOf(name) ?? colours.ink;
    for (let [start, end, , sure] of turnsOf(name)) {
      if (dragged?.lane === name && dragged.edge === "start" && Math.abs(start - dragged.at) < 1e-6) start = dragged.to;
      if (dragged?.lane === name && dragged.edge === "end" && Math.abs(end - dragged.at) < 1e-6) end = dragged.to;
      if (end < view.start || start > view.stop) continue;
      const [a, b] = [view.x(start, width), view.x(end, width)];
      context.fillStyle = colour;
      context.globalAlpha = 0.16;
      context.fillRect(a, 0, Math.max(b - a, 1), height);
      context.globalAlpha = 1;
      context.fillRect(a, height - 3, Math.max(b - a, 1), 3);
      if (sure < 0.6 && b - a > 8) { // doubt is seen without colour too
        context.fillStyle = colours.ink;
        context.fillText("?", a + 2, 2);
      }
    }
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

  /** Words follow when the picture rests. */
  let settled = 0;
  function settle() {
    clearTimeout(settled);
    settled = setTimeout(describe, 150);
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
    const caption = document.createElement("caption");
    caption.textContent = "Turns on the screen";
    const titles = document.createElement("thead").insertRow();
    for (const text of ["Speaker", "From", "To", "Certainty"]) {
      const title = document.createElement("th");
      title.scope = "col";
      title.textContent = text;
      titles.append(title);
    }
    const body = document.createElement("tbody");
    const seen = (model.get("turns") ?? []).filter(([start, end]) => end > view.start && start < view.stop);
    for (const [start, end, number, sure] of seen.slice(0, MOST_ROWS)) {
      const label = speakers().find((entry) => entry.number === number)?.label ?? "";
      const row = body.insertRow();
      for (const text of [nameOf(label), clock(start, 2), clock(end, 2), `${Math.round(100 * sure)} %`]) {
        row.insertCell().textContent = text;
      }
    }
    if (seen.length > MOST_ROWS) body.insertRow().insertCell().textContent = `and ${seen.length - MOST_ROWS} more: zoom in`;
    table.replaceChildren(caption, titles.parentElement, body);
    const log = model.get("edit_log") ?? {};
    undo.disabled = !(log.position > 0);
    redo.disabled = !((log.edits?.length ?? 0) > (log.position ?? 0));
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
    return correct({ op: "boundary", speaker: numberOf(current), edge, at_s, to_s }).then(() => transport.seek(to_s));
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
    { keys: ["g", "G"], words: "Merge the speaker into another", act: () => merge.focus() },
    { keys: ["n", "N", "Delete"], words: "The selection is noise", act: acts.noise },
    { keys: ["r", "R"], words: "Separate the selection again", act: () => again.toggle() },
    { keys: ["Ctrl+z"], words: "Undo", act: acts.undo },
    { keys: ["Ctrl+y", "Ctrl+Z"], words: "Redo", act: acts.redo },
  ], signal);
  bar.append(height.control, button("?", "Keyboard shortcuts (?)", () => keys.help(), signal));

  shareView(model, view, transport, signal);
  for (const name of ["change", "select"]) {
    view.addEventListener(name, () => {
      redraw();
      update();
      settle();
    }, { signal });
  }
  transport.addEventListener("error", ({ detail }) => say(`No sound: ${detail.message}. ${detail.hint ?? ""}`, true), { signal });
  let frame = 0;
  const tick = () => {
    update();
    if (!transport.playing) return;
    if (!transport.loop) view.follow(transport.now());
    redraw();
    frame = requestAnimationFrame(tick);
  };
  for (const name of ["state", "position"]) {
    transport.addEventListener(name, () => {
      cancelAnimationFrame(frame);
      redraw();
      tick();
    }, { signal });
  }
  const observers = {
    "change:lanes": build,
    "change:speakers": build,
    "change:turns": () => { dragged = null; redraw(); describe(); },
    "change:edit_log": describe,
    "change:mixer": () => { for (const name of lanes.keys()) dress(name); volumes(); describe(); },
    "change:gain": redraw,
    "change:auto_gain": () => { height.update(); redraw(); },
    "change:revision": () => { for (const { peaks } of lanes.values()) peaks.clear(); transport.clear(); },
    "change:word": () => say(model.get("word")),
    "change:separating": () => again.update(),
  };
  for (const [name, act] of Object.entries(observers)) model.on(name, act);
  build();
  update();
  again.update();
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(settled);
    for (const [name, act] of Object.entries(observers)) model.off(name, act);
    controller.abort();
    root.remove();
  };
}

export default { render };
