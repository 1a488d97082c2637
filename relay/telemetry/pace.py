"""How often something may be told."""

from collections.abc import Callable

__all__ = ["Pace"]


class Pace:
    """Lets something through at most every `every_s` seconds."""

    def __init__(self, every_s: float, monotonic: Callable[[], float]) -> None:
        self._every_s = every_s
        self._monotonic = monotonic
        self._last_s: float | None = None

    @property
    def rest_s(self) -> float:
        """How long until the next may go."""
        if self._last_s is None:
            return 0.0
        return max(0.0, self._last_s + self._every_s - self._monotonic())

    def may(self) -> bool:
        """Whether it may go now; if so it counts as gone."""
        if self.rest_s > 0:
            return False
        self._last_s = self._monotonic()
        return True
