// What I share: with whom, until when; links to it; changing and ending it.

import { address, call } from "./api.js";
import { element } from "./element.js";
import { askToShare, linkParts, shown, untilOf } from "./share.js";

const SURE_MS = 5000;

/** The list, and the way into it for what is shared anew. */
export class Shares {
  /** @param {(error: Error) => void} failed @param {AbortSignal} signal */
  constructor(failed, signal) {
    this.failed = failed;
    this.table = document.getElementById("shares");
    this.none = document.getElementById("unshared");
    this.more = document.getElementById("shares-more");
    this.next = null;
    /** @type {Map<string, HTMLElement[]>} lines of a share: itself, and its links where they are shown */
    this.lines = new Map();
    document.getElementById("sharing").hidden = false;
    const all = [{ kind: "collection", what: { all: true }, word: "all" }];
    document.getElementById("share-all").addEventListener(
      "click", () => this.ask({ title: "all my recordings", choices: all }), { signal });
    this.more.addEventListener("click", () => this.page().catch(failed), { signal });
  }

  /** @param {Parameters<typeof askToShare>[0]} asked */
  ask(asked) {
    askToShare(asked, (share) => this.show(share, true));
  }

  async page() {
    const found = await call("GET", `shares?limit=25${this.next ? `&cursor=${encodeURIComponent(this.next)}` : ""}`);
    found.items.filter((share) => share.state !== "revoked").forEach((share) => this.show(share, false));
    this.next = found.next;
    this.more.hidden = !this.next;
    this.none.hidden = this.lines.size > 0;
    if (this.next && !this.lines.size) await this.page(); // all of these are over
  }

  /** @param {any} share @param {boolean} newest */
  show(share, newest) {
    const line = this.line(share);
    const known = this.lines.get(share.id);
    if (known) known[0].replaceWith(line);
    else if (newest) this.table.tBodies[0].prepend(line);
    else this.table.tBodies[0].append(line);
    this.lines.set(share.id, [line, ...(known ?? []).slice(1)]);
    this.table.hidden = false;
    this.none.hidden = true;
  }

  line(share) {
    const title = share.title || share.kind;
    const people = [...share.users, ...share.groups.map((name) => `all ${name}`), ...(share.link ? ["by link"] : [])];
    const button = (word, act) =>
      element("button", { type: "button", "aria-label": `${word}: ${title}`, onclick: (event) => act(event.currentTarget) }, word);
    const links = button("Links", () => this.toggle(share, links));
    links.setAttribute("aria-expanded", String((this.lines.get(share.id) ?? []).length > 1));
    const votes = element("a", { href: address(`shares/${share.id}/votes.csv`), download: "" }, "Votes");
    return element(
      "tr", { dataset: { share: share.id, state: share.state } },
      element("td", { className: "name" }, share.url ? element("a", { href: share.url }, title) : title),
      element("td", {}, share.kind),
      element("td", {}, people.join(", ") || "nobody yet"),
      element("td", {}, untilOf(share), share.download ? element("div", { className: "quiet" }, "with files") : ""),
      element("td", { className: "actions" }, ...(share.kind === "compare" ? [votes] : []), links,
        button("Change", () => this.ask({ title, share })), button("End", (at) => this.end(share, at))),
    );
  }

  /** Ends a share; it takes a second click, since there is no way back. */
  async end(share, button) {
    if (!sure(button, "End it?")) return;
    try {
      await call("DELETE", `shares/${share.id}`);
      this.lines.get(share.id).forEach((line) => line.remove());
      this.lines.delete(share.id);
      this.none.hidden = this.lines.size > 0;
      this.table.hidden = this.lines.size === 0;
      document.getElementById("share-all").focus(); // what had it is gone
    } catch (error) {
      this.failed(error);
    }
  }

  async toggle(share, button) {
    const [line, links] = this.lines.get(share.id);
    if (links) {
      links.remove();
      this.lines.set(share.id, [line]);
      button.setAttribute("aria-expanded", "false");
      return;
    }
    const cell = element("td", { colSpan: 5 }, "…");
    const below = element("tr", { className: "result" }, cell);
    line.after(below);
    this.lines.set(share.id, [line, below]);
    button.setAttribute("aria-expanded", "true");
    await this.fill(share, cell);
  }

  async fill(share, cell) {
    try {
      const { items } = await call("GET", `shares/${share.id}/links`);
      const lines = items.filter((link) => link.state !== "revoked").map((link) => {
        const end = element("button", { type: "button", "aria-label": `End link ${link.note || link.id}` }, "End");
        end.onclick = async () => {
          await call("DELETE", `shares/${share.id}/links/${link.id}`).catch(this.failed);
          await this.again(share, cell);
          cell.querySelector("button")?.focus();
        };
        const made = new Date(link.created_at).toLocaleDateString();
        return element("li", {}, `${link.note || "link"}, made ${made}, ${untilOf(link)}`, end);
      });
      const add = element("button", { type: "button" }, "New link");
      add.onclick = () => this.link(share, cell);
      cell.replaceChildren(element("ul", { className: "plain" }, ...lines), element("p", {}, lines.length ? "" : "No link leads here. ", add));
    } catch (error) {
      cell.replaceChildren(element("span", { className: "bad" }, error.message));
    }
  }

  async link(share, cell) {
    try {
      const linked = await call("POST", `shares/${share.id}/links`, {});
      const inside = element("form", { method: "dialog" }, element("h2", { id: "dialog-title" }, "A new link"));
      const dialog = shown(inside);
      inside.append(...linkParts(linked, () => dialog.close()));
      await this.again(share, cell);
    } catch (error) {
      this.failed(error);
    }
  }

  async again(share, cell) {
    this.show(await call("GET", `shares/${share.id}`), true);
    await this.fill(share, cell);
  }
}

/** Whether a button is pressed for the second time, soon after the first. */
function sure(button, word) {
  if (button.dataset.sure) return true;
  const before = [button.textContent, button.getAttribute("aria-label")];
  const say = ([text, label]) => {
    button.textContent = text;
    button.setAttribute("aria-label", label);
  };
  button.dataset.sure = "asked";
  say([word, `${word} ${before[1]}`]);
  setTimeout(() => {
    delete button.dataset.sure;
    say(before);
  }, SURE_MS);
  return false;
}
