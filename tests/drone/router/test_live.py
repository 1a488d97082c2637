"""A router that is told otherwise while it runs: other rates, one link alone, thin links too."""

import pytest

from fieldlab.routing import Bench, Speaker, settings
from fieldlink.drone.router import EndpointSettings
from fieldlink.drone.router.policy import policy_of

_LAN = {"name": "uav"}


def _policy(**values: object) -> object:
    whole = {"name": "gcs", "connect": "udpin:127.0.0.1:0", **values}
    return policy_of(EndpointSettings.model_validate(whole))


def test_another_policy_holds_at_once_for_what_comes_and_for_what_waits() -> None:
    bench = Bench(settings(_LAN, {"name": "gcs"}))
    air = Speaker()
    for _ in range(200):
        bench.put("uav", air.say("attitude", 1, 0, 0, 0, 0, 0, 1.5))
    port = bench.ports["gcs"]
    assert port.outbox.bytes > 4000
    port.change(_policy(rates={"ATTITUDE": 0}, queue="4kB", budget="800bit/s"), bench.now_us)  # type: ignore[arg-type]
    assert port.outbox.bytes <= 4000
    waiting = port.outbox.bytes
    bench.put("uav", air.say("attitude", 1, 0, 0, 0, 0, 0, 1.5))
    assert port.outbox.bytes == waiting  # never, now
    assert bench.out("gcs") == []  # nothing of the budget is there yet
    bench.now_us += 1_000_000
    assert 0 < sum(map(len, bench.out("gcs"))) <= 100
    port.change(_policy(), bench.now_us)  # type: ignore[arg-type]
    bench.put("uav", air.say("attitude", 1, 0, 0, 0, 0, 0, 1.5))
    assert sum(map(len, bench.out("gcs"))) > 100


def test_the_best_link_is_the_one_that_heard_lately_then_the_widest() -> None:
    bench = Bench(
        settings({"name": "sat", "profile": "sat"}, _LAN, {"name": "lte", "profile": "lte"})
    )
    air = Speaker(sysid=7)
    for link in ("uav", "lte", "sat"):
        bench.put(link, air.beat())

    def best(*, thin: bool = False) -> list[str]:
        return [one.name for one in bench.core.reaches((7, 1), bench.now_us, thin=thin)]

    assert best() == ["uav", "lte", "sat"]
    bench.now_us += 6_000_000  # silent for too long on lan, and not on the others
    assert best() == ["lte", "sat", "uav"]
    assert bench.core.reaches((9, 1), bench.now_us) == []
    assert bench.core.reaches((7, 0), bench.now_us)[0].name == "lte"


def test_a_thin_link_where_nobody_spoke_comes_instead_of_a_wide_one_that_fell_silent() -> None:
    bench = Bench(settings(_LAN, {"name": "beidou", "profile": "beidou"}))
    bench.put("uav", Speaker(sysid=7).beat())

    def best(*, thin: bool) -> list[str]:
        return [one.name for one in bench.core.reaches((7, 1), bench.now_us, thin=thin)]

    assert best(thin=False) == ["uav"]
    assert best(thin=True) == ["uav", "beidou"]
    bench.now_us += 6_000_000
    assert best(thin=True) == ["beidou"]


@pytest.mark.parametrize("link", ["uav", "beidou"])
def test_a_frame_of_the_kit_goes_over_one_link_alone_if_so_asked(link: str) -> None:
    bench = Bench(settings(_LAN, {"name": "beidou", "profile": "beidou"}))
    bench.put("uav", Speaker(sysid=7).beat())
    bench.clear()
    kit = Speaker(sysid=1, compid=191)
    command = kit.say("command_long", 7, 1, 2600, 0, 1, 0, 0, 0, 0, 0, 0)
    assert bench.core.send(command, bench.now_us, 0, bench.ports[link].number) == 1
    sent = {name: len(bench.out(name)) for name in ("uav", "beidou")}
    assert sent == {"uav": 0, "beidou": 0} | {link: 1}
