"""Which URLs a source may have, and that their secrets stay secret."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import describe_settings, load_settings
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.source.sdp import session_of
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.source.url import (
    check_url,
    is_file,
    is_pushed,
    local_path,
    mask_url,
    place_of,
    pushed_place,
)


@pytest.mark.parametrize(
    "url",
    [
        *("rtsp://10.0.0.9/live", "rtsps://cam:322/x", "rtmp://h/app/key", "http://h:8080/a.ts"),
        *("https://h/a.m3u8", "udp://239.1.1.1:5000", "tcp://[::1]:9000", "rtp://h:5004"),
        *("/dev/video0", "clips/a.mp4", "file:///srv/a.mp4", "clip.mp4"),
    ],
)
def test_what_cameras_use_is_allowed(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "concat:a|b", "subfile,,start,0,,:a", "data:video/mp4;base64,AA", "pipe:0"),
        *("crypto:a", "ftp://h/a", "async:file:a", "/dev/sda", "/dev/video0/../mem"),
        *("rtsp:///nohost", "rtsp:host", "http://h:99999/", "rtsp://h/\n", "x" * 2000),
    ],
)
def test_what_opens_other_things_is_refused(url: str) -> None:
    if url.startswith("subfile"):  # no scheme in the sense of a URL: a file of that name
        assert is_file(url)
        assert local_path(url) == Path(url)
        return
    with pytest.raises(ValueError):
        check_url(url)


@given(st.text("ab:@!é", min_size=1), st.sampled_from(["rtsp", "http", "rtmp"]))
def test_credentials_are_masked_wherever_a_url_is_shown(secret: str, scheme: str) -> None:
    shown = mask_url(f"cannot open {scheme}://u:SECRET{secret}@10.0.0.9:554/live")
    assert "SECRET" not in shown
    assert shown.endswith("@10.0.0.9:554/live")


@pytest.mark.parametrize(
    "url", ["rtsp//u:SECRET@h/x", "rtsp:/u:SECRET@h/x", "HTTP;//u:SECRET@h/x", "u:SECRET@h/x"]
)
def test_a_misspelled_url_is_no_file_and_its_password_stays_hidden(url: str) -> None:
    with pytest.raises(ValueError, match=r"write it as rtsp://host|write it as http|use one of"):
        check_url(url)
    assert "SECRET" not in mask_url(url)


def test_secrets_in_a_query_are_masked() -> None:
    assert mask_url("http://h/a?user=bob&password=x&channel=1&Token=t") == (
        "http://h/a?user=***&password=***&channel=1&Token=***"
    )


def test_settings_show_their_url_without_its_secrets() -> None:
    device = DeviceSettings(name="ball-1", url="rtsp://u:SECRET@h/x")
    assert "SECRET" not in repr(device) + str(describe_settings(device))


def test_a_devices_own_capture_settings_go_before_the_general_ones() -> None:
    text = 'name = "ball-1"\nurl = "rtsp://h/x"\n[capture.still]\nevery = "5s"\n'
    device = load_settings(DeviceSettings, text, "edge.toml")
    general = CaptureSettings.model_validate({"window": "3h", "still": {"size": "20kB"}})
    merged = device.effective_capture(general)
    assert (merged.window, merged.still.size, merged.still.every) == (10_800, 20_000, 5)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('name = "Ball 1"', "name"),
        ('kind = "submarine"', "kind"),
        ('url = "concat:a"', "url"),
        ('open_timeout = "10"', "open_timeout"),
        ('open_timeout = "1h"', "open_timeout"),
        ('transport = "sctp"', "transport"),
        ('[capture.original]\nshortest = "10s"\nlongest = "5s"', "capture.original"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(line: str, said: str) -> None:
    good = {"name": 'name = "a"', "url": 'url = "rtsp://h/x"'}
    lines = [text for key, text in good.items() if not line.startswith(key)]
    with pytest.raises(ConfigError) as caught:
        load_settings(DeviceSettings, "\n".join([*lines, line]), "edge.toml")
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(f"edge.toml: {said}")


def test_only_an_rtmp_address_may_be_pushed_to() -> None:
    url = "rtmp://0.0.0.0:1935/live/drone-1?listen=1"
    assert check_url(url) == url
    assert is_pushed(url)
    assert pushed_place(url) == "rtmp://0.0.0.0:1935/live/drone-1"
    for other in ("rtmp://h/live/x", "http://h/x?listen=1", "clip.mp4?listen=1"):
        assert not is_pushed(other)


def test_one_stream_is_one_however_it_is_written() -> None:
    assert place_of("rtsp://a:b@Host:554/v/") == place_of("RTSP://host/v")
    assert place_of("rtsp://host/v") != place_of("rtsp://host/v2")
    assert place_of("rtp://0.0.0.0:5600?codec=h264") == place_of("rtp://0.0.0.0:5600")


@pytest.mark.parametrize(
    "url",
    [
        "rtp://0.0.0.0:5600?codec=av1",
        "rtp://0.0.0.0:5600?codec=h264&payload=26",
        "rtp://0.0.0.0:5600?codec=h264&payload=x",
        "rtp://0.0.0.0?codec=h264",
        "rtp://camera.local:5600?codec=h264",
        "rtp://0.0.0.0:5600?codec=h264%0d%0am=audio",
    ],
)
def test_what_describes_no_rtp_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="rtp://"):
        check_url(url)


def test_rtp_that_is_described_becomes_a_session() -> None:
    session = session_of(check_url("rtp://239.1.1.1:5600?codec=h265&payload=97"))
    assert "c=IN IP4 239.1.1.1\r\n" in session
    assert session.endswith("m=video 5600 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\n")
