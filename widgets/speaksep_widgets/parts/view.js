/** Which stretch of the recording is on the screen, and what is selected; told to all who draw it. */
class View extends EventTarget {
  /** @param {number} seconds length of the recording */
  constructor(seconds) {
    super();
    this.seconds = Math.max(seconds, 1e-3);
    this.start = 0;
    this.stop = this.seconds;
    /** @type {[number, number] | null} */
    this.selection = null;
  }

  get span() {
    return this.stop - this.start;
  }

  /** Show a stretch; it is moved and limited to lie inside the recording. */
  show(start, stop) {
    const span = Math.min(Math.max(stop - start, 0.01), this.seconds);
    const begin = Math.min(Math.max(start, 0), this.seconds - span);
    if (begin === this.start && begin + span === this.stop) return;
    this.start = begin;
    this.stop = begin + span;
    this.dispatchEvent(new Event("change"));
  }

  /** Zoom by a factor around a time, which stays where it is. */
  zoom(factor, around = (this.start + this.stop) / 2) {
    const span = Math.min(Math.max(this.span * factor, 0.01), this.seconds);
    const part = (around - this.start) / this.span;
    this.show(around - part * span, around + (1 - part) * span);
  }

  /** Move by a part of what is seen: 0.5 is half a screen later. */
  pan(part) {
    this.show(this.start + part * this.span, this.stop + part * this.span);
  }

  /** Bring a time into view, by a whole screen as pages turn, if it is outside. */
  follow(time) {
    if (time >= this.start && time < this.stop) return;
    this.show(time, time + this.span);
  }

  /** @param {[number, number] | null} selection */
  select(selection) {
    if (selection) {
      const [a, b] = selection.map((time) => Math.min(Math.max(time, 0), this.seconds)).sort((x, y) => x - y);
      selection = b - a < 0.005 ? null : [a, b];
    }
    if (String(selection) === String(this.selection)) return;
    this.selection = selection;
    this.dispatchEvent(new Event("select"));
  }

  /** @param {number} time @param {number} width pixels */
  x(time, width) {
    return ((time - this.start) / this.span) * width;
  }

  /** @param {number} x @param {number} width pixels */
  time(x, width) {
    return this.start + (x / width) * this.span;
  }
}

/** Seconds as people write them: 7.25 → "0:07.3", 3725 → "1:02:05.0". */
function clock(seconds, digits = 1) {
  const sign = seconds < 0 ? "-" : "";
  const unit = 10 ** digits;
  const ticks = Math.round(Math.abs(seconds) * unit);
  const whole = Math.floor(ticks / unit);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const fraction = digits ? `.${String(ticks % unit).padStart(digits, "0")}` : "";
  const tail = `${String(rest).padStart(2, "0")}${fraction}`;
  return hours ? `${sign}${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${sign}${minutes}:${tail}`;
}
