/** Waveform, spectrogram and findings of one recording, with sound. See recording_view.py. */
function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const seconds = model.get("seconds");
  const view = new View(seconds);
  const word = box("word quiet");
  word.setAttribute("role", "status");
  const asker = new Asker(model, {
    signal,
    onLive: (live) => say(live ? "" : "The kernel does not answer: this is the last picture.", !live),
  });
  const rateHz = model.get("rate_hz");
  const files = new SoundFiles(() => model.get("sound_files"), rateHz, signal);
  const transport = new Transport(asker, { seconds, rateHz, lanes: ["mixture"], files }, signal);
  const { bar, shortcuts, update } = transportBar(transport, view, signal);

  const root = box("speaksep recording-view");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Recording ${model.get("name")}, ${clock(seconds)}`);
  const overview = document.createElement("canvas");
  const main = document.createElement("canvas");
  overview.style.height = "44px";
  main.style.height = `${model.get("height_px")}px`;
  overview.setAttribute("role", "img");
  main.setAttribute("role", "img");
  const stage = box("stage", overview, main);
  const tip = box("tip");
  tip.hidden = true;
  stage.append(tip);
  const findings = document.createElement("ul");
  findings.className = "unseen";
  findings.setAttribute("aria-label", "Findings");

  const scale = document.createElement("select");
  scale.setAttribute("aria-label", "Spectrogram");
  for (const [value, text] of [["mel", "mel"], ["linear", "linear"], ["off", "no spectrogram"]]) {
    scale.add(new Option(text, value));
  }
  scale.value = model.get("scale");
  const pick = () => {
    model.set("scale", scale.value);
    model.save_changes();
  };
  scale.addEventListener("change", pick, { signal });
  const height = autoGain(model, signal);
  const keys = new Keys(root, [
    ...shortcuts,
    height.shortcut,
    { keys: ["s"], words: "Spectrogram: mel, linear, none", act: () => {
      scale.selectedIndex = (scale.selectedIndex + 1) % scale.length;
      pick();
    } },
    { keys: ["n", "p"], words: "Next, previous finding", act: (event) => step(event.key === "n" ? 1 : -1) },
  ], signal);
  bar.append(height.control, scale, button("?", "Keyboard shortcuts (?)", () => keys.help(), signal));
  root.append(bar, stage, word, findings);
  el.append(root);

  const peaks = new PeakStore(asker, "mixture", seconds, () => { redraw(); settle(); });
  const tiles = new TileStore(asker, seconds, () => sheet.ask());
  tiles.scale = scale.value === "off" ? "mel" : scale.value;
  const snapshot = snapshotOf(model, "mixture");
  if (snapshot) peaks.take(snapshot);

  /** @returns {{code: string, severity: string, why: string, start: number, stop: number}[]} */
  const spans = () =>
    (model.get("findings") ?? []).flatMap(({ code, severity, why, spans }) =>
      (spans ?? []).map(([start, stop]) => ({ code, severity, why, start, stop })),
    );
  const COLOURS = { error: "#d55e00", warning: "#e69f00", notice: "#56b4e9", info: "#999999" };

  function say(text, bad = false) {
    word.textContent = text;
    word.classList.toggle("bad", bad);
  }

  function marks(context, width, top) {
    for (const { severity, start, stop } of spans()) {
      if (stop < view.start || start > view.stop) continue;
      const x = view.x(start, width);
      context.fillStyle = COLOURS[severity] ?? COLOURS.info;
      context.fillRect(x, top, Math.max(view.x(stop, width) - x, 2), 5);
    }
  }

  const small = new Sheet(overview, (context, width, height) => {
    const colours = pageColours(root);
    const whole = new View(seconds);
    drawWaveform(context, peaks.values(whole, Math.round(width)), { top: 0, height, colour: colours.accent });
    for (const { severity, start, stop } of spans()) {
      context.fillStyle = COLOURS[severity] ?? COLOURS.info;
      context.fillRect(whole.x(start, width), height - 4, Math.max(whole.x(stop, width) - whole.x(start, width), 1.5), 4);
    }
    context.fillStyle = colours.faint;
    context.fillRect(0, 0, whole.x(view.start, width), height);
    context.fillRect(whole.x(view.stop, width), 0, width, height);
    drawPlayhead(context, whole, transport.now(), { width, height, colour: "#d55e00" });
  }, signal);

  const sheet = new Sheet(main, (context, width, height) => {
    const colours = pageColours(root);
    const withTiles = scale.value !== "off";
    const middle = withTiles ? Math.round(height * 0.45) : height;
    drawAxis(context, view, { top: 0, width, height, ink: colours.ink, faint: colours.faint });
    const values = peaks.values(view, Math.round(width));
    const gain = model.get("auto_gain") ? fillingGain(values) : model.get("gain");
    drawWaveform(context, values, { top: 18, height: middle - 20, colour: colours.accent, gain });
    if (withTiles) tiles.draw(context, view, { top: middle, width, height: height - middle });
    marks(context, width, 14);
    drawSelection(context, view, { width, height, colour: colours.accent });
    drawPlayhead(context, view, transport.now(), { width, height, colour: "#d55e00" });
  }, signal);

  function redraw() {
    small.ask();
    sheet.ask();
  }

  function describe() {
    const at = view.selection ? `, selected ${view.selection.map((time) => clock(time, 2)).join(" to ")}` : "";
    const level = levelWords(peaks.values(view, Math.max(1, Math.round(main.clientWidth))), view);
    const shown = scale.value === "off" ? "Waveform" : "Waveform and spectrogram";
    main.setAttribute("aria-label", `${shown} from ${clock(view.start, 2)} to ${clock(view.stop, 2)}, ${level}${at}`);
    overview.setAttribute("aria-label", `Overview of ${clock(seconds)}`);
    findings.replaceChildren(
      ...(model.get("findings") ?? []).map(({ code, severity, why, spans }) => {
        const item = document.createElement("li");
        const where = spans?.length ? ` at ${spans.slice(0, 20).map(([a, b]) => `${clock(a)}–${clock(b)}`).join(", ")}` : "";
        item.textContent = `${severity}: ${code}${where}. ${why}`;
        return item;
      }),
    );
  }

  function step(direction) {
    const all = spans().sort((a, b) => a.start - b.start);
    const at = transport.now();
    const next = direction > 0 ? all.find((s) => s.start > at + 0.01) : all.reverse().find((s) => s.start < at - 0.01);
    if (!next) return say("No more findings in this direction.");
    say(`${next.code}, ${clock(next.start)} to ${clock(next.stop)}: ${next.why}`);
    if (next.start < view.start || next.stop > view.stop) {
      const margin = Math.max(1, next.stop - next.start);
      view.show(next.start - margin, next.stop + margin);
    }
    view.select([next.start, next.stop]);
    return transport.seek(next.start);
  }

  function hover(time, event) {
    const under = time === null ? [] : spans().filter((s) => time >= s.start && time <= s.stop).slice(0, 4);
    tip.hidden = !under.length;
    if (!under.length) return;
    tip.replaceChildren(...under.map((s) => box("", `${s.severity} · ${s.code}: ${s.why}`)));
    const frame = stage.getBoundingClientRect();
    tip.style.left = `${Math.min(event.clientX - frame.left + 12, Math.max(0, frame.width - 280))}px`;
    tip.style.top = `${event.clientY - frame.top + 14}px`;
  }

  listenToPointer(main, view, { seek: (time) => transport.seek(time), hover }, signal);
  const jump = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const at = ((event.clientX - overview.getBoundingClientRect().left) / overview.clientWidth) * seconds;
    view.show(at - view.span / 2, at + view.span / 2);
    if (view.span >= seconds) transport.seek(at);
  };
  overview.addEventListener("pointerdown", jump, { signal });
  overview.addEventListener("pointermove", jump, { signal });

  shareView(model, view, transport, signal);
  const settle = keepUp(model, { view, transport, redraw, update, describe, say, observers: {
    "change:findings": () => { redraw(); describe(); },
    "change:gain": redraw,
    "change:auto_gain": () => { height.update(); redraw(); },
    "change:scale": () => {
      scale.value = model.get("scale");
      if (scale.value !== "off") tiles.scale = scale.value;
      redraw();
    },
  } }, signal);
  describe();
  update();
  redraw();
  return () => {
    controller.abort();
    root.remove();
  };
}

export default { render };
