"""A store of originals with a real spool behind it, on a real port, and a foreign client."""

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from fieldlab.intake import FakeTime
from fieldlink.codecs.bundle import FILE_MEDIA_TYPE, FileIndex
from fieldlink.edge.originals.room import Bounds
from fieldlink.edge.originals.service import Originals
from fieldlink.edge.simulate.s3_client import S3Client
from fieldlink.edge.spool import Spool, Stored
from fieldlink.systemd.nats import free_port

__all__ = ["AT", "RC", "StoreLab", "served", "store_client", "store_config"]

RC = "9N9CN2J0012CXY"
AT = datetime(2026, 5, 28, 12, tzinfo=UTC)


@functools.cache
def _session() -> Any:
    import boto3

    return boto3.session.Session()  # it reads megabytes of descriptions: once


class StoreLab:
    """One store. `restart` is what a kill leaves: nothing is closed in order."""

    def __init__(self, folder: Path, spool: Spool, largest: int = 200_000_000) -> None:
        self.folder, self.spool = folder, spool
        self.time, self.steady_s = FakeTime(), 0.0
        self.owners = {RC: "drone-1", "OTHER01": "drone-2"}
        self.bounds = Bounds(largest=largest, room=2 * largest, keep_free=0)
        self.add: Any = spool.add
        self.made = self._make()
        self.port = free_port("127.0.0.1")

    def _make(self) -> Originals:
        return Originals(
            self.folder,
            add=lambda draft, content: self.add(draft, content),
            read=self.spool.read,
            device_of=self.owners.get,
            clock=self.time.now_us,
            bounds=self.bounds,
            steady=lambda: self.steady_s,
        )

    def restart(self) -> None:
        """Another process with the same folder."""
        self.made = self._make()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def boto(self, owner: str = RC, **more: Any) -> Any:
        """Amazon's client with credentials of `owner`."""
        from botocore.config import Config

        lease = self.made.lease(owner)
        config = Config(retries={"total_max_attempts": 1})
        return _session().client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.url,
            config=config,
            aws_access_key_id=lease.key_id,
            aws_secret_access_key=more.get("secret", lease.secret),
            aws_session_token=more.get("token", lease.token),
        )

    def files(self, media_type: str = "") -> list[Stored]:
        """The bundles in the spool, of that media type if given."""
        found = list(self.spool.bundles())
        return [one for one in found if media_type in ("", one.manifest.media_type)]

    def indexes(self) -> list[FileIndex]:
        """The indexes in the spool, in order."""
        return [
            FileIndex.from_dict(json.loads(self.content(one)))
            for one in self.files(FILE_MEDIA_TYPE)
        ]

    def content(self, one: Stored) -> bytes:
        """What a bundle holds."""
        return self.spool.read(one.bundle_id, 0, one.manifest.size)

    def joined(self, index: FileIndex) -> bytes:
        """A file's parts, as the centre joins them."""
        parts = {
            one.manifest.meta["part"]: self.content(one)
            for one in self.files()
            if one.manifest.meta.get("file") == index.file and "part" in one.manifest.meta
        }
        return b"".join(parts[number] for number in range(len(index.parts)))


@contextlib.asynccontextmanager
async def served(lab: StoreLab) -> AsyncIterator[StoreLab]:
    """The lab's store on its port while the block runs."""
    task = asyncio.create_task(lab.made.run("127.0.0.1", lab.port, "port", lambda: None))
    try:
        for _ in range(500):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", lab.port)
                writer.close()
                break
            await asyncio.sleep(0.01)
        yield lab
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def store_config(lab: StoreLab, owner: str = RC) -> dict[str, Any]:
    """What storage_config_get tells `owner`."""
    lease = lab.made.lease(owner)
    keys = {
        "access_key_id": lease.key_id,
        "access_key_secret": lease.secret,
        "security_token": lease.token,
    }
    return {"endpoint": lab.url, "credentials": keys, **lab.made.place(owner)}


def store_client(lab: StoreLab, http: httpx.AsyncClient, at: datetime = AT) -> S3Client:
    """Our own client; its clock says `at`."""
    return S3Client(store_config(lab), http, at)
