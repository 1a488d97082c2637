// The duty wall: asks who is logged in, follows the centre's news, and redraws what changed.

import "./trusted.js";
import { Alarms } from "./alarms/alarms.js";
import { get, post } from "./api.js";
import { drawClock } from "./clock.js";
import { byId, el, mark, setText } from "./dom.js";
import { FlightsView } from "./flights/flights.js";
import { IncidentPanel } from "./incidents.js";
import { keyOf as deviceKey } from "./map/fleet.js";
import { MapView } from "./map/map.js";
import { drawEvents, drawGaps, drawKits } from "./panels.js";
import { Player } from "./player.js";
import { learnNow, nowUs, timeOfDay } from "./time.js";
import { loadText, onLanguage, t, toggleLanguage } from "./text.js";
import { follow } from "./updates.js";
import { hasPictures, keyOf, stateOf, Wall } from "./wall.js";
import { drawVerdict, WindowPanel } from "./window.js";

const EVERY_MS = 1000;
const HEALTH_MS = 8000;
const SLOW_MS = 30000;
// How often the window is read anew at most: while it is looked at, and for its verdict alone.
const WINDOW_MS = 5000;
const VERDICT_MS = 15000;
// What devices measure, while the map is looked at; else to know where an alarm is. Positions come
// with the news, so that of many devices the rest may be a few seconds older.
const DEVICES_MS = { few: 1000, many: 5000, unseen: 10000 };
const MANY_DEVICES = 200;
const VIEWS = ["wall", "map", "flights", "window"];
const KEPT_INCIDENT = "fieldlink.incident";

const state = {
  incidents: [], incident: null, chosen: sessionStorage.getItem(KEPT_INCIDENT),
  streams: [], coverage: new Map(), gaps: [], events: [], kits: [], window: null, heardUs: 0,
};
const dirty = new Set();
let wall;
let player;
let panel;
let windowPanel;
let alarms;
let map;
let flights;
let windowReadMs = 0;
let devicesReadMs = 0;
let updates = null;
let busy = false;

const query = () => (state.incident ? `?incident=${state.incident.id}` : "");
const shownIncident = () => state.incident ?? { id: "", state: "standing", start_us: nowUs(), due_us: null, closed_us: null };

const READERS = {
  async incidents() {
    const page = await get("/api/incidents");
    learnNow(page.now_us);
    state.incidents = page.incidents;
    const open = page.incidents.filter((each) => each.state === "open");
    state.incident = page.incidents.find((each) => each.id === state.chosen) ?? open[0] ?? page.incidents[0] ?? null;
    panel.draw(state.incidents, state.incident);
    drawClock(state.incident);
  },
  async streams() {
    const page = await get(`/api/streams${query()}`);
    learnNow(page.now_us);
    state.streams = page.streams.filter(hasPictures);
    drawWall();
    player.refresh(state.streams);
  },
  async coverage() {
    const page = await get(`/api/coverage${query()}`);
    state.coverage = new Map(page.streams.map((each) => [keyOf(each), each]));
    drawWall();
    player.cover(state.coverage);
  },
  async alarms() {
    await alarms.read();
  },
  async devices() {
    devicesReadMs = Date.now();
    const since = map.fleet.revision;
    const page = await get(`/api/telemetry/latest${since ? `?since=${since}` : ""}`);
    learnNow(page.now_us);
    // A centre that begins to count anew has another past: then everything is asked for.
    if (since && page.revision < since) { map.fleet.revision = 0; dirty.add("devices"); } else map.take(page, !since);
    map.alarmed(alarms.book.byDevice());
    if (map.tracksDue()) await map.readTracks();
  },
  async flights() {
    if (flights.due()) await flights.read(); // between two readings the news tells of each
  },
  async gaps() {
    state.gaps = (await get(`/api/gaps${query()}`)).gaps;
    drawGaps(state.gaps);
  },
  async events() {
    state.events = (await get("/api/events")).events;
    drawEvents(state.events);
  },
  async kits() {
    state.kits = (await get("/api/kits")).kits;
    map.fleet.carry(state.kits);
    drawKits(state.kits);
  },
  async window() {
    windowReadMs = Date.now();
    state.window = state.incident ? await get(`/api/incidents/${state.incident.id}/window`) : null;
    drawWindow();
  },
  async wants() {
    const kit = player.kit; // only the player shows them, of the kit that it looks at
    if (kit) player.ask((await get(`/api/wants?kit=${kit}`)).wants);
  },
};
const NEWS = {
  bundle: ["streams", "coverage", "window", "wants"], still: ["streams", "coverage", "window"], gap: ["streams", "coverage", "gaps", "window"],
  kit: ["streams", "kits", "window"], event: ["events"], incident: ["incidents", "streams", "coverage", "gaps", "window"],
  want: ["wants"], samples: ["devices"],
};
// News that says all of it itself: drawn at once.
const LIVE = {
  positions: (news) => map.move(news.devices, news.revision),
  alarm: (news) => alarms.hear(news),
  flight: (news) => flights.hear(news),
};
const ALL = Object.keys(READERS);

const lookingAtWindow = () => document.body.dataset.view === "window";

function drawWindow() {
  drawVerdict(state.window);
  if (lookingAtWindow()) windowPanel.draw(state.window);
}

const due = (name) => (name === "window" ? Date.now() - windowReadMs >= (lookingAtWindow() ? WINDOW_MS : VERDICT_MS)
  : name !== "devices" || Date.now() - devicesReadMs >= devicesEveryMs());

const devicesEveryMs = () => (document.body.dataset.view !== "map" ? DEVICES_MS.unseen
  : map.fleet.devices.size > MANY_DEVICES ? DEVICES_MS.many : DEVICES_MS.few);

function toldOf(kind, data) {
  if (LIVE[kind]) { LIVE[kind](data); return; }
  if (kind === "missed") { map.fleet.revision = 0; flights.readMs = -1e9; }
  (NEWS[kind] ?? ALL).forEach((name) => dirty.add(name));
}

// Where an alarm is: where it says, or where its device was last.
function placeOf(alarm) {
  if (Number.isFinite(alarm.lat) && Number.isFinite(alarm.lon)) return { lat: alarm.lat, lon: alarm.lon, old: 0 };
  const position = map.fleet.devices.get(deviceKey(alarm.kit, alarm.device))?.position;
  return position ? { lat: position.lat, lon: position.lon, old: Math.max(1, nowUs() - position.time_us) } : null;
}

function locate(alarm) {
  player.close();
  showTab("map");
  map.locate(deviceKey(alarm.kit, alarm.device), placeOf(alarm));
}

function drawWall() {
  wall.draw(state.streams, state.coverage, shownIncident());
  drawCounts();
}

function drawCounts() {
  const closed = state.incident?.state === "closed";
  const counts = { live: 0, late: 0, down: 0 };
  if (!closed) for (const stream of state.streams) counts[stateOf(stream, false)] += 1;
  const node = byId("counts");
  const text = Object.entries(counts).join();
  if (node.dataset.text === text + t("count.live")) return;
  node.dataset.text = text + t("count.live");
  node.replaceChildren(...Object.entries(counts).map(([name, count]) => el("span", {
    data: { state: name, count: count ? "some" : "none" } },
  mark(name), el("b", { text: count }), el("span", { text: t(`count.${name}`) }))));
}

// One reading at a time, in a fixed order: what is shown never goes back in time.
async function read() {
  if (busy || !dirty.size) return;
  busy = true;
  const names = ALL.filter((name) => dirty.has(name) && due(name));
  names.forEach((name) => dirty.delete(name));
  try {
    for (const name of names) await READERS[name]();
    heard();
  } catch (fault) {
    names.forEach((name) => dirty.add(name));
    failed(fault);
  } finally {
    busy = false;
  }
}

function heard() {
  state.heardUs = nowUs();
  byId("lost").hidden = true;
}

function failed(fault) {
  if (fault.status === 401) { showLogin(); return; }
  if (fault.status !== undefined && fault.status !== 0 && fault.status < 500) throw fault;
  lost();
}

function lost() {
  setText(byId("lost"), t("lost", { time: state.heardUs ? timeOfDay(state.heardUs) : "–" }));
  byId("lost").hidden = false;
}

async function checkLink() {
  if (byId("duty").hidden) return;
  const limit = AbortSignal.timeout ? AbortSignal.timeout(HEALTH_MS - 1000) : undefined;
  try {
    const answer = await fetch("/api/session", { signal: limit });
    const session = await answer.json();
    if (session.user === null) showLogin();
    else heard();
  } catch {
    lost();
  }
}

function choose(id) {
  state.chosen = id;
  sessionStorage.setItem(KEPT_INCIDENT, id);
  windowReadMs = 0;
  ALL.forEach((name) => dirty.add(name));
  read();
}

// The pictures, the map and the window take turns in the middle.
function showView(name) {
  document.body.dataset.view = name;
  for (const each of VIEWS) {
    byId(`view-${each}`).setAttribute("aria-pressed", String(each === name));
    byId(each).hidden = each !== name;
  }
  if (name === "map") { if (!byId("duty").hidden) map.show(); } else map.hide();
  if (name === "map") { devicesReadMs = 0; dirty.add("devices"); read(); }
  if (name === "flights") { flights.show(); flights.readMs = -1e9; dirty.add("flights"); read(); } else flights.hide();
  if (name !== "window") return;
  windowReadMs = 0;
  dirty.add("window");
  drawWindow();
  read();
}

function showTab(name) {
  if (VIEWS.includes(name)) showView(name);
  document.body.dataset.tab = name;
  for (const tab of document.querySelectorAll("[data-tab]")) {
    if (tab !== document.body) tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
  }
  for (const each of document.querySelectorAll("[data-panel]")) each.dataset.shown = String(each.dataset.panel === name);
}

function showLogin() {
  updates?.close();
  updates = null;
  dirty.clear();
  player.close();
  flights.hide();
  alarms.silence();
  byId("duty").hidden = true;
  byId("lost").hidden = true;
  byId("login").hidden = false;
  byId("login-password").value = "";
  byId("login-password").focus();
}

function showDuty() {
  byId("login").hidden = true;
  byId("duty").hidden = false;
  updates ??= follow(toldOf, lost);
  ALL.forEach((name) => dirty.add(name));
  read();
  if (document.body.dataset.view === "map") map.show();
  if (document.body.dataset.view === "flights") flights.show();
}

async function login(event) {
  event.preventDefault();
  const fault = byId("login-fault");
  setText(fault, "");
  try {
    await post("/api/login", { name: byId("login-name").value.trim(), password: byId("login-password").value });
    showDuty();
  } catch (error) {
    setText(fault, error.status === 429 ? t("login.throttled", { seconds: error.retryAfterS })
      : error.status === 401 ? t("login.wrong") : error.message);
  }
}

function redraw() {
  if (byId("duty").hidden) return;
  panel.draw(state.incidents, state.incident);
  drawClock(state.incident);
  drawWall();
  drawGaps(state.gaps);
  drawEvents(state.events);
  drawKits(state.kits);
  windowPanel.forget();
  drawWindow();
  player.redraw();
  alarms.redraw();
  map.redraw();
  flights.redraw();
}

const openPlayer = (stream) => player.open(stream, state.coverage.get(keyOf(stream)));

async function start() {
  await loadText();
  player = new Player(() => state, () => { dirty.add("wants"); read(); });
  map = new MapView({ streams: () => state.streams, openStream: openPlayer, alarmsOf: (key) => alarms.book.of(key) });
  flights = new FlightsView({ aircraft: () => map.fleet.list().filter((device) => device.kind === "drone"),
    asked: () => { dirty.add("flights"); read(); } });
  alarms = new Alarms({ locate, placeOf });
  alarms.book.changed.add(() => map.alarmed(alarms.book.byDevice()));
  alarms.draw();
  map.redraw();
  wall = new Wall(openPlayer);
  panel = new IncidentPanel(choose);
  windowPanel = new WindowPanel((stream) => {
    const found = state.streams.find((each) => keyOf(each) === keyOf(stream));
    if (found) openPlayer(found);
  });
  for (const name of VIEWS) byId(`view-${name}`).addEventListener("click", () => showTab(name));
  onLanguage(redraw);
  for (const button of document.querySelectorAll(".language")) button.addEventListener("click", toggleLanguage);
  for (const tab of document.querySelectorAll("nav [data-tab]")) tab.addEventListener("click", () => showTab(tab.dataset.tab));
  byId("login-form").addEventListener("submit", login);
  byId("logout").addEventListener("click", async () => { await post("/api/logout"); showLogin(); });
  showTab("wall");
  setInterval(read, EVERY_MS);
  setInterval(() => { drawClock(state.incident); wall.tick(); drawCounts(); alarms.tick(); }, 250);
  setInterval(() => { if (!byId("duty").hidden) map.tick(); }, EVERY_MS);
  setInterval(checkLink, HEALTH_MS);
  setInterval(() => { if (!byId("duty").hidden) ALL.forEach((name) => dirty.add(name)); }, SLOW_MS);
  const session = await get("/api/session");
  learnNow(session.now_us);
  if (session.user) showDuty();
  else showLogin();
}

start();
