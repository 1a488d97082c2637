"""A spool and its bearers, as the agent joins them, against a broker and a model of the centre.

    python -m fieldlab.bearer_kit FOLDER PORT NAME=ADDRESS...

sends what is in the spool, by bearers of those names from those addresses, until it is killed.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fieldlab.model_centre import ModelCentre, now_us
from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.bearer.service import Fleet, KitFacts
from fieldlink.edge.bearer.settings import BearerSettings
from fieldlink.edge.identity import Identity
from fieldlink.edge.planner import Candidate, SpoolState, WindowPlanner
from fieldlink.edge.planner.budget import admitted
from fieldlink.edge.spool import RetentionPolicy, Spool
from fieldlink.relay.pki.authority import Authority, new_serial

__all__ = ["Kit", "all_home", "enrol", "running"]


async def _report() -> dict[str, int]:
    return {"pending": 1}


class Kit:
    """A spool and a bearer, as the agent joins them."""

    def __init__(
        self,
        broker_port: int,
        folder: Path,
        settings: Sequence[BearerSettings] = (),
    ) -> None:
        self.folder = folder / "identity"
        policy = RetentionPolicy(quota_bytes=10**9, keep_free_bytes=0)
        self.spool = Spool.open(folder / "spool", kit="kit-a", policy=policy, clock=now_us)
        self.identity: Identity | None = Identity(
            "kit-a", "127.0.0.1", broker_port, "https://none", "centre", self.folder
        )
        self._state = SpoolState()
        for stored in self.spool.pending():
            doubtful = stored.first_sent_us is not None
            self._state.add(Candidate.of(stored.bundle_id, stored.manifest, doubtful=doubtful))
        facts = KitFacts(
            software="test",
            spool=self.spool.spool_id,
            devices=lambda: {"ball": "ball"},
            report=_report,
        )
        self.fleet = Fleet(
            settings or [BearerSettings.model_validate({"state_every": "1s"})],
            spool=self.spool,
            state=self._state,
            planner=WindowPlanner(),
            identity=self._load,
            facts=facts,
            clock=now_us,
            folder=folder / "bearers",
            admits=lambda facts: admitted(facts, suffices=True),
        )

    def _load(self) -> Identity:
        if self.identity is None:
            raise ConfigError("this kit has not joined a centre")
        return self.identity

    def record(self, size: int, precedence: Precedence = Precedence.ROUTINE) -> bytes:
        at_us = now_us()
        draft = Draft(
            device="ball",
            stream="video",
            layer=Layer.PROXY,
            precedence=precedence,
            start_us=at_us,
            end_us=at_us,
            recorded_us=at_us,
            media_type="video/mp4",
        )
        stored = self.spool.add(draft, random.Random(size).randbytes(size))
        self._state.add(Candidate.of(stored.bundle_id, stored.manifest))
        self.fleet.wake()
        return stored.bundle_id


def enrol(authority: Authority, folder: Path) -> None:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "kit.key").write_bytes(key.private_bytes(pem, form, plain))
    made = authority.sign_kit(key.public_key(), "kit-a", new_serial(), now_us())
    (folder / "kit.crt").write_bytes(made)
    (folder / "ca.crt").write_bytes(authority.ca_pem)


@contextlib.asynccontextmanager
async def running(kit: Kit, centre: ModelCentre) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(centre.run()),
        asyncio.create_task(kit.fleet.run(lambda: None)),
    ]
    try:
        async with asyncio.timeout(60):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        kit.spool.close()
    for task in tasks:
        assert task.cancelled() or task.exception() is None


async def all_home(kit: Kit) -> None:
    while kit.spool.pending():  # the spool sets no event
        await asyncio.sleep(0.05)


async def _send_for_ever(folder: Path, port: int, bearers: Sequence[str]) -> None:
    settings = [
        BearerSettings.model_validate({"name": name, "source": address})
        for name, _, address in (bearer.partition("=") for bearer in bearers)
    ]
    await Kit(port, folder, settings).fleet.run(lambda: None)


if __name__ == "__main__":
    asyncio.run(_send_for_ever(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
