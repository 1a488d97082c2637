"""What an import makes, from whoever runs it to the agent's spool, over a socket made for it.

The command that was asked to import a file reads it itself: it may see the folder (the agent runs
as its own user, without homes and with a /tmp of its own), the agent's threads stay free for what
happens now, and a file that brings libav down brings down nothing else. The spool is the agent's,
so each bundle goes there, and the answer comes when it is on the disk.

A message is two lengths (big-endian, 4 bytes each), JSON and bytes; an answer one length and JSON.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from struct import Struct
from typing import Any

from fieldlink.codecs.bundle import MAX_BUNDLE_BYTES, Draft, Layer, Precedence
from fieldlink.codecs.fault import CodecError, ConfigError, FieldlinkError, SpoolError
from fieldlink.edge.spool import State

__all__ = ["Answerer", "Kept", "Shelf", "answer_all", "draft_of"]

_HEAD, _LENGTH = Struct(">II"), Struct(">I")
_MAX_JSON = 4_000_000
_PATIENCE_S = 300.0
"""A disk that has to make room first takes its time."""

Answerer = Callable[[Mapping[str, Any], bytes], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Manifest:
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What the spool says of a bundle, as far as imports ask."""

    state: State
    bundle_id: bytes
    manifest: _Manifest


class Shelf:
    """The spool of the agent behind the socket at `path`, and its list of what was imported.

    Every method raises ConfigError when the agent is gone, SpoolError when its spool refuses.
    """

    def __init__(self, path: str) -> None:
        self._link = socket.socket(socket.AF_UNIX)
        self._link.settimeout(_PATIENCE_S)
        try:
            self._link.connect(path)
        except OSError as error:
            self._link.close()
            raise ConfigError(f"{path}: the agent takes nothing ({error})") from error

    def add(self, draft: Draft, content: bytes) -> Kept:
        """Store a bundle."""
        fields = {
            **asdict(draft),
            "layer": draft.layer.value,
            "precedence": draft.precedence.value,
            "meta": dict(draft.meta),
        }
        said = self._ask({"op": "add", "draft": fields}, content)
        return Kept(
            State(said["state"]),
            bytes.fromhex(said["bundle"]),
            _Manifest(bytes.fromhex(said["hash"])),
        )

    def add_gap(self, device: str, stream: str, start_us: int, end_us: int, reason: str) -> None:
        """Record a gap."""
        self._ask({"op": "gap", "gap": [device, stream, start_us, end_us, reason]})

    def find(self, digest: str) -> dict[str, Any] | None:
        """What is noted of the file of that SHA-256."""
        found: dict[str, Any] | None = self._ask({"op": "find", "sha256": digest})["found"]
        return found

    def note(self, record: dict[str, Any]) -> None:
        """Note what was imported."""
        self._ask({"op": "note", "record": record})

    def close(self) -> None:
        """It was all."""
        self._link.close()

    def _ask(self, said: dict[str, Any], content: bytes = b"") -> dict[str, Any]:
        data = json.dumps(said, ensure_ascii=False).encode()
        try:
            self._link.sendall(_HEAD.pack(len(data), len(content)) + data)
            self._link.sendall(content)
            answer = json.loads(self._read(_LENGTH.unpack(self._read(_LENGTH.size))[0]))
        except (OSError, ValueError) as error:
            raise ConfigError(f"the agent ended while it was asked ({error})") from error
        if not answer.get("ok"):
            raise SpoolError(str(answer.get("said")))
        return dict(answer)

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            if not (more := self._link.recv(size - len(data))):
                raise OSError("it is gone")
            data += more
        return bytes(data)


async def answer_all(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answerer: Answerer
) -> None:
    """Answer what comes until the other side is done.

    Raises:
        CodecError: it says what nobody says.
    """
    while True:
        try:
            head = await reader.readexactly(_HEAD.size)
        except asyncio.IncompleteReadError:
            return
        size, more = _HEAD.unpack(head)
        if size > _MAX_JSON or more > MAX_BUNDLE_BYTES:
            raise CodecError("size", f"a message of {size} and {more} bytes")
        try:
            said = json.loads(await reader.readexactly(size))
            content = await reader.readexactly(more)
        except asyncio.IncompleteReadError:
            return
        except ValueError as error:
            raise CodecError("coding", "a message that is no JSON") from error
        try:
            answer = {"ok": True, **await answerer(said, content)}
        except FieldlinkError as error:
            answer = {"ok": False, "said": str(error)}
        data = json.dumps(answer, ensure_ascii=False).encode()
        writer.write(_LENGTH.pack(len(data)) + data)
        await writer.drain()


def draft_of(said: Any) -> Draft:
    """The draft in a message.

    Raises:
        CodecError: it is none.
    """
    try:
        return Draft(
            **{
                **said,
                "layer": Layer(said["layer"]),
                "precedence": Precedence(said["precedence"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CodecError("field", f"this is no draft of a bundle: {error!r}") from error
