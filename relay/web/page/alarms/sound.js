// The tone of an alarm that nobody has acknowledged. Browsers give no sound before somebody has
// touched the page: until then the button says so. Made of oscillators: nothing is loaded.

const GRAVE_MS = 2000;
const OTHER_MS = 6000;
const KEY = "fieldlink.muted";
// [start s, length s, Hz]: two rising pairs for what is grave, one soft note for the rest.
const GRAVE = [[0, 0.16, 880], [0.2, 0.16, 1175], [0.48, 0.16, 880], [0.68, 0.16, 1175]];
const OTHER = [[0, 0.22, 587]];

export class AlarmSound {
  constructor(changed) {
    this.changed = changed; // changed(): its state is another
    this.muted = sessionStorage.getItem(KEY) === "yes";
    this.wanted = null; // "grave", "other" or null
    this.timer = 0;
    for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, () => this.unlock(), { capture: true, passive: true });
  }

  get state() {
    if (this.muted) return "muted";
    return this.context?.state === "running" ? "on" : "locked";
  }

  // Needs a gesture; costs nothing afterwards.
  unlock() {
    if (this.context?.state === "running") return;
    this.context ??= globalThis.AudioContext ? new AudioContext() : null;
    this.context?.resume().then(() => this.changed(), () => this.changed());
  }

  toggle() {
    this.muted = !this.muted;
    if (this.muted) sessionStorage.setItem(KEY, "yes");
    else sessionStorage.removeItem(KEY);
    this.#follow();
    this.changed();
  }

  ring(wanted) {
    if (this.wanted === wanted) return;
    this.wanted = wanted;
    this.#follow();
  }

  #follow() {
    clearInterval(this.timer);
    this.timer = 0;
    if (!this.wanted || this.muted) return;
    this.#play();
    this.timer = setInterval(() => this.#play(), this.wanted === "grave" ? GRAVE_MS : OTHER_MS);
  }

  #play() {
    const { context } = this;
    if (context?.state !== "running") return;
    for (const [start, length, hertz] of this.wanted === "grave" ? GRAVE : OTHER) {
      const tone = context.createOscillator();
      const volume = context.createGain();
      const from = context.currentTime + start;
      tone.type = "triangle";
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0, from);
      volume.gain.linearRampToValueAtTime(this.wanted === "grave" ? 0.5 : 0.25, from + 0.02);
      volume.gain.setValueAtTime(this.wanted === "grave" ? 0.5 : 0.25, from + length - 0.04);
      volume.gain.linearRampToValueAtTime(0, from + length);
      tone.connect(volume).connect(context.destination);
      tone.start(from);
      tone.stop(from + length);
    }
  }
}
