/** Cividis (Nuñez, Anderton, Renslow 2018): even steps of lightness, the same to the colour-blind. Every 32nd colour. */
const CIVIDIS = [
  [0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115],
  [138, 134, 120], [165, 156, 116], [195, 179, 105], [254, 232, 56],
];

/** 256 colours as 32-bit pixels. */
function palette(stops = CIVIDIS) {
  const out = new Uint32Array(256);
  for (let k = 0; k < 256; k++) {
    const at = (k / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const [r, g, b] = stops[low].map((value, c) => Math.round(value + (at - low) * (stops[low + 1][c] - value)));
    out[k] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return out;
}

/** Spectrogram tiles of one lane: computed by the kernel, coloured and kept here. */
class TileStore {
  static COLUMNS = 256;
  static ROWS = 128;

  /** @param {Asker} asker @param {number} seconds @param {() => void} changed */
  constructor(asker, seconds, changed) {
    this.asker = asker;
    this.seconds = seconds;
    this.changed = changed;
    this.colours = palette();
    this.lane = "mixture";
    this.scale = "mel";
    /** @type {Map<string, HTMLCanvasElement | null>} */
    this.tiles = new Map();
    this.inFlight = 0;
    this.wanted = [];
  }

  level(span, width) {
    return Math.max(0, Math.min(22, Math.round(Math.log2(((this.seconds / span) * width) / TileStore.COLUMNS))));
  }

  clear() {
    this.tiles.clear();
    this.wanted = [];
    this.changed();
  }

  tile(level, index, fetch) {
    const key = `${this.lane}/${this.scale}/${level}/${index}`;
    if (fetch && !this.tiles.has(key)) {
      this.tiles.set(key, null);
      this.wanted.push([key, level, index, this.lane, this.scale]);
      this.pump();
    }
    return this.tiles.get(key);
  }

  pump() {
    while (this.inFlight < 2 && this.wanted.length) {
      const [key, level, index, lane, scale] = this.wanted.pop();
      const length = this.seconds / 2 ** level;
      this.inFlight++;
      this.asker
        .ask("tile", {
          lane,
          scale,
          start_s: index * length,
          stop_s: (index + 1) * length,
          columns: TileStore.COLUMNS,
          rows: TileStore.ROWS,
        })
        .then(({ buffers }) => this.tiles.set(key, this.paint(typed(buffers[0], Uint8Array))))
        .catch(() => setTimeout(() => this.tiles.get(key) ?? this.tiles.delete(key), PeakStore.AGAIN_MS))
        .finally(() => {
          this.inFlight--;
          this.pump();
          this.changed();
        });
    }
    for (const [key] of this.wanted.splice(0, Math.max(0, this.wanted.length - 24))) this.tiles.delete(key);
    if (this.tiles.size > 300) for (const key of [...this.tiles.keys()].slice(0, 100)) this.tiles.delete(key);
  }

  paint(bytes) {
    const canvas = document.createElement("canvas");
    canvas.width = TileStore.COLUMNS;
    canvas.height = TileStore.ROWS;
    const image = canvas.getContext("2d").createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let k = 0; k < bytes.length; k++) pixels[k] = this.colours[bytes[k]];
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  /** Draw a view into a box, coarse tiles under fine ones. */
  draw(context, view, { top, width, height }) {
    const best = this.level(view.span, width);
    for (const level of [Math.max(0, best - 4), Math.max(0, best - 2), best]) {
      const length = this.seconds / 2 ** level;
      const last = Math.min(2 ** level - 1, Math.floor((view.stop - 1e-9) / length));
      for (let index = Math.max(0, Math.floor(view.start / length)); index <= last; index++) {
        const tile = this.tile(level, index, level === best || level === 0);
        if (!tile) continue;
        const x = view.x(index * length, width);
        context.drawImage(tile, x, top, view.x((index + 1) * length, width) - x, height);
      }
    }
  }
}
