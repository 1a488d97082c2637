// Whether somebody presses something just now. A browser makes a click of a press and a release on
// the same element: what is taken out and put back in between, or made anew, is never clicked. So
// what redraws itself by the clock or by news leaves alone what is being pressed.

const LONGEST_MS = 3000; // a release that was never told holds nothing up for longer

let down = null;

addEventListener("pointerdown", (event) => { down = { node: event.target, sinceMs: performance.now() }; }, true);
// The click comes right after the release.
for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => setTimeout(() => { down = null; }), true);

export const isPressed = (node) => down !== null && performance.now() - down.sinceMs < LONGEST_MS && node.contains(down.node);
