// Brings Pilot 2 to the kit by its JSBridge, in the order it wants: license, thing, workspace,
// information, liveshare. Every call answers a JSON text {code, message, data}; 0 is good.
"use strict";

const steps = [
  ["license", "验证许可 License"],
  ["thing", "连接设备箱 Connect to the kit"],
  ["live", "开启直播 Allow live video"],
];
const byId = (id) => document.getElementById(id);
const bridge = () => window.djiBridge;

function say(text) {
  byId("said").textContent = text;
}

function mark(step, state) {
  byId(`step-${step}`).className = state;
}

function call(name, ...args) {
  const answer = bridge()[name](...args);
  const found = typeof answer === "string" && answer ? JSON.parse(answer) : { code: 0 };
  if (found.code !== 0) {
    throw new Error(`${name}: ${found.code} ${found.message || ""}`);
  }
  return found.data;
}

function remember(name, password) {
  try {
    localStorage.setItem("fieldlink", JSON.stringify({ name, password }));
  } catch {
    // Without storage it is typed again the next time.
  }
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem("fieldlink")) || {};
  } catch {
    return {};
  }
}

// Pilot 2 calls these by their names.
window.fieldlinkThing = (connected) => {
  const good = connected === true || connected === "true";
  mark("thing", good ? "good" : "bad");
  say(good ? "已连接，可以起飞 Connected; you can fly" : "与设备箱断开 Disconnected from the kit");
};
window.fieldlinkLive = () => mark("live", "good");

async function ask(name, password) {
  const answer = await fetch("open", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name, password }),
  });
  const found = await answer.json();
  if (!answer.ok) {
    throw new Error(found.said);
  }
  return found;
}

function connect(found, name, password) {
  mark("license", "waiting");
  call("platformVerifyLicense", found.app_id, found.app_key, found.app_license);
  mark("license", "good");
  mark("thing", "waiting");
  call("platformLoadComponent", "thing", JSON.stringify({
    host: found.broker,
    username: name,
    password,
    connectCallback: "fieldlinkThing",
  }));
  call("platformSetWorkspaceId", found.workspace);
  call("platformSetInformation", "Fieldlink", name, "现场设备箱 field kit");
  call("platformLoadComponent", "liveshare", JSON.stringify({
    videoPublishType: "video-on-demand",
    statusCallback: "fieldlinkLive",
  }));
  mark("live", "good");
  if (found.token) {
    bring(found);
  }
  setTimeout(() => settle(name, password), 3000);
}

// Photos, and videos if that is wanted, are brought to the kit. A version of Pilot 2 that cannot is
// still good for everything else.
function bring(found) {
  show("files", "照片回传 Bring photos");
  try {
    call("platformLoadComponent", "api", JSON.stringify({
      host: location.origin,
      token: found.token,
    }));
    call("platformLoadComponent", "media", JSON.stringify({
      autoUploadPhoto: found.auto !== "none",
      autoUploadPhotoType: 0,
      autoUploadVideo: found.auto === "all",
    }));
    mark("files", "good");
  } catch (error) {
    mark("files", "bad");
    say(String(error.message || error));
  }
}

function settle(name, password) {
  // Some versions connect by themselves when the component is loaded, some want to be told.
  if (call("thingGetConnectState") === true) {
    window.fieldlinkThing(true);
  } else {
    call("thingConnect", name, password, "fieldlinkThing");
  }
}

async function go(event) {
  event.preventDefault();
  const name = byId("name").value.trim();
  const password = byId("password").value.trim();
  byId("go").disabled = true;
  say("");
  try {
    if (!bridge()) {
      throw new Error("请在 DJI Pilot 2 中打开本页 Open this page in DJI Pilot 2");
    }
    connect(await ask(name, password), name, password);
    remember(name, password);
  } catch (error) {
    for (const waiting of document.querySelectorAll("li.waiting")) {
      waiting.className = "bad";
    }
    say(String(error.message || error));
  } finally {
    byId("go").disabled = false;
  }
}

function show(step, words) {
  const item = byId(`step-${step}`) || document.createElement("li");
  item.id = `step-${step}`;
  item.textContent = words;
  byId("steps").append(item);
}

for (const [step, words] of steps) {
  show(step, words);
}
const known = remembered();
byId("name").value = new URLSearchParams(location.search).get("name") || known.name || "";
byId("password").value = known.name === byId("name").value ? known.password : "";
byId("form").addEventListener("submit", go);
