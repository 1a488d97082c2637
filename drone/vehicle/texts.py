"""STATUSTEXT: long ones joined, and what their words mean.

A text longer than 50 bytes comes in chunks with one id (MAVLink, STATUSTEXT); the last chunk ends
with a zero. Autopilots say some things only in words, so the words of ArduPilot and PX4 are read.
"""

import re
from typing import NamedTuple

from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.drone.vehicle.reading import Fields
from fieldlink.drone.vehicle.said import Key

__all__ = ["Meaning", "Text", "Texts", "meaning"]

_WAIT_US = 2_000_000
_MAX_OPEN, _MAX_CHUNKS = 32, 16
_MAX_CHARS = 400


class Text(NamedTuple):
    """A whole text; `severity` is syslog's, 0 the worst."""

    sender: Key
    severity: int
    text: str


class Meaning(NamedTuple):
    """An alarm that a text begins or ends; with `ends` and subject "" it ends those of every
    subject.
    """

    kind: AlarmKind
    subject: str
    begins: bool


class _Open:
    def __init__(self, severity: int, now_us: int) -> None:
        self.severity, self.begun_us = severity, now_us
        self.chunks: dict[int, bytes] = {}
        self.last: int | None = None

    def whole(self) -> bool:
        return self.last is not None and all(n in self.chunks for n in range(self.last + 1))

    def text(self) -> str:
        most = max(self.chunks) if self.last is None else self.last
        parts = (self.chunks.get(n, "…".encode()) for n in range(most + 1))
        # A chunk may end in the middle of a character.
        end = "" if self.last is not None else "…"
        return _clean(b"".join(parts)) + end


class Texts:
    """Joins what belongs together. A chunk that does not come is waited for for two seconds, then
    the text stands with a mark in its place.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[Key, int], _Open] = {}

    def take(self, sender: Key, fields: Fields, now_us: int) -> list[Text]:
        """The texts that this chunk completes."""
        number, chunk = fields["id"], fields["chunk_seq"]
        raw: bytes = fields["text"]
        end = raw.find(b"\0")
        body = raw if end < 0 else raw[:end]
        if not number:
            text = _clean(body)
            return [Text(sender, fields["severity"], text)] if text else []
        key = sender, number
        found = self._open.get(key)
        ready: list[Text] = []
        if found is None:
            if len(self._open) >= _MAX_OPEN:
                oldest = next(iter(self._open))
                ready.append(self._close(oldest))
            found = self._open[key] = _Open(fields["severity"], now_us)
        if chunk < _MAX_CHUNKS:
            found.chunks[chunk] = body
            if end >= 0:
                found.last = chunk
        if found.whole() or chunk >= _MAX_CHUNKS:
            ready.append(self._close(key))
        return [one for one in ready if one.text]

    def tick(self, now_us: int) -> list[Text]:
        """The texts whose rest does not come any more."""
        late = [key for key, one in self._open.items() if now_us - one.begun_us > _WAIT_US]
        return [self._close(key) for key in late]

    def _close(self, key: tuple[Key, int]) -> Text:
        found = self._open.pop(key)
        return Text(key[0], found.severity, found.text() if found.chunks else "")


def _clean(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text).strip()[:_MAX_CHARS]


_NOT_FLYING = re.compile(r"^\s*(?:pre-?arm|arm(?:ing)?\b|preflight)", re.I)
_FENCE = re.compile(r"fence", re.I)
_BREACH = re.compile(r"breach|violat|exceed|outside|crossed", re.I)
_CRASH = re.compile(r"\bcrash|failure detected|attitude failure|parachute: released", re.I)
_FAILSAFE = re.compile(
    r"failsafe|(?:manual control|data ?link|gcs connection|\brc\b|radio)[a-z ]*\b(?:lost|regained)",
    re.I,
)
_OVER = re.compile(r"clear|deactivat|regained|resolved|recovered|\boff\b|restored|disabled", re.I)
_BATTERY = re.compile(
    r"(?:low|critical|emergency|dangerous)(?:ly low)? battery"
    r"|battery\b.*(?:\blow\b|critical|emergency|failsafe)",
    re.I,
)
_SUBJECTS = (
    ("radio", re.compile(r"radio|\brc\b|manual control|throttle|\b(?:short|long)\b", re.I)),
    ("gcs", re.compile(r"gcs|data ?link|ground", re.I)),
    ("ekf", re.compile(r"ekf|estimator|dead ?reckon|position", re.I)),
    ("terrain", re.compile(r"terrain", re.I)),
)


def meaning(text: str) -> Meaning | None:
    """The alarm that `text` begins or ends. What is said of arming is none."""
    if _NOT_FLYING.search(text):
        return None
    over = _OVER.search(text) is not None
    if _FENCE.search(text) and _BREACH.search(text):
        return Meaning(AlarmKind.GEOFENCE, "", begins=not over)
    if _CRASH.search(text):
        return None if over else Meaning(AlarmKind.DEVICE, "crash", begins=True)
    if _BATTERY.search(text):
        return Meaning(AlarmKind.LOW_BATTERY, "battery", begins=not over)
    if _FAILSAFE.search(text):
        subject = next((name for name, words in _SUBJECTS if words.search(text)), "")
        return Meaning(AlarmKind.FAILSAFE, subject, begins=not over)
    return None
