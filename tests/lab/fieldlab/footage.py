"""Real media for tests, made on the spot: stills in AVIF, pieces of AV1 with Opus and of H.264."""

import io
import math
import os
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("SVT_LOG", "1")  # errors only

__all__ = ["AV1_TYPE", "H264_TYPE", "Scene", "piece", "still"]

AV1_TYPE = 'video/mp4; codecs="av01.0.01M.08,opus"'
H264_TYPE = 'video/mp4; codecs="avc1.64001e"'
_FPS = 10
_SOUND_HZ = 48_000


@dataclass(frozen=True)
class Scene:
    """What a camera sees: a hillside in its own colour, something moving, a burnt-in text."""

    text: str
    hue: int = 100
    width: int = 640
    height: int = 360

    def frame(self, at_s: float) -> NDArray[np.uint8]:
        """The picture (BGR) at `at_s` seconds."""
        y, x = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        ridge = self.height * (0.45 + 0.12 * np.sin(x / 90 + self.hue) + 0.05 * np.sin(x / 23))
        light = np.where(y < ridge, 150 - y * 0.25, 95 - (y - ridge) * 0.22)
        hsv = np.stack(
            [np.full_like(y, self.hue), np.where(y < ridge, 60, 120), np.clip(light, 10, 255)], -1
        )
        image = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR)
        place = (int(self.width * (0.5 + 0.4 * math.sin(at_s / 3))), int(self.height * 0.72))
        cv2.circle(image, place, 18, (60, 170, 250), -1, cv2.LINE_AA)
        said = f"{self.text} {at_s:07.1f}"
        cv2.putText(
            image, said, (14, 340), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2, cv2.LINE_AA
        )
        return np.asarray(image, np.uint8)


def still(scene: Scene, at_s: float) -> bytes:
    """A still of `scene` as AVIF."""
    good, data = cv2.imencode(".avif", scene.frame(at_s), [cv2.IMWRITE_AVIF_QUALITY, 45])
    assert good
    return bytes(data)


def piece(scene: Scene, at_s: float, seconds: float, *, codec: str = "av1") -> bytes:
    """`seconds` of `scene` from `at_s` as one fragmented MP4 that plays alone."""
    file = io.BytesIO()
    flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(file, "w", format="mp4", options=flags) as output:
        if codec == "av1":
            options = {"preset": "12", "svtav1-params": "rtc=1", "crf": "45"}
            video = output.add_stream("libsvtav1", rate=_FPS, options=options)
        else:
            video = output.add_stream("libx264", rate=_FPS, options={"tune": "zerolatency"})
        video.width, video.height, video.pix_fmt = scene.width, scene.height, "yuv420p"
        video.codec_context.gop_size = 10_000
        sound = output.add_stream("libopus", rate=_SOUND_HZ) if codec == "av1" else None
        for number in range(round(seconds * _FPS)):
            frame = av.VideoFrame.from_ndarray(scene.frame(at_s + number / _FPS), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, _FPS)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if sound is not None:
            for block in _tone(seconds):
                output.mux(sound.encode(block))
            output.mux(sound.encode(None))
    return file.getvalue()


def _tone(seconds: float) -> list[av.AudioFrame]:
    blocks = []
    for number in range(round(seconds * 50)):
        at = (np.arange(960) + number * 960) / _SOUND_HZ
        wave = (np.sin(at * 2 * math.pi * 440) * 6000).astype(np.int16)
        block = av.AudioFrame.from_ndarray(wave[None, :].repeat(2, 0).T.reshape(1, -1), "s16")
        block.sample_rate, block.pts = _SOUND_HZ, number * 960
        block.time_base = Fraction(1, _SOUND_HZ)
        blocks.append(block)
    return blocks
