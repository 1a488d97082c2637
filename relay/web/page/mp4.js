// Where a fragmented MP4 piece begins on its own time line (ISO/IEC 14496-12): the earliest tfdt.

function* boxes(view, start, end) {
  let at = start;
  while (at + 8 <= end) {
    let size = view.getUint32(at);
    const type = String.fromCharCode(
      view.getUint8(at + 4), view.getUint8(at + 5), view.getUint8(at + 6), view.getUint8(at + 7));
    let head = 8;
    if (size === 1 && at + 16 <= end) { size = Number(view.getBigUint64(at + 8)); head = 16; }
    if (size === 0) size = end - at;
    if (size < head || at + size > end) return;
    yield { type, start: at + head, end: at + size };
    at += size;
  }
}

function find(view, box, ...path) {
  let here = box;
  for (const type of path) {
    here = [...boxes(view, here.start, here.end)].find((child) => child.type === type);
    if (!here) return null;
  }
  return here;
}

function timescales(view, moov) {
  const scales = new Map();
  for (const trak of boxes(view, moov.start, moov.end)) {
    if (trak.type !== "trak") continue;
    const tkhd = find(view, trak, "tkhd");
    const mdhd = find(view, trak, "mdia", "mdhd");
    if (!tkhd || !mdhd) continue;
    const id = view.getUint32(tkhd.start + (view.getUint8(tkhd.start) === 1 ? 20 : 12));
    scales.set(id, view.getUint32(mdhd.start + (view.getUint8(mdhd.start) === 1 ? 20 : 12)));
  }
  return scales;
}

function trafTime(view, traf, scales) {
  const tfhd = find(view, traf, "tfhd");
  const tfdt = find(view, traf, "tfdt");
  if (!tfhd || !tfdt) return null;
  const scale = scales.get(view.getUint32(tfhd.start + 4));
  const wide = view.getUint8(tfdt.start) === 1;
  const ticks = wide ? Number(view.getBigUint64(tfdt.start + 4)) : view.getUint32(tfdt.start + 4);
  return scale ? ticks / scale : null;
}

// Seconds; 0 where the piece does not say.
export function baseTimeS(buffer) {
  const view = new DataView(buffer);
  const whole = { start: 0, end: buffer.byteLength };
  const moov = find(view, whole, "moov");
  const moof = find(view, whole, "moof");
  if (!moov || !moof) return 0;
  const scales = timescales(view, moov);
  const times = [...boxes(view, moof.start, moof.end)]
    .filter((box) => box.type === "traf")
    .map((traf) => trafTime(view, traf, scales))
    .filter((time) => time !== null);
  return times.length ? Math.min(...times) : 0;
}
