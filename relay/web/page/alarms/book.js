// The alarms that the centre knows of: which are new, which somebody has seen, which are over.

// What may kill comes first, then what is newest.
const GRAVE = ["sos", "man-down", "gas", "low-air", "threshold", "rate"];
const MOST = 500;

export const idOf = (alarm) => `${alarm.kit}/${alarm.id}`;
export const isGrave = (alarm) => GRAVE.includes(alarm.kind);

function graver(a, b) {
  const rank = (alarm) => { const at = GRAVE.indexOf(alarm.kind); return at < 0 ? GRAVE.length : at; };
  return rank(a) - rank(b) || b.raised_us - a.raised_us;
}

// Over on site before anybody here had seen it: somebody may have called for help all the same.
export const isUnseen = (alarm) => alarm.state === "cleared" && alarm.cleared_on_site && !alarm.acknowledged_us && isGrave(alarm);
export const toSee = (alarm) => alarm.state === "active" || isUnseen(alarm);

// How far an alarm has come; news and answers may cross, and none goes back.
const STEPS = { active: 0, acknowledged: 1, cleared: 3 };
const stepOf = (alarm) => (isUnseen(alarm) ? 2 : STEPS[alarm.state]);

export class AlarmBook {
  constructor() {
    this.alarms = new Map();
    this.heard = new Map(); // which news was the last of each
    this.mark = 0; // the number of the last news
    this.changed = new Set(); // called after every change, with the alarms that are new and open
  }

  // All that are open, as the centre said when news number `mark` had come; those it does not name are
  // over, unless there was news of them since.
  take(page, mark = this.mark) {
    const named = new Set(page.alarms.map(idOf));
    for (const [id, alarm] of this.alarms) {
      const open = alarm.state !== "cleared" || isUnseen(alarm);
      if (open && !named.has(id) && (this.heard.get(id) ?? 0) <= mark) { this.alarms.delete(id); this.heard.delete(id); }
    }
    this.#learn(page.alarms);
  }

  hear(alarm) {
    if (!alarm || typeof alarm.id !== "string") return;
    this.mark += 1;
    this.heard.set(idOf(alarm), this.mark);
    this.#learn([alarm]);
  }

  #learn(told) {
    const fresh = [];
    for (const alarm of told) {
      const id = idOf(alarm);
      const known = this.alarms.get(id);
      if (known && stepOf(known) > stepOf(alarm)) continue;
      if (toSee(alarm) && !known) fresh.push(alarm);
      this.alarms.set(id, alarm);
    }
    this.#bound();
    for (const tell of this.changed) tell(fresh);
  }

  #bound() {
    if (this.alarms.size <= MOST) return;
    const over = [...this.alarms].filter(([, alarm]) => alarm.state === "cleared" && !isUnseen(alarm)).sort(([, a], [, b]) => a.raised_us - b.raised_us);
    for (const [id] of over.slice(0, this.alarms.size - MOST)) { this.alarms.delete(id); this.heard.delete(id); }
  }

  ringing() {
    return [...this.alarms.values()].filter(toSee).sort((a, b) => stepOf(a) - stepOf(b) || graver(a, b));
  }

  calm() {
    return [...this.alarms.values()].filter((alarm) => alarm.state === "acknowledged").sort(graver);
  }

  open() {
    return [...this.ringing(), ...this.calm()];
  }

  of(key) {
    return this.open().filter((alarm) => `${alarm.kit}/${alarm.device}` === key);
  }

  // The worst open alarm of each device.
  byDevice() {
    const worst = new Map();
    for (const alarm of this.open()) {
      const key = `${alarm.kit}/${alarm.device}`;
      if (!worst.has(key)) worst.set(key, { kind: alarm.kind, calm: alarm.state !== "active", lat: alarm.lat, lon: alarm.lon });
    }
    return worst;
  }
}
