"""Which bundles were begun lately, in a file that outlives kill -9.

The spool notes it durably, but up to a second later: after kill -9 what went out in that second
would go again, and the centre had it. These few bytes are in the kernel before the first chunk
of a bundle is; they are not synced, for after a power cut a second's worth may go again. A disk
that takes none of them costs only that, too.
"""

import contextlib
import logging
import os
from pathlib import Path

__all__ = ["Journal"]

_log = logging.getLogger(__name__)
_ID_BYTES = 32
_ENTRIES = 4096


class Journal:
    """A ring of bundle ids in `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._handle: int | None = None

    def open(self) -> list[bytes]:
        """The bundles that an earlier run noted; begins anew."""
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            raw = os.pread(self._handle, _ID_BYTES * _ENTRIES, 0)
        except OSError as error:
            _log.warning("%s cannot be used (%s)", self._path, error)
            return []
        found = [raw[at : at + _ID_BYTES] for at in range(0, len(raw), _ID_BYTES)]
        self._at = 0
        return [one for one in dict.fromkeys(found) if len(one) == _ID_BYTES and any(one)]

    def note(self, bundle: bytes) -> None:
        """`bundle` is about to be begun."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._handle, bundle, self._at * _ID_BYTES)
            self._at = (self._at + 1) % _ENTRIES

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
