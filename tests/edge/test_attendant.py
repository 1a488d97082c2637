"""Adapters are run again when the weather was bad, exchanged on a reload, and bugs come out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fieldlab.intake import FakeIntake, FakeTime
from fieldlink.codecs.fault import LinkError, SourceError
from fieldlink.edge.attached import Adapter
from fieldlink.edge.attendant import Attendant
from fieldlink.edge.config import EdgeSettings
from fieldlink.systemd.service import Beat


@dataclass
class _Adapter:
    """Fails in turn with each of `errors`, then works."""

    name: str
    settings: object
    errors: list[Exception] = field(default_factory=list)
    runs: int = 0
    ended: int = 0

    async def run(self, beat: Beat) -> None:
        self.runs += 1
        beat()
        try:
            if self.errors:
                raise self.errors.pop(0)
            await asyncio.Event().wait()
        finally:
            self.ended += 1

    def report(self) -> dict[str, Any]:
        return {"state": "live", "reason": ""}


class _Site:
    def __init__(self, *adapters: _Adapter) -> None:
        self.adapters: list[Adapter] = [*adapters]
        self.pauses: list[float] = []
        self.reports: list[dict[str, dict[str, Any]]] = []
        self.intake = FakeIntake()
        self.attendant = Attendant(
            EdgeSettings(), self.intake, FakeTime(), lambda *_: list(self.adapters), self._sleep
        )

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.reports.append(self.attendant.report())
        await asyncio.sleep(0)

    def run(self, scenario: Callable[[Attendant], Awaitable[None]]) -> None:
        async def main() -> None:
            task = asyncio.create_task(self.attendant.run(lambda: None))
            for _ in range(50):
                await asyncio.sleep(0)
            await scenario(self.attendant)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if not task.cancelled() and (error := task.exception()):
                raise error

        asyncio.run(main())


def test_a_way_that_is_off_keeps_nobody() -> None:
    site = _Site()
    site.run(_nothing)
    assert {way: speaks("a-1") for way, speaks in site.intake.kept.items()} == dict.fromkeys(
        ("mqtt", "dji", "jt808", "cot", "mavlink"), False
    )


async def _nothing(_: Attendant) -> None:
    pass


def test_bad_weather_is_waited_out_with_pauses_that_grow_and_is_said() -> None:
    errors = [SourceError("refused", "nobody there"), LinkError("gone"), OSError(5, "gone")]
    adapter = _Adapter("gnss", 1, list(errors))
    site = _Site(adapter)
    site.run(_nothing)
    assert adapter.runs == 4
    assert [0.25 <= pause <= limit for pause, limit in zip(site.pauses, (0.5, 1, 2), strict=True)]
    first = site.reports[0]["gnss"]
    assert (first["state"], first["reason"]) == ("down", "refused: nobody there")


def test_one_that_recovers_is_live_again_and_its_failures_are_counted() -> None:
    site = _Site(_Adapter("gnss", 1, [LinkError("gone")]))

    async def scenario(attendant: Attendant) -> None:
        assert attendant.report()["gnss"] == {"state": "live", "reason": "", "failures": 1}

    site.run(scenario)


def test_a_way_is_down_while_none_of_its_adapters_works() -> None:
    def gone() -> list[Exception]:
        return [LinkError("gone")] * 3

    site = _Site(
        _Adapter("device-api", 1),
        _Adapter("device-api-plain", 1, gone()),
        _Adapter("jt808", 1, gone()),
        _Adapter("gnss", 1, gone()),
    )

    async def hold(_: float) -> None:
        await asyncio.Event().wait()

    site.attendant._sleep = hold

    async def scenario(attendant: Attendant) -> None:
        assert attendant.ways_down() == {"jt808": "jt808"}

    site.run(scenario)


def test_an_adapter_that_returns_is_run_again() -> None:
    class Returning(_Adapter):
        async def run(self, beat: Beat) -> None:
            self.runs += 1
            if self.runs > 1:
                await asyncio.Event().wait()

    adapter = Returning("cot", 1)
    _Site(adapter).run(_nothing)
    assert adapter.runs == 2


def test_anything_else_is_a_bug_and_comes_out() -> None:
    async def scenario(_: Attendant) -> None:
        await asyncio.sleep(0.6)

    with pytest.raises(ZeroDivisionError):
        _Site(_Adapter("gnss", 1, [ZeroDivisionError()])).run(scenario)


def test_one_that_is_slow_to_stop_on_a_reload_harms_no_other() -> None:
    class Slow(_Adapter):
        async def run(self, beat: Beat) -> None:
            try:
                await super().run(beat)
            finally:
                await asyncio.sleep(0.6)  # longer than from one look to the next

    quick, slow = _Adapter("gnss", 1), Slow("device-api", 2)
    site = _Site(quick, slow)

    async def scenario(attendant: Attendant) -> None:
        site.adapters.clear()
        await attendant.change(EdgeSettings())
        for _ in range(10):
            await asyncio.sleep(0)
        assert attendant.report() == {}

    site.run(scenario)
    assert (quick.ended, slow.ended) == (1, 1)


def test_a_reload_stops_what_changed_or_went_and_leaves_the_rest_alone() -> None:
    same, changed, gone = _Adapter("a", 1), _Adapter("b", 1), _Adapter("c", 1)
    site = _Site(same, changed, gone)
    new, other = _Adapter("b", 2), _Adapter("d", 1)

    async def scenario(attendant: Attendant) -> None:
        site.adapters = [_Adapter("a", 1), new, other]
        await attendant.change(EdgeSettings())
        await asyncio.sleep(0)
        assert (same.ended, changed.ended, gone.ended) == (0, 1, 1)
        assert (new.runs, other.runs) == (1, 1)
        assert set(attendant.report()) == {"a", "b", "d"}

    site.run(scenario)
    assert same.ended == 1
