"""A simulated controller's originals: it asks where to, brings them, and says that it did.

Pure: messages and time in, messages out, and jobs that somebody else does.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldlink.codecs.dji import Envelope, Topic, Upload, Way, upload_data, write_envelope

__all__ = ["Errand", "Job"]

_BEGIN_S, _AGAIN_S = 2.0, 10.0
_STORAGE, _UPLOADED = "storage_config_get", "file_upload_callback"


@dataclass(frozen=True, slots=True)
class Job:
    """A file to bring to the store of `config`. `attempt` counts from 1 for each file."""

    name: str
    key: str
    config: Mapping[str, Any]
    attempt: int


@dataclass
class Errand:
    """Brings `names`, one after the other, for the gateway `rc`; says each `copies` times."""

    rc: str
    names: tuple[str, ...]
    copies: int = 1
    config: Mapping[str, Any] | None = None
    brought: list[str] = field(default_factory=list)
    answers: int = 0
    refusals: list[str] = field(default_factory=list)
    _attempt: int = 1
    _busy: bool = False
    _due_s: float = 0.0
    _told: Upload | None = None

    @property
    def left(self) -> str | None:
        """The file that is to be brought now."""
        return self.names[len(self.brought)] if len(self.brought) < len(self.names) else None

    def due(self, after_s: float, now_ms: int) -> Iterator[tuple[str, bytes]]:
        """What it says by itself: topic and message."""
        if self.left is None or self._busy or after_s < max(self._due_s, _BEGIN_S):
            return
        if self._told is not None:
            self._due_s = after_s + _AGAIN_S
            for _ in range(self.copies):
                yield self._said(Way.EVENTS, _UPLOADED, upload_data(self._told), now_ms, 1)
        elif self.config is None:
            self._due_s = after_s + _AGAIN_S
            yield self._said(Way.REQUESTS, _STORAGE, {"module": 0}, now_ms, None)

    def job(self) -> Job | None:
        """What is to be done now, once."""
        name = self.left
        if name is None or self.config is None or self._busy or self._told is not None:
            return None
        self._busy = True
        key = f"{self.config.get('object_key_prefix', '')}/{name}"
        return Job(name, key, self.config, self._attempt)

    def done(self, job: Job, told: Upload) -> None:
        """The store has it: it is said next."""
        self._busy, self._told, self._due_s = False, told, 0.0

    def failed(self, job: Job, reason: str, *, ask: bool) -> None:
        """It could not be brought; with `ask` other credentials are needed."""
        self.refusals.append(reason)
        self._busy = False
        self._attempt += 1
        if ask:
            self.config, self._due_s = None, 0.0

    def hear(self, way: Way, envelope: Envelope) -> None:
        """An answer."""
        data = envelope.data if isinstance(envelope.data, dict) else {}
        if way is Way.REQUESTS_REPLY and envelope.method == _STORAGE:
            if data.get("result") == 0 and isinstance(data.get("output"), dict):
                self.config = data["output"]
            else:
                self.refusals.append(f"storage_config_get: {data.get('result')}")
        elif way is Way.EVENTS_REPLY and envelope.method == _UPLOADED:
            self.answers += 1
            if self._told is None:
                return  # of a copy
            if data.get("result") == 0:
                self.brought.append(str(self._told.name))
            else:
                self.refusals.append(f"file_upload_callback: {data.get('result')}")
            self._told, self._attempt = None, 1

    def _said(
        self, way: Way, method: str, data: Any, now_ms: int, need_reply: int | None
    ) -> tuple[str, bytes]:
        tid, bid = str(uuid.uuid4()), str(uuid.uuid4())
        envelope = Envelope(tid, bid, now_ms, data, method, self.rc, need_reply=bool(need_reply))
        return str(Topic(way, self.rc)), write_envelope(envelope)
