"""Says in the log, once each, that something went down and that it is back."""

import logging
import time

from fieldlink.codecs.settings import format_duration
from fieldlink.systemd.terminal import printable

__all__ = ["UpDown"]

_log = logging.getLogger(__name__)


class UpDown:
    """The log's view of `what` ("device ball-1", "link mqtt"): one line for each outage, and one
    for its end. Used by one thread.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._kind: str | None = None
        self._since_s = 0.0
        self._is_up = False

    def down(self, reason: str, kind: str = "") -> None:
        """It does not work because of `reason`; said again only if `kind` is another."""
        if self._kind is None:
            self._since_s = time.monotonic()
        if self._kind != kind:
            _log.warning("%s is down: %s", self._what, printable(reason))
        self._kind, self._is_up = kind, False

    def up(self, detail: str = "") -> None:
        """It works; said once."""
        if self._is_up:
            return
        text = f": {printable(detail)}" if detail else ""
        if self._kind is None:
            _log.info("%s is up%s", self._what, text)
        else:
            lasted = format_duration(max(1, round(time.monotonic() - self._since_s)))
            _log.info("%s is up again after %s%s", self._what, lasted, text)
        self._kind, self._is_up = None, True
