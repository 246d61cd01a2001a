const SOON_MS = 1000;
const LATER_MS = 15_000;
const ENDED = new Set(["succeeded", "failed", "cancelled"]);

/** Whether nothing more happens to a job by itself. */
export const ended = (job) => ENDED.has(job.state);

/** All jobs of the person, asked for again and again while somebody looks or one of them runs. */
export class JobsStore {
  constructor({ server, settings, lab }) {
    this.server = server;
    this.settings = settings;
    /** @type {any[] | null} */
    this.jobs = null;
    this.word = "";
    /** @type {string[]} recordings that are to be done together */
    this.basket = [];
    this.changed = new lab.signaling.Signal(this);
    this.looked = false;
    this.timer = 0;
    this.asking = false;
    document.addEventListener("visibilitychange", () => this.plan());
  }

  /** Somebody looks, or does not any more. */
  look(looked) {
    this.looked = looked;
    if (looked) this.refresh();
  }

  get busy() {
    return (this.jobs ?? []).some((job) => !ended(job));
  }

  async refresh() {
    if (this.asking) return;
    this.asking = true;
    try {
      const { jobs, service } = await this.server.ask("jobs");
      this.jobs = jobs;
      this.word = service.word;
    } catch (error) {
      this.word = error.message;
    } finally {
      this.asking = false;
    }
    this.changed.emit();
    this.plan();
  }

  plan() {
    clearTimeout(this.timer);
    if (document.hidden || !(this.looked || this.busy)) return;
    this.timer = setTimeout(() => this.refresh(), this.busy ? SOON_MS : LATER_MS);
  }

  /** @param {"diagnose" | "separate"} verb @param {string[]} paths @param {object} options @param {boolean} batch */
  async submit(verb, paths, options = {}, batch = false) {
    const made = await this.server.ask("jobs", "POST", { verb, paths, options, batch, where: this.settings.where });
    await this.refresh();
    return made;
  }

  async act(job, what) {
    await this.server.ask(`jobs/${job.where}/${encodeURIComponent(job.id)}/${what}`, "POST", {});
    await this.refresh();
  }

  /** @param {string[]} paths */
  gather(paths) {
    this.basket = [...new Set([...this.basket, ...paths])];
    this.changed.emit();
  }

  /** @param {string} [path] all, if none is named */
  drop(path) {
    this.basket = path === undefined ? [] : this.basket.filter((each) => each !== path);
    this.changed.emit();
  }
}
