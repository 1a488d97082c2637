// What of the ground a camera sees: the same as the kit reckons (codecs/geo/pose.py), and a test
// compares them. A camera looks along x, its right is y, its down is z; it is turned by yaw, then
// pitch, then roll. Degrees, metres; flat ground `height` below.

import { destination } from "./geo.js";

const FARTHEST_DEG = 85; // from straight down: beyond, the place moves by kilometres
const WIDEST_DEG = 170;
const LEAST_HEIGHT_M = 1;
const TOGETHER_US = 15e6; // a camera's angles and its place that are farther apart are of two instants
const RAD = Math.PI / 180;

const known = (...values) => values.every(Number.isFinite);

function turned(right, down, roll, pitch, yaw) {
  const y = right * Math.cos(roll) - down * Math.sin(roll);
  const z = right * Math.sin(roll) + down * Math.cos(roll);
  const ahead = Math.cos(pitch) + z * Math.sin(pitch);
  const below = z * Math.cos(pitch) - Math.sin(pitch);
  return [ahead * Math.cos(yaw) - y * Math.sin(yaw), ahead * Math.sin(yaw) + y * Math.cos(yaw), below];
}

function onGround(pose, right, down) {
  const { lat, lon, height, gimbal_pitch: pitch, gimbal_yaw: yaw, gimbal_roll: roll = 0 } = pose;
  if (!known(lat, lon, height, pitch, yaw) || height < LEAST_HEIGHT_M) return null;
  const [north, east, below] = turned(right, down, (roll ?? 0) * RAD, pitch * RAD, yaw * RAD);
  const aside = Math.hypot(north, east);
  if (below <= 0 || Math.atan2(aside, below) / RAD > FARTHEST_DEG) return null;
  return destination(lat, lon, Math.atan2(east, north) / RAD, height * aside / below);
}

// [lat, lon] of the picture's corners: top left, top right, bottom right, bottom left as one sees it;
// null when something is unknown or the horizon is in the picture.
export function footprint(pose) {
  const { hfov, vfov } = pose;
  if (!known(hfov, vfov) || hfov <= 0 || vfov <= 0 || hfov > WIDEST_DEG || vfov > WIDEST_DEG) return null;
  const right = Math.tan(hfov * RAD / 2);
  const down = Math.tan(vfov * RAD / 2);
  const corners = [[-right, -down], [right, -down], [right, down], [-right, down]].map(([x, y]) => onGround(pose, x, y));
  return corners.some((corner) => corner === null) ? null : corners;
}

// [lat, lon] of what is in the middle of the picture; no field of view is needed.
export const frameCentre = (pose) => onGround(pose, 0, 0);

// The corners that a still's manifest names, four of [lat, lon]; null when it does not.
export function footprintOf(meta) {
  const corners = meta?.footprint;
  if (!Array.isArray(corners) || corners.length !== 4) return null;
  const good = corners.every((corner) => Array.isArray(corner) && corner.length === 2 && known(...corner) && Math.abs(corner[0]) <= 85 && Math.abs(corner[1]) <= 180);
  return good ? corners : null;
}

const fresh = (device, name) => {
  const stream = device.streams[name];
  return stream && Math.abs(stream.time_us - device.position.time_us) <= TOGETHER_US ? stream.values : {};
};

// Where the nose points: by its attitude, else null; where it goes is not the same.
export const noseOf = (device) => (known(fresh(device, "attitude").yaw) ? fresh(device, "attitude").yaw : null);

// A device's camera of now, from its latest samples; null where nothing of its direction is known.
export function poseOf(device) {
  if (!device.position) return null;
  const gimbal = fresh(device, "gimbal");
  const nose = noseOf(device) ?? device.position.heading;
  const yaw = known(gimbal.yaw) ? gimbal.yaw : known(gimbal.yaw_relative, nose) ? (nose + gimbal.yaw_relative + 360) % 360 : null;
  if (yaw === null) return null;
  return { lat: device.position.lat, lon: device.position.lon, height: fresh(device, "flight").height,
    gimbal_pitch: gimbal.pitch, gimbal_yaw: yaw, gimbal_roll: gimbal.roll, hfov: gimbal.hfov, vfov: gimbal.vfov };
}
