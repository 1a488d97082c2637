"""A kit whose devices are a seeded stream of bytes: the real spool, planner, bearer and agent.

    python -m fieldlab.loadkit CONFIG LEDGER SEED

Each bundle that the spool confirms becomes a line in LEDGER, its id, after the confirmation; the
file outlives a kill -9. SIGUSR1 ends the recording; the agent goes on sending until SIGTERM.
"""

import asyncio
import os
import random
import signal
import sys
import threading
from pathlib import Path

from fieldlab.livekit import make_agent, opened_spool
from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.agent import Agent
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.spool import Spool
from fieldlink.edge.starting import wall_clock_us
from fieldlink.systemd.service import serve

_LAYERS = (
    (Layer.STILL, Precedence.IMMEDIATE, 12_000),
    (Layer.PROXY, Precedence.PRIORITY, 60_000),
    (Layer.ORIGINAL, Precedence.ROUTINE, 700_000),
)
_EVERY_S = 0.05


def _record(spool: Spool, ledger: int, seed: int, device: str, stop: threading.Event) -> None:
    # The process's number makes each life of the kit record something else.
    source = random.Random(f"{seed} {device} {os.getpid()}")
    while not stop.wait(source.random() * 2 * _EVERY_S):
        layer, precedence, largest = source.choice(_LAYERS)
        now_us = wall_clock_us()
        draft = Draft(
            device=device,
            stream="video",
            layer=layer,
            precedence=precedence,
            start_us=now_us,
            end_us=now_us,
            recorded_us=now_us,
            media_type="application/octet-stream",
        )
        try:
            stored = spool.add(draft, source.randbytes(source.randrange(largest)))
        except SpoolError:
            return  # closed under our hands: not confirmed, so not in the ledger
        os.write(ledger, f"{stored.bundle_id.hex()}\n".encode())


async def _main(config: Path, ledger_path: Path, seed: int) -> None:
    settings = load_edge_settings(config)
    with opened_spool(settings) as spool:
        agent = make_agent(settings, config, spool)
        await _load(spool, agent, ledger_path, seed)


async def _load(spool: Spool, agent: Agent, ledger_path: Path, seed: int) -> None:
    ledger = os.open(ledger_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stop = threading.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, stop.set)
    recorders = [
        threading.Thread(target=_record, args=(spool, ledger, seed, device, stop))
        for device in ("ball-1", "soldier-1")
    ]
    for recorder in recorders:
        recorder.start()
    try:
        await serve(agent.rows())
    finally:
        stop.set()
        for recorder in recorders:
            recorder.join()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
