const DISTRIBUTIONS = ["sound_s", "speakers", "overlap_ratio", "mos"];
const BRUSHED_SEEN = 0.18; // opacity of what was not brushed
/** Where an axis of lengths, in seconds, has its words. */
const LENGTHS = new Map([[1, "1 s"], [3, "3 s"], [10, "10 s"], [30, "30 s"], [60, "1 min"], [180, "3 min"], [600, "10 min"], [1800, "30 min"], [3600, "1 h"], [10_800, "3 h"], [36_000, "10 h"], [86_400, "1 d"]]);

/**
 * Bokeh's figures of a collection: distributions, one measure against another, a measure over time. A drag on any of
 * them brushes recordings on all. They are for eyes and pointers only: the words below each say what it shows, and the
 * filters and the table do what brushing does.
 */
class Figures {
  /**
   * @param {{brush: (rows: Uint32Array) => void, signal: AbortSignal}} options `brush` hears which rows were dragged over
   */
  constructor({ brush, signal }) {
    this.brush = brush;
    this.signal = signal;
    /** @type {Plot[]} */
    this.plots = DISTRIBUTIONS.map((name) => new Distribution(this, name));
    this.plots.push(new Scatter(this), new Trend(this));
    this.element = box("plots", ...this.plots.map((plot) => plot.element));
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", () => this.dress(), { signal });
    signal.addEventListener("abort", () => this.document?.clear());
  }

  /** Draw them, once Bokeh is there. */
  async draw(Bokeh) {
    this.Bokeh = Bokeh;
    this.document = new (Bokeh.require("document").Document)();
    for (const plot of this.plots) this.document.add_root(plot.made(Bokeh.Models));
    this.dress();
    this.refresh();
    const places = this.plots.map((plot) => plot.place);
    await Bokeh.embed.add_document_standalone(this.document, this.element, places);
    // Nothing in a figure is for the keyboard, so it is no stop of it.
    for (const place of places) {
      for (const each of withinShadows(place)) if (each.tabIndex >= 0) each.removeAttribute("tabindex");
    }
    this.element.classList.add("drawn");
  }

  /** Whether a drag brushes; where it does not, it scrolls the page. */
  drag(on) {
    for (const { drags } of this.plots) drags.active = on;
  }

  /** @param {Recordings} recordings @param {Uint32Array} visible @param {Uint32Array | null} brushed among them */
  show(recordings, visible, brushed) {
    const other = recordings !== this.recordings;
    Object.assign(this, { recordings, visible, brushed });
    for (const plot of this.plots) {
      if (other) plot.offer();
      plot.tell();
    }
    if (this.document) this.refresh();
  }

  refresh() {
    for (const plot of this.plots) plot.refresh();
  }

  /** Colours of the page, light or dark. */
  dress() {
    if (!this.document) return;
    const style = getComputedStyle(this.element);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.ink = { ink: style.color, quiet: colour("--ss-quiet"), line: "rgba(127,127,127,0.25)", accent: colour("--ss-accent") };
    this.severe = ["--ss-info", "--ss-notice", "--ss-warning", "--ss-error"].map(colour);
    for (const plot of this.plots) plot.dress(this.ink);
    this.refresh();
  }
}

/** Everything below a place, shadows included. */
function* withinShadows(place) {
  for (const each of place.querySelectorAll("*")) {
    yield each;
    if (each.shadowRoot) yield* withinShadows(each.shadowRoot);
  }
}

/** What all figures have: a caption, a place for Bokeh, words for those who do not see it, a drag that brushes. */
class Plot {
  /** @param {Figures} figures @param {string} title @param {string} size of the figure on a wide page */
  constructor(figures, title, size) {
    this.figures = figures;
    this.place = box("place");
    this.place.setAttribute("aria-hidden", "true");
    this.words = make("p", { className: "quiet small" });
    this.heading = make("figcaption", { textContent: title });
    this.element = make("figure", { className: `plot ${size}` }, this.heading, this.place, this.words);
  }

  choice(words, chosen) {
    const select = make("select");
    select.dataset.chosen = chosen;
    select.addEventListener("input", () => {
      this.axes();
      this.tell();
      if (this.plot) this.refresh();
    }, { signal: this.figures.signal });
    this.heading.append(labelled(words, select));
    return select;
  }

  offer() {}

  axes() {}

  /** @returns {any} Bokeh's plot, without data */
  frame(Models, { x, y, dimensions }) {
    const axis = (kind) =>
      new Models[{ log: "LogAxis", time: "DatetimeAxis" }[kind] ?? "LinearAxis"]({ major_label_policy: new Models.NoOverlap(), axis_line_color: null, minor_tick_line_color: null, major_tick_line_color: null });
    this.drags = new Models.BoxSelectTool({ dimensions, renderers: [], continuous: false });
    this.plot = new Models.Plot({
      x_range: new Models.Range1d(), y_range: new Models.Range1d(),
      x_scale: x === "log" ? new Models.LogScale() : new Models.LinearScale(),
      y_scale: y === "log" ? new Models.LogScale() : new Models.LinearScale(),
      sizing_mode: "stretch_width", height: this.height, min_border: 4, outline_line_color: null,
      background_fill_color: null, border_fill_color: null, output_backend: "canvas",
      toolbar: new Models.Toolbar({ tools: [this.drags], active_drag: this.drags, logo: null }), toolbar_location: null,
    });
    this.below = axis(x);
    this.left = axis(y);
    this.plot.add_layout(this.below, "below");
    this.plot.add_layout(this.left, "left");
    this.grid = new Models.Grid({ axis: this.left, dimension: 1 });
    this.plot.add_layout(this.grid);
    this.plot.on_event("selectiongeometry", ({ geometry }) => this.dragged(geometry));
    return this.plot;
  }

  dress({ quiet, line }) {
    for (const axis of [this.below, this.left]) {
      axis.setv({ major_label_text_color: quiet, axis_label_text_color: quiet, axis_label_text_font_style: "normal" });
      axis.setv({ major_label_text_font_size: "11px", axis_label_text_font_size: "12px" });
    }
    this.grid.grid_line_color = line;
  }

  /** Numbers of an axis as they are for people: of ratios, percent. */
  label(axis, column) {
    const { label, unit } = this.figures.recordings.measure(column);
    const Models = this.figures.Bokeh.Models;
    const said = unit && unit !== "count" ? `${label} (${unit})` : label;
    if (unit === "%") axis.formatter = new Models.NumeralTickFormatter({ format: "0%" });
    else if (axis.type !== "DatetimeAxis") axis.formatter = new Models.BasicTickFormatter({ use_scientific: false });
    axis.axis_label = said;
  }

  /** Few points are large enough to be seen, many small enough to be told apart. */
  sized(number, least) {
    this.dots[0].fill_alpha = { value: number < 100 ? 0.85 : this.faint };
    const size = Math.max(least, Math.min(10, Math.round(130 / Math.sqrt(number + 1))));
    for (const dot of this.dots) if (dot.size.value !== size) dot.size = { value: size };
  }

  /** Brush what lies in a rectangle; one that holds nothing brushes nothing. */
  dragged({ x0, x1, y0, y1 }) {
    const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
    const [low, high] = [Math.min(y0, y1), Math.max(y0, y1)];
    this.figures.brush(this.figures.visible.filter((row) => this.holds(row, { left, right, low, high })));
  }
}

/** How a measure is distributed: all that fits the filters, and what is brushed of it. */
class Distribution extends Plot {
  constructor(figures, column) {
    super(figures, "", "small");
    this.column = column;
    this.height = 150;
  }

  offer() {
    const { recordings } = this.figures;
    this.heading.textContent = recordings.measure(this.column).label;
    this.edges = recordings.edges(this.column);
  }

  made(Models) {
    const { log } = this.figures.recordings.measure(this.column);
    const plot = this.frame(Models, { x: log ? "log" : "", dimensions: "width" });
    this.source = new Models.ColumnDataSource();
    const bars = (top, more) => {
      const glyph = new Models.Quad({ left: { field: "left" }, right: { field: "right" }, top: { field: top }, bottom: 0, line_color: null, ...more });
      plot.add_glyph(glyph, this.source);
      return glyph;
    };
    this.glyphs = [bars("seen", { fill_alpha: 0.35 }), bars("brushed", {})];
    this.left.ticker = new Models.BasicTicker({ desired_num_ticks: 3, min_interval: 1 });
    if (this.column === "sound_s") {
      this.below.ticker = new Models.FixedTicker({ ticks: [...LENGTHS.keys()] });
      this.below.major_label_overrides = LENGTHS;
    } else this.below.ticker.desired_num_ticks = 4;
    return plot;
  }

  dress(ink) {
    super.dress(ink);
    this.label(this.below, this.column);
    this.below.axis_label = null; // the heading says it
    for (const glyph of this.glyphs) glyph.fill_color = { value: ink.accent };
  }

  refresh() {
    const { recordings, visible, brushed } = this.figures;
    const { edges } = this;
    const seen = recordings.counts(visible, this.column, edges);
    const part = brushed ? recordings.counts(brushed, this.column, edges) : seen;
    this.plot.x_range.setv({ start: edges[0], end: edges[edges.length - 1] });
    this.plot.y_range.setv({ start: 0, end: Math.max(...seen, 1) * 1.06 });
    this.source.data = new Map([["left", edges.slice(0, -1)], ["right", edges.slice(1)], ["seen", seen], ["brushed", part]]);
  }

  tell() {
    const { recordings, visible, brushed } = this.figures;
    const values = recordings.measured(brushed ?? visible, this.column);
    const said = (part) => recordings.said(this.column, values[Math.floor(part * (values.length - 1))]);
    this.words.textContent = values.length
      ? `Half lie from ${said(0.25)} to ${said(0.75)}, all from ${said(0)} to ${said(1)}.`
      : "Nothing measured.";
  }

  holds(row, { left, right }) {
    const value = this.figures.recordings.values[this.column][row];
    return value >= left && value <= right;
  }
}

/** One measure against another; colour and shape tell the severity. */
class Scatter extends Plot {
  constructor(figures) {
    super(figures, "Compare ", "large");
    this.height = 300;
    this.y = this.choice("of", "mos");
    this.x = this.choice("by", "snr_db");
  }

  offer() {
    const named = this.figures.recordings.measures.map((each) => [each.name, each.label]);
    for (const select of [this.x, this.y]) choices(select, named, select.value || select.dataset.chosen);
  }

  made(Models) {
    const plot = this.frame(Models, { dimensions: "both" });
    this.source = new Models.ColumnDataSource();
    const glyph = (alpha) => new Models.Scatter({
      x: { field: "x" }, y: { field: "y" }, marker: { field: "marker" }, size: 6, line_color: null,
      fill_color: { field: "colour" }, fill_alpha: alpha,
    });
    this.faint = 0.65;
    this.dots = [glyph(this.faint), glyph(BRUSHED_SEEN), glyph(0.9)];
    this.glyph = plot.add_glyph(this.dots[0], this.source, { nonselection_glyph: this.dots[1], selection_glyph: this.dots[2] });
    this.names = new Models.HoverTool({ tooltips: [["", "@name"]], renderers: [this.glyph], point_policy: "snap_to_data", attachment: "above", limit: 3 });
    plot.add_tools(this.names);
    return plot;
  }

  columns() {
    const { recordings } = this.figures;
    return [recordings.values[this.x.value], recordings.values[this.y.value]];
  }

  axes() {
    if (!this.plot) return;
    this.label(this.below, this.x.value);
    this.label(this.left, this.y.value);
  }

  dress(ink) {
    super.dress(ink);
    this.axes();
  }

  refresh() {
    const { recordings, visible, brushed, severe } = this.figures;
    const [x, y] = this.columns();
    spread(this.plot.x_range, x);
    spread(this.plot.y_range, y);
    const severity = recordings.values.severity;
    const shown = visible.filter((row) => Number.isFinite(x[row]) && Number.isFinite(y[row]));
    this.sized(shown.length, 6);
    shown.sort((a, b) => severity[a] - severity[b]); // what is worse is drawn on top
    const data = new Map([
      ["x", Float64Array.from(shown, (row) => x[row])],
      ["y", Float64Array.from(shown, (row) => y[row])],
      ["colour", Array.from(shown, (row) => severe[severity[row]])],
      ["marker", Array.from(shown, (row) => MARKERS[severity[row]])],
      ["name", Array.from(shown, (row) => recordings.names[row])],
    ]);
    // Places in the old data mean nothing in the new.
    this.source.selected.indices = [];
    this.source.data = data;
    if (brushed) {
      const chosen = new Set(brushed);
      this.source.selected.indices = [...shown.keys()].filter((place) => chosen.has(shown[place]));
    }
  }

  tell() {
    const { recordings, visible, brushed } = this.figures;
    const rows = brushed ?? visible;
    const middle = (column) => recordings.said(column, median(recordings.measured(rows, column)));
    const label = (column) => recordings.measure(column).label.toLowerCase();
    const [x, y] = [this.x.value, this.y.value];
    this.words.textContent = rows.length ? `Median ${label(y)} ${middle(y)}, median ${label(x)} ${middle(x)}. Circles need nothing; triangles, squares and diamonds are notices, warnings and errors.` : "None fits.";
  }

  holds(row, { left, right, low, high }) {
    const [x, y] = this.columns();
    return x[row] >= left && x[row] <= right && y[row] >= low && y[row] <= high;
  }
}

/** A measure over time, with its running median. */
class Trend extends Plot {
  constructor(figures) {
    super(figures, "Over time ", "large");
    this.height = 300;
    this.y = this.choice("", "mos");
    this.y.setAttribute("aria-label", "Over time: measure");
  }

  offer() {
    choices(this.y, this.figures.recordings.measures.map((each) => [each.name, each.label]), this.y.value || this.y.dataset.chosen);
  }

  made(Models) {
    const plot = this.frame(Models, { x: "time", dimensions: "both" });
    this.source = new Models.ColumnDataSource();
    this.medians = new Models.ColumnDataSource();
    const dot = (alpha) => new Models.Scatter({ x: { field: "x" }, y: { field: "y" }, size: 4, line_color: null, fill_alpha: alpha });
    this.faint = 0.3;
    this.dots = [dot(this.faint), dot(0.08), dot(0.7)];
    plot.add_glyph(this.dots[0], this.source, { nonselection_glyph: this.dots[1], selection_glyph: this.dots[2] });
    this.line = new Models.Line({ x: { field: "x" }, y: { field: "y" }, line_width: 2.5 });
    plot.add_glyph(this.line, this.medians);
    return plot;
  }

  dress(ink) {
    super.dress(ink);
    for (const dot of this.dots) dot.fill_color = { value: ink.accent };
    this.line.line_color = { value: ink.ink };
    this.axes();
  }

  axes() {
    if (this.plot) this.label(this.left, this.y.value);
  }

  refresh() {
    const { recordings, visible, brushed } = this.figures;
    const [at, y] = [recordings.values.made_at, recordings.values[this.y.value]];
    spread(this.plot.x_range, at, 1000);
    spread(this.plot.y_range, y);
    const shown = visible.filter((row) => Number.isFinite(y[row]));
    this.sized(shown.length, 4);
    this.source.selected.indices = [];
    this.source.data = new Map([["x", Float64Array.from(shown, (row) => 1000 * at[row])], ["y", Float64Array.from(shown, (row) => y[row])]]);
    if (brushed) {
      const chosen = new Set(brushed);
      this.source.selected.indices = [...shown.keys()].filter((place) => chosen.has(shown[place]));
    }
    this.medians.data = new Map(Object.entries(recordings.trend(brushed ?? visible, this.y.value)));
  }

  tell() {
    const { recordings, visible, brushed } = this.figures;
    const { x, y } = recordings.trend(brushed ?? visible, this.y.value);
    const said = (k) => `${recordings.said(this.y.value, y.at(k))} around ${dayOf(x.at(k) / 1000)}`;
    this.words.textContent = y.length > 1 ? `The median goes from ${said(0)} to ${said(-1)}.` : "Too few for a trend.";
  }

  holds(row, { left, right, low, high }) {
    const [at, y] = [1000 * this.figures.recordings.values.made_at[row], this.figures.recordings.values[this.y.value][row]];
    return at >= left && at <= right && y >= low && y <= high;
  }
}

/** All values of a column on an axis, with a little air. */
function spread(range, values, scale = 1) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = [0, 1];
  const air = (high - low) * 0.06 || 0.5;
  range.setv({ start: scale * (low - air), end: scale * (high + air) });
}
