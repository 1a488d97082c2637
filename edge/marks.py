"""Bookmarks set on the kit: kept in a file, so that a restart does not forget what matters."""

import json
import secrets
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import (
    MARK_MEDIA_TYPE,
    Draft,
    Layer,
    Mark,
    Precedence,
    encode_mark,
)
from fieldlink.codecs.fault import CodecError, ConfigError
from fieldlink.codecs.wire import MAX_WANTS, WANT_ID_BYTES, Purpose, Want
from fieldlink.edge.spool import Span
from fieldlink.systemd.durable import write_durably

__all__ = ["Marks", "asked_mark", "kept_spans", "mark_bundle"]

_MAX_FILE_BYTES = 64_000
_STREAM = "video"


class Marks:
    """The newest 64 bookmarks of a kit, the newest first, in the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self.findings: list[str] = []
        self.wants: tuple[Want, ...] = self._load()

    def _load(self) -> tuple[Want, ...]:
        try:
            if self._path.stat().st_size > _MAX_FILE_BYTES:
                raise ValueError("it is too large")
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            if not isinstance(rows, list):
                raise ValueError("it holds no list")
            return tuple(_want(*row) for row in rows[:MAX_WANTS])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, RecursionError, CodecError) as error:
            self.findings.append(f"{self._path}: bookmarks cannot be read ({error}) and are unset")
            return ()

    def add(self, want: Want) -> None:
        """Set a bookmark, durably; on any thread.

        Raises:
            OSError: the file cannot be written.
        """
        with self._guard:
            wants = (want, *self.wants)[:MAX_WANTS]
            rows = [[one.device, one.stream, one.layer, one.from_us, one.to_us] for one in wants]
            write_durably(self._path, json.dumps(rows).encode())
            self.wants = wants


def asked_mark(asked: Mapping[str, Any], devices: Iterable[str]) -> tuple[Want, str]:
    """The bookmark that a command asks for, and its note.

    Raises:
        ConfigError: it is none, or about no device of this kit.
    """
    device, note = asked.get("device", ""), asked.get("note", "")
    times = asked.get("from_us"), asked.get("to_us")
    if not isinstance(device, str) or not isinstance(note, str):
        raise ConfigError("a bookmark has a device's name and a note")
    if device and device not in (known := sorted(devices)):
        raise ConfigError(f"{device[:32]!r} is no device of this kit; it has {', '.join(known)}")
    if not all(type(time_us) is int for time_us in times):
        raise ConfigError("a bookmark has a span: from_us and to_us, UTC microseconds")
    try:
        want = _want(device, "", "", *times)
        Mark(device or "any", _STREAM, want.from_us, want.to_us, note)
    except CodecError as error:
        raise ConfigError(f"that cannot be a bookmark: {error.detail}") from error
    return want, note


def mark_bundle(device: str, want: Want, note: str, now_us: int) -> tuple[Draft, bytes]:
    """The bookmark as a report for the centre."""
    mark = Mark(device, _STREAM, want.from_us, want.to_us, note)
    draft = Draft(
        device=device,
        stream=_STREAM,
        layer=Layer.REPORT,
        precedence=Precedence.PRIORITY,
        start_us=want.from_us,
        end_us=want.to_us,
        recorded_us=now_us,
        media_type=MARK_MEDIA_TYPE,
    )
    return draft, encode_mark(mark)


def kept_spans(wants: Iterable[Want]) -> list[Span]:
    """What of `wants` the spool gives up last."""
    return [
        Span(one.device, one.stream, one.layer, one.from_us, one.to_us)
        for one in wants
        if one.purpose is Purpose.KEEP
    ]


def _want(device: Any, stream: Any, layer: Any, from_us: Any, to_us: Any) -> Want:
    ident = secrets.token_bytes(WANT_ID_BYTES)
    return Want(ident, Purpose.KEEP, device, stream, layer, from_us, to_us)
