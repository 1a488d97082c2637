"""HIGH_LATENCY2 switched by people and by the kit, in virtual time."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import all as dialect

from fieldlab.airborne import Airborne
from fieldlab.decks import Bridge, bridge
from fieldlab.virtual_loop import run_virtually
from fieldlink.edge.drone.doing import do
from fieldlink.edge.drone.high_latency import HighLatency, keep_high_latency

_AUTO = {"what": "hl.set", "vehicle": "m300-1", "mode": "auto"}


def _links(result: int = 0) -> tuple[Airborne, Airborne]:
    """An aircraft with a radio, and a thin link on which it is silent until it is told to speak."""
    radio, thin = Airborne(name="radio"), Airborne(name="thin")
    thin.silent = thin.high_latency = True

    def answer(message: Any) -> Iterable[Any]:
        return [dialect.MAVLink_command_ack_message(message.command, result, 0, 0, 1, 191)]

    radio.answers["COMMAND_LONG"] = thin.answers["COMMAND_LONG"] = answer
    return radio, thin


def _told(air: Airborne) -> list[tuple[int, float]]:
    return [(m.command, m.param1) for m in air.got if m.get_type() == "COMMAND_LONG"]


def _run(tmp_path: Path, radio: Airborne, thin: Airborne, work: Any) -> Any:
    async def main() -> Any:
        profiles = {"thin": "beidou"}
        async with bridge(tmp_path, radio, thin, profiles=profiles, video="off") as made:
            _clock(made)
            row = asyncio.ensure_future(keep_high_latency(made.deck))
            try:
                return await work(made)
            finally:
                row.cancel()
                await asyncio.gather(row, return_exceptions=True)

    return run_virtually(main())


def _clock(made: Bridge) -> None:
    """The router judges silence by a clock of its own, which stands still here."""
    loop, core = asyncio.get_running_loop(), made.deck.router.core
    began_s = loop.time()
    of_router = core.reaches
    receive = core.receive
    base: list[int] = []

    def receiving(port: Any, frames: Any, now_us: int) -> None:
        base.append(now_us) if not base else None
        receive(port, frames, base[0] + round((loop.time() - began_s) * 1e6))

    def reaching(target: Any, now_us: int, *, thin: bool = False) -> Any:
        at_us = base[0] if base else now_us
        return of_router(target, at_us + round((loop.time() - began_s) * 1e6), thin=thin)

    core.receive, core.reaches = receiving, reaching  # type: ignore[method-assign]


def test_on_and_off_are_told_over_the_best_link_and_the_choice_is_kept(tmp_path: Path) -> None:
    radio, thin = _links()

    async def work(made: Bridge) -> Any:
        for mode in ("on", "off"):
            answer = await do(made.doers, {**_AUTO, "mode": mode})
            assert answer == {"ok": True, "vehicle": "m300-1", "mode": mode}
        assert HighLatency(made.deck).modes == {"m300-1": "off"}

    _run(tmp_path, radio, thin, work)
    assert _told(radio) == [(2600, 1), (2600, 0)]
    assert _told(thin) == []


def test_an_aircraft_that_only_a_thin_link_could_reach_is_told_there_with_two_minutes_patience(
    tmp_path: Path,
) -> None:
    radio, thin = _links()
    thin.answers.clear()

    async def work(made: Bridge) -> Any:
        radio.silent = True
        await asyncio.sleep(10)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        thin_only = {**_AUTO, "mode": "on"}
        answer = await do(made.doers, thin_only)
        return answer, loop.time() - began_s

    answer, took_s = _run(tmp_path, radio, thin, work)
    assert answer["reason"] == "no-answer"
    assert _told(thin) == [(2600, 1), (2600, 1)]
    assert took_s == pytest.approx(240, abs=0.1)


def test_automatic_is_on_when_every_other_link_is_silent_and_off_when_one_is_back(
    tmp_path: Path,
) -> None:
    radio, thin = _links()

    async def work(made: Bridge) -> Any:
        await do(made.doers, _AUTO)
        await asyncio.sleep(60)
        assert _told(thin) == []
        radio.got.clear()
        radio.silent = True
        await asyncio.sleep(15)
        assert _told(thin) == []  # lost for 10 s: it may come back
        await asyncio.sleep(15)
        assert _told(thin) == [(2600, 1)]
        thin.silent = False
        await asyncio.sleep(300)
        assert _told(thin) == [(2600, 1)]  # once is enough
        radio.silent = False
        await asyncio.sleep(10)
        assert _told(radio) == []
        await asyncio.sleep(20)
        assert _told(radio) == [(2600, 0)]

    _run(tmp_path, radio, thin, work)


def test_automatic_is_tried_again_when_nobody_answers_and_not_when_it_is_not_known(
    tmp_path: Path,
) -> None:
    radio, thin = _links()
    thin.answers.clear()

    async def silent(made: Bridge) -> Any:
        await do(made.doers, _AUTO)
        radio.silent = True
        await asyncio.sleep(900)
        return len(_told(thin))

    assert _run(tmp_path, radio, thin, silent) == 6

    radio, thin = _links(result=3)

    async def unknown(made: Bridge) -> Any:
        radio.silent = True
        await asyncio.sleep(900)  # automatic from before: the choice was kept
        shown = await do(made.doers, {"what": "hl.show"})
        return shown["vehicles"]

    (shown,) = _run(tmp_path, radio, thin, unknown)
    assert len(_told(thin)) == 1
    assert (shown["vehicle"], shown["mode"], shown["on"]) == ("m300-1", "auto", None)
    assert "UNSUPPORTED" in shown["reason"]


def test_automatic_needs_a_thin_link(tmp_path: Path) -> None:
    radio = Airborne(name="radio")

    async def main() -> Any:
        async with bridge(tmp_path, radio, video="off") as made:
            return await do(made.doers, _AUTO)

    answer = run_virtually(main())
    assert not answer["ok"]
    assert "beidou" in answer["said"]
