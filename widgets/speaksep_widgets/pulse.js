/** Says so when the kernel that works is not heard of any more. See pulse.py. */
const SILENT_MS = 12000;

function render({ model, el }) {
  const root = box("speaksep pulse");
  const word = box("word bad");
  word.setAttribute("role", "alert");
  root.append(word);
  el.append(root);
  let heard = performance.now();
  let gone = false;
  const look = () => {
    const lost = model.get("running") && (gone || performance.now() - heard > SILENT_MS);
    root.hidden = !lost;
    const words = lost
      ? "The kernel is not heard of any more: it has died, or hangs. What is shown is how far it had come; " +
        "recordings, and what was finished before, are as they were. If it stays away, run the cell again."
      : "";
    if (word.textContent !== words) word.textContent = words;
  };
  const beaten = () => {
    heard = performance.now();
    gone = false;
    look();
  };
  const left = () => {
    gone = true;
    look();
  };
  const observers = { "change:beat": beaten, "change:running": beaten, comm_live_update: left };
  for (const [name, act] of Object.entries(observers)) model.on(name, act);
  const timer = setInterval(look, 1000);
  look();
  return () => {
    for (const [name, act] of Object.entries(observers)) model.off(name, act);
    clearInterval(timer);
    root.remove();
  };
}

export default { render };
