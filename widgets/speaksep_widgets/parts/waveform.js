/** Colours of the page, read from JupyterLab's variables where there are any. */
function pageColours(element) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  return {
    paper: read("--ss-paper", "#fff"),
    ink: read("--ss-ink", "#1f2328"),
    faint: read("--ss-faint", "#8884"),
    accent: read("--ss-accent", "#0072b2"),
    shade: read("--ss-shade", "0.16"),
  };
}

/** A canvas that keeps its pixels equal to the screen's; `draw(context, width, height)` in CSS pixels. */
class Sheet {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} draw
   * @param {AbortSignal} signal
   */
  constructor(canvas, draw, signal) {
    this.canvas = canvas;
    this.draw = draw;
    this.pending = 0;
    this.width = this.height = 0;
    const observer = new ResizeObserver(() => this.ask());
    observer.observe(canvas);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => this.ask(), { signal });
    const theme = new MutationObserver(() => this.ask()); // of JupyterLab
    theme.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
    signal.addEventListener("abort", () => {
      observer.disconnect();
      theme.disconnect();
      cancelAnimationFrame(this.pending);
    });
  }

  /** Draw with the next frame; several requests are one. */
  ask() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.now();
    });
  }

  now() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    this.width = width;
    this.height = height;
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.draw(context, width, height);
  }
}

/**
 * Asks for pieces of all lanes together, once zooming rests for a moment: every message costs the page around the
 * widget, and what was on the screen for a frame nobody misses.
 */
class PieceAsker {
  static REST_MS = 50;
  static LATEST_MS = 250;
  /** Pieces of a lane in one message; what was wanted before them is off the screen. */
  static MOST = 8;

  /** @param {Asker} asker */
  constructor(asker) {
    this.asker = asker;
    /** @type {Set<PeakStore>} */
    this.wanting = new Set();
    this.since = 0;
    this.timer = 0;
    this.busy = false;
  }

  /** The one of a widget. */
  static of(asker) {
    asker.pieces ??= new PieceAsker(asker);
    return asker.pieces;
  }

  want(store) {
    if (!this.wanting.size) this.since = performance.now();
    this.wanting.add(store);
    if (this.busy) return;
    clearTimeout(this.timer);
    const left = this.since + PieceAsker.LATEST_MS - performance.now();
    this.timer = setTimeout(() => this.send(), Math.max(0, Math.min(PieceAsker.REST_MS, left)));
  }

  async send() {
    const asked = [...this.wanting].flatMap((store) => store.takeWanted(PieceAsker.MOST));
    this.wanting.clear();
    if (!asked.length) return;
    this.busy = true;
    try {
      const pieces = asked.map(({ store, start, stop }) => [store.lane, start, stop]);
      const { data, buffers } = await this.asker.ask("peaks", { pieces, pixels: PeakStore.PIECE });
      asked.forEach((piece, row) => piece.store.came(piece, typed(buffers[row], Int16Array), data.done[row]));
    } catch (error) {
      // A lane may have been merged into another meanwhile; otherwise not at once, nobody may be there.
      const wait = error.reason === "unknown-lane" ? 0 : PeakStore.AGAIN_MS;
      for (const { store, key } of asked) setTimeout(() => store.forget(key), wait);
    } finally {
      this.busy = false;
      for (const store of new Set(asked.map(({ store }) => store))) store.changed();
      if (this.wanting.size) this.want([...this.wanting][0]);
    }
  }
}

/**
 * Peaks of one lane, fetched in pieces of fixed width at fixed zooms (powers of two) and kept, so that panning and
 * zooming draw at once from what is there, sharper as answers come.
 */
class PeakStore {
  static PIECE = 1024;
  static AGAIN_MS = 5000;

  /** @param {Asker} asker @param {string} lane @param {number} seconds @param {() => void} changed */
  constructor(asker, lane, seconds, changed) {
    this.asker = asker;
    this.lane = lane;
    this.seconds = seconds;
    this.changed = changed;
    /** @type {Map<string, {values: Int16Array | null, done: number, at: number}>} */
    this.pieces = new Map();
    this.wanted = [];
  }

  /** What was seen last, to begin with: there before Python answers, and if it never does. */
  take(values) {
    this.pieces.set("0/0", { values, done: 0, at: -Infinity });
  }

  /** Zoom 0 is the whole recording in one piece; each next one twice as close. */
  level(span, width) {
    const perPiece = (span / Math.max(width, 1)) * PeakStore.PIECE;
    return Math.max(0, Math.min(24, Math.ceil(Math.log2(this.seconds / perPiece))));
  }

  piece(level, index, fetch) {
    const key = `${level}/${index}`;
    const have = this.pieces.get(key);
    const stale = have && have.done < 1 && performance.now() - have.at > 500;
    if (fetch && (!have || stale)) {
      if (!have) this.pieces.set(key, { values: null, done: 1, at: performance.now() });
      else have.at = performance.now();
      this.wanted.push([key, level, index]);
      PieceAsker.of(this.asker).want(this);
    }
    return have?.values ?? null;
  }

  /** The latest of what is wanted; the rest is wanted no more. */
  takeWanted(most) {
    const latest = this.wanted.slice(-most);
    for (const [key] of this.wanted.slice(0, -most)) this.forget(key);
    this.wanted = [];
    return latest.map(([key, level, index]) => {
      const length = this.seconds / 2 ** level;
      return { store: this, pieces: this.pieces, key, start: index * length, stop: (index + 1) * length };
    });
  }

  came({ pieces, key }, values, done) {
    if (pieces !== this.pieces) return; // the sound has changed since it was asked for
    this.pieces.set(key, { values, done, at: performance.now() });
    if (done < 1) setTimeout(this.changed, 600);
    if (this.pieces.size > 600) {
      for (const old of [...this.pieces.keys()].slice(1, 200)) this.pieces.delete(old);
    }
  }

  forget(key) {
    if (!this.pieces.get(key)?.values) this.pieces.delete(key);
  }

  /** Forget everything: the sound has changed. */
  clear() {
    this.pieces = new Map();
    this.wanted = [];
    this.changed();
  }

  /**
   * Lowest and highest value behind each of `width` pixels of a view, from the best there is.
   *
   * @param {View} view @param {number} width
   * @returns {Float32Array} 2 per pixel, NaN where nothing is known yet
   */
  values(view, width) {
    const best = this.level(view.span, width);
    const out = new Float32Array(2 * width).fill(NaN);
    const pieceLength = this.seconds / 2 ** best;
    const first = Math.max(0, Math.floor(view.start / pieceLength));
    const last = Math.min(2 ** best - 1, Math.floor((view.stop - 1e-9) / pieceLength));
    for (let index = first; index <= last; index++) this.piece(best, index, true);
    const seen = []; // the piece that the pixel before lay in, by zoom
    for (let pixel = 0; pixel < width; pixel++) {
      const from = view.time(pixel, width);
      const to = view.time(pixel + 1, width);
      for (let level = best; level >= 0; level--) {
        const length = this.seconds / 2 ** level;
        const index = Math.floor(from / length);
        if (seen[level]?.index !== index) seen[level] = { index, values: this.piece(level, index, false) };
        const { values } = seen[level];
        if (!values) continue;
        const scale = PeakStore.PIECE / length;
        const a = Math.max(0, Math.min(PeakStore.PIECE - 1, Math.floor((from - index * length) * scale)));
        const b = Math.max(a + 1, Math.min(PeakStore.PIECE, Math.ceil((to - index * length) * scale - 1e-6)));
        let low = 32767;
        let high = -32768;
        for (let k = a; k < b; k++) {
          if (values[2 * k] < low) low = values[2 * k];
          if (values[2 * k + 1] > high) high = values[2 * k + 1];
        }
        out[2 * pixel] = low / 32767;
        out[2 * pixel + 1] = high / 32767;
        break;
      }
    }
    return out;
  }
}

/** The gain that makes the loudest of `PeakStore.values` fill a lane; silence and noise floors are not blown up. */
function fillingGain(values) {
  let peak = 0;
  for (const value of values) if (Math.abs(value) > peak) peak = Math.abs(value);
  return peak > 0 ? Math.min(0.95 / peak, 64) : 1;
}

/** A lane's part of the widget's `snapshot`, which has the same number of values for each lane. */
function snapshotOf(model, lane) {
  const row = model.get("lanes").indexOf(lane);
  const bytes = model.get("snapshot");
  const size = 4 * PeakStore.PIECE;
  if (row < 0 || !bytes || bytes.byteLength < (row + 1) * size) return null;
  return typed(new DataView(bytes.buffer, bytes.byteOffset + row * size, size), Int16Array);
}

/** What `PeakStore.values` look like, for those who do not see them. */
function levelWords(values, view) {
  let peak = 0;
  let at = 0;
  let known = false;
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k])) continue;
    known = true;
    if (Math.abs(values[k]) <= peak) continue;
    peak = Math.abs(values[k]);
    at = view.time(k >> 1, values.length / 2);
  }
  if (!known) return "level not known yet";
  return peak > 0 ? `loudest ${Math.round(20 * Math.log10(peak))} dBFS at ${clock(at)}` : "silent";
}

/** Draws what `PeakStore.values` gave, around the middle of a box. */
function drawWaveform(context, values, { top, height, colour, gain = 1 }) {
  const middle = Math.round(top + height / 2);
  const scale = (height / 2 - 1) * gain;
  const bottom = Math.round(top + height);
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  // Lines from whole pixel to whole pixel, through its middle: a fifth of the time that rectangles take.
  for (let pixel = 0; 2 * pixel < values.length; pixel++) {
    const low = values[2 * pixel];
    if (Number.isNaN(low)) continue;
    const a = Math.max(Math.round(top), Math.min(Math.round(middle - values[2 * pixel + 1] * scale), bottom - 1));
    const b = Math.max(a + 1, Math.min(Math.round(middle - low * scale), bottom));
    context.moveTo(pixel + 0.5, a);
    context.lineTo(pixel + 0.5, b);
  }
  context.stroke();
}
