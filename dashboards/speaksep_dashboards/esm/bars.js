/** A length of time, or a dash: 600 → "10 min". */
const lasts = (seconds) => (seconds === null || seconds === undefined ? "–" : lasting(seconds).replace(/ 0 (s|min)$/, ""));

/** What is to be said of something: `[[of what, value], …]`. */
function factsOf(pairs) {
  const list = make("dl", { className: "facts" });
  for (const [what, value] of pairs) list.append(make("dt", { textContent: what }), make("dd", {}, value));
  return list;
}

/**
 * Parts of a whole as one bar. What it says is read from the label, and from the words below it.
 *
 * @param {string} label what it is about
 * @param {{words: string, count: number, kind: string}[]} parts kind: a class for its colour
 */
function partsBar(label, parts) {
  const there = parts.filter(({ count }) => count > 0);
  const bar = box("parts");
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", `${label}: ${there.map(({ words, count }) => `${count} ${words}`).join(", ") || "none"}`);
  const legend = make("ul", { className: "legend" });
  for (const { words, count, kind } of there) {
    const part = box(`part ${kind}`);
    part.style.flexGrow = String(count);
    bar.append(part);
    legend.append(make("li", {}, box(`patch ${kind}`), `${count} ${words}`));
  }
  return box("parts-bar", bar, legend);
}

/**
 * Values as columns, with their words for those who do not see them.
 *
 * @param {string} label
 * @param {{words: string, value: number | null, bad?: number}[]} columns bad: the part of the value that failed
 * @param {string[]} axis words below, from the first column to the last
 */
function columnsChart(label, columns, axis = []) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const most = Math.max(1e-9, ...columns.map(({ value }) => value ?? 0));
  const width = 100 / Math.max(columns.length, 1);
  svg.setAttribute("viewBox", "0 0 100 40");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "columns");
  svg.setAttribute("role", "img");
  const told = columns.filter(({ value }) => value).map(({ words }) => words);
  svg.setAttribute("aria-label", `${label}: ${told.join("; ") || "nothing yet"}`);
  const rect = (x, value, bottom, kind) => {
    const element = document.createElementNS(space, "rect");
    const height = (38 * value) / most;
    const values = { x: x + 0.1 * width, y: 40 - bottom - height, width: 0.8 * width, height, class: kind };
    for (const [name, each] of Object.entries(values)) element.setAttribute(name, String(each));
    return element;
  };
  columns.forEach(({ words, value, bad = 0 }, index) => {
    if (!value) return;
    const group = document.createElementNS(space, "g");
    const title = document.createElementNS(space, "title");
    title.textContent = words;
    group.append(title, rect(index * width, value - bad, 0, "good"));
    if (bad) group.append(rect(index * width, bad, (38 * (value - bad)) / most, "bad"));
    svg.append(group);
  });
  const below = box("axis", ...axis.map((text) => make("span", { textContent: text })));
  below.setAttribute("aria-hidden", "true"); // the label has them
  return box("chart", make("span", { className: "most", textContent: most >= 1 ? String(most) : "" }), svg, below);
}
