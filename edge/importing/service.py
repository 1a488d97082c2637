"""Imports as a verb of the running agent, `import`: whoever asks hands over the open file."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from fieldlink.codecs.bundle import Draft
from fieldlink.codecs.fault import ConfigError, FieldlinkError, SourceError
from fieldlink.edge.control import Command, caller
from fieldlink.edge.importing.handover import received
from fieldlink.edge.importing.held import HeldFile
from fieldlink.edge.importing.importer import import_file
from fieldlink.edge.importing.order import Order, Place, read_order

__all__ = ["VERB", "Importing", "StoppedError", "Watch", "held_beside", "refusal"]

VERB = "import"
_TELL_S = 0.3
_PASSES = {"log": 3, "video": 4, "subtitles": 2, "photo": 2}
"""How often the bytes of a file are read, about."""


class StoppedError(FieldlinkError):
    """Whoever asked for it went away."""

    def __init__(self) -> None:
        super().__init__("stopped; what is stored so far is stored once when it is imported again")


class Watch:
    """Counts what is read of a file, tells it now and then, and ends the work when `stop` is set.
    `told` is called on the thread that works.
    """

    def __init__(self, order: Order, size: int, told: Callable[[dict[str, Any]], None]) -> None:
        self.stop = threading.Event()
        self._of, self._told = size * _PASSES[order.kind], told
        self._name = order.name
        self._done = 0
        self._told_s = 0.0

    def __call__(self, count: int) -> None:
        if self.stop.is_set():
            raise StoppedError
        self._done += count
        now_s = time.monotonic()
        if now_s - self._told_s >= _TELL_S:
            self._told_s = now_s
            done = min(self._done, self._of)
            self._told({"name": self._name, "done": done, "of": self._of})

    def guarded(self, place: Place) -> Place:
        """`place`, which takes nothing more once it is to stop."""

        def add(draft: Draft, content: bytes) -> Any:
            if self.stop.is_set():
                raise StoppedError
            return place.add(draft, content)

        return replace(place, add=add)


class Importing:
    """One file at a time. `place` gives where imports go, by the settings of now."""

    def __init__(self, place: Callable[[], Place]) -> None:
        self._place = place
        self._busy = asyncio.Lock()

    @property
    def commands(self) -> Mapping[str, Command]:
        """What people ask of it."""
        return {VERB: self.ask}

    async def ask(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Import the file that is handed over."""
        who = caller.get()
        try:
            order = read_order(asked)
            if who is None:
                raise ConfigError("nobody is there to hand over a file")
            if self._busy.locked():
                raise ConfigError("another file is imported just now; try again 正在导入其他文件")
            async with self._busy, received(self._place().state_dir) as (path, taking):
                who.tell({"give": path})
                handles = await taking
                return await self._work(handles, asked, order, who.tell)
        except FieldlinkError as error:
            return refusal(error)

    async def _work(
        self,
        handles: list[int],
        asked: Mapping[str, Any],
        order: Order,
        tell: Callable[[dict[str, Any]], None],
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            file, beside = held_beside(stack, handles, order, asked)
            watch = Watch(order, file.size, lambda said: _soon(loop, tell, said))
            file.told = watch
            place = watch.guarded(self._place())
            working = asyncio.ensure_future(
                asyncio.to_thread(import_file, file, beside, order, place)
            )
            try:
                result = await asyncio.shield(working)
            except asyncio.CancelledError:
                watch.stop.set()
                await asyncio.wait([working])
                working.exception()
                raise
            return {"ok": True, **result.to_dict()}


def held_beside(
    stack: ExitStack, handles: list[int], order: Order, asked: Mapping[str, Any]
) -> tuple[HeldFile, HeldFile | None]:
    """What was handed over as files, closed with `stack`.

    Raises:
        SourceError: it is no file.
    """
    for handle in handles:
        stack.callback(os.close, handle)
    held = [
        HeldFile(handle, name)
        for handle, name in zip(handles, (order.name, _beside(asked)), strict=False)
    ]
    return held[0], held[1] if len(held) > 1 else None


def _beside(asked: Mapping[str, Any]) -> str:
    name = asked.get("beside")
    return name if isinstance(name, str) and 0 < len(name) <= 200 else "subtitles.srt"


def refusal(error: FieldlinkError) -> dict[str, Any]:
    """Why not, as the control socket answers."""
    reason = error.reason if isinstance(error, SourceError) else ""
    return {"ok": False, "reason": reason or "refused", "said": str(error)}


def _soon(
    loop: asyncio.AbstractEventLoop, tell: Callable[[dict[str, Any]], None], said: dict[str, Any]
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(tell, said)
