"""The kit's clock is set while a camera is recorded: years forward by the first fix, and back."""

import time
from pathlib import Path
from typing import Any

import pytest

from fieldlink.codecs.bundle import Layer
from fieldlink.edge.capture.outages import Outages
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.source.clock import SetWatch
from fieldlink.edge.source.settings import DeviceSettings

_YEAR_US = 31_557_600_000_000
_T0 = 1_780_000_000_000_000
_SETTINGS = CaptureSettings.model_validate(
    {"proxy": {"codec": "h264", "piece": "1s"}, "still": {"every": "1s"}}
)


@pytest.mark.parametrize("years", [-50, 10])
def test_no_recording_spans_the_step_and_what_follows_has_right_times(
    years: int, real_clip: Path, keeper: Any
) -> None:
    off_us = years * _YEAR_US

    def clock() -> int:
        return time.time_ns() // 1000 + off_us

    device = DeviceSettings(name="ball-1", url=str(real_clip), loop=True)
    recorder = Recorder(device, _SETTINGS, sink=keeper.sink, gap=keeper.gap, clock=clock)
    began_us = time.time_ns() // 1000
    recorder.start()

    def until(count: int) -> None:
        end_s = time.monotonic() + 20
        while len(_right(keeper, Layer.PROXY, began_us + off_us)) < count:
            assert time.monotonic() < end_s
            time.sleep(0.02)

    until(1)
    off_us = 0
    until(1)
    until(2)
    recorder.stop()
    for draft, _ in keeper.bundles:
        assert draft.end_us - draft.start_us < 20_000_000
    for layer in (Layer.STILL, Layer.PROXY, Layer.ORIGINAL):
        assert _right(keeper, layer, began_us), layer
    assert all(end_us - start_us < 20_000_000 for _, _, start_us, end_us, _ in keeper.gaps)
    assert any("clock was set" in gap[4] for gap in keeper.gaps)


def _right(keeper: Any, layer: Layer, about_us: int) -> list[Any]:
    return [draft for draft, _ in keeper.of(layer) if abs(draft.start_us - about_us) < 60_000_000]


def test_a_step_is_told_from_the_passing_of_time() -> None:
    watch, ahead_us = SetWatch(), _T0
    assert not watch.was_set(ahead_us, 0)
    assert not watch.was_set(ahead_us + 3_600_000_000, 3_600_000_000)
    assert not watch.was_set(ahead_us + 3_609_000_000, 3_600_000_000)
    assert watch.was_set(ahead_us + 4 * _YEAR_US, 3_600_000_001)
    assert not watch.was_set(ahead_us + 4 * _YEAR_US + 40_000, 3_600_040_001)
    assert watch.was_set(ahead_us, 3_600_080_001)


def test_an_outage_over_a_step_does_not_claim_the_years(keeper: Any) -> None:
    outages = Outages("ball-1", "video", keeper.gap)
    outages.begin(_T0 - 56 * _YEAR_US, "source: refused")
    outages.end(_T0)
    ((_, _, start_us, end_us, reason),) = keeper.gaps
    assert (start_us, end_us) == (_T0, _T0)
    assert reason == "source: refused; the clock was set meanwhile, how long is unknown"


def test_an_outage_over_a_step_back_goes_on_being_recorded(keeper: Any) -> None:
    outages = Outages("ball-1", "video", keeper.gap)
    outages.begin(_T0 + 10 * _YEAR_US, "source: refused")
    outages.tick(_T0)
    outages.tick(_T0 + 700_000_000)
    outages.end(_T0 + 800_000_000)
    spans = [(start_us - _T0, end_us - _T0) for _, _, start_us, end_us, _ in keeper.gaps]
    assert spans == [(0, 700_000_000), (700_000_000, 800_000_000)]
