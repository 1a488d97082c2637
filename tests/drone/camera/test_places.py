"""Where streams are to be had: what cameras write, and what hostile ones do."""

import pytest

from fieldlink.drone.camera import Stream
from fieldlink.drone.camera.places import shown, url_of

RTSP, RTP, TCP, TS, WHEP = range(5)
PEER = "192.168.1.20"


@pytest.mark.parametrize(
    ("kind", "uri", "url"),
    [
        # As Siyi, Herelink, mavlink-camera-manager, QGroundControl's documents and PX4 write them.
        (RTSP, "rtsp://192.168.144.25:8554/main.264", "rtsp://192.168.144.25:8554/main.264"),
        (RTSP, "RTSP://cam.local/h264?ch=1", "rtsp://cam.local/h264?ch=1"),
        (RTSP, "192.168.144.25:8554/video1", "rtsp://192.168.144.25:8554/video1"),
        (RTSP, "rtsp://user:pass@10.0.0.2/1", "rtsp://user:pass@10.0.0.2/1"),
        (RTSP, "rtsp://[fd00::2]:8554/v", "rtsp://[fd00::2]:8554/v"),
        (RTSP, "rtsp://0.0.0.0:8554/v", f"rtsp://{PEER}:8554/v"),
        (RTSP, "rtsp://127.0.0.1:8554/v", f"rtsp://{PEER}:8554/v"),
        (RTP, "5600", "rtp://0.0.0.0:5600?codec=h264"),
        (RTP, "udp://192.168.1.9:5600", "rtp://0.0.0.0:5600?codec=h264"),
        (RTP, "rtp://239.1.1.1:5600", "rtp://239.1.1.1:5600?codec=h264"),
        (TCP, "tcp://10.0.0.2:5601", "tcp://10.0.0.2:5601"),
        (TCP, "10.0.0.2:5601", "tcp://10.0.0.2:5601"),
        (TS, "udp://@:5602", "udp://0.0.0.0:5602"),
        (TS, ":5602", "udp://0.0.0.0:5602"),
    ],
)
def test_what_cameras_write_becomes_what_the_kit_opens(kind: int, uri: str, url: str) -> None:
    assert url_of(Stream(1, kind, uri=uri), PEER) == (url, "")


def test_the_encoding_of_rtp_is_what_the_camera_says() -> None:
    assert (
        url_of(Stream(1, RTP, uri="5600", encoding=2), None)[0] == "rtp://0.0.0.0:5600?codec=h265"
    )


@pytest.mark.parametrize(
    ("kind", "uri"),
    [
        (RTSP, ""),
        (RTSP, "/etc/shadow"),
        (RTSP, "file:///etc/shadow"),
        (RTSP, "http://169.254.169.254/latest"),
        (RTSP, "concat:rtsp://a|/etc/passwd"),
        (RTSP, "rtsp://10.0.0.2:99999/v"),
        (RTSP, "rtsp://10.0.0.2:abc/v"),
        (RTSP, "rtsp://[::1/v"),
        (RTSP, "rtsp://-rf/v"),
        (RTSP, "rtsp://0x7f000001/v"),  # other spellings of 127.0.0.1
        (RTSP, "rtsp://2130706433/v"),
        (RTSP, "rtsp://127.1/v"),
        (RTSP, "rtsp://239.1.1.1/v"),
        (RTSP, "rtsp://255.255.255.255/v"),
        (RTSP, "rtsp://10.0.0.2/v w"),
        (RTSP, "rtsp://10.0.0.2/" + "v" * 200),
        (RTP, "22"),
        (RTP, "0"),
        (RTP, "rtsp://10.0.0.2/v"),
        (TCP, "tcp://10.0.0.2"),
        (TCP, "udp://10.0.0.2:5600"),
        (TS, "70000"),
        (WHEP, "http://10.0.0.2/whep"),
        (200, "rtsp://10.0.0.2/v"),
    ],
)
def test_what_cannot_be_is_refused_and_said(kind: int, uri: str) -> None:
    url, why = url_of(Stream(1, kind, uri=uri), PEER)
    assert url is None
    assert why


@pytest.mark.parametrize("uri", ["rtsp://127.0.0.1/v", "rtsp://localhost/v", "rtsp://[::]/v"])
def test_over_a_serial_port_no_camera_is_on_the_kit(uri: str) -> None:
    assert url_of(Stream(1, RTSP, uri=uri), None)[0] is None
    assert url_of(Stream(1, RTSP, uri=uri), "127.0.0.1")[0] == "rtsp://127.0.0.1/v"


def test_nothing_secret_is_shown() -> None:
    assert shown("rtsp://user:secret@10.0.0.2/v?token=secret") == "rtsp://10.0.0.2/v"
    assert shown("user:secret@10.0.0.2/v") == "10.0.0.2/v"
