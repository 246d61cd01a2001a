/** The Jupyter server that the page came from, and how a request to it is signed; null where there is none to write to. */
function jupyterServer() {
  let config = {};
  try {
    config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
  } catch {
    return null;
  }
  if (!config.baseUrl) return null;
  const headers = { "Content-Type": "application/json" };
  const cookie = document.cookie.split("; ").find((each) => each.startsWith("_xsrf="));
  if (cookie) headers["X-XSRFToken"] = decodeURIComponent(cookie.slice("_xsrf=".length));
  if (config.token) headers.Authorization = `token ${config.token}`;
  if (!cookie && !config.token) return null; // pages for viewers cannot sign anything
  return { base: new URL(config.baseUrl, location.href).href, headers };
}

/**
 * A file of the kernel's through the server's contents API, if the server sees the same disk.
 *
 * Python made the file, so whoever finds one of that name and size has found it: the server's root may be any of the
 * folders above.
 */
class ServerFile {
  /**
   * @param {{folder: string, name: string, size: number}} file folder: absolute, as the kernel knows it
   * @param {AbortSignal} signal
   * @returns {Promise<ServerFile | null>}
   */
  static async find({ folder, name, size }, signal) {
    const server = jupyterServer();
    if (!server) return null;
    const steps = folder.split("/").filter(Boolean);
    for (let depth = 0; depth <= steps.length; depth++) {
      const path = [...steps.slice(steps.length - depth), name].map(encodeURIComponent).join("/");
      const file = new ServerFile(server, `${server.base}api/contents/${path}`, signal);
      try {
        if ((await file.size()) === size) return file;
      } catch (error) {
        if (error.reason === "no-route" || error.reason === "refused") return null;
        if (error.reason !== "not-there") throw error;
      }
    }
    return null;
  }

  constructor({ headers }, url, signal) {
    this.headers = headers;
    this.url = url;
    this.signal = signal;
  }

  /** Bytes the server has. */
  async size() {
    return (await this.call("GET", "?content=0")).size;
  }

  /** Append a piece; how many bytes there are then. @param {Blob} piece @param {boolean} last */
  async append(piece, last) {
    const content = await new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result).split(",", 2)[1] ?? "");
      reader.onerror = () => reject(new AskError({ error: "the file cannot be read any more", reason: "unreadable", hint: "was it changed or moved?" }));
      reader.readAsDataURL(piece);
    });
    // Whatever is neither 1 nor -1 is appended.
    return (await this.call("PUT", "", { type: "file", format: "base64", content, chunk: last ? -1 : 2 })).size;
  }

  async call(method, query, body) {
    let answer;
    try {
      answer = await fetch(this.url + query, {
        method,
        headers: this.headers,
        credentials: "same-origin",
        signal: this.signal,
        body: body && JSON.stringify(body),
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new AskError({ error: "the server does not answer", reason: "no-answer", hint: "is the network up?" });
    }
    if (answer.ok) {
      // Voila alone answers everything with a page of its own.
      return answer.json().catch(() => {
        throw new AskError({ error: "the server has no contents API", reason: "no-route" });
      });
    }
    if (answer.status === 404) throw new AskError({ error: "not there", reason: "not-there" });
    const refused = [401, 403, 405].includes(answer.status);
    throw new AskError({
      error: answer.status === 413 ? "the server takes no pieces of this size" : `the server says ${answer.status} ${answer.statusText}`,
      reason: refused ? "refused" : "server-error",
      hint: refused ? "log in again, or ask who runs it whether files may be written" : "try again",
    });
  }
}
