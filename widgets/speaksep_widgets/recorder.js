/** Records the microphone, with a level meter. See recorder.py. */
const LOWEST_DB = -60;

/** In the audio thread: blocks of the first channel. Long enough that messages cost nothing, short enough for a meter. */
const TAP = `
registerProcessor("speaksep-tap", class extends AudioWorkletProcessor {
  constructor() { super(); this.block = new Float32Array(2048); this.filled = 0; }
  process([[channel]]) {
    if (!channel) return true;
    this.block.set(channel, this.filled);
    this.filled += channel.length;
    if (this.filled >= this.block.length) {
      this.port.postMessage(this.block.slice());
      this.filled = 0;
    }
    return true;
  }
});`;

/** Why there is no microphone, and what to do. */
function microphoneWords(error) {
  const words = {
    NotAllowedError: "The microphone was refused: allow it for this page beside the address, then press Record again.",
    NotFoundError: "No microphone is connected.",
    NotReadableError: "The microphone is in use by another program.",
  };
  return words[error.name] ?? `No microphone: ${error.message}.`;
}

function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const asker = new Asker(model, { signal, timeoutMs: 20000 });
  const root = box("speaksep recorder");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Recorder");
  const record = button("● Record", "Record or stop (R)", () => toggle(), signal, { pressed: false });
  const meter = document.createElement("meter");
  Object.assign(meter, { min: LOWEST_DB, max: 0, low: -40, high: -3, optimum: -12, value: LOWEST_DB });
  meter.setAttribute("aria-label", "Level");
  const level = box("quiet time");
  const time = box("time");
  time.setAttribute("role", "timer");
  time.setAttribute("aria-label", "Recorded");
  const again = button("Send again", "Send what has not come yet", () => drain(), signal);
  const word = box("word quiet");
  word.setAttribute("role", "status");
  const keys = new Keys(root, [{ keys: ["r", "R"], words: "Record or stop", act: () => toggle() }], signal);
  const help = button("?", "Keyboard shortcuts (?)", () => keys.help(), signal);
  root.append(box("bar", record, meter, level, time, again, help), word);
  el.append(root);

  /** @type {{context: AudioContext, stream: MediaStream, tap: AudioWorkletNode} | null} */
  let live = null;
  let starting = false;
  /** Pieces that Python has not confirmed, with their numbers. @type {{number: number, samples: Int16Array}[]} */
  let queue = [];
  let blocks = [];
  let number = 0;
  let samples = 0;
  let rateHz = 0;
  let open = false; // there is a file that is not ended
  let draining = false;

  function say(text, bad = false) {
    word.textContent = text;
    word.classList.toggle("bad", bad);
  }

  function show() {
    record.textContent = live ? "■ Stop" : "● Record";
    record.setAttribute("aria-pressed", String(Boolean(live)));
    time.textContent = clock(rateHz ? samples / rateHz : 0);
    again.hidden = live || draining || !open;
  }

  function state(name) {
    model.set("state", name);
    model.save_changes();
  }

  async function start() {
    if (live || starting) return;
    starting = true;
    try {
      if (!navigator.mediaDevices?.getUserMedia) {
        throw new Error("browsers give it to pages over https and to this machine's own only");
      }
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
      });
      const context = new AudioContext();
      const url = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
      await context.audioWorklet.addModule(url);
      URL.revokeObjectURL(url);
      rateHz = context.sampleRate;
      const tap = new AudioWorkletNode(context, "speaksep-tap", { numberOfOutputs: 0 });
      const { data } = await asker.ask("begin", { rate_hz: rateHz });
      [queue, blocks, number, samples, open] = [[], [], 0, 0, true];
      tap.port.onmessage = ({ data: block }) => live && heard(block);
      stream.getAudioTracks()[0].addEventListener("ended", () => stop(), { signal });
      live = { context, stream, tap };
      context.createMediaStreamSource(stream).connect(tap);
      say(`Recording to ${data.name}.`);
      state("recording");
    } catch (error) {
      say(error instanceof AskError ? `${error.message} — ${error.hint}` : microphoneWords(error), true);
      state("failed");
    }
    starting = false;
    show();
  }

  /** A block from the microphone: onto the meter, and to Python a second at a time. */
  function heard(block) {
    let peak = 0;
    for (const value of block) peak = Math.max(peak, Math.abs(value));
    const db = 20 * Math.log10(peak);
    meter.value = Math.max(LOWEST_DB, db);
    level.textContent = peak >= 1 ? "too loud: clipped" : db < LOWEST_DB ? "silence" : `${db.toFixed(0)} dB`;
    blocks.push(block);
    samples += block.length;
    show();
    if (blocks.length * block.length < rateHz) return;
    cut();
    drain();
  }

  /** What has gathered becomes a piece. */
  function cut() {
    const length = blocks.reduce((sum, block) => sum + block.length, 0);
    const piece = new Int16Array(length);
    let at = 0;
    for (const block of blocks) {
      for (const value of block) piece[at++] = Math.round(32767 * Math.max(-1, Math.min(1, value)));
    }
    blocks = [];
    if (length) queue.push({ number: number++, samples: piece });
  }

  /** Send what waits, in order, and end the file when the microphone is off. */
  async function drain() {
    if (draining || !open) return;
    draining = true;
    try {
      while (queue.length) {
        const [{ number: count, samples: piece }] = queue;
        await asker.ask("piece", { number: count }, [piece.buffer]);
        queue.shift();
      }
      if (!live) {
        const { data } = await asker.ask("end");
        open = false;
        say(`${data.name} is here: ${clock(data.seconds)}.`);
        state("ready");
      }
    } catch (error) {
      if (signal.aborted) return;
      const lost = error.reason !== "no-answer";
      if (lost) {
        [open, queue] = [false, []];
        if (live) hush();
        asker.ask("end").catch(() => {}); // what came before is kept
      }
      // Without an answer the microphone stays on: what it hears waits here.
      say(`${error.message}${error.hint ? ` — ${error.hint}` : ""}${lost ? "" : `. ${clock(waiting())} wait in this page.`}`, true);
      if (lost || !live) state("failed");
    } finally {
      draining = false;
      show();
    }
  }

  const waiting = () => queue.reduce((sum, piece) => sum + piece.samples.length, 0) / rateHz;

  function hush() {
    const { context, stream, tap } = live;
    live = null;
    tap.port.onmessage = null;
    for (const track of stream.getTracks()) track.stop();
    context.close();
    meter.value = LOWEST_DB;
    level.textContent = "";
  }

  function stop() {
    if (!live) return;
    hush();
    cut();
    drain();
    show();
  }

  const toggle = () => (live ? stop() : start());
  const told = (content) => {
    if (content?.do === "start") start();
    if (content?.do === "stop") stop();
  };
  model.on("msg:custom", told);
  show();
  return () => {
    model.off("msg:custom", told);
    if (live) { // the last words are sent, though the answers will find nobody
      hush();
      cut();
      for (const { number: count, samples: piece } of queue) asker.ask("piece", { number: count }, [piece.buffer]).catch(() => {});
      asker.ask("end").catch(() => {});
      state("ready");
    }
    controller.abort();
    root.remove();
  };
}

export default { render };
