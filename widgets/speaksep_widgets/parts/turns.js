/** Turns in the table for those who do not see the lanes. */
const MOST_ROWS = 100;

/**
 * The turns on the screen as rows of a table.
 *
 * @param {HTMLTableElement} table @param {View} view
 * @param {[number, number, number, number][]} turns start, end, speaker, certainty
 * @param {(number: number) => string} nameOf
 */
function fillTurnsTable(table, view, turns, nameOf) {
  const caption = document.createElement("caption");
  caption.textContent = "Turns on the screen";
  const titles = document.createElement("thead").insertRow();
  for (const text of ["Speaker", "From", "To", "Certainty"]) {
    const title = document.createElement("th");
    title.scope = "col";
    title.textContent = text;
    titles.append(title);
  }
  const body = document.createElement("tbody");
  const seen = turns.filter(([start, end]) => end > view.start && start < view.stop);
  for (const [start, end, number, sure] of seen.slice(0, MOST_ROWS)) {
    const row = body.insertRow();
    for (const text of [nameOf(number), clock(start, 2), clock(end, 2), `${Math.round(100 * sure)} %`]) {
      row.insertCell().textContent = text;
    }
  }
  if (seen.length > MOST_ROWS) body.insertRow().insertCell().textContent = `and ${seen.length - MOST_ROWS} more: zoom in`;
  table.replaceChildren(caption, titles.parentElement, body);
}

/** The edge of a turn that is nearest to a time, within reach; `null` if none is. */
function nearestEdge(turns, time, reach) {
  let best = null;
  for (const [start, end] of turns) {
    for (const [edge, at] of [["start", start], ["end", end]]) {
      const far = Math.abs(at - time);
      if (far <= reach && (!best || far < best.far)) best = { edge, at, far, start, end };
    }
  }
  return best;
}

/** Turns behind a waveform, with a bar below; doubt is seen without colour too. */
function drawTurns(context, view, turns, { width, height, colour, ink, shade }) {
  for (const [start, end, , sure] of turns) {
    if (end < view.start || start > view.stop) continue;
    const [a, b] = [view.x(start, width), view.x(end, width)];
    context.fillStyle = colour;
    context.globalAlpha = shade;
    context.fillRect(a, 0, Math.max(b - a, 1), height);
    context.globalAlpha = 1;
    context.fillRect(a, height - 3, Math.max(b - a, 1), 3);
    if (sure < 0.6 && b - a > 8) {
      context.fillStyle = ink;
      context.fillText("?", a + 2, 2);
    }
  }
}
