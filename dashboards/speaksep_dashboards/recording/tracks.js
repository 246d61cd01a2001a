/** The lanes of a recording along time, heard together or apart; nothing here changes anything. */
const TITLES = { mixture: "The recording", cleaned: "After cleaning", residual: "The rest" };

/** Samples behind each pixel, as Python sent them. @returns {Int16Array} */
function decoded(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Int16Array(bytes.buffer);
}

/**
 * @param {any} model
 * @param {Asker} asker
 * @param {AbortSignal} signal
 * @returns {{element: HTMLElement, transport: Transport, view: View, hear: (lanes: string[]) => void,
 *   listen: (start: number, stop: number) => void, update: () => void}}
 *   `listen` shows and plays a stretch; `update` draws what has changed without new sound: names, turns, comments
 */
function trackPlayer(model, asker, signal) {
  const data = () => model.get("data");
  const { lanes } = data();
  const { seconds, rate_hz: rateHz } = data().diagnosis.recording;
  const view = new View(seconds);
  const transport = new Transport(asker, { seconds, rateHz, lanes }, signal);
  const { bar, shortcuts, update: updateBar } = transportBar(transport, view, signal);
  const speakerOf = (lane) => data().speakers.find(({ label }) => label === lane);
  const nameOf = (lane) => speakerOf(lane)?.name || TITLES[lane] || lane.replace("_", " ").replace("s", "S");
  const colourOf = (lane, ink) => speakerOf(lane)?.colour ?? (lane === "residual" ? "#808080" : ink);
  const spoken = lanes.filter((lane) => lane.startsWith("speaker_"));
  let heard = spoken.length ? spoken : ["mixture"];
  let current = heard[0];
  let scale = "off";
  /** The same for all lanes: the recording fills its own, and the others show how loud they are beside it. */
  let gain = 1;
  const whole = new View(seconds);

  const word = box("word quiet");
  word.setAttribute("role", "status");
  const say = (text, bad = false) => {
    word.textContent = text;
    word.classList.toggle("bad", bad);
  };
  const root = box("player");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Tracks of ${data().name}, ${clock(seconds)}`);

  /** Buttons for what is most often wanted: everybody, or the recording before and after cleaning. */
  const presets = box("bar presets");
  presets.setAttribute("role", "group");
  presets.setAttribute("aria-label", "What is heard");
  const choices = [
    ...(spoken.length ? [["All speakers", spoken]] : []),
    ...["mixture", "cleaned"].filter((lane) => lanes.includes(lane)).map((lane) => [TITLES[lane], [lane]]),
  ].map(([title, wanted]) => ({ wanted, control: button(title, `Hear ${title.toLowerCase()}`, () => hear(wanted), signal, { pressed: false }) }));
  presets.append(make("span", { className: "quiet", textContent: "Hear" }), ...choices.map(({ control }) => control));

  const picture = document.createElement("canvas");
  picture.className = "spectrogram";
  picture.hidden = true;
  picture.setAttribute("role", "img");
  const tiles = new TileStore(asker, seconds, () => spectrogram.ask());
  const pick = document.createElement("select");
  pick.setAttribute("aria-label", "Spectrogram");
  for (const [value, text] of [["off", "no spectrogram"], ["mel", "mel spectrogram"], ["linear", "linear spectrogram"]]) {
    pick.add(new Option(text, value));
  }
  const pickScale = () => {
    scale = pick.value;
    tiles.scale = scale === "off" ? "mel" : scale;
    picture.hidden = scale === "off";
    redraw();
    describe();
  };
  pick.addEventListener("change", pickScale, { signal });

  const ruler = document.createElement("canvas");
  ruler.className = "ruler";
  ruler.setAttribute("role", "img");
  const rows = box("rows");
  const unheard = data().speakers.map(({ label }) => label).filter((label) => !lanes.includes(label)); // of a diagnosis
  const drawn = [...lanes, ...unheard].map((name) => ({ name, ...laneOf(name) }));

  function laneOf(name) {
    const sounds = lanes.includes(name);
    const canvas = document.createElement("canvas");
    canvas.className = !sounds ? "lane-picture turns" : speakerOf(name) ? "lane-picture" : "lane-picture low";
    canvas.setAttribute("role", "img");
    const title = make("span", { className: "title" });
    const hears = button("Hear", "", () => toggle(name), signal, { pressed: false });
    const only = button("Only", "", () => hear([name]), signal);
    const words = box("quiet small");
    const row = box("lane", box("head", title, sounds ? box("line", hears, only) : "", words), canvas);
    row.addEventListener("pointerdown", () => choose(name), { signal, capture: true });
    row.addEventListener("focusin", () => choose(name), { signal });
    rows.append(row);
    const peaks = sounds && new PeakStore(asker, name, seconds, () => {
      if (name === "mixture") level();
      sheet.ask();
      settle();
    });
    const snapshot = data().snapshot[name];
    if (snapshot) peaks.take(decoded(snapshot));
    const sheet = new Sheet(canvas, (context, width, height) => drawLane(name, peaks, context, width, height), signal);
    listenToPointer(canvas, view, { seek: (time) => transport.seek(time) }, signal);
    return { row, canvas, title, hears, only, words, peaks, sheet };
  }

  function level() {
    gain = fillingGain(drawn.find(({ name }) => name === "mixture").peaks.values(whole, PeakStore.PIECE));
    for (const { sheet } of drawn) sheet.ask();
  }

  function drawLane(name, peaks, context, width, height) {
    const colours = pageColours(root);
    const colour = colourOf(name, colours.ink);
    const number = speakerOf(name)?.number;
    const turns = data().turns.filter((turn) => turn[2] === number);
    drawTurns(context, view, turns, { width, height, colour, ink: colours.ink, shade: peaks ? colours.shade : 0.6 });
    if (peaks) drawWaveform(context, peaks.values(view, Math.round(width)), { top: 0, height: height - 3, colour, gain });
    drawSelection(context, view, { width, height, colour: colours.accent });
    drawPlayhead(context, view, transport.now(), { width, height, colour: "#d55e00" });
  }

  /** Findings, stretches with several speakers, comments: each a thin line below the times. */
  const time = new Sheet(ruler, (context, width, height) => {
    const colours = pageColours(root);
    drawAxis(context, view, { top: 0, width, height: 18, ink: colours.ink, faint: colours.faint });
    const mark = (start, stop, top, colour) => {
      if (stop < view.start || start > view.stop) return;
      const x = view.x(start, width);
      context.fillStyle = colour;
      context.fillRect(x, top, Math.max(view.x(stop, width) - x, 2), 4);
    };
    for (const { severity, spans } of data().diagnosis.findings) {
      if (severity !== "info") for (const [start, stop] of spans) mark(start, stop, 19, SEVERITY[severity]);
    }
    for (const [start, stop, numbers] of data().overlaps) {
      numbers.forEach((number, k) => {
        const colour = data().speakers.find((speaker) => speaker.number === number)?.colour ?? colours.ink;
        mark(start, stop, 24 + 4 * Math.min(k, 2), colour);
      });
    }
    context.fillStyle = colours.accent;
    for (const { at_s: at } of data().comments) {
      if (at === null || at < view.start || at > view.stop) continue;
      context.beginPath();
      context.arc(view.x(at, width), height - 5, 4, 0, 7);
      context.fill();
    }
    drawPlayhead(context, view, transport.now(), { width, height, colour: "#d55e00" });
  }, signal);
  listenToPointer(ruler, view, { seek: (at) => transport.seek(at) }, signal);
  const spectrogram = new Sheet(picture, (context, width, height) => {
    tiles.draw(context, view, { top: 0, width, height });
    drawSelection(context, view, { width, height, colour: "#ffffff" });
    drawPlayhead(context, view, transport.now(), { width, height, colour: "#d55e00" });
  }, signal);
  listenToPointer(picture, view, { seek: (at) => transport.seek(at) }, signal);

  function redraw() {
    time.ask();
    if (scale !== "off") spectrogram.ask();
    for (const { sheet } of drawn) sheet.ask();
  }

  /** What is drawn, in words. */
  function describe() {
    const span = `${clock(view.start)} to ${clock(view.stop)}`;
    for (const { name, canvas, peaks } of drawn) {
      const turns = data().turns.filter((turn) => turn[2] === speakerOf(name)?.number);
      const shown = turns.filter(([start, end]) => end > view.start && start < view.stop).length;
      const words = turns.length ? [`${shown} of ${turns.length} turns`] : [];
      if (peaks) words.push(levelWords(peaks.values(view, Math.max(1, Math.round(canvas.clientWidth))), view));
      canvas.setAttribute("aria-label", `${nameOf(name)}, ${span}: ${words.join(", ")}`);
    }
    const marks = data().overlaps.filter(([start, end]) => end > view.start && start < view.stop).length;
    ruler.setAttribute("aria-label", `Time from ${span}; ${marks} stretches in which several people speak`);
    picture.setAttribute("aria-label", `Spectrogram of ${nameOf(tiles.lane)}, ${span}`);
  }

  function choose(name) {
    current = name;
    if (lanes.includes(name)) tiles.lane = name;
    for (const each of drawn) each.row.classList.toggle("current", each.name === name);
    if (scale !== "off") spectrogram.ask();
  }

  function hear(wanted) {
    heard = wanted;
    if (!heard.includes(current)) choose(heard[0]);
    mix();
    say(heard.length ? `Heard: ${heard.map(nameOf).join(", ")}` : "Nothing is heard.");
  }

  const toggle = (name) => hear(lanes.filter((lane) => (lane === name) !== heard.includes(lane)));

  function mix() {
    transport.setVolumes(Object.fromEntries(heard.map((lane) => [lane, 1])));
    for (const { name, hears } of drawn) hears.setAttribute("aria-pressed", String(heard.includes(name)));
    for (const { wanted, control } of choices) {
      control.setAttribute("aria-pressed", String(wanted.length === heard.length && wanted.every((lane) => heard.includes(lane))));
    }
  }

  /** Names and figures as they are now. */
  function dress() {
    for (const { name, row, title, words, hears, only } of drawn) {
      const speaker = speakerOf(name);
      row.style.setProperty("--lane", colourOf(name, "var(--ss-ink)"));
      title.replaceChildren(make("span", { className: "dot" }), nameOf(name));
      hears.setAttribute("aria-label", `Hear ${nameOf(name)}, too`);
      only.setAttribute("aria-label", `Hear only ${nameOf(name)} (S)`);
      const sure = speaker && speaker.confidence !== null ? ` · ${percent(speaker.confidence)} sure` : "";
      words.textContent = speaker ? `speaks ${lasting(speaker.seconds)}${sure}` : "";
    }
  }

  let compared = null;
  const move = (by) => {
    const names = drawn.map(({ name }) => name);
    choose(names[Math.max(0, Math.min(names.length - 1, names.indexOf(current) + by))]);
    say(nameOf(current));
  };
  const toTurn = (direction) => {
    const at = transport.now();
    const starts = data().turns.filter((turn) => turn[2] === speakerOf(current)?.number).map(([start]) => start);
    const next = direction > 0 ? starts.find((start) => start > at + 0.01) : starts.reverse().find((start) => start < at - 0.3);
    if (next === undefined) return say("No more turns in this direction.");
    view.follow(next);
    return transport.seek(next);
  };
  const keys = new Keys(root, [
    ...shortcuts,
    { keys: ["ArrowUp", "ArrowDown"], words: "Lane above, below", act: (event) => move(event.key === "ArrowUp" ? -1 : 1) },
    { keys: ["s", "S"], words: "Hear only this lane", act: () => lanes.includes(current) && hear([current]) },
    { keys: ["m", "M"], words: "Hear this lane, or not", act: () => lanes.includes(current) && toggle(current) },
    { keys: ["b", "B"], words: "Compare with the recording", act: () => {
      const back = compared && heard.join() === "mixture" ? compared : null;
      compared = back ? null : heard;
      hear(back ?? ["mixture"]);
    } },
    { keys: [",", "."], words: "Previous, next turn of the lane", act: (event) => toTurn(event.key === "," ? -1 : 1) },
  ], signal);
  bar.append(pick, button("?", "Keyboard shortcuts (?)", () => keys.help(), signal));
  root.append(bar, presets, box("lane", box("head quiet small", ""), ruler), box("lane", box("head quiet small", ""), picture), rows, word);

  const settle = keepUp(model, { view, transport, redraw, update: updateBar, describe, say, observers: {} }, signal);
  level();
  dress();
  mix();
  choose(current);
  updateBar();
  describe();
  return {
    element: root, transport, view, hear,
    listen(start, stop) {
      const margin = Math.max(0.5, (stop - start) / 4);
      if (start < view.start || stop > view.stop) view.show(start - margin, stop + margin);
      view.select([start, stop]);
      return transport.play(start);
    },
    update() {
      dress();
      describe();
      redraw();
    },
  };
}
