"""Many simulated people at once, each with a connection of its own."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from fieldlink.edge.device_api.credentials import Credentials
from fieldlink.edge.simulate.outbox import Outbox
from fieldlink.edge.simulate.soldier import Soldier, SoldierPlan
from fieldlink.edge.simulate.telling import Connected
from fieldlink.edge.simulate.uplink import Uplink

__all__ = ["Member", "run_squad"]

_TICK_S = 0.05


class Member:
    """One person, with what they said and how it is sent."""

    def __init__(
        self,
        plan: SoldierPlan,
        login: Credentials,
        acknowledged: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        # A run of numbers begins with each start: when it began tells runs apart.
        self.soldier = Soldier(plan, boot=time.time_ns() // 1000)
        self.outbox = Outbox()
        self.uplink = Uplink(
            login, self.outbox, lambda stream, message: acknowledged(plan.name, stream, message)
        )

    async def run(self) -> None:
        """Measure and send until cancelled."""
        began = time.monotonic()
        sending = asyncio.create_task(self.uplink.run())
        try:
            while True:
                after_s = time.monotonic() - began
                self.uplink.silent = self.soldier.quiet_at(after_s)
                for stream, message in self.soldier.say(after_s, time.time_ns() // 1000):
                    self.outbox.add(stream, message, time.monotonic())
                done, _ = await asyncio.wait([sending], timeout=_TICK_S)
                for task in done:
                    task.result()
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending


async def run_squad(
    plan: SoldierPlan,
    logins: Sequence[Credentials],
    *,
    seconds: float | None = None,
    acknowledged: Callable[[str, str, dict[str, Any]], None] = lambda *_: None,
    tell: Callable[[Connected], Awaitable[None]] | None = None,
) -> dict[str, Any]:
    """Everybody in `logins` after `plan`, some metres apart, until cancelled or for so many
    `seconds`; what came of it. `acknowledged(device, stream, message)` hears what the kit has,
    `tell` runs beside them and may ask who is connected.
    """
    members = [
        Member(
            replace(plan, name=login.name, lat=plan.lat + 1e-4 * (number % 7 - 3)),
            login,
            acknowledged,
        )
        for number, login in enumerate(logins)
    ]
    tasks = [asyncio.create_task(member.run()) for member in members]
    if tell is not None:
        tasks.append(asyncio.ensure_future(tell(lambda: _connected(members))))
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    except asyncio.CancelledError:
        pass  # Ctrl-C: the summary is still wanted
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return _summary(members)


def _connected(members: Sequence[Member]) -> tuple[int, int, set[str]]:
    links = [member.uplink for member in members]
    here = sum(link.up for link in links)
    return here, len(links), {link.reason for link in links if not link.up and link.tried}


def _summary(members: Sequence[Member]) -> dict[str, Any]:
    boxes = [member.outbox for member in members]
    counts = ("said", "acknowledged", "refused", "given_up", "repeats")
    reasons = {member.uplink.reason for member in members if not member.uplink.up}
    return {
        "devices": len(members),
        **{name: sum(getattr(box, name) for box in boxes) for name in counts},
        "waiting": sum(map(len, boxes)),
        "confirmed": dict(sum((box.confirmed for box in boxes), Counter[str]())),
        "down": sorted(filter(None, reasons)),
    }
