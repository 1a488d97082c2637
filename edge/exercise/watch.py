"""What both ends say during an exercise: the centre by its API, the kit by its commands."""

import json
import ssl
from pathlib import Path
from typing import Any

import httpx

from fieldlink.codecs.fault import FieldlinkError, LinkError
from fieldlink.edge.exercise.actors import run_command
from fieldlink.edge.exercise.news import AlarmNews
from fieldlink.edge.exercise.stage import KIT
from fieldlink.edge.spool import SpoolView

__all__ = ["CentreApi", "kit_spool", "verified_bundles"]

_MOST_SAMPLES = 50_000
_END_US = 2**62


class CentreApi:
    """The centre's HTTP API as a program uses it: its CA pinned, a bearer token."""

    def __init__(self, url: str, ca: Path, token: str) -> None:
        context = ssl.create_default_context(cafile=str(ca))
        self._client = httpx.Client(
            base_url=url,
            verify=context,
            headers={"Authorization": f"Bearer {token}"},
            timeout=10.0,
            trust_env=False,  # a proxy in the environment is not for this machine's own address
        )

    def open_incident(self, name: str) -> str:
        """Start an incident now and return its id.

        Raises:
            LinkError: the centre does not answer as it should.
        """
        answer = self._ask("POST", "/api/incidents", {"name": name})
        return str(answer["id"])

    def summary(self, incident: str) -> list[dict[str, Any]]:
        """The figures of each stream of `incident`.

        Raises:
            LinkError: the centre does not answer as it should.
        """
        streams: list[dict[str, Any]] = self._ask("GET", f"/api/summary?incident={incident}")[
            "streams"
        ]
        return streams

    def latest(self) -> dict[str, Any]:
        """The latest state of every device.

        Raises:
            LinkError: the centre does not answer as it should.
        """
        return self._ask("GET", "/api/telemetry/latest")

    def samples(self, device: str, stream: str, from_us: int) -> set[tuple[int, int]]:
        """Epoch and sequence of each sample of `stream` since `from_us`.

        Raises:
            LinkError: the centre does not answer as it should.
            FieldlinkError: it has one twice.
        """
        found: set[tuple[int, int]] = set()
        while True:
            path = f"/api/telemetry/history?kit={KIT}&device={device}&stream={stream}"
            path += f"&from_us={from_us}&to_us={_END_US}&limit={_MOST_SAMPLES}"
            answer = self._ask("GET", path)
            rows = answer["samples"]
            mine = {(int(row[1]), int(row[2])) for row in rows}
            if len(mine) < len(rows):
                raise FieldlinkError(f"the centre has samples of {device}/{stream} twice")
            found |= mine
            if not answer["truncated"] or rows[-1][0] <= from_us:
                return found
            from_us = rows[-1][0]  # those of that instant come again, and count once

    def follow(self) -> AlarmNews:
        """Hear of alarms as an open page does, until the connection ends."""
        return AlarmNews(self._client)

    def gap_reasons(self, incident: str) -> list[str]:
        """Each device with a gap in `incident`, and why.

        Raises:
            LinkError: the centre does not answer as it should.
        """
        gaps = self._ask("GET", f"/api/gaps?incident={incident}")["gaps"]
        return sorted({f"{gap['device']}: {gap['reason']}" for gap in gaps})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, json=body)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise LinkError(f"the centre's API at {path}: {error}") from error
        value: dict[str, Any] = answer.json()
        return value

    def close(self) -> None:
        """End the connection."""
        self._client.close()


def kit_spool(folder: Path) -> list[dict[str, Any]]:
    """Every bundle in the kit's spool; none before the agent has made it.

    Raises:
        SpoolError: it cannot be read.
    """
    if not (folder / "index.db").exists():
        return []
    view = SpoolView.open(folder)
    try:
        if not view.is_laid_out:
            return []
        return [
            {
                "id": item.bundle_id.hex(),
                "device": item.manifest.device,
                "stream": item.manifest.stream,
                "layer": item.manifest.layer.value,
                "state": item.state.value,
            }
            for item in view.bundles()
        ]
    finally:
        view.close()


def verified_bundles(config: Path) -> frozenset[str]:
    """Ids of the bundles that the centre re-hashed on its disk and found right.

    Raises:
        FieldlinkError: the command failed.
    """
    said = json.loads(
        run_command("relay", "catalogue", "verify", "--config", str(config), "--json")
    )
    return frozenset(said["good"])
