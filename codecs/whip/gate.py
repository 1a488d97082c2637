"""Which H.264 frames may be recorded: from a keyframe on, and after a loss from the next one on."""

from collections.abc import Iterable
from dataclasses import dataclass

from fieldlink.codecs.mp4.nal import nal_units

from .assembly import Frame

__all__ = ["Gate", "Picture", "begins_picture"]

_IDR, _SPS, _PPS, _DELIMITER = 5, 7, 8, 9
_START_CODE = b"\0\0\0\1"


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame that may be recorded. `missing` counts those given up right before it; `sets` are
    the parameter sets of the stream now.
    """

    frame: Frame
    data: bytes
    keyframe: bool
    missing: int
    sets: tuple[bytes, ...]


def begins_picture(data: bytes) -> bool:
    """Whether a depayloaded packet is the first of a keyframe: a delimiter, or parameter sets."""
    return data.startswith(_START_CODE) and len(data) > 4 and data[4] & 31 in (_SPS, _DELIMITER)


class Gate:
    """Lets frames of one track through. `sets` are known from the offer, if at all."""

    def __init__(self, sets: Iterable[bytes] = ()) -> None:
        self._sets: dict[int, bytes] = {}
        self._learn(list(sets))
        self._closed = True
        self._missing = 0
        self.dropped = 0

    @property
    def needs_keyframe(self) -> bool:
        """Whether nothing can be recorded before a keyframe comes."""
        return self._closed

    def close(self) -> None:
        """Let nothing through before the next keyframe."""
        self._closed = True

    def take(self, frame: Frame) -> Picture | None:
        """The picture in `frame`, if it may be recorded."""
        units = list(nal_units(frame.data))
        kinds = [unit[0] & 31 for unit in units if unit]
        keyframe = _IDR in kinds
        if frame.lost:
            self._closed = True
        if keyframe:
            self._learn(units)
        if self._closed and not (keyframe and _SPS in self._sets and _PPS in self._sets):
            self.dropped += 1
            self._missing += 1
            return None
        self._closed = False
        missing, self._missing = self._missing + frame.lost, 0
        data = frame.data
        if keyframe and _SPS not in kinds:  # said once, in the offer or at the beginning
            data = b"".join(_START_CODE + one for one in self._sets.values()) + data
        sets = tuple(self._sets.values())
        return Picture(frame, data, keyframe, missing, sets)

    def _learn(self, units: list[bytes]) -> None:
        for unit in units:
            if unit and unit[0] & 31 in (_SPS, _PPS):
                self._sets[unit[0] & 31] = unit
