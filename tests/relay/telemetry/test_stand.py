"""What is the latest of a device: late, twice, out of order, and with clocks that are wrong."""

import json

from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.telemetry import POSITION, VITALS, Block, Column, Flag, Sample, Schema, Value
from fieldlink.relay.telemetry.board import MAX_DEVICES, Board, position_news
from fieldlink.relay.telemetry.stand import MAX_STREAMS, Stand, pack_stand, unpack_stand

T0_US = 1_790_000_000_000_000
_S = 1_000_000
_NONE = (None,) * 6
_FAR_US = 4_070_908_800_000_000  # 2099


def position(number: int, *, fix: bool = True, at_us: int | None = None) -> Sample:
    """A position whose latitude says its number."""
    place: tuple[Value, ...] = (number, number) if fix else (None, None)
    at = T0_US + number * _S if at_us is None else at_us
    return Sample(at, number, place + _NONE, 0 if fix else Flag.NO_FIX.value)


def block(*samples: Sample, epoch: int = 1, schema: Schema = POSITION) -> Block:
    return Block("soldier-1", "soldier", schema, epoch, samples)


def latest(*arrivals: tuple[Block, int]) -> Stand:
    """What stands after these blocks arrived, each so many seconds after T0."""
    stand = Stand("kit-1", "soldier-1")
    for one, after_s in arrivals:
        stand.take(one, T0_US + after_s * _S)
    return stand


def shown(stand: Stand) -> Value:
    """The latitude that is shown."""
    assert stand.fixed is not None
    return stand.fixed.values[0]


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=8))
def test_in_any_order_and_repeated_the_last_number_is_the_latest(
    order: list[int], again: list[int]
) -> None:
    stand = latest(*((block(position(n)), 100 + at) for at, n in enumerate([*order, *again])))
    assert shown(stand) == 7
    assert stand.streams["position"].sequence == 7


def test_a_backlog_does_not_turn_the_latest_back() -> None:
    live, old = block(position(500)), block(*map(position, range(400)))
    assert shown(latest((live, 501), (old, 600))) == 500
    assert latest((live, 501), (old, 600)).heard_us == T0_US + 600 * _S


def test_a_run_that_began_before_does_not_turn_the_latest_back() -> None:
    now, before = block(position(900), epoch=2), block(position(300), epoch=9)
    assert shown(latest((now, 901), (before, 950))) == 900


def test_a_new_run_takes_over_whatever_its_number_and_epoch() -> None:
    first = block(position(900), epoch=9)
    second = block(position(1, at_us=T0_US + 905 * _S), epoch=2)
    assert shown(latest((first, 901), (second, 906))) == 1


def test_a_clock_that_is_set_back_changes_nothing_in_one_run() -> None:
    ahead = block(position(10, at_us=T0_US + 5000 * _S))
    right = block(position(11, at_us=T0_US + 11 * _S))
    assert shown(latest((ahead, 10), (right, 12))) == 11


def test_a_time_in_2099_is_marked_and_gives_way_to_the_next_run() -> None:
    wrong = block(position(10, at_us=_FAR_US), epoch=5)
    stand = latest((wrong, 10))
    assert stand.fixed is not None
    assert stand.fixed.future
    after = block(position(3, at_us=T0_US + 20 * _S), epoch=1)
    assert shown(latest((wrong, 10), (after, 21))) == 3


def test_a_kit_that_believes_it_is_1970_is_understood_by_when_it_sent() -> None:
    stand = latest((block(position(900), epoch=9), 901))
    reborn = block(position(1, at_us=30 * _S), epoch=1)
    stand.take(reborn, T0_US + 960 * _S, behind_us=T0_US + 930 * _S - 31 * _S)
    assert shown(stand) == 1
    old = block(position(500), epoch=2)  # and a backlog stays one
    stand.take(old, T0_US + 970 * _S, behind_us=_S)
    assert shown(stand) == 1


def test_a_wild_number_holds_for_a_minute_at_most() -> None:
    wild = block(position(2**40, at_us=T0_US + 10 * _S))
    steps = [(block(position(n)), n) for n in range(11, 80)]
    assert shown(latest((wild, 10), *steps[:20])) == 2**40
    assert shown(latest((wild, 10), *steps)) == 79


def test_the_last_place_stays_when_the_fix_is_lost_and_since_when_is_said() -> None:
    stand = latest(
        (block(position(1)), 2), (block(position(2, fix=False), position(3, fix=False)), 4)
    )
    assert (shown(stand), stand.lost_us) == (1, T0_US + 2 * _S)
    stand.take(block(position(4, fix=False)), T0_US + 5 * _S)
    assert (shown(stand), stand.lost_us) == (1, T0_US + 2 * _S)
    stand.take(block(position(5)), T0_US + 6 * _S)
    assert (shown(stand), stand.lost_us) == (5, None)
    stand.take(block(position(4, fix=False)), T0_US + 7 * _S)
    assert (shown(stand), stand.lost_us) == (5, None)


def test_a_stand_comes_back_from_the_catalogue_as_it_was() -> None:
    free = Schema("water", (Column("level", "m", 3), Column("note", is_text=True)))
    stand = latest(
        (block(position(1), position(2, fix=False)), 3),
        (block(Sample(T0_US, 4, (1250, "calm 平静"), 256, 1000), schema=free), 4),
    )
    assert unpack_stand("kit-1", "soldier-1", pack_stand(stand)) == stand


def test_what_one_kit_may_have_in_memory_is_bounded() -> None:
    board = Board(T0_US)
    named = Sample(T0_US, 1, (70, *(None,) * 6))
    for number in range(MAX_DEVICES + 5):
        one = Block(f"d-{number}", "soldier", VITALS, 1, (named,))
        assert board.take("kit-1", one, T0_US) == (number < MAX_DEVICES)
    assert board.take("kit-2", Block("d-1", "soldier", VITALS, 1, (named,)), T0_US)
    assert not board.take("kit-1", Block("d-9999", "soldier", VITALS, 1, (named,)), T0_US)
    for number in range(MAX_STREAMS + 5):
        schema = Schema(f"s-{number}", (Column("v"),))
        one = Block("d-1", "sensor", schema, 1, (Sample(T0_US, 1, (1,)),))
        assert board.take("kit-3", one, T0_US) == (number < MAX_STREAMS)


def test_text_of_a_device_stays_text_in_the_answer() -> None:
    schema = Schema("words", (Column("said", '"', is_text=True), Column("n", 'a"b', 1)))
    evil = '"},{"kit":"</script>\\\u2028' + "x" * 5000
    board = Board(T0_US)
    sample = Sample(T0_US, 1, (evil, -15))
    board.take("kit-1", Block("d-1", "soldier", schema, 1, (sample,)), T0_US)
    board.publish()
    (device,) = json.loads(board.answer(T0_US))["devices"]
    values = device["streams"]["words"]["values"]
    assert values == {"said": evil[:256], "n": -1.5}
    assert device["streams"]["words"]["units"] == {"said": '"', "n": 'a"b'}
    assert device["position"] is None


def test_asking_since_a_revision_gives_what_changed_after_it_and_all_after_a_clock_went_back() -> (
    None
):
    board = Board(T0_US)
    revisions = []
    for number in range(3):
        sample = position(number)
        board.take("kit-1", Block(f"d-{number}", "soldier", POSITION, 1, (sample,)), T0_US)
        board.publish()
        revisions.append(board.revision)

    def asked(since: int | None) -> list[str]:
        return [each["device"] for each in json.loads(board.answer(T0_US, since))["devices"]]

    assert asked(revisions[0]) == ["d-2", "d-1"]
    assert asked(revisions[2]) == []
    assert sorted(asked(revisions[2] + 1)) == sorted(asked(None)) == ["d-0", "d-1", "d-2"]


def test_news_of_positions_leaves_out_what_has_none() -> None:
    stands = [latest((block(position(5)), 6)), Stand("kit-1", "d-2", "sensor")]
    news = json.loads(position_news(8, stands))
    (row,) = news["devices"]
    assert row == ["kit-1", "soldier-1", "soldier", T0_US + 5 * _S, 5e-7, 5e-7, None, None, 0]
    assert news["revision"] == 8
