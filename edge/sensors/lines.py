"""Bytes of a line of text to lines: bounded, decoded, without control characters.

Pure. What is longer than a line may be is thrown away up to its end, and said once.
"""

from collections.abc import Iterator

from fieldlink.edge.sensors.pattern import MAX_LINE_BYTES

__all__ = ["LineFramer"]


class LineFramer:
    """Takes bytes as they come and gives lines, or the reason why a line is none."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding = encoding
        self._pending = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[tuple[str, str]]:
        """(line, "") for each good line in `data` and what came before; ("", reason) for each
        bad one. Ends are LF, CR LF or CR; empty lines are left out.
        """
        for piece in data.replace(b"\r", b"\n").splitlines(keepends=True):
            whole = piece.endswith(b"\n")
            if not self._too_long:
                self._pending += piece[: MAX_LINE_BYTES + 2]
                if len(self._pending) > MAX_LINE_BYTES + whole:
                    self._pending.clear()
                    self._too_long = True
                    yield "", f"line: longer than {MAX_LINE_BYTES} bytes"
            if whole:
                line, skip = bytes(self._pending[:-1]), self._too_long
                self._pending.clear()
                self._too_long = False
                if line and not skip:
                    yield self._decoded(line)

    def _decoded(self, line: bytes) -> tuple[str, str]:
        try:
            text = line.decode(self._encoding)
        except UnicodeDecodeError:
            return "", f"encoding: a line is not {self._encoding}"
        if any(character < " " and character != "\t" for character in text) or "\x7f" in text:
            return "", "control: a line with control characters"
        return text, ""
