"""Who spoke lately, in a file: whoever falls silent while the kit restarts is missed as well."""

import json
from collections.abc import Iterable
from pathlib import Path

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.edge.telemetry.device import Device
from fieldlink.edge.telemetry.ports import Source
from fieldlink.systemd.durable import write_durably

__all__ = ["HEARD_US", "Heard"]

HEARD_US = 600_000_000
"""Who spoke longer ago than this is not waited for: a kit that was put away begins afresh."""

_MAX_FILE_BYTES = 1_000_000
_MAX_DEVICES = 1_000


class Heard:
    """The file at `path`. What is not legible is nobody: they are known again once they speak."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = b""

    def load(self, now_us: int, now_s: float) -> list[Device]:
        """Who spoke shortly before `now_us`, which is `now_s` by the steady clock: from now on
        they have as long as ever to speak again.
        """
        found = []
        try:
            if self._path.stat().st_size > _MAX_FILE_BYTES:
                return []
            rows = json.loads(self._path.read_bytes())
            for name, kind, via, heard_us, usual_s, exercise in rows[:_MAX_DEVICES]:
                check_name("device", name)
                check_name("kind of device", kind)
                if 0 <= now_us - heard_us < HEARD_US:
                    device = Device(Source(name, kind, str(via)))
                    device.heard_us, device.heard_s, device.missed = int(heard_us), now_s, True
                    device.usual_s = None if usual_s is None else float(usual_s)
                    device.exercise = bool(exercise)
                    found.append(device)
        except (OSError, ValueError, TypeError, KeyError, RecursionError, CodecError):
            return []
        return found

    def rows(self, devices: Iterable[Device], now_us: int) -> bytes:
        """What `save` writes."""
        rows = [
            [one.name, one.kind, one.via, one.heard_us, one.usual_s, one.exercise]
            for one in devices
            if one.missed and one.heard_us is not None and 0 <= now_us - one.heard_us < HEARD_US
        ]
        return json.dumps(rows, ensure_ascii=False).encode()

    def save(self, data: bytes) -> None:
        """Put it in the file, durably, if it is new.

        Raises:
            OSError: it cannot be written.
        """
        if data != self._written:
            write_durably(self._path, data)
            self._written = data
