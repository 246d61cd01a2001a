// The views of the widgets and of the dashboards, on a model without a kernel.

/** Bytes out of base64. */
function bytes(text) {
  const found = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new DataView(found.buffer);
}

function explained(node, error) {
  const word = document.createElement("p");
  word.className = "speaksep-refusal";
  word.setAttribute("role", "alert");
  word.textContent = error.message;
  node.replaceChildren(word);
  return { look() {}, end() {} };
}

/** A model without a kernel whose questions are signed. Whether there is something new is asked by whoever shows it. */
function modelOf(KernellessModel, server, data, config) {
  class Signed extends KernellessModel {
    fetch(url, options = {}) {
      return super.fetch(url, { ...options, headers: { ...server.signed(), ...options.headers } });
    }

    away() {}

    follow() {}
  }
  return new Signed(data, { writes: [], ...config });
}

/** Fetch what the first recording needs; whoever cannot will try again when it is wanted. */
export function prepare({ server }) {
  for (const name of ["kernelless", "recording-view"]) server.script(name).catch(() => {});
}

/**
 * A recording of the workspace.
 *
 * @returns {Promise<{look: () => void, end: () => void}>} `look` asks whether there is something new about it
 */
export async function showRecording({ server, settings, trans }, node, path) {
  node.textContent = trans.__("Opening…");
  const base = server.place("recording", path);
  const read = () => server.ask(base.slice(server.base.length) + "data");
  try {
    const [told, { KernellessModel }, { default: view }] = await Promise.all([
      read(),
      server.script("kernelless"),
      server.script("recording-view"),
      server.style("recording-view"),
    ]);
    const model = modelOf(KernellessModel, server, null, { stamp: told.stamp, base });
    Object.assign(model.state, told, {
      snapshot: bytes(told.snapshot),
      sound_files: {}, view_s: [], selection_s: null, playhead_s: 0,
      auto_gain: false, gain: 1, scale: settings.scale, height_px: settings.heightPx,
    });
    node.replaceChildren();
    const end = view.render({ model, el: node });
    let findings = JSON.stringify(told.findings);
    const look = async () => {
      const now = await read().catch(() => null);
      if (!now || JSON.stringify(now.findings) === findings) return;
      findings = JSON.stringify(now.findings);
      model.set("findings", now.findings);
    };
    return { look, end: () => (model.stop(), end?.()) };
  } catch (error) {
    return explained(node, error);
  }
}

/** What came of a job or a batch; as `showRecording`. */
export async function showPage({ server, trans }, node, { of, name }) {
  node.textContent = trans.__("Opening…");
  const base = server.place(of, name);
  const read = () => server.ask(base.slice(server.base.length) + "data");
  try {
    const [data, { KernellessModel }, { default: view }] = await Promise.all([
      read(),
      server.script("kernelless"),
      server.script(of),
      server.style(of),
    ]);
    const model = modelOf(KernellessModel, server, data, { stamp: data.version, base });
    node.replaceChildren();
    const end = view.render({ model, el: node });
    const look = async () => {
      const now = await read().catch(() => null);
      if (!now || now.version === model.stamp) return;
      model.stamp = now.version;
      model.set("data", now);
    };
    return { title: data.title, look, end: () => (model.stop(), end?.()) };
  } catch (error) {
    return explained(node, error);
  }
}
