"""A kit that records what it is told to: the real spool, planner, bearers and agent, no devices.

    python -m fieldlab.livekit CONFIG

Each line of JSON on standard input is a `Load`; the answer on standard output is its bundle's id,
after the spool has confirmed it. The agent sends until SIGTERM.
"""

import asyncio
import dataclasses
import json
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.edge.agent import Agent
from fieldlink.edge.config import EdgeSettings, load_edge_settings
from fieldlink.edge.spool import RetentionPolicy, Spool, Stored
from fieldlink.edge.starting import kit_name, wall_clock_us
from fieldlink.systemd.service import serve

__all__ = ["Load", "make_agent", "opened_spool", "record"]


@dataclass(frozen=True, kw_only=True)
class Load:
    """A bundle to record: `size` bytes that do not compress, as if it were what it says.

    Times are UTC microseconds; None is the time at which it is recorded.
    """

    size: int
    layer: Layer = Layer.ORIGINAL
    precedence: Precedence = Precedence.ROUTINE
    device: str = "ball-1"
    stream: str = "video"
    media_type: str = "application/octet-stream"
    start_us: int | None = None
    end_us: int | None = None
    deadline_us: int | None = None
    seed: int = 0

    def as_json(self) -> str:
        """A line for `livekit`'s standard input, without its end."""
        told = dataclasses.asdict(self)
        return json.dumps({**told, "layer": self.layer.value, "precedence": int(self.precedence)})

    @classmethod
    def from_json(cls, line: str) -> "Load":
        """What `as_json` said."""
        told = json.loads(line)
        layer, precedence = Layer(told["layer"]), Precedence(told["precedence"])
        return cls(**{**told, "layer": layer, "precedence": precedence})


def record(spool: Spool, load: Load) -> Stored:
    """Record it; returns when it is durable."""
    now_us = wall_clock_us()
    draft = Draft(
        device=load.device,
        stream=load.stream,
        layer=load.layer,
        precedence=load.precedence,
        start_us=now_us if load.start_us is None else load.start_us,
        end_us=now_us if load.end_us is None else load.end_us,
        recorded_us=now_us,
        deadline_us=load.deadline_us,
        media_type=load.media_type,
    )
    return spool.add(draft, random.Random(f"{load.seed} {now_us}").randbytes(load.size))


@contextmanager
def opened_spool(settings: EdgeSettings) -> Iterator[Spool]:
    """The kit's spool, as the agent opens it."""
    policy = RetentionPolicy.from_settings(settings.spool)
    kit = kit_name(settings)
    spool = Spool.open(settings.spool_dir, kit=kit, policy=policy, clock=wall_clock_us)
    try:
        yield spool
    finally:
        spool.close()


def make_agent(settings: EdgeSettings, config: Path, spool: Spool) -> Agent:
    """The kit's agent over that spool, ready to run."""
    agent = Agent(settings, config, spool, kit_name(settings))
    agent.take_stock()
    return agent


def _obey(spool: Spool) -> None:
    for line in sys.stdin:
        stored = record(spool, Load.from_json(line))
        sys.stdout.write(f"{stored.bundle_id.hex()}\n")
        sys.stdout.flush()


async def _main(config: Path) -> None:
    settings = load_edge_settings(config)
    with opened_spool(settings) as spool:
        agent = make_agent(settings, config, spool)
        # A daemon: nothing can end a thread that waits for standard input.
        threading.Thread(target=_obey, args=(spool,), daemon=True).start()
        await serve(agent.rows())


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
