"""Events and requests of one gateway: what is taken in, and what they are answered."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fieldlink.codecs.dji import (
    NOT_SUPPORTED,
    Envelope,
    Way,
    answer_request,
    read_health,
    read_upload,
    wants_storage,
)
from fieldlink.codecs.telemetry import TEXT, AlarmKind, Flag
from fieldlink.drone.dji.ports import Files, Said, Sink, Station

__all__ = ["Events"]

_ALARM_LEVEL = 2
_UPLOADED = "file_upload_callback"
_STORAGE = "storage_config_get"


class Events:
    """`stations` are the gateway's own first, then those behind it; `about` is whom an event is
    about; `answer(way, envelope, data)` sends an answer.
    """

    def __init__(
        self,
        sn: str,
        sink: Sink,
        files: Files | None,
        config: Mapping[str, Any],
        *,
        stations: Callable[[], list[Station]],
        about: Callable[[], Station],
        answer: Callable[[Way, Envelope, Mapping[str, Any]], None],
    ) -> None:
        self._sn, self._sink, self._files, self._config = sn, sink, files, config
        self._stations, self._about, self._answer = stations, about, answer
        self._health: dict[str, Station] = {}  # what is wrong, and with whom that was said
        self.uploads = self.refused_uploads = self.refused_requests = 0

    @property
    def health(self) -> list[str]:
        """The codes of what is wrong."""
        return sorted(self._health)

    def event(self, envelope: Envelope) -> None:
        """One event.

        Raises:
            CodecError: it is malformed.
        """
        result: int | None = 0
        try:
            if envelope.method == "hms":
                self._take_health(envelope)
            elif envelope.method == _UPLOADED:
                # A dock removes what it believes to be stored.
                result = NOT_SUPPORTED
                result = self._uploaded(envelope)
        finally:
            # Also what is malformed or unknown: it would be sent again for ever.
            if result is not None:
                self._reply(envelope, result)

    def _reply(self, envelope: Envelope, result: int) -> None:
        if envelope.need_reply:
            self._answer(Way.EVENTS_REPLY, envelope, {"result": result})

    def _uploaded(self, envelope: Envelope) -> int | None:
        """Take in that a file was brought; the answer, None: it comes when the spool has it."""
        upload = read_upload(envelope.data, self._files.zone_s() if self._files else 0)
        self.uploads += 1
        if self._files is None:
            return 0  # it was brought to somebody else
        self._files.brought(self._sn, upload, partial(self._stored, envelope))
        return None

    def _stored(self, envelope: Envelope, found: bool) -> None:
        self.refused_uploads += not found
        self._reply(envelope, 0 if found else NOT_SUPPORTED)

    def _take_health(self, envelope: Envelope) -> None:
        station = self._about()
        for known in self._stations():
            for code in self._sink.going(known):
                self._health.setdefault(code, known)
        found = {one.code: one for one in read_health(envelope.data)}
        serious = {code for code, one in found.items() if one.level >= _ALARM_LEVEL}
        for code in sorted(self._health.keys() - serious):
            self._sink.notice(self._health.pop(code), Said(AlarmKind.DEVICE, False, code))
        for code in sorted(serious - self._health.keys()):
            self._health[code] = station
            self._sink.notice(station, Said(AlarmKind.DEVICE, True, code, found[code].words))
        for one in found.values():
            if one.level < _ALARM_LEVEL:
                self._text(station, one.words, envelope)

    def _text(self, station: Station, text: str, envelope: Envelope) -> None:
        at_us = None if envelope.timestamp_ms is None else envelope.timestamp_ms * 1000
        self._sink.sample(station, TEXT, {"text": text, "from": self._sn}, at_us, Flag.NONE)

    def request(self, envelope: Envelope) -> None:
        """One request, answered or refused.

        Raises:
            CodecError: it is malformed.
        """
        data, granted = self._granted(envelope)
        self.refused_requests += not granted
        self._answer(Way.REQUESTS_REPLY, envelope, data)

    def _granted(self, envelope: Envelope) -> tuple[Mapping[str, Any], bool]:
        if envelope.method == _STORAGE and self._files is not None:
            output = self._files.storage(self._sn) if wants_storage(envelope.data) else None
            if output is not None:
                return {"result": 0, "output": dict(output)}, True
        return answer_request(envelope.method or "", envelope.data, self._config, self._sn)
