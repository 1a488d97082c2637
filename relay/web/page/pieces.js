// Pieces of a stream on a time line: what to play of each bundle. A thin piece may be played in
// parts, between finer ones.

const TOUCH_US = 1000;

// A bundle of the API as a piece; `key` tells parts of one bundle apart.
export function pieceOf(bundle) {
  const from_us = bundle.play_from_us ?? bundle.start_us;
  return { ...bundle, key: `${bundle.id}:${from_us}`, from_us, to_us: bundle.play_to_us ?? bundle.end_us };
}

// `pieces` in order, parts of one bundle that meet made one: pages are cut anywhere.
export function joined(pieces) {
  const all = [];
  for (const piece of [...pieces].sort((a, b) => a.from_us - b.from_us || a.to_us - b.to_us)) {
    const last = all.at(-1);
    if (last?.id === piece.id && piece.from_us - last.to_us <= TOUCH_US) {
      all[all.length - 1] = { ...last, to_us: Math.max(last.to_us, piece.to_us) };
    } else all.push(piece);
  }
  return all;
}

// `known` up to `fromUs`, and `fresh` behind it: what is best may have changed since.
export function renewed(known, fresh, fromUs) {
  const before = known.filter((piece) => piece.from_us < fromUs)
    .map((piece) => (piece.to_us > fromUs && piece.start_us !== piece.end_us ? { ...piece, to_us: fromUs } : piece));
  return joined([...before, ...fresh]);
}

// The bundles of `pieces`, each once.
export const bundlesOf = (pieces) => [...new Map(pieces.map((piece) => [piece.id, piece])).values()];
