"""Who asked for what, so that answers reach those who asked, however thin their link is."""

from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.router.values import asked_for

__all__ = ["Requests"]

_OPEN_US = 15_000_000
_ONCE = 16  # an answer may come in parts, and be said again
_MAX_OPEN = 256


class Requests:
    """What one endpoint asked for and may still be waiting for. A download stays open for as long
    as answers come.
    """

    def __init__(self) -> None:
        # system (0: all) and message -> open until, and how many more
        self._open: dict[tuple[int, int], tuple[int, int | None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def note(self, frame: Frame, target_system: int, now_us: int) -> None:
        """The endpoint sent `frame`."""
        wanted, once = asked_for(frame)
        for msgid in wanted:
            key = target_system, msgid
            self._open.pop(key, None)
            if len(self._open) >= _MAX_OPEN:
                del self._open[next(iter(self._open))]
            self._open[key] = now_us + _OPEN_US, _ONCE if once else None

    def answered_by(self, sysid: int, msgid: int, now_us: int) -> bool:
        """Whether a message of `sysid` is an answer that is waited for; if so it is given."""
        for key in ((sysid, msgid), (0, msgid)):
            found = self._open.get(key)
            if found is None:
                continue
            until_us, left = found
            if now_us > until_us or left == 0:
                del self._open[key]
                continue
            more = None if left is None else left - 1
            self._open[key] = now_us + _OPEN_US if left is None else until_us, more
            return True
        return False
