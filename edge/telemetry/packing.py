"""Sheaves that wait are bound together: one large one is a fraction of many small ones.

The large one is durable before the small ones are withdrawn. A kill in between leaves both, and
the centre knows a sample by its number. What is on its way, or may be, is never touched.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeAlias

from fieldlink.codecs.bundle import Draft, Precedence, Ranges
from fieldlink.codecs.fault import CodecError, SpoolError
from fieldlink.codecs.telemetry import SHEAF_MEDIA_TYPE, Block, decode_sheaf, merge
from fieldlink.edge.planner import Candidate, SpoolState
from fieldlink.edge.spool import BundleGoneError, State, Stored
from fieldlink.edge.telemetry.sheaves import CELLS, PACKED, THIN, cells_of, sheaf_bundles

__all__ = ["Packer", "Shelf", "Waits"]

_OLD_US = 10_000_000
_FEW, _MOST = 8, 32
_MOST_CELLS = 400_000
_MOST_BYTES = 1_000_000
_MOST_TIERS = 8
_LOOKED_AT = 500


class Shelf(Protocol):
    """What is needed of the spool."""

    def add(self, draft: Draft, content: bytes) -> Stored:
        """Record a bundle."""

    def get(self, bundle_id: bytes) -> Stored | None:
        """The bundle of that id."""

    def read(self, bundle_id: bytes, offset: int, length: int) -> bytes:
        """Bytes of its content."""

    def withdraw(self, *bundle_ids: bytes) -> list[bytes]:
        """Take out those of which nothing was sent."""


@dataclass(frozen=True, slots=True)
class _Small:
    """A sheaf that waits."""

    bundle: bytes
    size: int
    cells: int  # 0: unknown, and few
    recorded_us: int


@dataclass(frozen=True, slots=True)
class _Packed:
    """What became of a round: taken out of the spool, and kept in it after all."""

    withdrawn: tuple[bytes, ...] = ()
    fault: str = ""
    unread: int = 0  # of the last ones: there were enough without them


Waits: TypeAlias = Callable[[Callable[[], _Packed]], Awaitable[_Packed]]
"""Runs something that blocks, off the event loop."""


class Packer:
    """Knows the sheaves that wait, by how often they were packed. On the event loop's thread."""

    def __init__(self, spool: Shelf, state: SpoolState, clock: Callable[[], int]) -> None:
        self._spool, self._state, self._clock = spool, state, clock
        self._away: dict[bytes, int] = {}  # sheaves of this run, until they are at the centre
        self._tiers: tuple[dict[bytes, _Small], ...] = tuple({} for _ in range(_MOST_TIERS))
        self.packed, self.withdrawn = 0, 0
        self.fault = ""

    @property
    def waiting(self) -> int:
        """How many sheaves may wait; some of them are gone by now."""
        return sum(map(len, self._tiers))

    def recorded(self, stored: Stored) -> None:
        """The spool has one more bundle, or has it since an earlier run."""
        manifest = stored.manifest
        if manifest.media_type != SHEAF_MEDIA_TYPE or stored.state is not State.PENDING:
            return
        tier, cells = manifest.meta.get(PACKED, 0), manifest.meta.get(CELLS, 0)
        if THIN in manifest.meta or not isinstance(tier, int) or not isinstance(cells, int):
            return
        if not tier:
            self._away[stored.bundle_id] = stored.recorded_us
        if tier < _MOST_TIERS and cells < _MOST_CELLS // 2 and stored.first_sent_us is None:
            small = _Small(stored.bundle_id, manifest.size, cells, stored.recorded_us)
            self._tiers[tier][stored.bundle_id] = small

    def gone(self, bundle: bytes) -> None:
        """The spool has it no more."""
        self._away.pop(bundle, None)
        for tier in self._tiers:
            tier.pop(bundle, None)

    def waits_s(self) -> float:
        """For how long the oldest sheaf that was never packed waits to be at the centre, on its way
        or not.
        """
        while self._away:
            bundle, recorded_us = next(iter(self._away.items()))
            if self._state.get(bundle) is not None:
                return (self._clock() - recorded_us) / 1e6
            del self._away[bundle]
        return 0.0

    async def round(self, waits: Waits) -> bool:
        """Pack once, if it is worth it; whether it was."""
        for tier in range(_MOST_TIERS - 1):
            chosen = self._chosen(tier)
            if chosen:
                await self._pack(tier, chosen, waits)
                return True
        return False

    def _waiting(self, tier: int) -> Sequence[_Small]:
        """The oldest of those that really wait: not at the centre, not under way."""
        known, found = self._tiers[tier], []
        for small in list(islice(known.values(), _LOOKED_AT)):
            candidate = self._state.get(small.bundle)
            if candidate is None or not _untouched(candidate):
                del known[small.bundle]
            else:
                found.append(small)
        return found

    def _chosen(self, tier: int) -> list[_Small]:
        now_us = self._clock()
        chosen: list[_Small] = []
        size = cells = 0
        full = False
        for small in self._waiting(tier):
            if not tier and abs(now_us - small.recorded_us) < _OLD_US:
                break
            size, cells = size + small.size, cells + small.cells
            full = len(chosen) >= _MOST or size > _MOST_BYTES or cells > _MOST_CELLS
            if full:
                break
            chosen.append(small)
        enough = len(chosen) >= _FEW or (full and len(chosen) > 1)
        return chosen if enough else []

    async def _pack(self, tier: int, chosen: list[_Small], waits: Waits) -> None:
        ids = [small.bundle for small in chosen]
        held = [one for one in map(self._state.get, ids) if one is not None]
        for candidate in held:
            self._state.hold(candidate)
        done = _Packed()
        try:
            done = await waits(lambda: self._bind(tier, ids))
        finally:
            withdrawn = set(done.withdrawn)
            for candidate in held:
                if candidate.bundle in withdrawn:
                    self._state.discard(candidate.bundle)
                else:
                    self._state.release(candidate, Ranges(candidate.covered))
            for bundle in ids[: len(ids) - done.unread]:  # what cannot be packed is not tried again
                self._tiers[tier].pop(bundle, None)
        self.fault = done.fault
        self.packed += bool(withdrawn)
        self.withdrawn += len(withdrawn)

    def _bind(self, tier: int, ids: Sequence[bytes]) -> _Packed:
        """Read, merge, record, withdraw; on a thread."""
        blocks: list[Block] = []
        used: list[bytes] = []
        cells = 0
        unread = len(ids)
        for bundle in ids:
            unread -= 1
            try:
                found = decode_sheaf(self._spool.read(bundle, 0, _size(self._spool, bundle)))
            except (BundleGoneError, CodecError):
                continue  # given up meanwhile, or not ours to understand: it stays as it is
            except SpoolError as error:
                return _Packed(fault=f"disk: {error}")
            blocks += found
            used.append(bundle)
            cells += cells_of(found)
            if cells >= _MOST_CELLS:
                break
        if len(used) < 2:
            return _Packed()
        merged = merge(blocks)
        try:
            for draft, content in sheaf_bundles(
                merged,
                precedence=Precedence.ROUTINE,
                now_us=self._clock(),
                error_us=None,
                meta={PACKED: tier + 1},
            ):
                if self._spool.add(draft, content).state is State.GIVEN_UP:
                    return _Packed(fault="disk: it is full")
            return _Packed(tuple(self._spool.withdraw(*used)), unread=unread)
        except SpoolError as error:
            return _Packed(fault=f"disk: {error}")


def _untouched(candidate: Candidate) -> bool:
    return not (candidate.begun or candidate.doubtful or candidate.covered.held_bytes)


def _size(spool: Shelf, bundle: bytes) -> int:
    if (stored := spool.get(bundle)) is None:
        raise BundleGoneError("withdrawn, or at the centre")
    return stored.manifest.size
