"""Price order, reserves and budgets of bearers."""

from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.bundle import Precedence
from fieldlink.edge.planner.budget import (
    OVERDRAFT,
    BearerFacts,
    admitted,
    cheapest,
    longest_chunk_bytes,
)

ROUTINE, IMMEDIATE, FLASH = Precedence.ROUTINE, Precedence.IMMEDIATE, Precedence.FLASH


def _mesh(up: bool = True, held: bool = False, used_bytes: int = 0) -> BearerFacts:
    return BearerFacts(
        name="mesh", up=up, held=held, price=0, used_bytes=used_bytes, budget_bytes=10_000
    )


def _satellite(used_bytes: int = 0) -> BearerFacts:
    return BearerFacts(
        name="sat", up=True, price=5, used_bytes=used_bytes, budget_bytes=1_000, reserve=0.2
    )


def test_the_dear_one_carries_only_what_is_urgent_while_the_cheap_one_suffices() -> None:
    assert admitted([_satellite(), _mesh()], suffices=True) == {"sat": IMMEDIATE, "mesh": ROUTINE}


def test_the_dear_one_opens_when_the_cheap_one_does_not_suffice() -> None:
    assert admitted([_mesh(), _satellite()], suffices=False) == {"mesh": ROUTINE, "sat": ROUTINE}


def test_the_dear_one_opens_when_the_cheap_one_is_down_held_or_spent() -> None:
    for mesh in (_mesh(up=False), _mesh(held=True), _mesh(used_bytes=10_000)):
        assert admitted([mesh, _satellite()], suffices=True)["sat"] is ROUTINE


def test_bearers_of_one_price_are_used_together() -> None:
    pair = [BearerFacts(name="one", up=True, price=3), BearerFacts(name="two", up=True, price=3)]
    assert cheapest(pair) == ("one", "two")
    assert admitted(pair, suffices=True) == {"one": ROUTINE, "two": ROUTINE}


def test_the_reserve_is_kept_for_what_is_urgent_and_then_for_alarms() -> None:
    found = [
        admitted([_satellite(used)], suffices=True)["sat"] for used in (799, 800, 1_000, 1_010)
    ]
    assert found == [ROUTINE, IMMEDIATE, FLASH, None]


def test_a_chunk_ends_with_what_may_be_used() -> None:
    found = [longest_chunk_bytes(_satellite(used)) for used in (0, 700, 799, 800, 1_000, 2_000)]
    assert found == [800, 100, 5, 200, 10, 5]
    assert longest_chunk_bytes(BearerFacts(name="free", up=True)) is None


def test_a_bearer_that_is_held_carries_nothing_at_all() -> None:
    assert admitted([_mesh(held=True)], suffices=True) == {"mesh": None}


def test_a_reserve_or_a_price_that_is_no_number_makes_nothing_cheaper() -> None:
    odd = BearerFacts(name="odd", up=True, price=float("nan"), budget_bytes=9, reserve=float("nan"))
    assert admitted([odd], suffices=True) == {"odd": IMMEDIATE}
    assert admitted([BearerFacts(name="odd", up=True, price=float("nan")), _mesh()], True) == {
        "odd": IMMEDIATE,
        "mesh": ROUTINE,
    }


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.booleans(),
            st.integers(0, 3),
            st.integers(0, 2_000),
            st.none() | st.integers(0, 1_000),
            st.floats(0, 1),
        ),
        max_size=5,
    ),
    st.booleans(),
)
def test_nothing_is_admitted_beyond_a_budget_and_something_always_when_one_has_some_left(
    drawn: list[tuple[bool, bool, int, int, int | None, float]], suffices: bool
) -> None:
    bearers = [
        BearerFacts(
            name=str(n), up=up, held=held, price=price, used_bytes=used, budget_bytes=budget,
            reserve=reserve,
        )
        for n, (up, held, price, used, budget, reserve) in enumerate(drawn)
    ]  # fmt: skip
    allowed = admitted(bearers, suffices)
    for bearer in bearers:
        admits, budget = allowed[bearer.name], bearer.budget_bytes
        if budget is not None and bearer.used_bytes >= budget:
            assert admits in (FLASH, None)
        if budget is not None and bearer.used_bytes >= budget * (1 + OVERDRAFT):
            assert admits is None
        if bearer.held or not bearer.up:
            assert admits is None
    if cheapest(bearers):
        assert ROUTINE in allowed.values()
