/** Drawing shared by everything with a time axis: axis, spans, selection, playhead, and the pointer on it. */

/** Time axis along the top of a box; steps that leave room for the words. */
function drawAxis(context, view, { top, width, height, ink, faint }) {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
  const step = steps.find((value) => (value / view.span) * width >= 70) ?? 7200;
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
  context.fillStyle = ink;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  for (let k = Math.ceil(view.start / step); k * step <= view.stop; k++) {
    const x = Math.round(view.x(k * step, width));
    context.fillStyle = faint;
    context.fillRect(x, top, 1, height);
    context.fillStyle = ink;
    context.fillText(clock(k * step, digits), x + 3, top + 2);
  }
}

function drawSelection(context, view, { width, height, colour }) {
  if (!view.selection) return;
  const [a, b] = view.selection.map((time) => view.x(time, width));
  context.globalAlpha = 0.22;
  context.fillStyle = colour;
  context.fillRect(a, 0, Math.max(b - a, 1), height);
  context.globalAlpha = 1;
  context.fillRect(a, 0, 1, height);
  context.fillRect(b, 0, 1, height);
}

function drawPlayhead(context, view, time, { width, height, colour }) {
  if (time < view.start || time > view.stop) return;
  context.fillStyle = colour;
  context.fillRect(Math.round(view.x(time, width)) - 1, 0, 2, height);
}

/**
 * Pointer on a canvas with a time axis: click puts the playhead, drag selects, wheel zooms (with Shift, or sideways,
 * it moves).
 *
 * @param {HTMLCanvasElement} canvas @param {View} view
 * @param {{seek: (time: number) => void, hover?: (time: number | null, event?: PointerEvent) => void,
 *   grab?: (time: number, event: PointerEvent) => null | {move: (time: number) => void, drop: (time: number) => void}}} on
 *   `grab` may take a drag for itself, to move what lies under the pointer
 * @param {AbortSignal} signal
 */
function listenToPointer(canvas, view, on, signal) {
  const timeOf = (event) => view.time(event.clientX - canvas.getBoundingClientRect().left, canvas.clientWidth);
  let from = null;
  let grabbed = null;
  canvas.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      from = timeOf(event);
      grabbed = on.grab?.(from, event) ?? null;
      canvas.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  canvas.addEventListener(
    "pointermove",
    (event) => {
      const time = timeOf(event);
      if (grabbed) grabbed.move(time);
      else if (from !== null && Math.abs(view.x(time, canvas.clientWidth) - view.x(from, canvas.clientWidth)) > 3) {
        view.select([from, time]);
      }
      on.hover?.(time, event);
    },
    { signal },
  );
  const done = (event) => {
    if (from === null) return;
    const time = timeOf(event);
    if (grabbed) grabbed.drop(time);
    else if (Math.abs(view.x(time, canvas.clientWidth) - view.x(from, canvas.clientWidth)) <= 3) {
      view.select(null);
      on.seek(time);
    }
    from = grabbed = null;
  };
  canvas.addEventListener("pointerup", done, { signal });
  canvas.addEventListener("pointercancel", () => (from = grabbed = null), { signal });
  canvas.addEventListener("pointerleave", () => on.hover?.(null), { signal });
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.shiftKey && !event.altKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) {
        const focused = canvas.getRootNode().activeElement; // of the page, or of the shadow tree that Panel makes
        if (focused?.closest(".speaksep") !== canvas.closest(".speaksep")) return; // the page scrolls
      }
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        view.pan((event.deltaX || event.deltaY) / 800);
      } else view.zoom(Math.exp(event.deltaY / 400), timeOf(event));
    },
    { signal, passive: false },
  );
}

/**
 * Toolbar and shortcuts of a transport: what plays in every widget is worked in the same way.
 *
 * @returns {{bar: HTMLElement, shortcuts: object[], update: () => void}}
 */
function transportBar(transport, view, signal) {
  const play = button("▶", "Play or pause (Space)", () => transport.toggle(), signal, { pressed: false });
  const loop = button("⟳", "Loop the selection (L)", () => setLoop(), signal, { pressed: false });
  const time = box("time");
  time.setAttribute("role", "timer");
  time.setAttribute("aria-label", "Position");
  const speed = document.createElement("select");
  speed.setAttribute("aria-label", "Playback speed");
  for (const value of [0.5, 0.75, 1, 1.25, 1.5, 2]) speed.add(new Option(`${value}×`, String(value), value === 1));
  speed.value = "1";
  speed.addEventListener("change", () => transport.setSpeed(Number(speed.value)), { signal });
  const setLoop = () => transport.setLoop(transport.loop || !view.selection ? null : [...view.selection]);
  view.addEventListener("select", () => transport.loop && transport.setLoop(view.selection && [...view.selection]), {
    signal,
  });
  const zoomIn = button("+", "Zoom in (+)", () => view.zoom(0.5, middle()), signal);
  const zoomOut = button("−", "Zoom out (-)", () => view.zoom(2, middle()), signal);
  const fit = button("⤢", "Whole recording (F)", () => view.show(0, view.seconds), signal);
  const middle = () => {
    const at = transport.now();
    return at >= view.start && at <= view.stop ? at : (view.start + view.stop) / 2;
  };
  const bar = box("bar", play, loop, time, speed, zoomIn, zoomOut, fit);
  const go = (by) => transport.seek(transport.now() + by);
  const shift = (by) => {
    const at = transport.now();
    view.select([view.selection?.[0] ?? at, (view.selection?.[1] ?? at) + by]);
  };
  return {
    bar,
    shortcuts: [
      { keys: ["Space"], words: "Play or pause", act: () => transport.toggle() },
      { keys: ["ArrowLeft", "ArrowRight"], words: "One second back, forward", act: (e) => go(e.key === "ArrowLeft" ? -1 : 1) },
      { keys: ["Ctrl+ArrowLeft", "Ctrl+ArrowRight"], words: "A tenth of a second back, forward", act: (e) => go(e.key === "ArrowLeft" ? -0.1 : 0.1) },
      { keys: ["Shift+ArrowLeft", "Shift+ArrowRight"], words: "Shrink, grow the selection", act: (e) => shift((e.key === "ArrowLeft" ? -1 : 1) * view.span * 0.02) },
      { keys: ["PageUp", "PageDown"], words: "One screen back, forward", act: (e) => view.pan(e.key === "PageUp" ? -0.9 : 0.9) },
      { keys: ["Home", "End"], words: "To the start, to the end", act: (e) => transport.seek(e.key === "Home" ? 0 : view.seconds - 0.05) },
      { keys: ["+", "="], words: "Zoom in", act: () => view.zoom(0.5, middle()) },
      { keys: ["-"], words: "Zoom out", act: () => view.zoom(2, middle()) },
      { keys: ["f", "F"], words: "Whole recording", act: () => view.show(0, view.seconds) },
      { keys: ["z"], words: "Zoom to the selection", act: () => view.selection && view.show(...view.selection) },
      { keys: ["l", "L"], words: "Loop the selection", act: setLoop },
      { keys: ["Escape"], words: "Drop the selection", act: () => view.select(null) },
      { keys: ["[", "]"], words: "Selection starts, ends at the playhead", act: (e) => {
        const at = transport.now();
        const [a, b] = view.selection ?? [at, at];
        view.select(e.key === "[" ? [at, Math.max(b, at + 0.1)] : [Math.min(a, at - 0.1), at]);
      } },
      { keys: ["<", ">"], words: "Slower, faster", act: (e) => {
        const index = speed.selectedIndex + (e.key === "<" ? -1 : 1);
        if (index < 0 || index >= speed.length) return;
        speed.selectedIndex = index;
        transport.setSpeed(Number(speed.value));
      } },
    ],
    update() {
      play.textContent = transport.playing ? "❚❚" : "▶";
      play.setAttribute("aria-pressed", String(transport.playing));
      loop.setAttribute("aria-pressed", String(Boolean(transport.loop)));
      loop.disabled = !transport.loop && !view.selection;
      time.textContent = `${clock(transport.now())} / ${clock(view.seconds)}`;
    },
  };
}

/** Button and shortcut for waveforms that fill their lanes: soft voices are seen, loud ones no higher than they are. */
function autoGain(model, signal) {
  const act = () => {
    model.set("auto_gain", !model.get("auto_gain"));
    model.save_changes();
  };
  const control = button("⇕", "Waveforms fill their lanes (A)", act, signal, { pressed: false });
  const update = () => control.setAttribute("aria-pressed", String(Boolean(model.get("auto_gain"))));
  update();
  return { control, update, shortcut: { keys: ["a", "A"], words: "Waveforms fill their lanes, or not", act } };
}

/** Keep zoom, selection and playhead equal between a view, its model and the model's other views. */
function shareView(model, view, transport, signal) {
  let timer = 0;
  const save = () => {
    clearTimeout(timer);
    timer = setTimeout(() => model.save_changes(), 120);
  };
  const differs = (a, b) => JSON.stringify(a) !== JSON.stringify(b);
  const set = (name, value) => {
    if (!differs(model.get(name), value)) return;
    model.set(name, value);
    save();
  };
  const take = () => {
    const [start, stop] = model.get("view_s") ?? [];
    if (stop > start) view.show(start, stop);
    view.select(model.get("selection_s") ?? null);
  };
  const head = () => {
    const at = model.get("playhead_s") ?? 0;
    if (!transport.playing && Math.abs(at - transport.position) > 1e-3) transport.seek(at);
  };
  take();
  head();
  view.addEventListener("change", () => set("view_s", [view.start, view.stop]), { signal });
  view.addEventListener("select", () => set("selection_s", view.selection), { signal });
  for (const name of ["state", "position"]) {
    transport.addEventListener(name, () => set("playhead_s", transport.now()), { signal });
  }
  const told = (content) => {
    if (content?.do === "play") transport.play(content.start_s ?? transport.now());
    if (content?.do === "pause") transport.pause();
  };
  model.on("change:view_s", take);
  model.on("change:selection_s", take);
  model.on("change:playhead_s", head);
  model.on("msg:custom", told);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    model.off("change:view_s", take);
    model.off("change:selection_s", take);
    model.off("change:playhead_s", head);
    model.off("msg:custom", told);
  });
}
