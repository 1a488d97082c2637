"""Which uploads nobody goes on with."""

from collections.abc import Callable, Sequence

from fieldlink.edge.originals.ledger import Upload

__all__ = ["Patience"]

_SEEN_S = 3_600.0


class Patience:
    """`clock` is UTC microseconds, `steady` seconds of a clock that never jumps."""

    def __init__(self, clock: Callable[[], int], steady: Callable[[], float]) -> None:
        self._clock, self._steady = clock, steady
        self._seen: dict[str, tuple[int, float]] = {}

    def left(self, uploads: Sequence[Upload], most_us: int) -> list[Upload]:
        """Those of all `uploads` that nothing came of for `most_us`. The kit's clock may be set, or
        be years off after a start: so this process has to have seen nothing for an hour as well.
        """
        now_us, now_s = self._clock(), self._steady()
        seen = {}
        for one in uploads:
            touched_us, since_s = self._seen.get(one.id, (one.touched_us, now_s))
            seen[one.id] = one.touched_us, since_s if touched_us == one.touched_us else now_s
        self._seen = seen
        return [
            one
            for one in uploads
            if abs(now_us - one.touched_us) > most_us and now_s - seen[one.id][1] >= _SEEN_S
        ]
