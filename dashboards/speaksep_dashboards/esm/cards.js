/** Pieces that all views are made of; page.css dresses them. */

/** An element with properties and children. */
function make(name, values = {}, ...children) {
  const element = Object.assign(document.createElement(name), values);
  element.append(...children);
  return element;
}

/** A part of a page with a heading; `size` is "", "half", "third" or "two-thirds" of a wide page. */
function card(title, size, ...children) {
  const section = make("section", { className: `card ${size}`.trim() }, make("h2", { textContent: title }), ...children);
  section.setAttribute("aria-label", title);
  return section;
}

/** Large numbers with a word below each: `[[value, label], …]`. */
function figures(pairs) {
  const list = make("dl", { className: "figures" });
  for (const [value, label] of pairs) {
    list.append(make("div", {}, make("dt", { textContent: label }), make("dd", { textContent: value })));
  }
  return list;
}

/** A word in the colour of a severity: "error", "warning", "notice", "info". */
function pill(text, severity) {
  return make("span", { className: `pill ${severity}`, textContent: text });
}

/**
 * A table that scrolls by itself where it is too wide.
 *
 * @param {string} caption
 * @param {string[]} heads a trailing "#" makes a column of numbers
 * @param {(string | Node)[][]} rows the first cell of each is its heading
 */
function tableOf(caption, heads, rows) {
  const numbers = heads.map((head) => head.endsWith("#"));
  const head = make("tr");
  heads.forEach((text, k) => {
    const cell = make("th", { scope: "col", textContent: text.replace(/#$/, "") });
    if (numbers[k]) cell.className = "number";
    head.append(cell);
  });
  const body = make("tbody");
  for (const row of rows) {
    body.append(make("tr", {}, ...row.map((content, k) => {
      const cell = make(k ? "td" : "th", k ? {} : { scope: "row" });
      if (numbers[k]) cell.className = "number";
      cell.append(content);
      return cell;
    })));
  }
  const table = make("table", {}, make("caption", { textContent: caption }), make("thead", {}, head), body);
  const region = make("div", { className: "table-scroll", tabIndex: 0 }, table);
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", caption);
  return region;
}

/** Something folded away, made when it is opened first. */
function folded(summary, fill) {
  const element = make("details", {}, make("summary", { textContent: summary }));
  element.addEventListener("toggle", () => element.append(...[fill()].flat()), { once: true });
  return element;
}

/** What went wrong, and what to do about it. */
function errorCard(title, { error, hint }) {
  const shown = card(title, "bad", make("p", { textContent: error }), make("p", { className: "quiet", textContent: hint ?? "" }));
  shown.setAttribute("role", "status");
  return shown;
}

/** Put children in order without moving those that are in place: the focus stays where it was. */
function arrange(parent, children) {
  const wanted = children.filter(Boolean);
  for (const child of [...parent.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, k) => {
    if (parent.children[k] !== child) parent.insertBefore(child, parent.children[k] ?? null);
  });
}

/** Parts of a page that are made anew only when what they show is another. */
class Slots {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    /** @type {Map<string, {key: string, element: HTMLElement, end: AbortController}>} */
    this.kept = new Map();
    signal.addEventListener("abort", () => this.kept.forEach(({ end }) => end.abort()));
  }

  /** @param {string} name @param {any} shown @param {(signal: AbortSignal) => HTMLElement} fill */
  get(name, shown, fill) {
    const key = JSON.stringify(shown) ?? "";
    const have = this.kept.get(name);
    if (have?.key === key) return have.element;
    have?.end.abort();
    const end = new AbortController();
    const element = fill(end.signal);
    this.kept.set(name, { key, element, end });
    return element;
  }
}

const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(100 * share)} %`);

/** A measured value as people read it. */
function measured(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "ratio" || unit === "probability") return `${Number((100 * value).toPrecision(3))} %`;
  const shown = typeof value === "number" ? String(Number(value.toPrecision(4))) : value;
  return unit ? `${shown} ${unit}` : shown;
}

/** A length of time in words: 75 → "1 min 15 s". */
function lasting(seconds) {
  if (seconds < 60) return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${rest} s`;
}

/** A size in words. */
function sizeWords(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const k = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${Number((bytes / 1000 ** k).toPrecision(3))} ${units[k]}`;
}
