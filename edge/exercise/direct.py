"""The exercise from curtain to curtain: centre, join, cameras, kit, recording, drain, summary."""

import json
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from fieldlink.codecs.fault import FieldlinkError, LinkError
from fieldlink.edge.exercise.actors import Actor, Actors, run_command, wait_for
from fieldlink.edge.exercise.fieldwork import Fieldwork
from fieldlink.edge.exercise.stage import KIT, Camera, Stage, source_cameras
from fieldlink.edge.exercise.summary import Summary, summarise
from fieldlink.edge.exercise.watch import CentreApi, kit_spool, verified_bundles

__all__ = ["Exercise", "Progress"]

_START_S = 60.0
_DRAIN_S = 120.0
_LOOK_S = 1.0
_KINDS = ("ball", "soldier", "drone", "ball")

Progress = Callable[[Summary, str, float | None], None]


class Exercise:
    """One exercise in `folder`. `cameras` simulated ones, or `sources` instead; `capture` is TOML
    for the kit's [capture] tables."""

    def __init__(
        self,
        folder: Path,
        *,
        cameras: int,
        sources: list[str],
        page_port: int,
        progress: Progress,
        capture: str = "",
    ) -> None:
        self.stage = Stage(folder, page_port, capture)
        self.where: dict[str, str] = {}
        self.gap_reasons: list[str] = []
        self._given = source_cameras(sources)
        self._count = cameras
        self._progress = progress
        self._actors = Actors(folder)
        self._end = threading.Event()
        self._incident = ""
        self._fieldwork: Fieldwork | None = None

    def run(self, seconds: float | None) -> Summary:
        """Record for `seconds` (None: until SIGINT or SIGTERM), bring everything home, sum up.

        Raises:
            FieldlinkError: a part of it did not start or ended by itself.
        """
        with _Ending(self._end):
            try:
                return self._run(seconds)
            finally:
                self._actors.stop()

    def _run(self, seconds: float | None) -> Summary:
        api = self._open_centre()
        self._fieldwork = field = Fieldwork(
            self.stage,
            self._actors,
            api,
            seconds,
            films=not self._given,  # one's own pictures are wanted then
        )
        try:
            field.open()
            self._join()
            cameras = self._start_cameras()
            self._incident = api.open_incident("演练 exercise")
            self.stage.write_kit(cameras, field.settings())
            field.register()
            kit = self._actors.start("kit", "edge", "run", "--config", str(self.stage.kit_toml))
            self._record(api, cameras, seconds)
            self._bring_home(api, cameras, kit)
            field.count()
            self.gap_reasons = api.gap_reasons(self._incident)
            return self._look(api, cameras, verified_bundles(self.stage.centre_toml))
        finally:
            field.close()
            api.close()

    def _open_centre(self) -> CentreApi:
        config = str(self.stage.centre_toml)
        centre = self._actors.start("centre", "relay", "run", "--config", config)
        ca = self.stage.folder / "centre" / "pki" / "ca.crt"
        for _ in wait_for("starting the centre", self._actors, _START_S):
            if ca.exists() and _answers(config):
                break
        said = json.loads(
            run_command("relay", "user", "password", "duty", "--config", config, "--json")
        )
        token = json.loads(
            run_command("relay", "token", "create", "exercise", "--config", config, "--json")
        )
        self.where = {
            "page 页面": self.stage.page_url,
            "login 登录": f"duty  {said['password']}",
            "folder 目录": str(self.stage.folder),
        }
        centre.check()
        return CentreApi(self.stage.page_url, ca, token["token"])

    def _join(self) -> None:
        config = str(self.stage.centre_toml)
        code = json.loads(run_command("relay", "admit", KIT, "--config", config, "--json"))["code"]
        run_command("edge", "join", code, "--config", str(self.stage.kit_toml))

    def _start_cameras(self) -> list[Camera]:
        if self._given:
            return self._given
        kinds = [_KINDS[number % len(_KINDS)] for number in range(self._count)]
        cameras = [Camera(f"{kind}-{number}", kind) for number, kind in enumerate(kinds, 1)]
        actors = [
            self._actors.start(camera.name, "sim", "camera", "--name", camera.name, "--json")
            for camera in cameras
        ]
        return [
            replace(camera, url=self._url_of(actor))
            for camera, actor in zip(cameras, actors, strict=True)
        ]

    def _url_of(self, actor: Actor) -> str:
        for _ in wait_for(f"starting {actor.name}", self._actors, _START_S):
            lines = actor.log.read_text(errors="replace").splitlines()
            if lines:
                return str(json.loads(lines[0])["url"])
        raise AssertionError("wait_for either finds it or raises")

    def _record(self, api: CentreApi, cameras: list[Camera], seconds: float | None) -> None:
        until = None if seconds is None else time.monotonic() + seconds
        while not self._end.wait(_LOOK_S):
            self._actors.check()
            self._field.set_out()
            left = None if until is None else max(0.0, until - time.monotonic())
            self._show(api, cameras, "recording 记录中", left)
            if left == 0.0:
                return

    def _bring_home(self, api: CentreApi, cameras: list[Camera], kit: Actor) -> None:
        """Stop recording, let the kit send what it still holds, end it."""
        for _ in self._field.await_call():
            self._show(api, cameras, "waiting for the SOS 等待求救信号", None)
        self._field.quiet()
        config = str(self.stage.kit_toml)
        run_command("edge", "drain", "--config", config, timeout_s=30.0)
        for _ in wait_for("sending what was left", self._actors, _DRAIN_S, _LOOK_S):
            self._show(api, cameras, "sending the rest 送完余下", None)
            if all(row["state"] != "pending" for row in kit_spool(self.stage.kit_spool)):
                break
        if status := self._actors.retire(kit):
            raise FieldlinkError(f"the kit ended with status {status}; it said:\n{kit.tail()}")

    def _show(self, api: CentreApi, cameras: list[Camera], phase: str, left: float | None) -> None:
        with suppress(LinkError):  # a busy centre answers a second later
            self._progress(self._look(api, cameras, None), phase, left)

    def _look(
        self, api: CentreApi, cameras: list[Camera], verified: frozenset[str] | None
    ) -> Summary:
        rows: list[dict[str, Any]] = kit_spool(self.stage.kit_spool)
        # While it runs the kit's word is taken; only the end re-hashes the archive.
        trusted = frozenset(row["id"] for row in rows) if verified is None else verified
        names = [camera.name for camera in cameras]
        streams = api.summary(self._incident)
        return summarise(names, streams, rows, trusted, self._field.look())

    @property
    def _field(self) -> Fieldwork:
        assert self._fieldwork is not None  # noqa: S101  # made when the centre is open
        return self._fieldwork


def _answers(config: str) -> bool:
    with suppress(FieldlinkError):
        return bool(
            json.loads(run_command("relay", "status", "--config", config, "--json"))["running"]
        )
    return False


class _Ending:
    """Turns SIGINT and SIGTERM into an event while it is entered."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        def end(_number: int, _frame: FrameType | None) -> None:
            if self._event.is_set():
                raise KeyboardInterrupt  # whoever asks twice does not want to wait for the rest
            self._event.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, end)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
