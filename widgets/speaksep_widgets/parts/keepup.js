/**
 * Keeps a picture along time as it should be: what is seen, what plays, what Python says. Words follow when the picture
 * rests.
 *
 * @param {{view: View, transport: Transport, redraw: () => void, update: () => void, describe: () => void,
 *   say: (text: string, bad?: boolean) => void, observers: Object<string, () => void>}} on
 *   `observers` by change of the model
 * @param {AbortSignal} signal ends it
 * @returns {() => void} to be called when the picture has changed otherwise
 */
function keepUp(model, { view, transport, redraw, update, describe, say, observers }, signal) {
  let frame = 0;
  let settled = 0;
  const settle = () => {
    clearTimeout(settled);
    settled = setTimeout(describe, 150);
  };
  const tick = () => {
    update();
    if (!transport.playing) return;
    if (!transport.loop) view.follow(transport.now());
    redraw();
    frame = requestAnimationFrame(tick);
  };
  for (const name of ["change", "select"]) {
    view.addEventListener(name, () => {
      redraw();
      update();
      settle();
    }, { signal });
  }
  for (const name of ["state", "position"]) {
    transport.addEventListener(name, () => {
      cancelAnimationFrame(frame);
      redraw();
      tick();
    }, { signal });
  }
  transport.addEventListener("error", ({ detail }) => say(`No sound: ${detail.message}. ${detail.hint ?? ""}`, true), { signal });
  for (const [name, act] of Object.entries(observers)) model.on(name, act);
  signal.addEventListener("abort", () => {
    cancelAnimationFrame(frame);
    clearTimeout(settled);
    for (const [name, act] of Object.entries(observers)) model.off(name, act);
  });
  return settle;
}
