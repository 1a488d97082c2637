"""The process that renders: least urgent of all on this machine, so that capture never waits.

A process of its own, because a thread of low priority would hold the interpreter's lock while it
waits for its turn; and because a file that libav dies of takes this one along and not the agent.
It reads requests on standard input, answers on standard output, and ends with its parent.
"""

import contextlib
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from typing import IO, Any

import msgpack

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.fit.decoding import Source
from fieldlink.edge.fit.render import Recipe, Rendered, render, render_stills

__all__ = ["RenderProcess"]

_LENGTH = struct.Struct(">I")
_PATIENCE_S = 300.0
_NICE = 19


class RenderProcess:
    """Renders in a process that is started when it is first needed. One caller at a time."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def make(self, sources: Iterable[Source], recipe: Recipe) -> list[Rendered]:
        """What `recipe` asks for. Blocks for seconds; call it on a thread.

        Raises:
            SourceError: nothing could be made of the sources, or it took for ever.
        """
        try:
            child = self._child = self._child or _start()
        except OSError as error:
            raise SourceError("crashed", f"rendering cannot be started ({error})") from error
        alarm = threading.Timer(_PATIENCE_S, child.kill)
        alarm.start()
        try:
            answer = _asked(child, sources, recipe)
        except (OSError, EOFError) as error:
            self.close()
            raise SourceError("crashed", f"rendering ended by itself ({error})") from error
        except BaseException:
            self.close()  # a request half sent
            raise
        finally:
            alarm.cancel()
        made, fault = answer
        if fault or not made:
            raise SourceError("damaged", fault or "no picture can be decoded")
        return [Rendered(*fields) for fields in made]

    def close(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # what it was never told
                    pipe.close()


def _start() -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "fieldlink.edge.fit.worker"]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _asked(
    child: "subprocess.Popen[bytes]", sources: Iterable[Source], recipe: Recipe
) -> tuple[list[list[Any]], str]:
    told, said = child.stdin, child.stdout
    if told is None or said is None:
        raise EOFError("no pipes")
    _send(told, list(astuple(recipe)))
    for source in sources:
        _send(told, list(astuple(source)))
    _send(told, None)
    told.flush()
    made, fault = _receive(said)
    return made, fault


def _send(pipe: IO[bytes], value: Any) -> None:
    packed = msgpack.packb(value)
    pipe.write(_LENGTH.pack(len(packed)))
    pipe.write(packed)


def _receive(pipe: IO[bytes]) -> Any:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("it ended")
    (length,) = _LENGTH.unpack(head)
    packed = pipe.read(length)
    if len(packed) < length:
        raise EOFError("it ended")
    return msgpack.unpackb(packed, max_bin_len=length)


def _sources(pipe: IO[bytes]) -> Iterator[Source]:
    while (fields := _receive(pipe)) is not None:
        yield Source(*fields)


def _serve(told: IO[bytes], said: IO[bytes]) -> None:
    while True:
        recipe = Recipe(*_receive(told))
        sources = _sources(told)
        made: list[Rendered] = []
        fault = ""
        try:
            if recipe.stills:
                made = list(render_stills(sources, recipe))
            else:
                made = [render(sources, recipe)]
        except SourceError as error:
            fault = error.detail
        for _ in sources:
            pass  # a request is read to its end, whatever became of it
        _send(said, [[list(astuple(one)) for one in made], fault])
        said.flush()


def main() -> None:
    """Serve until standard input ends."""
    os.nice(_NICE)
    said = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    try:
        _serve(sys.stdin.buffer, said)
    except (EOFError, BrokenPipeError):
        return


if __name__ == "__main__":
    main()
