// What this machine draws with. An old wall PC has no graphics card that a browser can use; there
// the same pictures are made another way.

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

function looked() {
  let gl = null;
  try {
    gl = document.createElement("canvas").getContext("webgl2");
  } catch { /* forbidden by the browser's settings: the same as none */ }
  if (!gl) return { webgl: false, software: true };
  const about = gl.getExtension("WEBGL_debug_renderer_info");
  const software = SOFTWARE.test(String(gl.getParameter(about ? about.UNMASKED_RENDERER_WEBGL : gl.RENDERER)));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return { webgl: true, software };
}

let known = null;
export const machine = () => { known ??= looked(); return known; };

// A canvas that the processor draws on where there is no card: handing each copy to a card that is
// itself a program takes several times as long.
export const brush = (canvas) => canvas.getContext("2d", { willReadFrequently: machine().software });
