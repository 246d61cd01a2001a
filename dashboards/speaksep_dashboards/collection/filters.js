/**
 * What the reader wants to see: words, severity, a finding, and a range of every measure.
 *
 * @param {Recordings} recordings
 * @param {() => void} changed
 * @param {AbortSignal} signal
 */
class Filters {
  constructor(recordings, changed, signal) {
    this.changed = changed;
    this.signal = signal;
    this.text = this.listen(make("input", { type: "search" }));
    this.severity = this.listen(document.createElement("select"));
    this.code = this.listen(document.createElement("select"));
    this.ranges = box("ranges");
    /** @type {Map<string, [HTMLInputElement, HTMLInputElement]>} */
    this.fields = new Map();
    this.details = make("details", {}, make("summary", { textContent: "Ranges" }), this.ranges);
    this.clear = button("Clear filters", "Clear all filters", () => this.reset(), signal);
    this.element = make("form", { className: "filters" });
    this.element.setAttribute("role", "search");
    this.element.setAttribute("aria-label", "Filters");
    this.element.addEventListener("submit", (event) => event.preventDefault(), { signal });
    const bar = box(
      "bar",
      labelled("Name", this.text),
      labelled("Needs attention", this.severity),
      labelled("Finding", this.code),
      this.clear,
    );
    this.element.append(bar, this.details);
    this.offer(recordings);
  }

  /** Offer what these recordings have; what was chosen stays as far as it is still there. */
  offer(recordings) {
    this.recordings = recordings;
    const code = this.codes?.[this.code.value];
    this.codes = recordings.codes;
    const levels = recordings.severities.slice(1).map((word, level) => [level + 1, level < 2 ? `${word} or worse` : word]);
    choices(this.severity, [[0, "all"], ...levels], this.severity.value || 0);
    const counts = new Array(recordings.codes.length).fill(0);
    for (const codes of recordings.findings) for (const each of codes) counts[each]++;
    const named = recordings.codes.map((word, place) => [place, `${word} (${counts[place]})`]);
    choices(this.code, [[-1, "any"], ...named], code === undefined ? -1 : this.codes.indexOf(code));
    if (this.fields.size) return;
    for (const { name, label, unit } of recordings.measures) {
      const words = { "×": "× its length", count: "" }[unit] ?? unit;
      this.range(name, label, words, ["least", "most"], { type: "number", step: "any" });
    }
    this.range("made_at", "Separated", "", ["first day", "last day"], { type: "date" });
  }

  range(name, label, unit, ends, kind) {
    const fields = ends.map((end) => {
      const field = this.listen(make("input", { ...kind, placeholder: end }));
      field.setAttribute("aria-label", `${label}, ${end}${unit ? `, in ${unit}` : ""}`);
      return field;
    });
    this.fields.set(name, fields);
    const words = make("span", { textContent: unit, className: "quiet" });
    this.ranges.append(box(`range ${kind.type}`, make("span", { textContent: label }), ...fields, words));
  }

  /** What a field says, as the column has it; null where it says nothing. */
  limit(field, name, end) {
    if (field.type === "date") return field.value ? new Date(`${field.value}T${end ? "23:59:59" : "00:00"}`) / 1000 : null;
    const scale = this.recordings.measure(name).unit === "%" ? 100 : 1;
    return Number.isFinite(field.valueAsNumber) ? field.valueAsNumber / scale : null;
  }

  /** @returns {Wish} */
  get wish() {
    const ranges = {};
    for (const [name, fields] of this.fields) ranges[name] = fields.map((field, end) => this.limit(field, name, end));
    return { text: this.text.value, severity: Number(this.severity.value), code: Number(this.code.value), ranges };
  }

  get any() {
    const numbers = [...this.fields.values()].flat();
    return Boolean(this.text.value) || this.severity.value !== "0" || this.code.value !== "-1" || numbers.some((f) => f.value);
  }

  reset() {
    this.element.reset();
    this.changed();
  }

  listen(field) {
    field.addEventListener("input", () => this.changed(), { signal: this.signal });
    return field;
  }
}

/** A field with its name in sight. */
function labelled(words, field) {
  return make("label", {}, make("span", { textContent: words }), field);
}

/** Fill a select; `chosen` is kept if it is there. @param {[any, string][]} pairs */
function choices(select, pairs, chosen) {
  select.replaceChildren(
    ...pairs.map(([value, textContent]) => make("option", { value, textContent })),
  );
  if (pairs.some(([value]) => String(value) === String(chosen))) select.value = String(chosen);
}
