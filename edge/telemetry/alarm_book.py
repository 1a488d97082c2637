"""The alarms that are going on, in memory and in a file: a restart raises none of them twice, and
an end finds the beginning that it belongs to.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import ALARM_ID_BYTES, Alarm, AlarmKind, Phase
from fieldlink.systemd.durable import write_durably

__all__ = ["MAX_OPEN", "AlarmBook", "AlarmKey", "Going"]

_MAX_FILE_BYTES = 1_000_000

MAX_OPEN = 512
"""Alarms that may be going on at once."""

AlarmKey: TypeAlias = tuple[str, AlarmKind, str]
"""Device, kind and subject: one is going on at most for each."""


@dataclass(slots=True)
class Going:
    """An alarm that is going on, as it was raised. `own`: the kit raised it and the kit ends it.
    `told`: it is in the spool for certain; one from an earlier run may not be. `called_us` is when
    it was said last, by the kit's clock; None: not in this run. `via` is
    the way by which the device is heard, empty: not known.
    """

    alarm: Alarm
    own: bool
    told: bool = False
    called_us: int | None = None
    via: str = ""

    @property
    def key(self) -> AlarmKey:
        """What it is one of."""
        return self.alarm.device, self.alarm.kind, self.alarm.subject


class AlarmBook:
    """What is going on. `save` may be called on any thread, the rest belongs to the loop's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._version, self._saved = 0, 0
        self.findings: list[str] = []
        self._ending: dict[bytes, Going] = {}
        self._going: dict[AlarmKey, Going] = {one.key: one for one in self._load()}

    def __len__(self) -> int:
        return len(self._going)

    def __iter__(self) -> Iterator[Going]:
        return iter(self._going.values())

    def get(self, key: AlarmKey) -> Going | None:
        """The one that is going on, if any."""
        return self._going.get(key)

    def begin(self, going: Going) -> bool:
        """It goes on from now; False: too many do. A FLASH one takes the place of the oldest that
        is none, whose end will not be known for its own: better than a call for help unheard.
        """
        if len(self._going) >= MAX_OPEN and going.key not in self._going:
            if going.alarm.precedence is not Precedence.FLASH:
                return False
            oldest = min(self, key=lambda one: (one.alarm.precedence is Precedence.FLASH,
                                                one.alarm.at_us))  # fmt: skip
            del self._going[oldest.key]
        self._going[going.key] = going
        self._version += 1
        return True

    def end(self, going: Going) -> None:
        """It is over; the file has it until `ended`, or a crash would leave it without its end."""
        if self._going.get(going.key) is going:
            del self._going[going.key]
            self._ending[going.alarm.ident] = going

    def ended(self, going: Going) -> None:
        """Its end is in the spool."""
        if self._ending.pop(going.alarm.ident, None) is not None:
            self._version += 1

    def snapshot(self) -> tuple[int, bytes]:
        """What `save` writes, and its version."""
        rows = [_row(one) for one in (*self._ending.values(), *self._going.values())]
        return self._version, json.dumps(rows, ensure_ascii=False).encode()

    def save(self, version: int, data: bytes) -> None:
        """Put a snapshot in the file, durably, unless a later one is there.

        Raises:
            OSError: the file cannot be written.
        """
        with self._guard:
            if version > self._saved:
                write_durably(self._path, data)
                self._saved = version

    def _load(self) -> list[Going]:
        try:
            if self._path.stat().st_size > _MAX_FILE_BYTES:
                raise ValueError("it is too large")
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            if not isinstance(rows, list):
                raise ValueError("it holds no list")
            return [_going(row) for row in rows[-MAX_OPEN:]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError, RecursionError, CodecError) as error:
            said = f"{self._path}: alarms cannot be read ({error}); those going on may come twice"
            self.findings.append(said)
            return []


def _row(going: Going) -> dict[str, Any]:
    row = asdict(going.alarm)
    return {**row, "ident": going.alarm.ident.hex(), "own": going.own, "via": going.via}


def _going(row: dict[str, Any]) -> Going:
    values = dict(row)
    own, via = bool(values.pop("own")), str(values.pop("via", ""))
    values["ident"] = bytes.fromhex(values["ident"])
    values["kind"], values["phase"] = AlarmKind(values["kind"]), Phase(values["phase"])
    alarm = Alarm(**values)
    if len(alarm.ident) != ALARM_ID_BYTES or alarm.phase is not Phase.RAISED:
        raise ValueError("an alarm that is not going on")
    return Going(alarm, own, via=via)
