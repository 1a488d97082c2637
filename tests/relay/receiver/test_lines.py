"""A kit on several bearers at once: its words, its plan, its orders, its chunks interleaved."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.receiving import T0_US, StillCentre, make_bundle
from fieldlink.codecs.bundle import Ranges
from fieldlink.codecs.wire import Hello, Orders, State, Verdict, Welcome


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[StillCentre]:
    still = StillCentre(tmp_path)
    yield still
    still.close()


def test_hello_is_answered_by_orders_as_well(centre: StillCentre) -> None:
    centre.order_book["kit-a"] = Orders(7, T0_US)
    centre.take(Hello("0.1", b"spool-01", centre.now_us, "lan", {}), "hello")
    assert [(kind, type(frame)) for _, kind, frame in centre.sent] == [
        ("welcome", Welcome),
        ("orders", Orders),
    ]


def test_a_kit_says_which_orders_it_follows(centre: StillCentre) -> None:
    centre.take(State(centre.now_us, {"a": 1}), "state")
    assert centre.followed == {}
    centre.take(State(centre.now_us, {"orders": 7}), "state")
    assert centre.followed == {"kit-a": 7}


def test_a_plan_is_kept_apart_from_the_report(centre: StillCentre) -> None:
    row = ["ball-1", "video", "proxy", 5000, 1, T0_US, "rate: too slow"]
    plan = {"at_us": T0_US, "rate_bps": 1e5, "streams": [row]}
    centre.take(State(centre.now_us, {"gaps": 1, "plan": plan}), "state")
    [news] = centre.news
    assert news.report == {"gaps": 1}
    assert news.plan is not None
    assert (news.plan["rate_bps"], news.plan["streams"]) == (100_000, [row])


@pytest.mark.parametrize(
    "plan",
    [
        7,
        [],
        {"at_us": -1},
        {"at_us": 1, "streams": "x"},
        {"at_us": 1, "streams": [[]] * 65},
        {"at_us": 1, "streams": [["../x", "video", "proxy", 1, 0, None, ""]]},
        {"at_us": 1, "streams": [["ball-1", "video", "proxy", 1, 3, None, ""]]},
        {"at_us": 1, "streams": [["ball-1", "video", "secret", 1, 0, None, ""]]},
        {"at_us": 1, "streams": [["ball-1", "video", "proxy", 1.5, 0, None, ""]]},
        {"at_us": 1, "streams": [["ball-1", "video", "proxy", 1, 0, None, 5]]},
        {"at_us": 1, "streams": [["ball-1", "video", "proxy", 1]]},
        {"at_us": 1, "rate_bps": 1e300},
        {"at_us": 1, "fit": 1000},
        {"at_us": 2**62},
        {"at_us": 1, "streams": [["ball-1", "video", "proxy", 1, 0, 2**62, ""]]},
    ],
)
def test_a_plan_that_is_none_is_counted_and_the_report_is_kept(
    centre: StillCentre, plan: object
) -> None:
    centre.take(State(centre.now_us, {"gaps": 1, "plan": plan}), "state")
    [news] = centre.news
    assert (news.report, news.plan) == ({"gaps": 1}, None)
    assert centre.tally.counts() == {"malformed": 1}


def test_every_bearer_is_noted_once_a_second(centre: StillCentre) -> None:
    bundle = make_bundle(b"x" * 100)
    for at in range(0, 50, 5):
        centre.take(bundle.chunk(at, at + 5, bearer="lte" if at % 10 else "sat"))
    heard = [tuple(news.heard_on) for news in centre.news if news.heard_on]
    assert heard == [("sat",), ("lte",)]
    centre.now_us += 1_000_000
    centre.take(bundle.chunk(50, 60, bearer="sat"))
    assert len([news for news in centre.news if news.heard_on]) == 3


@given(order=st.permutations(range(10)), without=st.sets(st.integers(0, 9), max_size=9))
def test_chunks_of_one_bundle_come_interleaved_over_several_bearers(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], without: set[int]
) -> None:
    centre = StillCentre(tmp_path_factory.mktemp("centre"))
    bundle = make_bundle(random.Random(3).randbytes(1000))
    known = False
    for at in order:
        known = known or at not in without
        answer = centre.take(
            bundle.chunk(
                at * 100,
                at * 100 + 100,
                bearer=f"line-{at % 3}",
                with_manifest=at not in without,
            )
        )
        if not known:
            assert answer is not None
            assert (answer.verdict, answer.ranges) == (Verdict.HAVE, Ranges())
    centre.send_rest(bundle)
    assert centre.file_of(bundle).read_bytes() == bundle.content
    filed = centre.catalogue.bundle(bundle.id)
    assert filed is not None
    assert set(filed.journey.bearers) <= {"line-0", "line-1", "line-2", "lan"}
    centre.close()
