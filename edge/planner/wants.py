"""Which bundles a want means: those in its span, and for a bookmark the one just before it."""

from collections.abc import Iterator, Mapping, Sequence

from sortedcontainers import SortedList

from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.wire import Purpose, Want
from fieldlink.edge.planner.candidate import Candidate, Key, Track

__all__ = ["Wants"]

_BEFORE_US = 60_000_000
"""What ended longer before a bookmark than this is not what led to it."""


class Wants:
    """The wants that are followed, the most urgent first, over tracks of candidates by time."""

    def __init__(
        self, known: Mapping[bytes, Candidate], tracks: Mapping[Track, SortedList[Key]]
    ) -> None:
        self._known = known
        self._tracks = tracks
        self._wants: tuple[Want, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._wants)

    def follow(self, wants: Sequence[Want]) -> dict[bytes, int]:
        """Follow `wants` and no others; the bundles that they mean, each with its want's place."""
        self._wants = tuple(wants)
        meant: dict[bytes, int] = {}
        for place, want in enumerate(self._wants):
            for track in self._tracks:
                if _concerns(want, track):
                    for candidate in self._span(want, track):
                        meant.setdefault(candidate.bundle, place)
        return meant

    def place(self, candidate: Candidate) -> int | None:
        """The place of the first want that means `candidate`."""
        for place, want in enumerate(self._wants):
            if _concerns(want, candidate.track) and self._means(want, candidate):
                return place
        return None

    def just_before(self, candidate: Candidate) -> Candidate | None:
        """The one before `candidate` in its track: what a bookmark meant until now."""
        keys = self._tracks[candidate.track]
        at = keys.bisect_left(candidate.key)
        return self._known[keys[at - 1][2]] if at else None

    def _means(self, want: Want, candidate: Candidate) -> bool:
        if candidate.start_us > want.to_us:
            return False
        if _reaches(candidate, want):
            return True
        if want.purpose is not Purpose.KEEP or candidate.end_us < want.from_us - _BEFORE_US:
            return False
        keys = self._tracks[candidate.track]
        after = keys.bisect_right(candidate.key)
        return after == len(keys) or _reaches(self._known[keys[after][2]], want)

    def _span(self, want: Want, track: Track) -> Iterator[Candidate]:
        keys = self._tracks[track]
        at = keys.bisect_left((want.from_us, -1, b""))
        for key in keys.islice(at):
            if key[0] > want.to_us:
                break
            yield self._known[key[2]]
        # Those that began before, as long as they reach into it, and one more for a bookmark.
        while at and self._means(want, earlier := self._known[keys[at - 1][2]]):
            yield earlier
            at -= 1


def _reaches(candidate: Candidate, want: Want) -> bool:
    return candidate.end_us > want.from_us or candidate.start_us >= want.from_us


def _concerns(want: Want, track: Track) -> bool:
    device, stream, layer = track
    return (
        want.device in ("", device)
        and want.stream in ("", stream)
        and (not want.layer or Layer(want.layer) is layer)
    )
