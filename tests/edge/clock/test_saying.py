"""What is said of the clock: to people, in bundles, and by the check."""

import json
import socket
import threading
from pathlib import Path

import pytest

from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.edge.clock.check import check_kit_clock, chrony_source
from fieldlink.edge.clock.clock import KitClock
from fieldlink.edge.clock.dated import dated
from fieldlink.edge.clock.wording import amount_text, clock_words

REPORT = {
    "against": "gnss",
    "error_us": 500_000,
    "correction_us": 0,
    "kept": False,
    "contradicts": [],
}
TRACKING = (
    "C0000201,192.0.2.1,3,1779960445.1,0.000012,0.000013,0.00002,-1.2,0.001,0.05,0.01,0.002,64.5"
)


def test_the_clock_in_words() -> None:
    assert clock_words(REPORT) == "by GNSS 卫星授时, within 误差 500 ms 毫秒"
    behind = clock_words({**REPORT, "correction_us": 56 * 31_557_600 * 10**6})
    assert "56.0 years 年 behind 慢, corrected 已修正" in behind
    assert "不一致: the centre 指挥中心" in clock_words({**REPORT, "contradicts": ["centre"]})
    assert "未校准" in clock_words({**REPORT, "error_us": None, "against": None})
    assert "chrony" in clock_words(KitClock().report()) or KitClock().error_us() is not None


def test_spans_in_words() -> None:
    said = [amount_text(n) for n in (200, 300_000, 2_500_000, 9_000_000_000, -(10**12))]
    assert said == ["0 ms 毫秒", "300 ms 毫秒", "2.5 s 秒", "2.5 h 小时", "11.6 days 天"]


def test_every_bundle_says_how_good_the_clock_was() -> None:
    draft = Draft(
        device="ball-1",
        stream="video",
        layer=Layer.STILL,
        precedence=Precedence.IMMEDIATE,
        start_us=1,
        end_us=2,
        recorded_us=3,
        media_type="image/avif",
    )
    taken: list[int | None] = []
    errors: list[int | None] = [None, 700, 900]
    add = dated(lambda draft, _content: taken.append(draft.clock_error_us), lambda: errors.pop(0))
    for _ in range(3):
        add(draft, b"")
    assert taken == [None, 700, 900]


def chronyc(folder: Path, output: str, status: int = 0) -> str:
    program = folder / "chronyc"
    program.write_text(f"#!/bin/sh\necho '{output}'\nexit {status}\n")
    program.chmod(0o755)
    return str(program)


def test_chronys_source_is_named(tmp_path: Path) -> None:
    """Output as of `chronyc -c tracking`, chrony 4.3."""
    assert chrony_source(chronyc(tmp_path, TRACKING + ",Normal")) == "192.0.2.1 (stratum 3)"
    assert chrony_source(chronyc(tmp_path, TRACKING + ",Not synchronised")) == ""
    assert chrony_source(chronyc(tmp_path, "506 Cannot talk to daemon", 1)) == ""
    assert chrony_source("/nonexistent/chronyc") == ""


@pytest.mark.parametrize(
    ("error_us", "off_us", "good"),
    [(500_000, 0, True), (500_000, 2_000_000, True), (4_000_000, 0, False), (5, 90_000_000, False)],
)
def test_the_check_asks_the_agent_that_measures(
    tmp_path: Path, error_us: int, off_us: int, good: bool
) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(1)

        def answer() -> None:
            with listening.accept()[0] as asked:
                asked.recv(1000)
                status = {"clock": {**REPORT, "error_us": error_us, "correction_us": off_us}}
                asked.sendall(json.dumps({"ok": True, "status": status}).encode() + b"\n")

        thread = threading.Thread(target=answer)
        thread.start()
        finding = check_kit_clock(path)
        thread.join()
    assert finding.ok is good
    assert finding.english.startswith("by GNSS")


def test_without_an_agent_the_kernels_word_counts(tmp_path: Path) -> None:
    assert check_kit_clock(tmp_path / "control.sock").what == "clock"
