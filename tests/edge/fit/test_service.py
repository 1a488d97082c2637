"""Fit over a real spool: thin minutes appear, are ranked, replaced, and outlive a restart."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldlab.footage import Scene, piece
from fieldlab.spools import PLENTY
from fieldlink.codecs.bundle import (
    FLIGHT_MEDIA_TYPE,
    IMPORTED,
    TLOG_MEDIA_TYPE,
    TLOG_STREAM,
    Draft,
    Layer,
    Precedence,
)
from fieldlink.codecs.bundle.manifest import MetaValue
from fieldlink.codecs.geo import Pose
from fieldlink.codecs.picture import picture_metadata, pose_meta
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.capture.thinner import UNTHINNED, Thinner
from fieldlink.edge.fit.decide import Link, Live
from fieldlink.edge.fit.ladder import FULL, LADDER, REPORTS
from fieldlink.edge.fit.service import Fit, thinner_of
from fieldlink.edge.planner import Candidate, Rank, SpoolState
from fieldlink.edge.spool import Spool, State, Stored

MINUTE_US = 4_000_000  # so short here
T0_US = 1_800_000_000_000_000
NOW_US = T0_US + 60_000_000


class Kit:
    """A spool with originals, what the planner sees of it, and fit."""

    def __init__(self, folder: Path, bps: float = 40_000) -> None:
        self.spool = Spool.open(folder, kit="kit-a", policy=PLENTY, clock=lambda: NOW_US)
        self.state = SpoolState()
        self.thinner: list[Thinner] = []
        self.bps: float | None = bps
        self.fit = Fit(
            spool=self.spool,
            state=self.state,
            link=lambda: Link(self.bps, self.bps),
            live=Live,
            window=lambda: (T0_US - 1, NOW_US + 20_000_000),
            on_live=self.thinner.append,
            clock=lambda: NOW_US,
            minute_us=MINUTE_US,
        )

    def record(
        self, device: str, at_s: int, layer: Layer, content: bytes, **meta: MetaValue
    ) -> Stored:
        start_us = T0_US + at_s * 1_000_000
        still = layer is Layer.STILL
        draft = Draft(
            device=device,
            stream="video",
            layer=layer,
            precedence=Precedence.ROUTINE,
            start_us=start_us,
            end_us=start_us + (0 if still else 4_000_000),
            recorded_us=start_us,
            media_type="image/avif" if still else "video/mp4",
            meta=meta,
        )
        return self.spool.add(draft, content)

    def thin(self) -> list[Stored]:
        return [stored for stored in self.spool.bundles() if "thin" in stored.manifest.meta]

    def rank(self, stored: Stored) -> Rank | None:
        candidate = self.state.get(stored.bundle_id)
        return candidate.rank if candidate else None

    def run(self, scenario: Callable[["Kit"], Coroutine[Any, Any, None]]) -> None:
        """Run fit for as long as `scenario` takes."""

        async def all_of_it() -> None:
            loop = asyncio.get_running_loop()
            for stored in self.spool.pending():
                self.state.add(Candidate.of(stored.bundle_id, stored.manifest))
            self.spool.listen(partial(_told, loop, self._recorded))
            task = asyncio.create_task(self.fit.run(lambda: None))
            try:
                await scenario(self)
                assert not task.done() or task.result() is None
            finally:
                task.cancel()
                await asyncio.wait([task])

        try:
            asyncio.run(all_of_it())
        finally:
            self.spool.close()

    def _recorded(self, stored: Stored) -> None:
        self.state.add(Candidate.of(stored.bundle_id, stored.manifest))
        self.fit.recorded(stored)


def _told(
    loop: asyncio.AbstractEventLoop,
    recorded: Callable[[Stored], None],
    added: Sequence[Stored],
    _gone: Sequence[bytes],
) -> None:
    for stored in added:
        loop.call_soon_threadsafe(recorded, stored)


async def until(done: Callable[[], object]) -> None:
    """Wait until `done()`, half a minute at the most."""
    async with asyncio.timeout(30):
        while not done():
            await asyncio.sleep(0.05)


class Rain(Scene):
    """A scene that costs a camera some bits."""

    def frame(self, at_s: float) -> NDArray[np.uint8]:
        noise = np.random.default_rng(round(at_s * 10)).integers(0, 16, (180, 320, 1))
        return np.asarray(np.clip(super().frame(at_s) + noise, 0, 255), np.uint8)


@cache
def original(at_s: int) -> bytes:
    """Four seconds of a camera."""
    return piece(Rain("ball-1", width=320, height=180), at_s, 4, codec="h264")


def reported(kit: Kit, **expected: int) -> Callable[[], bool]:
    """Whether fit says so."""
    return lambda: expected.items() <= kit.fit.report().items()


def test_minutes_that_do_not_fit_get_a_still_and_a_rendition_each(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    originals = [kit.record("ball-1", at_s, Layer.ORIGINAL, original(at_s)) for at_s in (0, 4)]

    async def scenario(kit: Kit) -> None:
        await until(lambda: len(kit.thin()) == 4)
        stills = [s for s in kit.thin() if s.manifest.layer is Layer.STILL]
        films = [s for s in kit.thin() if s.manifest.layer is Layer.PROXY]
        assert {s.manifest.start_us for s in stills} == {o.manifest.start_us for o in originals}
        assert [(f.manifest.start_us, f.manifest.end_us) for f in films] == [
            (o.manifest.start_us, o.manifest.end_us) for o in originals
        ]
        assert sum(f.manifest.size for f in films) < sum(o.manifest.size for o in originals)
        await until(lambda: {kit.rank(still) for still in stills} == {Rank.COVER})
        await until(lambda: {kit.rank(film) for film in films} == {Rank.NORMAL})
        await until(reported(kit, to_make=0, level=1))
        assert kit.thinner[-1].rate_bps < 400_000

    kit.run(scenario)


def test_a_still_made_of_an_original_says_where_that_was_taken(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    pose = Pose(T0_US, 30.5, 103.5, height_m=80.0, gimbal_pitch=-90.0, gimbal_yaw=7.0, hfov=60.0,
                vfov=40.0)  # fmt: skip
    kit.record("ball-1", 0, Layer.ORIGINAL, original(0), **pose_meta(pose))
    kit.record("ball-1", 4, Layer.ORIGINAL, original(4))

    async def scenario(kit: Kit) -> None:
        await until(lambda: len(kit.thin()) == 4)
        stills = [s for s in kit.thin() if s.manifest.layer is Layer.STILL]
        placed, bare = sorted(stills, key=lambda one: one.manifest.start_us)
        meta = {key: placed.manifest.meta[key] for key in pose_meta(pose)}
        assert meta == pose_meta(pose)
        content = kit.spool.read(placed.bundle_id, 0, placed.manifest.size)
        said = picture_metadata(pose, "ball-1", T0_US)
        assert said.exif in content
        assert "lat" not in bare.manifest.meta
        assert b"Fieldlink" not in kit.spool.read(bare.bundle_id, 0, bare.manifest.size)

    kit.run(scenario)


def test_what_was_made_is_not_made_again_after_a_restart(tmp_path: Path) -> None:
    first = Kit(tmp_path)
    first.record("ball-1", 0, Layer.ORIGINAL, original(0))

    async def make(kit: Kit) -> None:
        await until(lambda: len(kit.thin()) == 2)

    async def look(kit: Kit) -> None:
        await until(lambda: kit.fit.report()["use"] is not None)
        assert kit.fit.report()["to_make"] == 0
        assert len(kit.thin()) == 2

    first.run(make)
    Kit(tmp_path).run(look)


def test_what_arrives_counts_although_nobody_says_so(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.record("ball-1", 0, Layer.ORIGINAL, original(0))

    async def scenario(kit: Kit) -> None:
        await until(lambda: len(kit.thin()) == 2)
        await until(lambda: all(kit.state.get(stored.bundle_id) for stored in kit.thin()))
        await asyncio.sleep(2.5)  # it is looked at every two seconds
        for stored in kit.thin():
            await asyncio.to_thread(kit.spool.custody, [stored.bundle_id], NOW_US)
            kit.state.discard(stored.bundle_id)
        await until(reported(kit, present=1, moving=1))

    kit.run(scenario)


def test_a_rendition_that_became_too_thick_is_withdrawn_for_a_thinner_one(tmp_path: Path) -> None:
    kit = Kit(tmp_path, bps=150_000)
    kit.record("ball-1", 0, Layer.ORIGINAL, original(0))
    kit.record("ball-1", 4, Layer.ORIGINAL, original(4))

    async def scenario(kit: Kit) -> None:
        kit.bps = 60_000
        await until(lambda: len(kit.thin()) == 4)
        before = {stored.bundle_id for stored in kit.thin()}
        kit.bps = 9_000
        await until(lambda: {s.bundle_id for s in kit.thin()} != before)
        await until(lambda: sum(s.manifest.layer is Layer.PROXY for s in kit.thin()) == 2)
        assert kit.spool.totals().gaps == 0

    kit.run(scenario)


def test_damaged_originals_are_counted_and_capture_s_proxies_stand_in(tmp_path: Path) -> None:
    kit = Kit(tmp_path, bps=20_000)
    kit.record("ball-1", 0, Layer.ORIGINAL, b"no film" * 1000)
    kit.record("ball-1", 0, Layer.PROXY, original(0), rate=400_000)
    kit.record("ball-2", 0, Layer.ORIGINAL, b"no film" * 30_000)

    async def scenario(kit: Kit) -> None:
        await until(lambda: any(s.manifest.layer is Layer.PROXY for s in kit.thin()))
        assert {stored.manifest.device for stored in kit.thin()} == {"ball-1"}
        assert kit.fit.report()["findings"] >= 2
        assert "no picture" in kit.fit.report()["last_fault"]

    kit.run(scenario)


def test_nothing_is_made_while_the_link_is_unknown_or_carries_all(tmp_path: Path) -> None:
    kit = Kit(tmp_path, bps=1e9)
    kit.record("ball-1", 0, Layer.ORIGINAL, original(0))

    async def scenario(kit: Kit) -> None:
        await until(lambda: kit.fit.report()["use"] is not None)
        kit.bps = None
        await until(lambda: kit.fit.report()["use"] is None)
        assert kit.thin() == []
        assert kit.thinner == []

    kit.run(scenario)


def test_what_flights_are_recorded_in_is_no_video_to_be_made_thinner(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    film = kit.record("ball-1", 0, Layer.ORIGINAL, b"film")
    for number, media_type in enumerate((TLOG_MEDIA_TYPE, FLIGHT_MEDIA_TYPE)):
        m = film.manifest
        draft = Draft(
            device="m300-1", stream=TLOG_STREAM, layer=Layer.ORIGINAL, precedence=m.precedence,
            start_us=m.start_us + number, end_us=m.end_us, recorded_us=m.recorded_us,
            media_type=media_type,
        )  # fmt: skip
        kit.fit.recorded(kit.spool.add(draft, b"flown"))
    kit.fit.recorded(film)
    assert [piece.device for piece in kit.fit._coverage._pieces.values()] == ["ball-1"]
    kit.spool.close()


def test_imported_video_makes_nothing_of_now_thinner(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    m = kit.record("ball-1", 0, Layer.ORIGINAL, b"film").manifest
    for meta in ({IMPORTED: "1a2b3c4d"}, {}):
        draft = Draft(
            device="m30t-1", stream="video", layer=Layer.ORIGINAL, precedence=m.precedence,
            start_us=m.start_us, end_us=m.end_us, recorded_us=m.recorded_us,
            media_type=m.media_type, meta=meta,
        )  # fmt: skip
        kit.fit.recorded(kit.spool.add(draft, b"film"))
        assert len(kit.fit._coverage._pieces) == (not meta)
    kit.spool.close()


def test_a_thinner_bounds_what_is_configured_and_thickens_nothing() -> None:
    capture = CaptureSettings.model_validate(
        {"proxy": {"rate": "30kbit/s"}, "still": {"every": "1min"}}
    )
    numbers = {rung.video_bps: number for number, rung in enumerate(LADDER)}
    thin = thinner_of(numbers[50_000]).applied(capture)
    assert (thin.proxy.rate, thin.proxy.fps, thin.still.every) == (30_000, 8, 60)
    assert thin.original == capture.original
    thinner = thinner_of(numbers[16_000]).applied(capture)
    assert (thinner.proxy.rate, thinner.proxy.audio_rate, thinner.proxy.piece) == (16_000, 0, 15)
    assert not thinner_of(REPORTS).applied(capture).proxy.enabled
    assert thinner_of(FULL) is UNTHINNED
    assert UNTHINNED.applied(capture) is capture


def test_only_what_was_made_and_never_sent_can_be_withdrawn(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    first, second = (kit.record("ball-1", n, Layer.PROXY, b"x" * 5000) for n in (0, 4))
    kit.spool.custody([second.bundle_id], NOW_US)
    assert kit.spool.withdraw(first.bundle_id)
    assert not kit.spool.withdraw(first.bundle_id)
    assert not kit.spool.withdraw(second.bundle_id)
    assert [s.state for s in kit.spool.bundles()] == [State.CUSTODY]
    kit.spool.close()
