/** Severity by its place: how it is drawn, never by colour alone. */
const MARKERS = ["circle", "triangle", "square", "diamond"];
const BINS = 24;

/**
 * Recordings as columns: which of them fit, in which order, and what they have in common. Nothing here knows of a page.
 *
 * @typedef {{name: string, label: string, unit: string, worst: "low" | "high" | "", log: boolean}} Measure
 * @typedef {{text: string, severity: number, code: number, ranges: Record<string, [number | null, number | null]>}} Wish
 */
class Recordings {
  /** @param {any} data of the page */
  constructor(data) {
    const { columns } = data;
    this.ids = columns.id;
    this.names = columns.name;
    this.findings = columns.findings;
    this.codes = data.codes;
    this.severities = data.severities;
    this.size = this.ids.length;
    /** @type {Measure[]} */
    this.measures = data.measures;
    /** @type {Record<string, Float64Array>} */
    this.values = {};
    for (const name of ["made_at", "severity", "warnings", ...this.measures.map((each) => each.name)]) {
      this.values[name] = Float64Array.from(columns[name], (value) => value ?? NaN);
    }
    this.words = this.names.map((name, row) => `${name}\n${this.ids[row]}`.toLowerCase());
    const collator = new Intl.Collator(undefined, { numeric: true });
    this.values.name = new Float64Array(this.size);
    [...this.names.keys()]
      .sort((a, b) => collator.compare(this.names[a], this.names[b]))
      .forEach((row, rank) => (this.values.name[row] = rank));
  }

  measure(name) {
    return this.measures.find((each) => each.name === name) ?? { name, label: name, unit: "", worst: "", log: false };
  }

  /** Rows that fit a wish, in their order. @param {Wish} wish @returns {Uint32Array} */
  matching({ text, severity, code, ranges }) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const limits = Object.entries(ranges)
      .filter(([, [low, high]]) => low !== null || high !== null)
      .map(([name, [low, high]]) => ({ values: this.values[name], low: low ?? -Infinity, high: high ?? Infinity }));
    const found = new Uint32Array(this.size);
    let count = 0;
    for (let row = 0; row < this.size; row++) {
      if (this.values.severity[row] < severity) continue;
      if (code >= 0 && !this.findings[row].includes(code)) continue;
      // What was not measured lies in no range.
      if (!limits.every(({ values, low, high }) => values[row] >= low && values[row] <= high)) continue;
      if (!words.every((word) => this.words[row].includes(word))) continue;
      found[count++] = row;
    }
    return found.subarray(0, count);
  }

  /** The same rows by a column; those without a value come last. */
  sorted(rows, column, descending) {
    const values = this.values[column];
    const sign = descending ? -1 : 1;
    return Uint32Array.from(rows).sort((a, b) => {
      const [x, y] = [values[a], values[b]];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return sign * (x - y) || a - b;
    });
  }

  /** Measured values of rows, rising. @returns {Float64Array} */
  measured(rows, column) {
    return Float64Array.from(rows, (row) => this.values[column][row]).filter(Number.isFinite).sort();
  }

  /** Edges of bars over all rows, so that they stay while rows come and go. @returns {Float64Array} */
  edges(column) {
    const { log, unit } = this.measure(column);
    const all = this.measured(this.values[column].keys(), column).filter((value) => !log || value > 0);
    if (!all.length) return Float64Array.of(0, 1);
    let [low, high] = [all[0], all[all.length - 1]];
    if (unit === "count") return Float64Array.from({ length: high - low + 2 }, (_, k) => low + k - 0.5);
    if (low === high) [low, high] = log ? [low / 1.5, high * 1.5] : [low - 0.5, high + 0.5];
    const at = (k) => (log ? low * (high / low) ** (k / BINS) : low + ((high - low) * k) / BINS);
    return Float64Array.from({ length: BINS + 1 }, (_, k) => at(k));
  }

  /** How many rows lie between each two edges; the last bar has its upper edge. */
  counts(rows, column, edges) {
    const [values, log] = [this.values[column], this.measure(column).log && edges[0] > 0];
    const scale = log ? Math.log : (value) => value;
    const bars = edges.length - 1;
    const [first, width] = [scale(edges[0]), (scale(edges[bars]) - scale(edges[0])) / bars];
    const counts = new Float64Array(bars);
    for (const row of rows) {
      const bar = Math.floor((scale(values[row]) - first) / width + 1e-9);
      if (bar >= 0 && bar <= bars) counts[Math.min(bar, bars - 1)]++;
    }
    return counts;
  }

  /** Medians over time: as many stretches as rows can fill. @returns {{x: number[], y: number[]}} */
  trend(rows, column, most = 30) {
    const [at, values] = [this.values.made_at, this.values[column]];
    const timed = this.sorted(Array.from(rows).filter((row) => Number.isFinite(values[row])), "made_at", false);
    const each = Math.max(Math.ceil(timed.length / most), 5);
    const found = { x: [], y: [] };
    for (let first = 0; first + each <= timed.length || (first === 0 && timed.length > 1); first += each) {
      const part = timed.subarray(first, first + each);
      found.x.push(1000 * median(Float64Array.from(part, (row) => at[row]).sort()));
      found.y.push(median(this.measured(part, column)));
    }
    return found;
  }

  /** A value as people read it. */
  said(column, value, row = -1) {
    if (column === "made_at") return dayOf(value);
    if (!Number.isFinite(value)) return "–";
    const { unit } = this.measure(column);
    if (column === "sound_s") return lengthOf(value);
    if (unit === "%") return `${(100 * value).toFixed(0)} %`;
    if (unit === "count" || !unit) return String(value);
    if (unit === "×") return `${value.toPrecision(2)} ×`;
    return `${value.toFixed(unit === "dB" ? 0 : 1)} ${unit}`;
  }

  /** The rows as a table that other programs read, exact values and all. */
  csv(rows) {
    const columns = this.measures.map((each) => each.name);
    const head = ["id", "name", "made_at", "severity", "warnings", "findings", ...columns];
    const lines = Array.from(rows, (row) =>
      [
        this.ids[row],
        this.names[row],
        new Date(1000 * this.values.made_at[row]).toISOString(),
        this.severities[this.values.severity[row]],
        this.values.warnings[row],
        this.findings[row].map((code) => this.codes[code]).join(" "),
        ...columns.map((name) => (Number.isFinite(this.values[name][row]) ? this.values[name][row] : "")),
      ].map(cellOf).join(","),
    );
    return [head.join(","), ...lines, ""].join("\r\n");
  }
}

/** A cell of a CSV file (RFC 4180); what a spreadsheet would take for a formula is told to be text. */
function cellOf(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Of values that rise; NaN where there are none. */
function median(values) {
  const half = values.length >> 1;
  return values.length % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/** 3725 → "1:02:05", 12.3 → "0:12". */
function lengthOf(seconds) {
  const [whole, two] = [Math.round(seconds), (number) => String(number).padStart(2, "0")];
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A day of the reader's calendar, as ISO writes it. */
function dayOf(seconds) {
  const day = new Date(1000 * seconds);
  const two = (number) => String(number).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
