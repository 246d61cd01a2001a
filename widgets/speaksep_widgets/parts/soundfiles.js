/**
 * Sound out of WAV files that the page's server serves: exactly the bytes of a stretch, by HTTP range. The kernel is
 * not asked, so it plays while the kernel works. A lane whose file cannot be had is left to the kernel.
 *
 * @typedef {{url: string, offset: number, frames: number, coding: "s16" | "s24" | "f32"}} SoundFile see soundfiles.py
 */
class SoundFiles {
  static BYTES = { s16: 2, s24: 3, f32: 4 };

  /** @param {() => Record<string, SoundFile>} list by lane @param {number} rateHz @param {AbortSignal} signal */
  constructor(list, rateHz, signal) {
    this.list = list;
    this.rateHz = rateHz;
    this.signal = signal;
    /** Addresses that did not answer as they should. */
    this.refused = new Set();
  }

  /** Put the samples of those lanes into `sounds` that can be had. */
  async fetch(lanes, start, stop, sounds) {
    const files = this.list() ?? {};
    await Promise.all(
      lanes.map(async (lane) => {
        const file = files[lane];
        if (!file || this.refused.has(file.url)) return;
        try {
          sounds.set(lane, await this.read(file, Math.round(start * this.rateHz), Math.round(stop * this.rateHz)));
        } catch {
          this.refused.add(file.url);
        }
      }),
    );
  }

  /** @param {SoundFile} file @returns {Promise<Float32Array>} samples `start` to `stop` */
  async read(file, start, stop) {
    const size = SoundFiles.BYTES[file.coding];
    const last = Math.min(stop, file.frames);
    const sound = new Float32Array(stop - start);
    if (start >= last) return sound;
    const range = `bytes=${file.offset + start * size}-${file.offset + last * size - 1}`;
    // The file may have been rendered anew under the same name: a stored answer would be the old sound.
    const answer = await fetch(file.url, { headers: { Range: range }, cache: "no-store", signal: this.signal });
    if (answer.status !== 206) throw new Error(`${file.url}: ${answer.status} for a range`);
    const bytes = new DataView(await answer.arrayBuffer());
    if (bytes.byteLength !== (last - start) * size) throw new Error(`${file.url}: another length`);
    for (let k = 0; k < last - start; k++) {
      if (file.coding === "s16") sound[k] = bytes.getInt16(2 * k, true) / 32768;
      else if (file.coding === "f32") sound[k] = bytes.getFloat32(4 * k, true);
      else sound[k] = (bytes.getUint8(3 * k) | (bytes.getInt16(3 * k + 1, true) << 8)) / 8388608;
    }
    return sound;
  }
}
