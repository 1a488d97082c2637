"""What verbs are made for, over aircraft in this process (`airborne`)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldlab.airborne import Airborne, flying
from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.commanding import Commander
from fieldlink.drone.vehicle import Fleet
from fieldlink.edge.drone.doing import Deck, Key
from fieldlink.edge.drone.parts import make_doers
from fieldlink.edge.drone.settings import DroneSettings

__all__ = ["Bridge", "bridge"]


@dataclass
class Bridge:
    """A deck and its verbs; `events` are the texts of aircraft."""

    deck: Deck
    doers: dict[str, Any]
    events: list[tuple[Key, str]] = field(default_factory=list)


@asynccontextmanager
async def bridge(
    state_dir: Path, *aircraft: Airborne, profiles: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[Bridge]:
    """At work, with every aircraft heard: system 7 is m300-1, others are mav- and their system."""
    async with flying(*aircraft, **(profiles or {})) as router:
        fleet = Fleet()

        def heard(frame: Frame) -> None:
            fleet.take(frame, 1)

        end = router.tap(heard)

        def names() -> dict[str, Key]:
            return {"m300-1" if key[0] == 7 else f"mav-{key[0]}": key for key in fleet.vehicles}

        events: list[tuple[Key, str]] = []
        made = DroneSettings.model_validate(
            {
                **router.settings.model_dump(),
                "vehicle": [{"sysid": 7, "name": "m300-1"}],
                **settings,
            }
        )
        deck = Deck(
            made,
            state_dir,
            router,
            Commander(router),
            fleet,
            names,
            lambda key, text: events.append((key, text)),
        )
        await asyncio.sleep(1.1)  # each says who it is
        yield Bridge(deck, make_doers(deck), events)
        end()
