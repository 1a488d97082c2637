"""A router at work on a thread of its own, for tests whose peers block."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.router import Router, RouterSettings

__all__ = ["RunningRouter", "router", "until"]

_PATIENCE_S = 15.0


def until(holds: Callable[[], Any], what: str, patience_s: float = _PATIENCE_S) -> Any:
    """What `holds` gives as soon as it is true."""
    end = monotonic() + patience_s
    while monotonic() < end:
        found = holds()
        if found:
            return found
        sleep(0.01)
    raise AssertionError(f"waited {patience_s:g} s for {what}")


class RunningRouter:
    """`tapped` is what came from aircraft."""

    def __init__(self, settings: RouterSettings, state_dir: Path | None) -> None:
        self.tapped: list[Frame] = []
        self.failed: BaseException | None = None
        self._settings, self._state_dir = settings, state_dir
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="router")
        self._thread.start()
        self._ready.wait(_PATIENCE_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001  # given to the test, on its thread
            self.failed = error
        self._ready.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.router = Router(self._settings, state_dir=self._state_dir)
        self.router.tap(self.tapped.append)
        work = asyncio.create_task(self.router.run(lambda: None))
        end = asyncio.create_task(self._stop.wait())
        await asyncio.sleep(0.05)
        self._ready.set()
        await asyncio.wait([work, end], return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        end.cancel()
        (result,) = await asyncio.gather(work, return_exceptions=True)
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result

    def port(self, name: str) -> int:
        """The port that an endpoint listens on."""
        (found,) = [e for e in self.router.endpoints if e.settings.name == name]
        port: int = until(lambda: getattr(found.connection, "port", 0), f"{name} to listen")
        return port

    def endpoint(self, name: str) -> dict[str, Any]:
        """How an endpoint is."""
        made = asyncio.run_coroutine_threadsafe(self._report(), self._loop)
        (found,) = [e for e in made.result(_PATIENCE_S)["endpoints"] if e["name"] == name]
        return dict(found)

    async def _report(self) -> dict[str, Any]:
        return self.router.report()

    def stop(self) -> None:
        """End it; raises what it failed with."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE_S)
        if self.failed is not None:
            raise self.failed


@contextmanager
def router(
    *endpoints: dict[str, Any], state_dir: Path | None = None, **other: Any
) -> Iterator[RunningRouter]:
    """A router of these endpoints."""
    made = RunningRouter(
        RouterSettings.model_validate({"endpoint": list(endpoints), **other}), state_dir
    )
    try:
        yield made
    finally:
        made.stop()
