"""Minute by minute and stream by stream: what the centre has, what waits, what could be made.

Fed with what the spool records and what arrives; a minute is summed up again only after something
in it changed. It knows nothing of the disk or the link, and runs on one thread.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, Layer, Manifest
from fieldlink.edge.fit.cell import Cell, Piece, cell_of

__all__ = ["MINUTE_US", "Coverage", "Minutes"]

MINUTE_US = 60_000_000
_MOST_MINUTES = 1440
_Key: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Minutes:
    """How many minutes there are on record, and of how many the centre has something, and has
    moving pictures.
    """

    total: int = 0
    present: int = 0
    moving: int = 0


class Coverage:
    """The minutes of every stream. `minute_us` is how long one is: shorter in trials."""

    def __init__(self, minute_us: int = MINUTE_US) -> None:
        self._minute_us = minute_us
        self._pieces: dict[bytes, Piece] = {}
        self._waiting: dict[bytes, Piece] = {}
        self._minutes: dict[_Key, dict[bytes, Piece]] = {}
        self._cells: dict[_Key, Cell] = {}
        self._dirty: set[_Key] = set()
        self._barren: dict[_Key, set[Layer]] = {}

    def __len__(self) -> int:
        return len(self._minutes)

    def recorded(self, bundle: bytes, manifest: Manifest, *, custody: bool = False) -> None:
        """The spool has `bundle`, and the centre too if `custody`; twice changes nothing."""
        if bundle in self._pieces or manifest.media_type == GAP_MEDIA_TYPE:
            return
        piece = Piece.of(bundle, manifest, custody=custody)
        self._pieces[bundle] = piece
        if not custody:
            self._waiting[bundle] = piece
        for key in self._keys(piece):
            self._minutes.setdefault(key, {})[bundle] = piece
            self._dirty.add(key)

    def arrived(self, bundle: bytes) -> None:
        """The centre has `bundle`."""
        piece = self._pieces.get(bundle)
        if piece is not None and not piece.custody:
            piece.custody = True
            del self._waiting[bundle]
            self._dirty.update(self._keys(piece))

    def lost(self, bundle: bytes) -> None:
        """The spool does not have `bundle` any more; what of it arrived, arrived."""
        piece = self._pieces.get(bundle)
        if piece is not None and piece.custody:
            return
        piece = self._pieces.pop(bundle, None)
        self._waiting.pop(bundle, None)
        for key in self._keys(piece) if piece is not None else ():
            minute = self._minutes[key]
            del minute[bundle]
            if minute:
                self._dirty.add(key)
            else:
                del self._minutes[key]
                self._cells.pop(key, None)
                self._dirty.discard(key)
                self._barren.pop(key, None)

    def barren(self, cell: Cell, layer: Layer) -> None:
        """Nothing can be made of what is stored of `cell` in `layer`."""
        self._barren.setdefault(cell.key, set()).add(layer)
        self._dirty.add(cell.key)

    def sent(self, piece: Piece, count: int) -> None:
        """So many bytes of `piece` are under way or at the centre."""
        if piece.sent != count:
            piece.sent = count
            self._dirty.update(self._keys(piece))

    def waiting(self) -> list[Piece]:
        """Every bundle that the centre does not have."""
        return list(self._waiting.values())

    def cells(self) -> list[Cell]:
        """Every minute, summed up."""
        for key in self._dirty:
            start_us = key[2]
            end_us = start_us + self._minute_us
            cell = cell_of(self._minutes[key].values(), start_us, end_us)
            if (barren := self._barren.get(key)) is not None:
                cell = replace(
                    cell,
                    has_originals=cell.has_originals and Layer.ORIGINAL not in barren,
                    has_proxies=cell.has_proxies and Layer.PROXY not in barren,
                )
            self._cells[key] = cell
        self._dirty.clear()
        return list(self._cells.values())

    def sources(self, cell: Cell, layer: Layer) -> list[Piece]:
        """The pieces of `layer` from capture to make a rendition of `cell` from, in order of
        time, with those before that the first one continues.
        """
        pieces = [
            piece
            for piece in self._minutes.get(cell.key, {}).values()
            if piece.layer is layer and not piece.thin
        ]
        pieces.sort(key=lambda piece: (piece.start_us, piece.sequence))
        while pieces and pieces[0].continues:
            before = self._before(pieces[0])
            if before is None:
                break
            pieces.insert(0, before)
        return pieces

    def minutes(self, from_us: int = 0, to_us: int = 2**63) -> Minutes:
        """How many minutes that begin between these times there are, and are at the centre."""
        chosen = [cell for cell in self.cells() if from_us <= cell.start_us < to_us]
        return Minutes(
            total=len(chosen),
            present=sum(cell.is_present for cell in chosen),
            moving=sum(cell.held_bps > 0 for cell in chosen),
        )

    def forget(self, before_us: int) -> None:
        """Let go of minutes before `before_us` of which nothing waits."""
        for key in [key for key in self._minutes if key[2] < before_us]:
            if all(piece.custody for piece in self._minutes[key].values()):
                for bundle in self._minutes.pop(key):
                    self._pieces.pop(bundle, None)
                self._cells.pop(key, None)
                self._dirty.discard(key)
                self._barren.pop(key, None)

    def _before(self, piece: Piece) -> Piece | None:
        at = (piece.start_us - 1) // self._minute_us * self._minute_us
        near: Iterable[Piece] = self._minutes.get((piece.device, piece.stream, at), {}).values()
        found = [
            one
            for one in near
            if one.layer is piece.layer and one.start_us < piece.start_us <= one.end_us + 1
        ]
        return max(found, key=lambda one: one.start_us, default=None)

    def _keys(self, piece: Piece) -> list[_Key]:
        first = piece.start_us // self._minute_us
        last = max(first, (piece.end_us - 1) // self._minute_us)
        last = min(last, first + _MOST_MINUTES)
        return [
            (piece.device, piece.stream, number * self._minute_us)
            for number in range(first, last + 1)
        ]
