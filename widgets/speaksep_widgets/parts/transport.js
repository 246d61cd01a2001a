/**
 * Plays lanes together. Every lane's piece of sound starts at the same time of the same audio clock, so lanes cannot
 * drift apart; solo, mute and A/B are gains and act at once.
 *
 * Events: "state" (playing or not), "gains", "error" (detail: AskError), "position" (after a seek).
 */
class Transport extends EventTarget {
  static PIECE_S = 2;
  /** Fetched first where nothing is there yet: little comes soon. */
  static HEAD_S = 0.5;
  static AHEAD = 3;
  /** Of one answer of the kernel; see base.py. */
  static MOST_BYTES = 1.9e6;

  /**
   * @param {Asker} asker
   * @param {{seconds: number, rateHz: number, lanes: string[], files?: SoundFiles}} what
   * @param {AbortSignal} signal
   */
  constructor(asker, { seconds, rateHz, lanes, files }, signal) {
    super();
    this.asker = asker;
    this.files = files;
    this.seconds = seconds;
    this.rateHz = rateHz;
    this.lanes = lanes;
    this.position = 0;
    this.playing = false;
    this.speed = 1;
    /** @type {[number, number] | null} */
    this.loop = null;
    /** @type {Map<string, AudioBuffer[]>} pieces that have come, by number and lanes */
    this.kept = new Map();
    /** @type {Map<string, Promise<AudioBuffer[]>>} */
    this.coming = new Map();
    this.gains = new Map();
    this.volumes = new Map(lanes.map((lane) => [lane, 1]));
    this.generation = 0;
    this.nodes = new Set();
    signal.addEventListener("abort", () => {
      this.pause();
      this.context?.close();
    });
  }

  /** The browser wants a gesture first, so this is made by the first play. */
  open() {
    if (this.context) return;
    this.context = new AudioContext({ latencyHint: "interactive", sampleRate: this.rateHz }); // no resampling between pieces
    for (const lane of this.lanes) {
      const node = this.context.createGain();
      node.gain.value = this.volumes.get(lane) ?? 0;
      node.connect(this.context.destination);
      this.gains.set(lane, node);
    }
  }

  /** Lanes and loudness: `{lane: gain}`; a lane that is not named is silent and not fetched. */
  setVolumes(volumes) {
    const before = this.heard().join();
    this.volumes = new Map(this.lanes.map((lane) => [lane, volumes[lane] ?? 0]));
    for (const [lane, node] of this.gains) {
      node.gain.setTargetAtTime(this.volumes.get(lane), this.context.currentTime, 0.008);
    }
    if (this.playing && this.heard().join() !== before) this.restart();
    this.dispatchEvent(new Event("gains"));
  }

  heard() {
    const lanes = this.lanes.filter((lane) => (this.volumes.get(lane) ?? 0) > 0);
    return lanes.length ? lanes : this.lanes.slice(0, 1);
  }

  /** Where the sound is now, in seconds of the recording. */
  now() {
    if (!this.playing || this.startedAt === undefined) return this.position;
    const passed = Math.max(0, this.context.currentTime - this.startedAt) * this.speed;
    let at = this.position + passed;
    if (this.loop && this.position < this.loop[1] && at >= this.loop[1]) {
      const [from, to] = this.loop;
      at = from + ((at - to) % (to - from));
    }
    return Math.min(at, this.seconds);
  }

  async play(from = this.now()) {
    this.open();
    await this.context.resume();
    if (this.loop && (from < this.loop[0] || from >= this.loop[1])) from = this.loop[0];
    if (from >= this.seconds - 0.01) from = 0;
    this.halt();
    this.position = Math.round(from * this.rateHz) / this.rateHz; // between samples there would be a step
    this.playing = true;
    this.startedAt = undefined;
    this.dispatchEvent(new Event("state"));
    await this.run(++this.generation);
  }

  pause() {
    this.position = this.now();
    this.halt();
    this.playing = false;
    this.dispatchEvent(new Event("state"));
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  seek(time) {
    time = Math.min(Math.max(time, 0), this.seconds);
    if (this.playing) return this.play(time);
    this.position = time;
    this.dispatchEvent(new Event("position"));
    return undefined;
  }

  setSpeed(speed) {
    const at = this.now();
    this.speed = speed;
    if (this.playing) this.play(at);
  }

  setLoop(loop) {
    const at = this.now();
    this.loop = loop;
    if (this.playing) this.play(at);
  }

  /** The sound has changed: nothing that was fetched holds any more. */
  clear() {
    this.kept.clear();
    this.coming.clear();
    if (this.playing) this.restart();
  }

  restart() {
    this.play(this.now());
  }

  halt() {
    this.generation++;
    for (const node of this.nodes) {
      node.onended = null;
      node.stop();
      node.disconnect();
    }
    this.nodes.clear();
  }

  /** Schedules piece after piece while this is the latest playing. */
  async run(generation) {
    let at = this.position;
    let when;
    try {
      while (generation === this.generation) {
        const end = this.loop && at < this.loop[1] ? this.loop[1] : this.seconds;
        if (at >= end - 1e-6) {
          if (!this.loop || end !== this.loop[1]) break;
          at = this.loop[0];
          continue;
        }
        const number = Math.floor(at / Transport.PIECE_S + 1e-9);
        const lanes = this.heard();
        const head = when === undefined && !this.kept.has(this.key(number, lanes));
        const begin = head ? at : number * Transport.PIECE_S;
        const stop = Math.min(head ? at + Transport.HEAD_S : begin + Transport.PIECE_S, end);
        const coming = head ? this.fetch(lanes, at, stop, this.speed) : this.piece(number, lanes);
        if (head) this.piece(number, lanes).catch(() => {});
        const buffers = await coming;
        if (generation !== this.generation) return;
        for (let k = 1; k <= Transport.AHEAD; k++) {
          if ((number + k) * Transport.PIECE_S < this.seconds) this.piece(number + k, lanes).catch(() => {});
        }
        if (when === undefined) {
          when = this.context.currentTime + 0.03;
          this.startedAt = when;
          this.dispatchEvent(new Event("started"));
        }
        if (when < this.context.currentTime) {
          // The next piece came late: go on from here, with the clock put right.
          this.startedAt += this.context.currentTime + 0.03 - when;
          when = this.context.currentTime + 0.03;
        }
        const offset = Math.max(0, at - begin); // sums of many lengths miss by 1e-13
        const length = stop - at;
        lanes.forEach((lane, row) => this.schedule(lane, buffers[row], when, offset / this.speed, length / this.speed));
        when += length / this.speed;
        at += length;
        while (generation === this.generation && when - this.context.currentTime > 1.5) {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
      while (generation === this.generation && when !== undefined && this.context.currentTime < when) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (generation === this.generation) {
        this.halt();
        this.position = 0;
        this.playing = false;
        this.dispatchEvent(new Event("state"));
      }
    } catch (error) {
      if (generation !== this.generation) return;
      this.pause();
      this.dispatchEvent(new CustomEvent("error", { detail: error }));
    }
  }

  schedule(lane, buffer, when, offset, length) {
    const node = this.context.createBufferSource();
    node.buffer = buffer;
    node.connect(this.gains.get(lane));
    node.onended = () => this.nodes.delete(node);
    node.start(when, offset, length);
    this.nodes.add(node);
  }

  key(number, lanes) {
    return `${number}:${this.speed}:${lanes.join()}`;
  }

  /** One piece of the lanes as audio buffers, fetched once. */
  piece(number, lanes) {
    const key = this.key(number, lanes);
    const have = this.kept.get(key);
    if (have) return Promise.resolve(have);
    let coming = this.coming.get(key);
    if (!coming) {
      const start = number * Transport.PIECE_S;
      coming = this.fetch(lanes, start, Math.min(start + Transport.PIECE_S, this.seconds), this.speed).then((buffers) => {
        if (this.coming.get(key) === coming) this.kept.set(key, buffers);
        if (this.kept.size > 24) this.kept.delete(this.kept.keys().next().value);
        return buffers;
      });
      coming.finally(() => this.coming.delete(key)).catch(() => {});
      this.coming.set(key, coming);
    }
    return coming;
  }

  /** Lanes that are files come from the server, the others (and all of them at another speed) from the kernel. */
  async fetch(lanes, start, stop, speed) {
    const sounds = new Map();
    if (speed === 1 && this.files) await this.files.fetch(lanes, start, stop, sounds);
    const rest = lanes.filter((lane) => !sounds.has(lane));
    const bytesEach = (2 * this.rateHz * (stop - start)) / speed;
    const together = Math.max(1, Math.floor(Transport.MOST_BYTES / bytesEach));
    for (let k = 0; k < rest.length; k += together) {
      const some = rest.slice(k, k + together);
      const { buffers } = await this.asker.ask("sound", { lanes: some, start_s: start, stop_s: stop, speed });
      const samples = typed(buffers[0], Int16Array);
      const length = samples.length / some.length;
      some.forEach((lane, row) => {
        const sound = new Float32Array(length);
        for (let k = 0; k < length; k++) sound[k] = samples[row * length + k] / 32768;
        sounds.set(lane, sound);
      });
    }
    return lanes.map((lane) => {
      const sound = sounds.get(lane);
      const buffer = this.context.createBuffer(1, Math.max(sound.length, 1), this.rateHz);
      buffer.copyToChannel(sound, 0);
      return buffer;
    });
  }
}
