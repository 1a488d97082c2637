"""The kit's view of the window, under a virtual clock."""

from collections.abc import Mapping, Sequence

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.codecs.wire import Orders, Purpose, Want
from fieldlink.edge.plan_show import plan_lines
from fieldlink.edge.planner import Candidate, SpoolState
from fieldlink.edge.planner.budget import BearerFacts
from fieldlink.edge.planning import Planning
from fieldlink.systemd.terminal import columns

_T0_US = 1_700_000_000_000_000
_MINUTE_US = 60_000_000


class World:
    """A clock, bearers that carry at a steady rate, and planning over them."""

    def __init__(self, *bearers: BearerFacts) -> None:
        self.now_us = _T0_US
        self.state = SpoolState()
        self.planning = Planning(self.state, lambda: self.now_us, fit=lambda: self.fit)
        self.fit: dict[str, object] = {}
        self._bearers = list(bearers)
        self._delivered = dict.fromkeys((one.name for one in bearers), 0)

    def facts(self) -> Sequence[BearerFacts]:
        return self._bearers

    def delivered_bytes(self) -> Mapping[str, int]:
        return self._delivered

    def remove(self, name: str) -> None:
        self._bearers = [one for one in self._bearers if one.name != name]

    def run(self, seconds: int) -> None:
        for _ in range(seconds // 2):
            self.now_us += 2_000_000
            for one in self._bearers:
                self._delivered[one.name] += round((one.rate_bps or 0) / 4)
            self.planning.look(self)

    def record(self, number: int, size: int, layer: Layer = Layer.PROXY) -> Candidate:
        made = Candidate(
            bundle=number.to_bytes(32, "big"),
            precedence=Precedence.PRIORITY,
            layer=layer,
            device="ball",
            stream="video",
            sequence=number,
            start_us=self.now_us + number,
            end_us=self.now_us + number + 4_000_000,
            deadline_us=self.now_us + 120 * _MINUTE_US,
            size=size,
        )
        self.state.add(made)
        return made


def _bearer(name: str, rate_bps: float, price: float = 0) -> BearerFacts:
    return BearerFacts(name=name, up=True, price=price, rate_bps=rate_bps)


def test_the_plan_says_what_is_late_by_the_window_that_the_centre_gave() -> None:
    world = World(_bearer("sat", 100_000))
    for number in range(100):
        world.record(number, 30_000)  # 3 MB at 100 kbit/s: four minutes
    due_us = _T0_US + 3 * _MINUTE_US
    world.planning.order(Orders(4, _T0_US, "flood", _T0_US - _MINUTE_US, due_us))
    world.run(30)
    plan = world.planning.report()
    assert (plan["incident"], plan["due_us"]) == ("flood", due_us)
    assert plan["streams"][0]["verdict"] == plan["verdict"] == "will-miss"
    assert plan["streams"][0]["reason"].startswith("rate: ")
    world.planning.order(Orders(5, _T0_US, "flood", _T0_US, _T0_US + 60 * _MINUTE_US))
    world.run(2)
    assert world.planning.report()["verdict"] == "kept"
    assert world.planning.revision == 5


def test_the_centre_is_told_at_once_of_a_change_and_else_every_half_minute() -> None:
    world = World(_bearer("sat", 100_000))
    assert world.planning.brief() is None
    world.run(20)
    assert world.planning.brief() is not None
    world.run(10)
    assert world.planning.brief() is None
    for number in range(100):
        world.record(number, 3_000_000)
    world.run(2)
    brief = world.planning.brief()
    assert brief is not None
    assert brief["streams"][0][:3] == ["ball", "video", "proxy"]
    assert brief["streams"][0][4] == 2
    world.run(28)
    assert world.planning.brief() is None
    world.run(2)
    assert world.planning.brief() is not None


def test_a_dear_bearer_opens_for_everything_only_when_the_cheap_one_is_too_slow() -> None:
    dear, cheap = _bearer("sat", 1_000_000, price=10), _bearer("4g", 100_000)
    world = World(cheap, dear)
    world.run(20)
    assert world.planning.admits(world.facts()) == {
        "4g": Precedence.ROUTINE,
        "sat": Precedence.IMMEDIATE,
    }
    world.record(0, 200_000_000)
    world.run(2)
    assert world.planning.admits(world.facts())["sat"] is Precedence.ROUTINE


def test_originals_alone_do_not_open_a_dear_bearer() -> None:
    world = World(_bearer("4g", 100_000), _bearer("sat", 1_000_000, price=10))
    world.record(0, 200_000_000, Layer.ORIGINAL)
    world.run(20)
    assert world.planning.admits(world.facts())["sat"] is Precedence.IMMEDIATE


def test_originals_that_come_later_are_no_alarm() -> None:
    world = World(_bearer("4g", 100_000))
    world.record(0, 200_000_000, Layer.ORIGINAL)
    world.record(1, 1_000)
    world.run(20)
    plan = world.planning.report()
    assert plan["verdict"] == "kept"
    assert {row["layer"]: row["verdict"] for row in plan["streams"]} == {
        "original": "will-miss",
        "proxy": "kept",
    }
    assert "to follow 稍后补送" in "\n".join(plan_lines(plan))


def test_a_bookmark_raises_its_span_until_the_centre_wants_something_else_as_well() -> None:
    world = World(_bearer("sat", 100_000))
    first, second = world.record(1, 1000), world.record(90_000_000, 1000)
    mark = Want(bytes(8), Purpose.KEEP, "ball", "", "", second.start_us, second.end_us)
    world.planning.mark([mark])
    assert second.want == 0
    wanted = Want(b"x" * 8, Purpose.SEND, "", "", "", first.start_us, first.end_us)
    world.planning.order(Orders(1, _T0_US, wants=(wanted,)))
    assert (first.want, second.want) == (0, 1)


def test_the_plan_is_printed_within_the_terminal_in_both_languages() -> None:
    world = World(_bearer("sat", 100_000))
    for number in range(100):
        world.record(number, 3_000_000)
    world.planning.order(Orders(4, _T0_US, "flood", _T0_US, _T0_US + 60 * _MINUTE_US))
    world.fit = {"level": 1, "rate_bps": 50_000, "fps": 8}
    world.run(30)
    lines = list(plan_lines(world.planning.report(), 80))
    assert all(columns(line) <= 80 for line in lines)
    text = "\n".join(lines)
    assert "TOO LATE 来不及" in text
    assert "链路太慢" in text
    assert "50 kbit/s" in text
    assert "0 h 59 min left" in text


def test_a_bearer_that_lies_about_its_rate_is_counted_in_the_plan_and_not_believed() -> None:
    world = World(_bearer("sat", 100_000))
    for number in range(100):
        world.record(number, 30_000)
    world.run(20)
    assert world.planning.report()["strange"] == 0
    world._delivered["sat"] += 10**18
    world.run(20)
    plan = world.planning.report()
    assert plan["strange"] == 1
    assert plan["rate_bps"] == 100_000


def test_orders_that_were_overtaken_on_the_way_are_not_followed() -> None:
    world = World(_bearer("sat", 64_000))
    world.planning.order(Orders(5, _T0_US, "flood", _T0_US, _T0_US + 60 * _MINUTE_US))
    world.planning.order(Orders(4, _T0_US - 2_000_000))
    assert world.planning.revision == 5
    assert world.planning.window is not None
    world.planning.order(Orders(2, _T0_US - 60 * _MINUTE_US))  # the centre's clock was set back
    assert world.planning.revision == 2


def test_a_bearer_that_was_removed_is_expected_to_carry_nothing_any_more() -> None:
    world = World(_bearer("sat", 64_000), _bearer("lte", 2_000_000))
    world.record(1, 10_000_000)
    world.run(60)
    with_both = world.planning.report()["rate_bps"]
    world.remove("lte")
    world.run(10)
    assert world.planning.report()["rate_bps"] < 0.1 * with_both
