/** Failure of an answer, with the fields of every SpeakSep error. */
class AskError extends Error {
  /** @param {{error?: string, reason?: string, hint?: string}} answer */
  constructor(answer) {
    super(answer.error ?? "no answer");
    this.reason = answer.reason ?? "unknown";
    this.hint = answer.hint ?? "";
  }
}

/**
 * Asks Python over the widget's channel; see base.py.
 *
 * `onLive(false)` is called when an answer stays out: the kernel is gone or busy; `onLive(true)` when one comes again.
 */
class Asker {
  /**
   * @param {any} model the widget's model
   * @param {{timeoutMs?: number, onLive?: (live: boolean) => void, signal?: AbortSignal}} [options]
   */
  constructor(model, { timeoutMs = 15000, onLive = () => {}, signal } = {}) {
    this.model = model;
    this.timeoutMs = timeoutMs;
    this.onLive = onLive;
    this.live = true;
    this.next = 1;
    /** Several views of one model share its channel: answers to others are not ours. */
    this.prefix = Math.random().toString(36).slice(2);
    /** @type {Map<string, {resolve: Function, reject: Function, timer: number}>} */
    this.waiting = new Map();
    const heard = (content, buffers) => this.heard(content, buffers);
    model.on("msg:custom", heard);
    const lost = () => this.tell(false); // ipywidgets tells so when a kernel is restarted or gone
    if (model.send) model.on("comm_live_update", lost); // Panel has no such thing, and complains
    signal?.addEventListener("abort", () => {
      model.off("msg:custom", heard);
      model.off("comm_live_update", lost);
      for (const { reject, timer } of this.waiting.values()) {
        clearTimeout(timer);
        reject(new AskError({ error: "the view was closed", reason: "closed" }));
      }
      this.waiting.clear();
    });
  }

  /**
   * @param {string} what
   * @param {Record<string, any>} [fields]
   * @param {ArrayBuffer[]} [sent] bytes that go with the question
   * @returns {Promise<{data: Record<string, any>, buffers: DataView[]}>}
   */
  ask(what, fields = {}, sent = []) {
    const id = `${this.prefix}-${this.next++}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        this.tell(false);
        reject(new AskError({ error: "the kernel does not answer", reason: "no-answer", hint: "is it running?" }));
      }, this.timeoutMs);
      this.waiting.set(id, { resolve, reject, timer });
      try {
        const question = { ...fields, id, ask: what };
        if (this.model.send) this.model.send(question, undefined, sent);
        else this.model.view.model_proxy.send_msg({ ...question, buffers: sent }); // Panel's name for it
      } catch (error) {
        clearTimeout(timer);
        this.waiting.delete(id);
        this.tell(false);
        reject(new AskError({ error: "the kernel is gone", reason: "no-kernel", hint: "Run the cell again." }));
      }
    });
  }

  tell(live) {
    if (live === this.live) return;
    this.live = live;
    this.onLive(live);
  }

  heard(content, buffers) {
    const entry = this.waiting.get(content?.id);
    if (!entry) return;
    this.waiting.delete(content.id);
    clearTimeout(entry.timer);
    this.tell(true);
    if (content.ok) entry.resolve({ data: content, buffers: buffers ?? content.buffers ?? [] });
    else entry.reject(new AskError(content));
  }
}

/** The bytes of an answer as a typed array, copied where they are not aligned. */
function typed(view, Type) {
  const { buffer, byteOffset, byteLength } = view instanceof ArrayBuffer ? new DataView(view) : view;
  const length = byteLength / Type.BYTES_PER_ELEMENT;
  if (byteOffset % Type.BYTES_PER_ELEMENT === 0) return new Type(buffer, byteOffset, length);
  return new Type(buffer.slice(byteOffset, byteOffset + byteLength));
}
