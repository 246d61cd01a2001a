/**
 * The row of one lane: its name, its part in the mix, its picture.
 *
 * @param {string} name
 * @param {{speaks: boolean, height: number, nameOf: (lane: string) => string, rename: (name: string | null) => void,
 *   mixer: (lane: string) => {gain: number, solo: boolean, mute: boolean}, mix: (lane: string, change: object) => void,
 *   choose: (lane: string) => void, leave: () => void}} on
 *   `leave` takes the focus when the name is done
 * @param {AbortSignal} signal
 */
function laneRow(name, { speaks, height, nameOf, rename, mixer, mix, choose, leave }, signal) {
  const canvas = document.createElement("canvas");
  canvas.style.height = `${height}px`;
  canvas.setAttribute("role", "img");
  const title = document.createElement("input");
  title.type = "text";
  title.className = "title";
  title.setAttribute("aria-label", `Name of ${name}`);
  title.disabled = !speaks;
  title.addEventListener("change", () => rename(title.value.trim() || null), { signal });
  title.addEventListener("keydown", (event) => {
    if (event.key === "Enter") leave();
    if (event.key === "Escape") {
      title.value = nameOf(name);
      leave();
    }
    event.stopPropagation();
  }, { signal });
  const solo = button("S", `Solo ${name} (S)`, () => mix(name, { solo: !mixer(name).solo }), signal, { pressed: false });
  const mute = button("M", `Mute ${name} (M)`, () => mix(name, { mute: !mixer(name).mute }), signal, { pressed: false });
  const gain = document.createElement("input");
  gain.type = "range";
  gain.min = "0";
  gain.max = "4";
  gain.step = "0.05";
  gain.setAttribute("aria-label", `Gain of ${name}`);
  gain.addEventListener("input", () => mix(name, { gain: Number(gain.value) }), { signal });
  const quiet = box("quiet small");
  const row = box("lane", box("head", box("line", title), box("line", solo, mute, gain), quiet), canvas);
  row.addEventListener("pointerdown", () => choose(name), { signal, capture: true });
  return {
    row, canvas, title,
    /** As it is now. */
    dress({ colour, words }) {
      if (title.getRootNode().activeElement !== title) title.value = nameOf(name);
      const now = mixer(name);
      solo.setAttribute("aria-pressed", String(now.solo));
      mute.setAttribute("aria-pressed", String(now.mute));
      gain.value = String(now.gain);
      row.style.setProperty("--lane", colour ?? "var(--ss-ink)");
      quiet.textContent = words;
    },
  };
}
