/** Columns of the table besides the name, as many as a screen of that width carries. */
const SHOWN = ["severity", "sound_s", "speakers", "overlap_ratio", "mos", "snr_db", "confidence", "made_at"];
const HEADS = { name: "Recording", severity: "Attention", made_at: "Separated" };

/** Recordings, a page at a time, in any order; a row tells on demand what is wrong with it. */
class PagedTable {
  /** @param {{address: string | null, asker: Asker, signal: AbortSignal}} options where recordings are, and who knows why */
  constructor({ address, asker, signal }) {
    Object.assign(this, { address, asker, signal });
    [this.column, this.descending, this.page] = ["severity", true, 0];
    this.table = document.createElement("table");
    this.head = this.table.createTHead().insertRow();
    this.body = this.table.createTBody();
    this.caption = this.table.createCaption();
    this.caption.className = "unseen";
    this.caption.textContent = "Recordings";
    const scroll = make("div", { className: "table-scroll", tabIndex: 0 }, this.table);
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Table of recordings");
    this.where = box("quiet where");
    this.back = button("‹", "Previous page", () => this.turn(-1), signal);
    this.forth = button("›", "Next page", () => this.turn(1), signal);
    this.perPage = document.createElement("select");
    choices(this.perPage, [10, 25, 50, 100].map((count) => [count, String(count)]), 25);
    this.perPage.addEventListener("input", () => this.turn(-Infinity), { signal });
    this.pager = document.createElement("nav");
    this.pager.className = "bar";
    this.pager.setAttribute("aria-label", "Pages of the table");
    this.pager.append(this.back, this.forth, this.where, labelled("rows", this.perPage));
    this.element = box("recordings", scroll, this.pager);
  }

  /** @param {Recordings} recordings @param {Uint32Array} rows those to show */
  show(recordings, rows) {
    const other = recordings !== this.recordings; // they came by themselves: whoever reads stays where they are
    if (other) this.heads(recordings);
    this.recordings = recordings;
    this.rows = recordings.sorted(rows, this.column, this.descending);
    this.turn(other ? 0 : -Infinity);
  }

  heads(recordings) {
    const columns = ["name", ...SHOWN];
    if (this.head.cells.length) return;
    this.head.replaceChildren(
      ...columns.map((column) => {
        const cell = document.createElement("th");
        cell.scope = "col";
        cell.dataset.column = column;
        const words = HEADS[column] ?? recordings.measure(column).label;
        const sort = button(words, `Sort by ${words.toLowerCase()}`, () => this.sort(column), this.signal);
        cell.append(sort);
        return cell;
      }),
    );
    this.marks();
  }

  marks() {
    for (const cell of this.head.cells) {
      const mine = cell.dataset.column === this.column;
      cell.setAttribute("aria-sort", mine ? (this.descending ? "descending" : "ascending") : "none");
    }
  }

  sort(column) {
    const first = column === "severity" || column === "made_at"; // what comes first is the worst, the newest
    this.descending = column === this.column ? !this.descending : first;
    this.column = column;
    this.marks();
    this.rows = this.recordings.sorted(this.rows, column, this.descending);
    this.turn(-Infinity);
  }

  turn(by) {
    const each = Number(this.perPage.value);
    const last = Math.max(Math.ceil(this.rows.length / each) - 1, 0);
    this.page = Math.min(Math.max(by === -Infinity ? 0 : this.page + by, 0), last);
    const first = this.page * each;
    const shown = this.rows.subarray(first, first + each);
    const held = this.body.contains(this.element.getRootNode().activeElement) && this.held();
    this.body.replaceChildren(...Array.from(shown, (row) => this.row(row)));
    if (held) this.body.querySelector(held)?.focus();
    this.back.disabled = this.page === 0;
    this.forth.disabled = this.page === last;
    const until = first + shown.length;
    this.where.textContent = shown.length ? `${count(first + 1)} to ${count(until)} of ${count(this.rows.length)}` : "None fits.";
  }

  /** Where the focus is, in words that find it again. */
  held() {
    const { activeElement } = this.element.getRootNode();
    const line = activeElement.closest("tr[data-id]");
    return line && `tr[data-id="${CSS.escape(line.dataset.id)}"] ${activeElement.localName}`;
  }

  row(row) {
    const { recordings } = this;
    const name = make("th", { scope: "row" }, linkTo(this.address, recordings, row));
    const line = make("tr", {}, name);
    line.dataset.id = recordings.ids[row];
    for (const column of SHOWN) {
      const cell = line.insertCell();
      cell.dataset.column = column;
      if (column === "severity") this.attention(cell, line, row);
      else cell.textContent = recordings.said(column, recordings.values[column][row]);
    }
    return line;
  }

  attention(cell, line, row) {
    const { recordings } = this;
    const severity = recordings.severities[recordings.values.severity[row]];
    const codes = recordings.findings[row];
    if (!codes.length) {
      cell.textContent = "–";
      return;
    }
    const words = `${severity}: ${recordings.codes[codes[0]]}${codes.length > 1 ? ` +${codes.length - 1}` : ""}`;
    const why = button(words, `${words}: why?`, () => this.explain(line, why, row), this.signal);
    why.className = `pill ${severity}`;
    why.setAttribute("aria-expanded", "false");
    cell.append(why);
  }

  /** Open or close what is wrong with a recording, below its row. */
  async explain(line, why, row) {
    const open = why.getAttribute("aria-expanded") === "true";
    why.setAttribute("aria-expanded", String(!open));
    if (open) return line.nextElementSibling?.remove();
    const below = document.createElement("tr");
    const cell = below.insertCell();
    cell.colSpan = this.head.cells.length;
    cell.className = "why";
    cell.textContent = "…";
    line.after(below);
    try {
      const { data } = await this.asker.ask("findings", { job: this.recordings.ids[row] });
      cell.replaceChildren(
        ...data.findings.map((each) => {
          const word = make("b", { textContent: [each.code, each.subject].filter(Boolean).join(", ") });
          return box(`finding ${each.severity}`, word, ` ${each.why} `, make("i", { textContent: each.advice }));
        }),
      );
    } catch (error) {
      cell.textContent = `${error.message}. ${error.hint}`;
    }
    return undefined;
  }
}

/** A link to a recording's own page; only its name where there is none. @param {string | null} address */
function linkTo(address, recordings, row) {
  const textContent = recordings.names[row];
  if (address === null) return make("span", { textContent });
  return make("a", { href: `${address}${encodeURIComponent(recordings.ids[row])}/`, textContent });
}

/** 5000 → "5 000", as the reader's language has it. */
function count(number) {
  return number.toLocaleString();
}
