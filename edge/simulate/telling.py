"""What simulated devices tell whoever started them: how many are connected, and what came of it."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

import typer

from fieldlink.systemd.terminal import printable

__all__ = ["Connected", "connected_line", "summary_lines", "tell_connected"]

_LOOK_S = 1.0

Connected = Callable[[], tuple[int, int, Collection[str]]]
"""How many are connected, of how many, and why the others are not."""


def connected_line(here: int, total: int, reasons: Collection[str]) -> str:
    """One line about the connections."""
    said = f"{here} of {total} connected 已连接"
    why = "; ".join(sorted(filter(None, reasons)))
    return printable(f"{said}: {why}" if why and here < total else said)


async def tell_connected(look: Connected) -> None:
    """Say on standard error whenever that changes, until cancelled."""
    before = ""
    while True:
        here, total, reasons = look()
        line = connected_line(here, total, reasons)
        if line != before and (here or any(reasons)):
            typer.echo(line, err=True)
            before = line
        await asyncio.sleep(_LOOK_S)


def summary_lines(found: Mapping[str, Any]) -> list[str]:
    """What came of it, for people: counts in one line, then what kept any from connecting."""
    counts = [f"{key} {value}" for key, value in found.items() if isinstance(value, int)]
    streams = [f"{stream} {count}" for stream, count in found["confirmed"].items() if count]
    lines = [", ".join(counts)]
    if streams:
        lines.append(f"the kit has 设备箱已确认: {', '.join(streams)}")
    return [*lines, *(f"not connected 未连接: {printable(reason)}" for reason in found["down"])]
