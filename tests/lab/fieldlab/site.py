"""A whole site over bad links: a real centre and a real kit, each in its own network and process.

with site(folder, load_scenario("vsat"), seed=1) as there:
    there.preload(Load(size=500_000) for _ in range(10))
    there.start_kit()
    there.net.begin()                      # until now the links were perfect
    alarm = there.add(Load(size=200, layer=Layer.REPORT, precedence=Precedence.FLASH))
    there.wait(lambda: alarm in there.arrivals(), 30, "the alarm")
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldlab.badlink.lab import SERVICE, Net, lab
from fieldlab.badlink.scenario import Link, Scenario
from fieldlab.livekit import Load, opened_spool, record
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.exercise.actors import fieldlink_argv

__all__ = ["KIT", "Arrival", "Site", "site"]

KIT = "kit-1"
_START_S = 60.0
_LAB = Path(__file__).parents[1]
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(_LAB), "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class Arrival:
    """A bundle in the centre's custody; times are UTC microseconds."""

    bundle: str
    device: str
    stream: str
    layer: str
    size: int
    start_us: int
    captured_us: int
    first_sent_us: int | None
    custody_us: int
    bearers: str


class Site:
    """A running centre, and a kit that has joined it."""

    def __init__(self, folder: Path, net: Net, kit_toml: str) -> None:
        self.folder = folder
        self.net = net
        self.kit_config = folder / "edge.toml"
        self.centre_config = folder / "relay.toml"
        self._kit: subprocess.Popen[str] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.kit_config.write_text(f'state_dir = "{folder / "kit"}"\n{kit_toml}')
        self.centre_config.write_text(
            f'state_dir = "{folder / "centre"}"\n[broker]\nhost = "0.0.0.0"\nport = 8883\n'
            f'[web]\nhost = "0.0.0.0"\nport = 8443\naddresses = ["{SERVICE}"]\n'
        )
        centre = self._start(net.centre.popen, "centre", self._centre_argv("run"))
        self.centre: subprocess.Popen[str] = centre
        self.wait(self._centre_runs, _START_S, "the centre runs")
        self._join()

    def _centre_argv(self, *words: str) -> list[str]:
        return fieldlink_argv("relay", *words, "--config", str(self.centre_config))

    def _kit_argv(self, *words: str) -> list[str]:
        return fieldlink_argv("edge", *words, "--config", str(self.kit_config))

    def _start(
        self,
        popen: "Callable[..., subprocess.Popen[Any]]",
        name: str,
        argv: Sequence[str],
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
    ) -> "subprocess.Popen[Any]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return popen(
                argv, stdin=stdin, stdout=stdout or log, stderr=log, text=True, env=_ENVIRONMENT
            )

    def relay(self, *words: str) -> str:
        """What `fieldlink relay WORDS` prints beside the centre.

        Raises:
            CalledProcessError: it failed.
        """
        argv = self._centre_argv(*words)
        return str(self.net.centre.run(argv, check=True, capture_output=True).stdout.decode())

    def edge(self, *words: str) -> str:
        """What `fieldlink edge WORDS` prints beside the kit; empty when nobody answers."""
        done = self.net.kit.run(self._kit_argv(*words), capture_output=True)
        return "" if done.returncode else str(done.stdout.decode())

    def _centre_runs(self) -> bool:
        argv = self._centre_argv("status", "--json")
        done = self.net.centre.run(argv, capture_output=True)
        return done.returncode == 0 and bool(json.loads(done.stdout)["running"])

    def _join(self) -> None:
        argv = self._centre_argv("admit", KIT, "--json")
        said = self.net.centre.run(argv, capture_output=True, check=True).stdout
        self.net.kit.run(
            self._kit_argv("join", json.loads(said)["code"]), check=True, capture_output=True
        )

    def preload(self, loads: Iterable[Load]) -> list[str]:
        """Record bundles while the agent does not run; their ids."""
        assert self._kit is None, "the agent runs; use add"
        with opened_spool(load_edge_settings(self.kit_config)) as spool:
            return [record(spool, load).bundle_id.hex() for load in loads]

    def start_kit(self) -> None:
        """Start the kit's agent; returns at once."""
        argv = [sys.executable, "-m", "fieldlab.livekit", str(self.kit_config)]
        popen = self.net.kit.popen
        self._kit = self._start(popen, "kit", argv, subprocess.PIPE, subprocess.PIPE)

    def stop_kit(self) -> int:
        """End the kit's agent; its exit status."""
        assert self._kit is not None
        self._kit.terminate()
        status, self._kit = self._kit.wait(30), None
        return status

    def kill_kit(self) -> None:
        """SIGKILL to the kit's agent."""
        assert self._kit is not None
        self._kit.kill()
        self._kit.wait()
        self._kit = None

    def add(self, load: Load) -> str:
        """Record a bundle in the running agent; its id, once it is durable."""
        assert self._kit is not None
        told, said = self._kit.stdin, self._kit.stdout
        assert told is not None
        assert said is not None
        told.write(f"{load.as_json()}\n")
        told.flush()
        answer = said.readline().strip()
        assert answer, f"the kit has ended\n{self.last_words()}"
        return answer

    def arrivals(self) -> dict[str, Arrival]:
        """Everything in the centre's custody, by id."""
        path = self.folder / "centre" / "catalogue.sqlite"
        ask = (
            "SELECT bundle_id, device, stream, layer, size, start_us, captured_us, first_sent_us,"
            " custody_us, bearers FROM bundles"
        )
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as catalogue:
            rows = catalogue.execute(ask).fetchall()
        return {row[0].hex(): Arrival(row[0].hex(), *row[1:]) for row in rows}

    def kit_status(self) -> dict[str, Any] | None:
        """What `edge status --json` says; None while nobody answers."""
        done = self.net.kit.run(self._kit_argv("status", "--json"), capture_output=True)
        status: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return status if status.get("running", bool(status)) else None

    def wait(
        self, done: Callable[[], object], limit_s: float, what: str, step_s: float = 0.25
    ) -> None:
        """Wait until `done()` is true; an AssertionError with the logs' ends after `limit_s`, or as
        soon as a program has ended.
        """
        end = time.monotonic() + limit_s
        while not done():
            late = time.monotonic() > end
            assert not late, f"not within {limit_s:g} s: {what}\n{self.last_words()}"
            assert self.centre.poll() is None, f"the centre has ended\n{self.last_words()}"
            ended = self._kit is not None and self._kit.poll() is not None
            assert not ended, f"the kit has ended\n{self.last_words()}"
            time.sleep(step_s)

    def last_words(self) -> str:
        """The ends of the programs' logs."""
        logs = [self.folder / f"{name}.log" for name in ("centre", "kit")]
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs if log.exists())


@contextmanager
def site(
    folder: Path,
    links: Scenario | Sequence[Link],
    *,
    seed: int = 1,
    kit_toml: str = '[spool]\nkeep_free = "200MB"\n',
    **options: Any,
) -> Iterator[Site]:
    """A site whose files are below `folder`; links are perfect until `Site.net.begin()`.

    `kit_toml` is the rest of the kit's configuration, after state_dir. `options` are `lab`'s.

    Raises:
        PermissionError: this machine or user cannot make bad links.
    """
    with lab(links, seed=seed, begin=False, **options) as net:
        yield Site(folder, net, kit_toml)
