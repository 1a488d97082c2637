"""Which pieces to play where finer and thinner ones overlap."""

import itertools

import httpx
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.duty import Duty, now_us
from fieldlink.codecs.bundle import Layer
from fieldlink.relay.web.cover import SLIVER_US, Piece, best_cover

_S = 1_000_000


def _played(*pieces: tuple[int, float, float]) -> list[tuple[int, float, float]]:
    """(piece's number, from, to) in seconds, of pieces (level, start, end)."""
    made = [
        Piece(key, level, round(start * _S), round(end * _S))
        for key, (level, start, end) in enumerate(pieces)
    ]
    return [(part.piece.key, part.from_us / _S, part.to_us / _S) for part in best_cover(made)]


def test_a_finer_piece_is_played_and_the_thin_one_fills_the_holes() -> None:
    assert _played((2, 0, 60), (0, 0, 4), (0, 4, 8), (0, 40, 44)) == [
        (1, 0, 4),
        (2, 4, 8),
        (0, 8, 40),
        (3, 40, 44),
        (0, 44, 60),
    ]


def test_a_thin_piece_that_finer_ones_cover_is_not_played() -> None:
    assert _played((1, 0, 8), (0, 0, 4.02), (0, 4, 8)) == [(1, 0, 4.02), (2, 4, 8)]


def test_of_two_thin_ones_the_finer_wins() -> None:
    assert _played((5, 0, 60), (1, 0, 60), (3, 50, 110)) == [(1, 0, 60), (2, 60, 110)]


def test_of_two_of_one_kind_the_one_of_the_higher_rate_wins() -> None:
    low, high = Piece(0, 1, 0, 60 * _S, 16_000), Piece(1, 1, 0, 60 * _S, 400_000)
    assert [part.piece.key for part in best_cover([low, high])] == [1]


def test_a_frame_or_two_between_pieces_is_no_hole() -> None:
    assert _played((3, 0, 12), (0, 0, 3.9), (0, 4.1, 8), (0, 8.8, 12)) == [
        (1, 0, 3.9),
        (2, 4.1, 8),
        (3, 8.8, 12),
    ]


def test_a_piece_shorter_than_a_sliver_is_played_where_nothing_else_is() -> None:
    assert _played((0, 0, 0.4), (0, 10, 14), (1, 10.2, 10.6)) == [(0, 0, 0.4), (1, 10, 14)]
    assert _played((0, 5, 5)) == []


_PIECES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 200), st.integers(2, 60)), max_size=30
)


@given(_PIECES)
def test_any_pieces_are_covered_once_and_as_finely_as_can_be(
    said: list[tuple[int, int, int]],
) -> None:
    pieces = [Piece(k, level, a * _S, (a + n) * _S) for k, (level, a, n) in enumerate(said)]
    parts = best_cover(pieces)
    for part in parts:
        assert part.piece.start_us <= part.from_us < part.to_us <= part.piece.end_us
    for first, second in itertools.pairwise(parts):
        assert second.from_us >= first.to_us - SLIVER_US
    for second_us in range(_S // 2, 270 * _S, _S):
        there = [p for p in pieces if p.start_us <= second_us < p.end_us]
        playing = [p for p in parts if p.from_us <= second_us < p.to_us]
        assert len(playing) == min(1, len(there))
        if there:
            assert playing[0].piece.level == min(p.level for p in there)


def test_pages_of_the_best_cover_meet_without_overlap(duty: Duty, inside: httpx.Client) -> None:
    begin = now_us() - 600 * _S
    thin = [
        duty.file("ball-1", Layer.PROXY, begin + n * 60 * _S, b"t%d" % n, seconds=60, thin=2)
        for n in range(3)
    ]
    fine = [
        duty.file("ball-1", Layer.PROXY, begin + n * 4 * _S, b"f%d" % n, seconds=4)
        for n in (0, 1, 2, 20, 21)
    ]
    path = "/api/streams/kit-1/ball-1/video/bundles?layer=proxy&best=1"
    whole = inside.get(path).json()
    assert whole["next_us"] is None
    spans = [
        (b["id"], b["play_from_us"] - begin, b["play_to_us"] - begin) for b in whole["bundles"]
    ]
    assert spans == [
        (fine[0], 0, 4 * _S),
        (fine[1], 4 * _S, 8 * _S),
        (fine[2], 8 * _S, 12 * _S),
        (thin[0], 12 * _S, 60 * _S),
        (thin[1], 60 * _S, 80 * _S),
        (fine[3], 80 * _S, 84 * _S),
        (fine[4], 84 * _S, 88 * _S),
        (thin[1], 88 * _S, 120 * _S),
        (thin[2], 120 * _S, 180 * _S),
    ]
    for limit in (4, 2):  # two are as many as there are of an instant
        joined: list[tuple[str, int, int]] = []
        follow = ""
        for _ in range(20):
            page = inside.get(f"{path}&limit={limit}{follow}").json()
            for b in page["bundles"]:
                ident, first, last = b["id"], b["play_from_us"] - begin, b["play_to_us"] - begin
                if joined and joined[-1][0] == ident and joined[-1][2] == first:
                    first = joined.pop()[1]
                joined.append((ident, first, last))
            if page["next_us"] is None:
                break
            follow = f"&from={page['next_us']}"
        assert joined == spans, limit
    for wrong in ("&order=newest", "&after=1"):
        assert inside.get(path + wrong).status_code == 422
    assert inside.get(path.replace("layer=proxy&", "")).status_code == 422


def test_thinned_proxies_are_a_layer_of_their_own_in_the_coverage(
    duty: Duty, inside: httpx.Client
) -> None:
    at = now_us() - 100 * _S
    duty.file("ball-1", Layer.PROXY, at, b"thin", seconds=60, thin=1)
    duty.file("ball-1", Layer.PROXY, at, b"fine", seconds=4)
    (stream,) = inside.get("/api/coverage").json()["streams"]
    assert stream["layers"] == {"thin": [[at, at + 60 * _S]], "proxy": [[at, at + 4 * _S]]}
