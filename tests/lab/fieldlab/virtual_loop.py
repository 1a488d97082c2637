"""An event loop whose clock goes as far as the next thing that is due, at once: minutes of waiting
take no time, and nothing depends on how busy the machine is. Time does not wait for threads.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run_virtually"]

T = TypeVar("T")
_THREADS_S = 10.0


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:  # for a thread, at most
                ready = super().select(_THREADS_S)
                if not ready:
                    raise AssertionError("everything waits for something that never comes")
            else:
                self.now_s += max(timeout, 0)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._ticks = _Selector()
        super().__init__(self._ticks)

    def time(self) -> float:
        return self._ticks.now_s


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)
