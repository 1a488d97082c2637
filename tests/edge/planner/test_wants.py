"""What the centre asks for and what bookmarks mean."""

from fieldlab.pending import LINE, S_US, drain, original, proxy, still
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.wire import Purpose, Want
from fieldlink.edge.planner import Candidate, Group, Rank, SpoolState

NOW_US = 1_000 * S_US


def want(
    from_s: int, to_s: int, purpose: Purpose = Purpose.SEND, device: str = "", layer: str = ""
) -> Want:
    return Want(bytes(8), purpose, device, "", layer, from_s * S_US, to_s * S_US)


def keep(from_s: int, to_s: int, device: str = "") -> Want:
    return want(from_s, to_s, Purpose.KEEP, device)


def _spool(*candidates: Candidate) -> SpoolState:
    spool = SpoolState()
    for candidate in candidates:
        spool.add(candidate)
    return spool


def _raised(*candidates: Candidate) -> list[int]:
    return [n for n, one in enumerate(candidates) if one.want is not None]


def test_a_span_that_is_asked_for_goes_before_its_like() -> None:
    pieces = [original(10 * n) for n in range(6)]
    spool = _spool(*pieces)
    spool.follow([want(25, 35)])
    assert [pieces.index(one) for one in drain(spool, LINE, NOW_US)] == [2, 3, 0, 1, 4, 5]


def test_a_bookmark_raises_its_span_and_the_bundle_just_before_it() -> None:
    pieces = [original(10 * n) for n in range(6)]
    spool = _spool(*pieces)
    spool.follow([keep(41, 42)])
    assert _raised(*pieces) == [3, 4]
    gap = _spool(original(10), after := original(100))
    gap.follow([keep(101, 102)])
    assert _raised(*gap.track(("cam-1", "video", Layer.ORIGINAL))) == [1]  # 80 s: another matter
    assert after.want == 0


def test_wants_go_in_the_order_in_which_they_are_put_and_can_be_reordered() -> None:
    pieces = [original(10 * n) for n in range(6)]
    wants = [want(51, 52), want(31, 32), want(11, 12)]
    spool = _spool(*pieces)
    spool.follow(wants)
    spool.follow([wants[1], wants[2], wants[0]])
    assert [pieces.index(one) for one in drain(spool, LINE, NOW_US)] == [3, 1, 5, 0, 2, 4]


def test_a_want_that_is_cancelled_leaves_what_fit_decided() -> None:
    cover = proxy(100, rank=Rank.COVER)
    spool = _spool(cover, proxy(900))
    spool.follow([want(100, 101)])
    assert [lane.key[0] for lane in spool.lanes] == [Group.MARKED, Group.PROXY]
    spool.set_rank(cover.bundle, Rank.LATER)
    assert next(iter(spool.lanes)).key[0] is Group.MARKED
    spool.follow([])
    assert [lane.key[0] for lane in spool.lanes] == [Group.PROXY, Group.LATER]


def test_what_is_recorded_later_into_the_span_is_raised_as_it_comes() -> None:
    spool = SpoolState()
    spool.follow([keep(100, 120, device="cam-1")])
    own = [original(at_s) for at_s in (70, 80, 90, 100, 115, 125)]
    other = original(105, device="cam-2")
    for one in (*own, other):
        spool.add(one)
    assert _raised(*own) == [2, 3, 4]
    assert other.want is None
    early = [original(at_s) for at_s in (100, 90, 80)]  # a restart: in no order at all
    again = SpoolState()
    again.follow([keep(105, 106)])
    for one in (early[2], early[0], early[1]):
        again.add(one)
    assert _raised(*early) == [0, 1]


def test_only_the_layer_that_was_asked_for_is_raised() -> None:
    pictures = [still(100), proxy(100), original(100)]
    spool = _spool(*pictures)
    spool.follow([want(100, 101, layer="original")])
    assert _raised(*pictures) == [2]
    spool.follow([want(100, 101)])
    assert _raised(*pictures) == [0, 1, 2]


def test_a_want_for_what_the_centre_has_already_is_no_harm() -> None:
    one = original(100)
    spool = _spool(one)
    spool.follow([keep(100, 101)])
    spool.discard(one.bundle)
    spool.follow([])
    assert len(spool) == 0
