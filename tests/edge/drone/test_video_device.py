"""What an aircraft's video is recorded as: whose place it has, and through what lens."""

import pytest

from fieldlink.drone.camera.state import Stream
from fieldlink.edge.drone.videos import Video, device_of


@pytest.mark.parametrize(("told", "known"), [(62, 62.0), (None, None), (360, None)])
def test_a_stream_brings_its_aircraft_and_its_lens(told: int | None, known: float | None) -> None:
    video = Video("m300-2", "m300", stream=Stream(1, hfov=told), url="rtsp://192.0.2.1/a")
    device = device_of(video)
    assert (device.carrier, device.hfov) == ("m300", known)
    assert device_of(Video("m300", "m300", url="rtsp://192.0.2.1/a")).carrier == ""
