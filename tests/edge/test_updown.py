"""The log says once that something is down, and once that it is back."""

import logging

import pytest

from fieldlink.edge.updown import UpDown


def test_an_outage_is_two_lines_however_often_it_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    said = UpDown("device ball-1")
    said.up()
    for _ in range(50):
        said.down("refused: nothing listens there; is the camera on?")
    said.up()
    said.up()
    assert caplog.messages == [
        "device ball-1 is up",
        "device ball-1 is down: refused: nothing listens there; is the camera on?",
        "device ball-1 is up again after 1s",
    ]


def test_another_kind_of_reason_is_said_in_the_middle_of_an_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    said = UpDown("link mqtt")
    for reason, kind in (("not joined", "identity"), ("refused", "link"), ("timeout", "link")):
        said.down(reason, kind)
    said.up("the centre \x1b[2J answers")
    assert caplog.messages == [
        "link mqtt is down: not joined",
        "link mqtt is down: refused",
        "link mqtt is up again after 1s: the centre \\x1b[2J answers",
    ]
