/**
 * What a reader has written and Python has not confirmed. It stays in the browser's storage and is sent again, with the
 * same key, until it is answered: a page, a kernel or a service that dies in between loses nothing, and nothing is
 * counted twice.
 *
 * Events: "change" (what waits is another), "sent" (detail: {item, data}), "refused" (detail: {item, error}).
 *
 * @typedef {{key: string, what: string, fields: Record<string, any>}} Written
 */
class Outbox extends EventTarget {
  static PREFIX = "speaksep-outbox:";
  static PAUSE_MS = 1000;
  static LONGEST_PAUSE_MS = 15000;
  /** These say nothing about what was written: it is sent again. */
  static PASSING = new Set([
    "no-answer", "no-kernel", "closed", "internal", "hub-unreachable", "disk-full", "too-slow", "too-many-requests",
    "no-token", "bad-token", "xsrf",
  ]);

  /**
   * @param {any} model its `data` says what is read (`kind`, `id`) and by whom (`reader`)
   * @param {Asker} asker
   * @param {AbortSignal} signal
   */
  constructor(model, asker, signal) {
    super();
    const { kind, id, reader } = model.get("data");
    this.place = `${Outbox.PREFIX}${[kind, id, reader].map((part) => encodeURIComponent(part ?? "")).join("/")}/`;
    this.asker = asker;
    this.signal = signal;
    this.pause = Outbox.PAUSE_MS;
    this.sending = false;
    /** Where a page may store nothing, what is written lasts as long as the page. @type {Map<string, string>} */
    this.memory = new Map();
    const again = () => this.drain();
    addEventListener("online", again, { signal });
    const back = () => model.get("live") && this.drain();
    model.on("change:live", back);
    signal.addEventListener("abort", () => model.off("change:live", back));
    addEventListener("storage", ({ key }) => key?.startsWith(this.place) && this.changed(), { signal }); // another tab
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    queueMicrotask(again); // whoever listens has begun to by then
  }

  /** What waits, oldest first. @returns {Written[]} */
  waiting() {
    const texts = new Map(this.memory);
    try {
      for (const name of Object.keys(localStorage)) {
        if (name.startsWith(this.place)) texts.set(name, localStorage.getItem(name) ?? "");
      }
    } catch {
      // closed to this page
    }
    const items = [];
    for (const text of texts.values()) {
      try {
        items.push(JSON.parse(text));
      } catch {
        // nothing of ours
      }
    }
    return items.sort((a, b) => a.at - b.at);
  }

  /**
   * Write something down and send it.
   * @param {string} what a kind of question that changes something: "vote", "comment"
   * @param {Record<string, any>} fields
   */
  send(what, fields) {
    const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is for https only
    const key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const text = JSON.stringify({ key, what, fields, at: Date.now() });
    try {
      localStorage.setItem(this.place + key, text);
    } catch {
      this.memory.set(this.place + key, text);
    }
    this.changed();
    this.drain();
  }

  /** Send what waits, one after the other; once more later if nobody answers. */
  async drain() {
    if (this.sending || this.signal.aborted) return;
    clearTimeout(this.timer);
    this.sending = true;
    try {
      for (let item = this.waiting()[0]; item; item = this.waiting()[0]) {
        await this.sendOne(item);
        this.pause = Outbox.PAUSE_MS;
        this.changed();
      }
    } catch {
      if (this.signal.aborted) return;
      this.timer = setTimeout(() => this.drain(), this.pause);
      this.pause = Math.min(2 * this.pause, Outbox.LONGEST_PAUSE_MS);
    } finally {
      this.sending = false;
    }
  }

  /** Throws only what passes. */
  async sendOne(item) {
    try {
      const { data } = await this.asker.ask(item.what, { ...item.fields, key: item.key });
      this.forget(item);
      this.dispatchEvent(new CustomEvent("sent", { detail: { item, data } }));
    } catch (error) {
      if (Outbox.PASSING.has(error.reason) || error.reason?.startsWith("store-")) throw error;
      this.forget(item);
      this.dispatchEvent(new CustomEvent("refused", { detail: { item, error } }));
    }
  }

  forget({ key }) {
    this.memory.delete(this.place + key);
    try {
      localStorage.removeItem(this.place + key);
    } catch {
      // closed to this page
    }
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** A line that says what waits; empty while nothing does. */
function outboxLine(outbox, signal) {
  const line = box("outbox quiet");
  line.setAttribute("role", "status");
  const show = () => {
    const count = outbox.waiting().length;
    const words = count
      ? `${count} not confirmed yet: kept in this browser and sent again until ${count > 1 ? "they are" : "it is"}.`
      : "";
    if (line.textContent !== words) line.textContent = words;
  };
  // What is confirmed at once need not be spoken of.
  const later = () => setTimeout(() => signal.aborted || show(), outbox.waiting().length ? 700 : 0);
  outbox.addEventListener("change", later, { signal });
  later();
  return line;
}
