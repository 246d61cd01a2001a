// The model of a widget without a kernel: what it shows came with the page, what it asks goes to the server by HTTP.

const SOON_MS = 500;
const LATE_MS = 8000;
/** How long a question waits for a server that is away; whoever asked gives up after fifteen seconds. */
const PATIENCE_MS = 14_000;
const AWAY = new Set([0, 408, 425, 502, 503, 504]);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a page of ours can read and another cannot: proof that a request is ours. */
function proof() {
  const found = document.cookie.split("; ").find((each) => each.startsWith("speaksep-xsrf="));
  return found ? decodeURIComponent(found.slice("speaksep-xsrf=".length)) : "";
}

/**
 * As anywidget's: `get`, `set`, `save_changes`, `on`, `off`, `send`.
 *
 * `data` is what the page shows; it changes by itself. `live` is false while the server is away. `assets` has addresses of
 * scripts that a view may load, by name. `connection` says more: `{standing, why}`, where standing is "open", "away",
 * "signed-out" or "gone".
 */
export class KernellessModel {
  /**
   * @param {Record<string, any>} data
   * @param {{stamp: string, writes: string[], assets?: Record<string, string>, base?: string}} config
   */
  constructor(data, { stamp, writes, assets = {}, base = document.baseURI }) {
    this.base = base;
    this.stamp = stamp;
    this.writes = new Set(writes);
    this.state = { data, assets, live: true, connection: { standing: "open", why: "" } };
    /** @type {Map<string, Set<Function>>} */
    this.listeners = new Map();
    this.source = null;
    this.looking = false;
    this.stopped = false;
  }

  get(name) {
    return this.state[name];
  }

  /** What is set here stays here. */
  set(name, value) {
    if (this.state[name] === value) return;
    this.state[name] = value;
    this.tell(`change:${name}`, this, value);
    this.tell("change", this);
  }

  save_changes() {}

  on(event, act) {
    for (const name of event.split(" ")) {
      if (!this.listeners.has(name)) this.listeners.set(name, new Set());
      this.listeners.get(name).add(act);
    }
  }

  off(event, act) {
    for (const name of event ? event.split(" ") : [...this.listeners.keys()]) {
      if (act) this.listeners.get(name)?.delete(act);
      else this.listeners.delete(name);
    }
  }

  tell(event, ...values) {
    for (const act of [...(this.listeners.get(event) ?? [])]) act(...values);
  }

  /** Ask; the answer comes as the message `msg:custom`, as a kernel's would. */
  send(question) {
    const { id, ...rest } = question;
    const asked = this.writes.has(rest.ask) ? this.write(rest) : this.read(rest);
    asked.then(
      ({ content, buffers }) => this.tell("msg:custom", { id, ok: true, ...content }, buffers),
      (refusal) => this.tell("msg:custom", { id, ...refusal }, []),
    );
  }

  async read(question) {
    const until = Date.now() + PATIENCE_MS;
    const url = () => {
      const made = new URL("ask", this.base);
      made.searchParams.set("v", this.stamp);
      made.searchParams.set("q", JSON.stringify(question));
      return made;
    };
    for (;;) {
      const { status, answer, refusal } = await this.fetch(url());
      if (answer) return answer;
      if (!AWAY.has(status) || Date.now() > until) throw refusal;
      await pause(SOON_MS);
    }
  }

  async write(question) {
    const { answer, refusal } = await this.fetch(new URL("ask", this.base), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-XSRFToken": proof() },
      body: JSON.stringify(question),
    });
    if (!answer) throw refusal;
    return answer;
  }

  /** One request; what came, or why nothing did, in the words of every surface. */
  async fetch(url, options = {}) {
    const headers = { Accept: "application/octet-stream, application/json", ...options.headers };
    let response = null;
    try {
      response = await answered(url, { ...options, headers });
      if (response?.ok) {
        const answer = unpacked(await response.arrayBuffer());
        return { status: response.status, answer };
      }
    } catch {
      response = null; // nobody answered, or only half of it came
    }
    const status = response?.status ?? 0;
    const told = await words(response);
    if (AWAY.has(status)) {
      this.away();
      return { status, refusal: { ok: false, error: "the service does not answer", reason: "no-answer", hint: "" } };
    }
    if (status === 401) this.stand("signed-out");
    return { status, refusal: { ok: false, error: `the service answered ${status}`, reason: "refused", hint: "", ...told } };
  }

  /** Hear of changes from now on. */
  follow() {
    this.stopped = false;
    if (this.source && this.source.readyState !== EventSource.CLOSED) return;
    this.source = new EventSource(new URL("live", this.base));
    this.source.addEventListener("version", ({ data }) => {
      if (data !== this.stamp) this.look();
      else this.stand("open");
    });
    this.source.addEventListener("gone", () => this.look());
    this.source.onerror = () => this.away();
  }

  stop() {
    this.stopped = true;
    this.source?.close();
    this.source = null;
  }

  away() {
    this.stand("away");
    this.look();
  }

  /** Get the data as it is now, however often that must be tried; one at a time. */
  async look() {
    if (this.looking || this.stopped) return;
    this.looking = true;
    try {
      for (let wait = SOON_MS; !this.stopped; wait = Math.min(LATE_MS, 1.5 * wait)) {
        const headers = { Accept: "application/json" };
        const response = await answered(new URL("data", this.base), { headers }).catch(() => null);
        if (response && !AWAY.has(response.status) && response.status !== 429) {
          await this.take(response);
          return;
        }
        this.stand("away");
        await pause(wait);
      }
    } finally {
      this.looking = false;
    }
  }

  /** @param {Response} response */
  async take(response) {
    if (!response.ok) {
      this.stop();
      const told = await words(response);
      this.stand(response.status === 401 ? "signed-out" : "gone", [told.error, told.hint].filter(Boolean).join(" — "));
      return;
    }
    const stamp = (response.headers.get("ETag") ?? "").replaceAll('"', "").replace(/^W\//, "");
    const data = await response.json();
    if (stamp !== this.stamp) {
      this.stamp = stamp;
      this.set("data", data);
    }
    this.stand("open");
    if (this.source?.readyState === EventSource.CLOSED) this.follow();
  }

  /** @param {"open" | "away" | "signed-out" | "gone"} standing */
  stand(standing, why = "") {
    if (standing === this.state.connection.standing) return;
    if (standing === "away" && this.state.connection.standing !== "open") return; // that says more
    this.state.connection = { standing, why };
    this.tell("change:standing", this, standing);
    this.set("live", standing === "open");
  }
}

/**
 * What the service answered; null where it was somebody else: a proxy that begins anew knows no way to the service yet,
 * and says that nothing is there or leads to another page.
 *
 * @param {URL} url @param {RequestInit} options
 * @returns {Promise<Response | null>}
 */
async function answered(url, options) {
  const response = await fetch(url, options);
  const kind = response.headers.get("content-type") ?? "";
  return kind.startsWith("application/json") || kind.startsWith("application/octet-stream") ? response : null;
}

/** @param {Response | null} response @returns {Promise<{error?: string, reason?: string, hint?: string}>} */
async function words(response) {
  if (!response?.headers.get("content-type")?.includes("json")) return {};
  return response.json().catch(() => ({}));
}

/** Four bytes that say how long the JSON is, the JSON with the lengths of the buffers, the buffers. */
function unpacked(bytes) {
  const length = new DataView(bytes).getUint32(0);
  const { lengths, ...content } = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  let at = 4 + length;
  const buffers = lengths.map((size) => new DataView(bytes, (at += size) - size, size));
  return { content, buffers };
}
