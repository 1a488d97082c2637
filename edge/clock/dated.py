"""Bundles that say how good the clock was."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from fieldlink.codecs.bundle import Draft

__all__ = ["dated"]

_T = TypeVar("_T")


def dated(
    add: Callable[[Draft, bytes], _T], error_us: Callable[[], int | None]
) -> Callable[[Draft, bytes], _T]:
    """`add`, told the clock's error with each bundle that does not say it itself."""

    def added(draft: Draft, content: bytes) -> _T:
        if draft.clock_error_us is None and (known_us := error_us()) is not None:
            draft = replace(draft, clock_error_us=known_us)
        return add(draft, content)

    return added
