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

  /** What proves that a request is this page's: behind a hub, even reading needs it. */
  signed() {
    const found = document.cookie.split("; ").find((each) => each.startsWith("_xsrf="));
    const { token } = this.settings;
    return {
      ...(found && { "X-XSRFToken": decodeURIComponent(found.slice("_xsrf=".length)) }),
      ...(token && { Authorization: `token ${token}` }),
    };
  }

  /** @param {string} path @returns {Promise<string>} */
  async text(path) {
    const response = await this.connection.makeRequest(this.base + path, {}, this.settings);
    if (!response.ok) throw new Refusal({ error: `the Jupyter server answered ${response.status} to ${path}` });
    return response.text();
  }

  /** A script of the widgets or the dashboards, as a module; the same for all who ask. */
  script(name) {
    if (!this.imported.has(name)) {
      const coming = this.module(name);
      coming.catch(() => this.imported.delete(name));
      this.imported.set(name, coming);
    }
    return this.imported.get(name);
  }

  /** From a blob, as widgets are loaded: a plain import could not be signed. */
  async module(name) {
    const address = URL.createObjectURL(new Blob([await this.text(`scripts/${name}.js`)], { type: "text/javascript" }));
    try {
      return await import(address);
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  /** Its style, once on the page, and there before this is over. */
  async style(name) {
    const id = `speaksep-style-${name}`;
    if (document.getElementById(id)) return;
    const text = await this.text(`scripts/${name}.css`);
    if (document.getElementById(id)) return;
    const style = document.createElement("style");
    style.id = id;
    style.textContent = text;
    document.head.append(style);
  }

  /** Where the questions of a thing go: the steps are quoted, the slashes between them stay. */
  place(kind, name) {
    return `${this.base}${kind}/${name.split("/").map(encodeURIComponent).join("/")}/`;
  }
}
