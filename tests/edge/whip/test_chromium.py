"""A browser as the publisher: its own encoder, its own WebRTC, a page that does WHIP."""

import asyncio
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import av
import pytest

from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.peers import need_program
from fieldlab.whipkit import TOKEN, until, whip_kit

pytestmark = pytest.mark.anyio

_PUBLISH = """(async () => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [640, 360];
  const draw = canvas.getContext('2d');
  let n = 0;
  setInterval(() => {
    n += 1;
    draw.fillStyle = `rgb(${n * 5 & 255}, 80, 120)`;
    draw.fillRect(0, 0, 640, 360);
    draw.fillStyle = '#fff';
    draw.fillRect(n * 7 % 600, n * 3 % 320, 40, 40);
  }, 40);
  const audio = new AudioContext(), tone = audio.createOscillator();
  const out = audio.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  const pc = window.pc = new RTCPeerConnection({iceServers: []});
  pc.addTransceiver(out.stream.getAudioTracks()[0], {direction: 'sendonly'});
  pc.addTransceiver(canvas.captureStream(25).getVideoTracks()[0], {direction: 'sendonly'});
  await pc.setLocalDescription(await pc.createOffer());
  const authorization = {'Authorization': 'Bearer ' + TOKEN};
  const answer = await fetch(URL_, {
    method: 'POST', body: pc.localDescription.sdp,
    headers: {'Content-Type': 'application/sdp', ...authorization},
  });
  if (answer.status !== 201) return {status: answer.status, said: await answer.text()};
  const place = new URL(answer.headers.get('Location'), URL_), etag = answer.headers.get('ETag');
  const trickled = [];
  pc.onicecandidate = async ({candidate}) => {
    const line = candidate ? `a=${candidate.candidate}` : 'a=end-of-candidates';
    const told = await fetch(place, {
      method: 'PATCH', body: `a=mid:0\\r\\n${line}\\r\\n`, headers: {
        'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': etag, ...authorization},
    });
    trickled.push(told.status);
  };
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  window.trickled = trickled;
  window.end = async () => (await fetch(place, {method: 'DELETE', headers: authorization})).status;
  return {status: answer.status};
})()"""


def published(browser: Browser, url: str) -> Any:
    script = _PUBLISH.replace("TOKEN", json.dumps(TOKEN)).replace("URL_", json.dumps(url))
    return browser.run(script)


async def test_a_browser_publishes_and_its_original_plays_with_picture_and_sound(
    tmp_path: Path,
) -> None:
    need_program(browser_program())
    ffmpeg = need_program("ffmpeg")
    async with whip_kit() as kit:
        with open_browser(tmp_path / "profile") as browser:
            made = await asyncio.to_thread(published, browser, kit.url())
            assert made == {"status": 201}
            await until(lambda: len(kit.originals()) >= 1)
            assert await asyncio.to_thread(browser.run, "end()") == 200
            assert set(await asyncio.to_thread(browser.run, "trickled")) <= {204}
            await until(lambda: kit.received["state"] == "waiting")
    assert len(kit.originals()) >= 2
    await asyncio.to_thread(judge, ffmpeg, tmp_path, kit.originals())
    assert kit.received["counts"]["sessions"] == 1


def judge(ffmpeg: str, folder: Path, originals: list[bytes]) -> None:
    """Each begins with a keyframe and plays: for ffmpeg every picture, and a tone."""
    for number, content in enumerate(originals):
        path = folder / f"{number}.mp4"
        path.write_bytes(content)
        decoded = subprocess.run(
            [ffmpeg, "-v", "error", "-xerror", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray",
             "-fps_mode", "passthrough", "-enc_time_base", "-1", "-"],
            check=True, capture_output=True,
        )  # fmt: skip
        assert decoded.stderr == b""
        container: Any = av.open(io.BytesIO(content))
        with container:
            pictures = [one for one in container.demux(video=0) if one.size]
        assert pictures[0].is_keyframe
        size = 640 * 360
        assert len(decoded.stdout) == len(pictures) * size
        assert number or decoded.stdout[:size] != decoded.stdout[-size:], "they move"
    heard: Any = av.open(io.BytesIO(originals[0]))
    with heard:
        loud = max(abs(frame.to_ndarray()).max() for frame in heard.decode(audio=0))
    assert loud > 0.1, "a tone is heard"
