// The rows of a flight by time: what was at an instant, between two rows that lie close together.

const TOGETHER_US = 3e6; // beside the time between two rows: what is farther apart has nothing between it
const TURNS = new Set(["yaw", "gimbal_yaw"]);
const STEPS = new Set(["mode", "time_us", "hfov", "vfov", "loss", "rssi", "battery"]);

export class Track {
  constructor({ columns, rows, modes, every_s: everyS = 1 }) {
    this.breakUs = TOGETHER_US + everyS * 2e6;
    this.columns = columns;
    this.rows = rows;
    this.modes = modes;
    this.at = Object.fromEntries(columns.map((name, place) => [name, place]));
  }

  get fromUs() { return this.rows[0]?.[0] ?? null; }

  get toUs() { return this.rows.at(-1)?.[0] ?? null; }

  // The place of the last row at or before `us`; -1 when there is none.
  before(us) {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle][0] <= us) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  column(name) {
    const place = this.at[name];
    return this.rows.map((row) => [row[0], place === undefined ? null : row[place]]);
  }

  mode(index) { return this.modes[index] ?? ""; }

  // {name: value} at `us`, and `known`: false in a gap, where the last values from before it stand.
  values(us) {
    const place = this.before(us);
    const row = this.rows[Math.max(0, place)];
    if (!row) return { known: false };
    const next = this.rows[place + 1];
    const near = place >= 0 && us - row[0] <= this.breakUs;
    const between = near && next && next[0] - row[0] <= this.breakUs;
    const part = between ? (us - row[0]) / (next[0] - row[0]) : 0;
    const found = { known: near };
    this.columns.forEach((name, at) => { found[name] = between && !STEPS.has(name) ? mixed(name, row[at], next[at], part) : row[at]; });
    return found;
  }
}

function mixed(name, from, to, part) {
  if (!Number.isFinite(from) || !Number.isFinite(to)) return from;
  if (!TURNS.has(name)) return from + (to - from) * part;
  const turn = ((to - from + 540) % 360) - 180;
  return (from + turn * part + 360) % 360;
}
