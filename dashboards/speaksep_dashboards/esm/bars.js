/** Seconds as people say them: 7.4 → "7 s", 200 → "3 min 20 s", 5400 → "1 h 30 min". */
function lasts(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${Math.round(10 * seconds) / 10} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (!hours) return minutes < 10 && whole % 60 ? `${minutes} min ${whole % 60} s` : `${Math.round(whole / 60)} min`;
  return hours < 48 ? `${hours} h${minutes ? ` ${minutes} min` : ""}` : `${Math.round(hours / 24)} days`;
}

/** Bytes as people say them. */
function sized(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value < 10 && unit ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(100 * share)} %`);

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
  const legend = document.createElement("ul");
  legend.className = "legend";
  for (const { words, count, kind } of there) {
    const part = box(`part ${kind}`);
    part.style.flexGrow = String(count);
    bar.append(part);
    const line = document.createElement("li");
    line.append(box(`dot ${kind}`), `${count} ${words}`);
    legend.append(line);
  }
  return box("parts-bar", bar, legend);
}

/**
 * Values as columns, with their words for those who do not see them.
 *
 * @param {string} label
 * @param {{words: string, value: number | null, bad?: number}[]} columns bad: the part of the value that failed
 */
function columnsChart(label, columns) {
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
  return svg;
}
