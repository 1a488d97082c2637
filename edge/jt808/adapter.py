"""Terminals that speak JT/T 808, as one of the kit's adapters: the server, and what people ask of
it.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.jt808 import MAX_BODY_BYTES, Result, to_gbk
from fieldlink.edge.control import Command
from fieldlink.edge.jt808.book import VIA, TerminalBook
from fieldlink.edge.jt808.codes import AccessCodes
from fieldlink.edge.jt808.server import TerminalServer
from fieldlink.edge.jt808.settings import Jt808Settings
from fieldlink.edge.telemetry.ports import Intake, KitTime
from fieldlink.systemd.service import Beat

__all__ = ["Jt808Adapter", "make_jt808"]

_ANSWER_S = 10.0
_MAX_TEXT_BYTES = MAX_BODY_BYTES - 2
_RESULTS: dict[int, str] = {
    Result.DONE: "the terminal has it 终端已收到",
    Result.FAILED: "the terminal could not show it 终端显示失败",
    Result.WRONG: "the terminal did not understand it 终端认为消息有误",
    Result.UNSUPPORTED: "the terminal cannot show texts 终端不支持文本",
}


class Jt808Adapter:
    """The terminals of a kit."""

    name = "jt808"

    def __init__(self, settings: Jt808Settings, key: Path, intake: Intake, time: KitTime) -> None:
        self.settings, self._key = settings, key
        self._intake, self._time = intake, time
        self._book: TerminalBook | None = None
        self._server: TerminalServer | None = None

    @property
    def port(self) -> int:
        """Where it listens; 0: not yet."""
        return self._server.port if self._server else 0

    async def run(self, beat: Beat) -> None:
        """Serve until cancelled.

        Raises:
            OSError: the port or the secret cannot be had.
        """
        if self._book is None:
            codes = await asyncio.to_thread(AccessCodes.load, self._key)
            self._book = TerminalBook(self.settings, codes, self._intake, self._time)
            self._intake.keep(VIA, self._book.may_speak)
        self._server = TerminalServer(self._book)
        try:
            await self._server.run(beat)
        finally:
            self._server = None

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        server = self._server
        connections = server.connections if server else {"tcp": 0, "udp": 0}
        terminals = {
            one.name: {**one.report(), **(server.online(one) if server else {"connected": False})}
            for one in self._book or ()
        }
        return {
            "state": "ok" if self.port else "down",
            "reason": "" if self.port else f"port {self.settings.port} is not open",
            "said": _said(terminals, self.port) if self.port else "",
            "port": self.port,
            "connections": connections,
            "terminals": terminals,
        }

    @property
    def commands(self) -> dict[str, Command]:
        """What the control socket asks of it."""
        return {"jt808-list": self.list, "jt808-text": self.text}

    async def list(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        """The terminals that it knows, and how they are."""
        return {"ok": True, **self.report()}

    async def text(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Show and speak a text: {"name", "text", "urgent"}."""
        name, text = asked.get("name"), asked.get("text")
        if not isinstance(name, str) or not isinstance(text, str):
            return {"ok": False, "said": "give the terminal's name and the text"}
        return await self._text(name, text, urgent=asked.get("urgent") is True)

    async def _text(self, name: str, text: str, *, urgent: bool) -> dict[str, Any]:
        terminal = self._book.named(name) if self._book else None
        if terminal is None or self._server is None:
            known = ", ".join(one.name for one in self._book or ()) or "none yet"
            return {"ok": False, "said": f"no such terminal: {name}; known are {known}"}
        session = self._server.session(terminal)
        if session is None:
            return {"ok": False, "said": f"{terminal.name} is not connected 终端不在线"}
        try:
            words = to_gbk(text)
        except CodecError as error:
            return {"ok": False, "said": f"{error.detail}; use Chinese or Latin letters"}
        if not 1 <= len(words) <= _MAX_TEXT_BYTES:
            return {"ok": False, "said": f"a text has 1 to {_MAX_TEXT_BYTES} bytes in GBK"}
        heard: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        session.text(words, partial(_tell, heard), urgent=urgent)
        try:
            async with asyncio.timeout(_ANSWER_S):
                result = await heard
        except TimeoutError:
            said = f"{terminal.name} did not answer within {_ANSWER_S:g} s 终端未应答"
            return {"ok": False, "said": said}
        said = _RESULTS.get(result, f"it answered {result}")
        return {"ok": result == Result.DONE, "said": f"{terminal.name}: {said}"}


def _said(terminals: Mapping[str, Mapping[str, Any]], port: int) -> str:
    if not terminals:
        return f"no terminal was heard yet on port {port} 尚无终端接入"
    here = sum(bool(one["connected"]) for one in terminals.values())
    return f"{here} of {len(terminals)} terminals connected 在线终端"


def _tell(heard: "asyncio.Future[int]", result: int) -> None:
    if not heard.done():
        heard.set_result(result)


def make_jt808(
    settings: Jt808Settings, state_dir: Path, intake: Intake, time: KitTime
) -> list[Jt808Adapter]:
    """The adapter, if it is wanted."""
    if not settings.enabled:
        return []
    return [Jt808Adapter(settings, state_dir / "jt808.key", intake, time)]
