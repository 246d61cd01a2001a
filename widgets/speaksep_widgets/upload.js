/** Sends a file in pieces past the kernel. See upload.py. */
const PIECE_BYTES = 4 << 20;
const COMM_PIECE_BYTES = 1 << 20;
const TRIES_S = [0, 1, 3, 9];

/** A size as people read it. */
function sizeWords(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const asker = new Asker(model, { signal, timeoutMs: 60000 });
  const root = box("speaksep upload");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Upload");
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "file";
  label.append("Recording, up to ", sizeWords(model.get("limit_bytes")), " (choose or drop): ", input);
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", "Upload");
  const cancel = button("Cancel", "Cancel the upload", () => stop(), signal);
  const resume = button("Resume", "Go on with the upload", () => file && send(file), signal);
  const word = box("word quiet");
  word.setAttribute("role", "status");
  root.append(label, box("bar", bar, cancel, resume), word);
  el.append(root);

  /** @type {File | null} */
  let file = null;
  /** @type {AbortController | null} what runs now in this view */
  let running = null;
  let told = 0;

  function say(text, bad = false) {
    word.textContent = text;
    word.classList.toggle("bad", bad);
  }

  function buttons(canResume = false) {
    cancel.disabled = !running;
    resume.disabled = !canResume;
    input.disabled = Boolean(running);
    if (!running) input.value = ""; // or choosing the same file again would be no change
  }

  /** The state for Python, other views, and this page when it is opened again. */
  function tell(received, state) {
    bar.value = file.size ? received / file.size : 0;
    const now = performance.now();
    if (state === "uploading" && now - told < 500) return;
    told = now;
    model.set("progress", { name: file.name, size: file.size, received, state });
    model.save_changes();
  }

  /** Pieces by the server's contents API; where it has none, over the widget's channel. */
  async function pieces(which, { folder, part, offset }, abort) {
    const server = await ServerFile.find({ folder, name: part, size: offset }, abort);
    const size = file.size;
    if (server) {
      return {
        length: PIECE_BYTES,
        here: () => server.size(),
        append: (at) => server.append(file.slice(at, at + PIECE_BYTES), at + PIECE_BYTES >= size),
      };
    }
    if (size > model.get("comm_limit_bytes")) {
      throw new AskError({
        error: `this page's server takes no files, and over the notebook's channel go ${sizeWords(model.get("comm_limit_bytes"))} at most`,
        reason: "no-route",
        hint: "open the notebook in JupyterLab, or copy the file into the workspace",
      });
    }
    const append = async (at) => {
      const bytes = await file.slice(at, at + COMM_PIECE_BYTES).arrayBuffer();
      if (abort.aborted) throw new DOMException("cancelled", "AbortError");
      return (await asker.ask("piece", { ...which, offset: at }, [bytes])).data.received;
    };
    return { length: COMM_PIECE_BYTES, here: async () => (await asker.ask("begin", which)).data.offset, append };
  }

  async function send(chosen) {
    file = chosen;
    running = new AbortController();
    const { signal: abort } = running;
    const which = { name: file.name, size: file.size, modified: file.lastModified };
    let at = 0;
    buttons();
    say(`${file.name}: waiting for the kernel…`);
    try {
      const begun = (await asker.ask("begin", which)).data;
      at = begun.offset;
      const route = await pieces(which, begun, abort);
      const since = performance.now();
      const first = at;
      for (let tries = 0; at < file.size; ) {
        try {
          if (tries) {
            say(`${file.name}: the server does not answer; trying again…`, true);
            await pause(1000 * TRIES_S[tries], abort);
            at = await route.here(); // a piece may have come though its answer did not
            if (at >= file.size) break;
          }
          const now = await route.append(at);
          if (now !== Math.min(at + route.length, file.size)) {
            throw new AskError({ error: "somebody else writes the same file", reason: "conflict", hint: "wait, or give it another name" });
          }
          at = now;
          tries = 0;
        } catch (error) {
          if (error.reason !== "no-answer" || ++tries >= TRIES_S.length) throw error;
          continue;
        }
        const left = ((performance.now() - since) / 1000 / (at - first)) * (file.size - at);
        const from = first ? `, resumed at ${Math.round((100 * first) / file.size)} %` : "";
        say(`${file.name}: ${sizeWords(at)} of ${sizeWords(file.size)}, ${Math.ceil(left)} s left${from}`);
        tell(at, "uploading");
      }
      say(`${file.name}: checking…`);
      const { data } = await asker.ask("finish", which);
      running = null;
      tell(file.size, "done");
      say(`${data.name} is here: ${Math.round(data.seconds)} s.`);
      buttons();
    } catch (error) {
      running = null;
      if (signal.aborted) return tell(at, "failed"); // the page was closed: what has come waits for a resume
      const lasting = error.reason === "no-answer"; // everything else would fail again
      tell(at, error.name === "AbortError" ? "cancelled" : "failed");
      if (error.name === "AbortError") {
        bar.value = 0;
        asker.ask("drop", which).catch(() => {});
        say(`${file.name}: cancelled; nothing was kept.`);
      } else {
        if (!lasting) asker.ask("drop", which).catch(() => {});
        say(`${error.message}${error.hint ? ` — ${error.hint}` : ""}${lasting ? ` ${sizeWords(at)} have come: Resume goes on from there.` : ""}`, true);
      }
      buttons(lasting);
    }
    return undefined;
  }

  const pause = (ms, abort) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      abort.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new DOMException("cancelled", "AbortError"));
      });
    });
  const stop = () => running?.abort();

  input.addEventListener("change", () => input.files[0] && send(input.files[0]), { signal });
  root.addEventListener("dragover", (event) => { event.preventDefault(); event.stopPropagation(); }, { signal });
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would take it for its own file browser
    const [dropped] = event.dataTransfer?.files ?? [];
    if (dropped && !running) send(dropped);
  }, { signal });

  const told_to = (content) => content?.do === "cancel" && stop();
  const show = () => {
    if (running || file) return;
    const { name, size, received, state } = model.get("progress") ?? {};
    if (!name) return;
    bar.value = size ? received / size : 0;
    if (state === "done") say(`${name} is here.`);
    else if (state === "cancelled") say(`${name}: cancelled; nothing was kept.`);
    else say(`${name}: ${sizeWords(received)} of ${sizeWords(size)} have come. If nothing moves, choose the same file again: it goes on from there.`);
  };
  model.on("msg:custom", told_to);
  model.on("change:progress", show);
  buttons();
  show();
  return () => {
    model.off("msg:custom", told_to);
    model.off("change:progress", show);
    controller.abort();
    stop();
    root.remove();
  };
}

export default { render };
