"""Flights out of what was filed, in each kind of database."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from fieldlab.fleet import Shelf
from fieldlab.flights import SECOND_US, Craft
from fieldlink.codecs.bundle import Layer
from fieldlink.drone.record.index import Gap
from fieldlink.relay.catalogue import KitNews, StoredFlight, flight_news


class _Later:
    """Holds bundles back until they are filed, in the order that a test says."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.held = shelf, list[tuple[Any, Any]]()

    def file(self, *args: Any, **options: Any) -> str:
        self.held.append((args, options))
        return ""

    def go(self, order: tuple[int, ...]) -> None:
        for at in order:
            args, options = self.held[at]
            self.shelf.file(*args, **options)


def _rows(shelf: Shelf, device: str) -> Iterator[StoredFlight]:
    for flight in shelf.catalogue.flights(device=device):
        yield replace(flight, index_id=None, index_hash=None, device="", kit="")


def test_a_flight_is_the_same_in_whatever_order_it_comes(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_news, "_MOST_FULL", 3)  # taken in several pages
    start_us = shelf.now_us - 600 * SECOND_US
    gap = Gap(start_us + 70 * SECOND_US, start_us + 80 * SECOND_US, "link: nothing was heard")
    orders = list(permutations(range(4)))[::5]
    for turn, order in enumerate(orders):
        later = _Later(shelf)
        craft = Craft(later, "kit-1", f"uav-{turn}", now_us=start_us)
        craft.fly(150, telemetry=False, gaps=[gap])
        later.go(order)
        later.go(order[::2])  # sent again, under other numbers of the spool
        shelf.commit()
        if turn % 2:  # one at a time, each by another start of the centre
            shelf.following().settle()
    shelf.settle()
    first, *others = [list(_rows(shelf, device=f"uav-{turn}")) for turn in range(len(orders))]
    [row] = first
    assert (row.frames_here, row.pieces_here, row.pieces_known) == (300, 3, 3)
    assert (row.ended, row.conflicts, row.stale) == ("disarmed", 0, 0)
    assert row.gaps == [[gap.start_us, gap.end_us, gap.reason]]
    assert others == [first] * len(others)
    assert shelf.notes == []
    [piece, *_] = shelf.catalogue.flight_pieces(("kit-1", "uav-0", row.flight))
    assert piece[1].endswith(".tlog")


def test_what_comes_later_of_a_flight_is_found_out_again(shelf: Shelf) -> None:
    craft = Craft(shelf, now_us=shelf.now_us - 600 * SECOND_US)
    start_us = craft.now_us
    video: dict[str, Any] = {"seconds": 60.0, "media_type": "video/mp4", "stream": "video"}
    shelf.file("m300-1-2", Layer.PROXY, start_us - 30 * SECOND_US, b"v", **video)
    shelf.file("m300-12", Layer.PROXY, start_us, b"v", **video)
    for camera in ("m300-1-3", "eye", "m300-1-x"):  # another aircraft, carried, neither
        shelf.file(camera, Layer.PROXY, start_us + 70 * SECOND_US, b"v", **video)
    Craft(shelf, device="m300-1-3", now_us=start_us).fly(10, telemetry=False)
    craft.fly(120, telemetry=False)
    shelf.settle()
    shelf.catalogue.hear_kits(
        [KitNews("kit-1", shelf.now_us, report={"devices": {"eye": {"carrier": "m300-1"}}})]
    )
    [row] = shelf.catalogue.flights(device="m300-1", from_us=start_us, to_us=start_us + 1)
    assert (row.max_height, row.distance_m, row.exercise) == (None, None, False)
    assert row.video == [["m300-1-2", "video", start_us, start_us + 30 * SECOND_US]]
    craft.telemetry(start_us, range(120))
    shelf.file("m300-1", Layer.PROXY, start_us + 60 * SECOND_US, b"v", **video)
    shelf.settle()
    [row] = shelf.catalogue.flights(kit="kit-1", device="m300-1", armed=True)
    assert (row.max_height, row.exercise) == (50.0, True)
    assert [each[0] for each in row.video] == ["eye", "m300-1", "m300-1-2"]
    assert shelf.catalogue.flights(armed=False) == []
    size = sum(each.bytes_here for each in shelf.catalogue.flights())
    assert shelf.catalogue.flight_totals() == {("kit-1", "ended"): (2, 3, size)}
    assert shelf.catalogue.find_flights(row.flight[:8], kit="kit-1", device="m300-1") == [row]
