// The line below the page: what computes, who waits for it, how full the memory is.
const FIRST_MS = 3000;
const EVERY_MS = 20_000;
const GB = 1e9;

/** Registers the item of the status bar. */
export function addStatus(context) {
  const { app, lab, statusBar, trans, server, settings, settled, jobs } = context;
  if (!statusBar) return;
  const item = new lab.widgets.Widget({ node: document.createElement("button") });
  item.addClass("speaksep-status");
  item.node.type = "button";
  item.node.addEventListener("click", () => app.commands.execute("speaksep:jobs"));
  const shown = () => settings.statusBar && Boolean(item.node.textContent);
  const changed = new lab.signaling.Signal(item);
  statusBar.registerStatusItem("speaksep:status", { item, align: "left", rank: 10, isActive: shown, activeStateChanged: changed });

  let told = null;
  function draw() {
    if (!told) return;
    const running = (jobs.jobs ?? []).filter(({ state }) => state === "running").length;
    const memory = trans.__("%1 of %2 GB", (told.memory_bytes / GB).toFixed(1), (told.memory_total_bytes / GB).toFixed(0));
    const parts = [
      told.device === "cuda" ? told.name || trans.__("GPU") : trans.__("CPU"),
      told.device === "cuda" && trans._n("%1 waits", "%1 wait", told.waiting),
      memory,
      running && trans._n("%1 job", "%1 jobs", running),
    ].filter(Boolean);
    item.node.textContent = parts.join(" · ");
    const lines = told.gpus.length ? told.gpus : [told.problem];
    item.node.title = [trans.__("SpeakSep computes on:"), ...lines].filter(Boolean).join("\n");
    item.node.setAttribute("aria-label", trans.__("SpeakSep: %1. Show jobs and voices", parts.join(", ")));
    changed.emit();
  }

  let timer = 0;
  async function look() {
    clearTimeout(timer);
    if (settings.statusBar && !document.hidden) {
      told = await server.ask("status").catch(() => told);
      draw();
    }
    timer = setTimeout(look, EVERY_MS);
  }
  app.restored.then(() => setTimeout(look, FIRST_MS)); // not while the page is being made
  jobs.changed.connect(draw);
  settled.connect(() => changed.emit());
}
