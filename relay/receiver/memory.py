"""Which bundles are in custody, as far as is remembered, and which are being filed."""

import threading
from collections import OrderedDict

__all__ = ["CustodyMemory"]


class CustodyMemory:
    """The bundles lately put in custody, so that repeats need no database; thread-safe."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._ids: OrderedDict[bytes, None] = OrderedDict()
        self._finishing: set[bytes] = set()

    def begin(self, ident: bytes) -> None:
        """`ident` is being filed."""
        with self._lock:
            self._finishing.add(ident)

    def end(self, ident: bytes, *, custody: bool) -> None:
        """`ident` was filed, or could not be."""
        with self._lock:
            self._finishing.discard(ident)
            if custody:
                self._ids[ident] = None
                while len(self._ids) > self._most:
                    self._ids.popitem(last=False)

    def finishing(self, ident: bytes) -> bool:
        """Whether `ident` is being filed now."""
        with self._lock:
            return ident in self._finishing

    def knows(self, ident: bytes) -> bool:
        """Whether `ident` is in custody as far as is remembered."""
        with self._lock:
            return ident in self._ids
