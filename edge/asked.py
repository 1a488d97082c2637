"""How desks answer what is asked on the control socket."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fieldlink.codecs.fault import ConfigError

__all__ = ["answered", "text_of"]


async def answered(
    method: Callable[[Mapping[str, Any]], dict[str, Any]], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """What `method` answers, or why it cannot. On the event loop's thread: who listens to what it
    changes belongs to that, and it is rare and short.
    """
    await asyncio.sleep(0)
    try:
        return method(asked)
    except (ConfigError, OSError) as error:
        return {"ok": False, "said": str(error)}


def text_of(asked: Mapping[str, Any], key: str) -> str:
    """The text below `key`.

    Raises:
        ConfigError: there is none.
    """
    value = asked.get(key)
    if not isinstance(value, str):
        raise ConfigError(f"{key}: missing")
    return value
