const MOST_WORST = 5;

/** The recordings that need somebody most, by what the reader minds. */
class Worst {
  /** @param {{address: string | null, signal: AbortSignal}} options */
  constructor({ address, signal }) {
    this.address = address;
    this.by = document.createElement("select");
    this.by.addEventListener("input", () => this.draw(), { signal });
    this.list = document.createElement("ol");
    this.element = box("worst", box("bar", labelled("by", this.by)), this.list);
  }

  /** @param {Recordings} recordings @param {Uint32Array} rows among which */
  show(recordings, rows) {
    if (recordings !== this.recordings) {
      const bad = recordings.measures.filter((each) => each.worst);
      const named = bad.map((each) => [each.name, `${each.worst === "low" ? "least" : "most"} ${each.label.toLowerCase()}`]);
      choices(this.by, [["severity", "findings"], ...named], this.by.value || "severity");
    }
    Object.assign(this, { recordings, rows });
    this.draw();
  }

  draw() {
    const { recordings } = this;
    const column = this.by.value;
    const low = recordings.measure(column).worst === "low";
    // Of equal severity, more warnings are worse.
    const rows = column === "severity" ? recordings.sorted(this.rows, "warnings", true) : this.rows;
    const order = new Map(Array.from(rows, (row, place) => [row, place]));
    const value = (row) => recordings.values[column][row];
    const there = Array.from(rows).filter((row) => (column === "severity" ? value(row) > 0 : Number.isFinite(value(row))));
    there.sort((a, b) => (low ? value(a) - value(b) : value(b) - value(a)) || order.get(a) - order.get(b));
    this.list.replaceChildren(
      ...there.slice(0, MOST_WORST).map((row) => {
        const item = document.createElement("li");
        const words = column === "severity" ? this.codes(row) : recordings.said(column, value(row));
        item.append(linkTo(this.address, recordings, row), make("span", { textContent: ` ${words}`, className: "quiet" }));
        return item;
      }),
    );
    if (!there.length) this.list.append(make("li", { textContent: "None.", className: "none" }));
  }

  codes(row) {
    const { recordings } = this;
    const words = recordings.findings[row].map((code) => recordings.codes[code]);
    return `${recordings.severities[recordings.values.severity[row]]}: ${words.join(", ")}`;
  }
}
