"""Several tasks that live and die together, as an adapter's `run` needs them."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

__all__ = ["together"]


async def together(rows: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Work on all until one fails, and raise what that raised, not a group of it."""
    tasks = [asyncio.ensure_future(row) for row in rows]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except BaseExceptionGroup as group:
        raise _cause(group) from group
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _cause(error: BaseException) -> BaseException:
    # What failed first: a group would hide that it is weather.
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
