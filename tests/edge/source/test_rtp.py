"""RTP without a session around it, as aircraft send it; ffmpeg sends."""

import socket
import subprocess
import time

from fieldlab.peers import need_program
from fieldlink.edge.source.libav import LibavSource
from fieldlink.edge.source.media import Opened, Packet
from fieldlink.edge.source.settings import DeviceSettings

_PICTURES = 8


def test_h264_of_ffmpeg_is_read_from_bare_rtp() -> None:
    ffmpeg = need_program("ffmpeg")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(str(ffmpeg), "-loglevel", "error", "-re", "-f", "lavfi"),
        *("-i", "testsrc=size=320x180:rate=25", "-c:v", "libx264", "-preset", "ultrafast"),
        *("-tune", "zerolatency", "-g", "5", "-f", "rtp", f"rtp://127.0.0.1:{port}?pkt_size=1200"),
    ]
    device = DeviceSettings(name="uav-1", url=f"rtp://0.0.0.0:{port}?codec=h264")
    got: list[object] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as sender:
        try:
            LibavSource(device, lambda: time.time_ns() // 1000).run(
                got.append, lambda: len(got) > _PICTURES
            )
        finally:
            sender.kill()
    opened, *packets = got
    assert isinstance(opened, Opened)
    assert opened.video is not None
    assert (opened.video.codec, opened.video.width, opened.video.height) == ("h264", 320, 180)
    assert all(isinstance(one, Packet) and one.kind == "video" for one in packets)
    assert len(packets) >= _PICTURES
