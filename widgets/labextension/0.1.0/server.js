/** A refusal in the words of every surface. */
export class Refusal extends Error {
  /** @param {{error?: string, hint?: string, reason?: string}} told */
  constructor({ error, hint, reason }) {
    super([error, hint].filter(Boolean).join(" — ") || "no answer");
    this.reason = reason ?? "no-answer";
  }
}

/** What the Jupyter server answers below `/speaksep/`. */
export class Server {
  constructor(connection, settings) {
    this.connection = connection;
    this.settings = settings;
    this.base = new URL("speaksep/", new URL(settings.baseUrl, location.href)).href;
    /** @type {Map<string, Promise<any>>} */
    this.imported = new Map();
  }

  /** @param {string} path @param {string} [method] @param {object} [body] @returns {Promise<any>} */
  async ask(path, method = "GET", body = undefined) {
    const init = { method, ...(body && { body: JSON.stringify(body) }) };
    let response;
    try {
      response = await this.connection.makeRequest(this.base + path, init, this.settings);
    } catch {
      throw new Refusal({ error: "the Jupyter server does not answer" });
    }
    const told = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refusal({ error: told.error ?? told.message ?? `status ${response.status}`, ...told });
    return told;
  }

  /** A script of the widgets or the dashboards, as a module; the same for all who ask. */
  script(name) {
    if (!this.imported.has(name)) {
      const coming = import(`${this.base}scripts/${name}.js`);
      coming.catch(() => this.imported.delete(name));
      this.imported.set(name, coming);
    }
    return this.imported.get(name);
  }

  /** Its style, once on the page, and there before this is over. */
  async style(name) {
    const href = `${this.base}scripts/${name}.css`;
    if ([...document.styleSheets].some((sheet) => sheet.href === href)) return;
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    const there = new Promise((resolve) => {
      link.onload = link.onerror = resolve;
    });
    document.head.append(link);
    await there;
  }

  /** Where the questions of a thing go: the steps are quoted, the slashes between them stay. */
  place(kind, name) {
    return `${this.base}${kind}/${name.split("/").map(encodeURIComponent).join("/")}/`;
  }
}
