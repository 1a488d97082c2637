"""What a bearer's lines cost on the wire."""

import socket
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fieldlink.edge.bearer.line import Line
from fieldlink.edge.bearer.measure import Measure
from fieldlink.edge.bearer.meter import Meter
from fieldlink.edge.bearer.pace import Pace
from fieldlink.edge.planner import Role


class _Socket:
    """A connection of `family` that has sent 100,000 bytes in 80 segments and heard 40."""

    def __init__(self, family: socket.AddressFamily) -> None:
        self.family = family

    def getsockopt(self, *_: object) -> bytes:
        values = [0] * 51
        values[36], values[37], values[48] = 80, 40, 100_000
        return struct.pack("=8B24I4Q6I4Q2I2Q", *values[:50])


@pytest.mark.parametrize(("family", "header"), [(socket.AF_INET, 52), (socket.AF_INET6, 72)])
def test_headers_count_against_the_budget_as_long_as_the_network_makes_them(
    family: socket.AddressFamily, header: int, tmp_path: Path
) -> None:
    line = Line(1, "kit-a", Role.ALL)
    connection: Any = SimpleNamespace(tcp=_Socket(family), queued_bytes=0)
    line.connection = connection
    measure = Measure(Pace(32_000, 8_000_000), Meter(tmp_path / "sat.meter", None, "hour"))
    measure.sample([line], 1, 1)
    assert measure.wire_bytes == 100_000 + 120 * header
