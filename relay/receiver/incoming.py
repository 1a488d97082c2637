"""All bundles under way, kit by kit, within bounds; they survive a restart."""

import logging
from collections import OrderedDict
from collections.abc import Collection, Iterator
from pathlib import Path

from fieldlink.codecs.bundle import Manifest, check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.relay.receiver.partial import Partial
from fieldlink.relay.receiver.settings import ReceiverSettings

__all__ = ["Busy", "Incoming"]

_log = logging.getLogger(__name__)
_FOLDER_MODE = 0o750
# paho waits in select(2), which cannot see a file number past 1,023.
_MOST_OPEN = 64
_BUNDLES = "this kit has too many bundles under way"
_BYTES = "this kit has too many bytes under way"
_PIECES = "this bundle is in too many pieces; fill it from the front"


class Busy(Exception):  # noqa: N818  # a state, answered to the kit
    """There is no room for another bundle now."""


class _Shelf:
    """One kit's bundles under way, the least recently touched first."""

    def __init__(self) -> None:
        self.partials: OrderedDict[bytes, Partial] = OrderedDict()
        self.touched_us: dict[bytes, int] = {}
        self.held_bytes = 0


class Incoming:
    """The bundles under way in `folder`; used by one thread."""

    def __init__(self, folder: Path, settings: ReceiverSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._shelves: dict[str, _Shelf] = {}
        self._open: OrderedDict[bytes, Partial] = OrderedDict()

    def load(self, now_us: int) -> list[Partial]:
        """Take up what an earlier run left; returns the bundles that were whole already.

        Raises:
            OSError: the folder cannot be read.
        """
        whole: list[Partial] = []
        for folder in sorted(self._folder.iterdir()):
            if not _is_kit(folder):
                _log.warning("%s is none of the receiver's and was left alone", folder)
                continue
            for partial in _loaded(folder):
                if partial.complete:
                    whole.append(partial)
                else:
                    self._put(partial, now_us)
                    self._shelf(folder.name).held_bytes += partial.disk_bytes
        return whole

    def find(self, kit: str, bundle_id: bytes) -> Partial | None:
        """The bundle under way, None when there is none."""
        shelf = self._shelves.get(kit)
        return None if shelf is None else shelf.partials.get(bundle_id)

    def begin(self, bundle_id: bytes, encoded: bytes, manifest: Manifest, now_us: int) -> Partial:
        """Begin a bundle.

        Raises:
            Busy: its kit has too many under way, or too many bytes.
            OSError: the disk is full or broken.
        """
        self._make_room(manifest.kit, now_us)
        folder = self._folder / manifest.kit
        folder.mkdir(_FOLDER_MODE, exist_ok=True)
        partial = Partial(folder, bundle_id, encoded, manifest)
        self._put(partial, now_us)
        return partial

    def write(self, partial: Partial, offset: int, payload: memoryview, now_us: int) -> None:
        """Hold a chunk.

        Raises:
            Busy: the kit has too many bytes under way.
            OSError: the disk is full or broken.
        """
        shelf = self._shelf(partial.manifest.kit)
        before, whole = partial.disk_bytes, len(payload) == partial.manifest.size
        try:
            if shelf.held_bytes + len(payload) > self._settings.max_incoming:
                raise Busy(_BYTES)
            if not whole and partial.crumbles(offset):
                raise Busy(_PIECES)
            self._use(partial)
            if whole:
                partial.write_whole(payload)
            else:
                partial.write(offset, payload)
        except (Busy, OSError) as error:
            # Half of a whole content stands where earlier chunks were: none of them counts.
            if not partial.ranges or (whole and isinstance(error, OSError)):
                self.drop(partial)
            raise
        shelf.held_bytes += partial.disk_bytes - before
        shelf.touched_us[partial.bundle_id] = now_us
        shelf.partials.move_to_end(partial.bundle_id)

    def release(self, partial: Partial) -> None:
        """Hand a whole bundle over: it counts no longer as under way; its files stay."""
        shelf = self._shelf(partial.manifest.kit)
        if shelf.partials.pop(partial.bundle_id, None) is not None:
            shelf.touched_us.pop(partial.bundle_id)
            shelf.held_bytes -= partial.disk_bytes
        self._open.pop(partial.bundle_id, None)
        partial.close()

    def drop(self, partial: Partial) -> None:
        """Forget a bundle under way and its bytes; its kit has them.

        Raises:
            OSError: the disk is broken.
        """
        self.release(partial)
        partial.forget()

    def keep_only(self, kits: Collection[str]) -> None:
        """Forget what is under way of every other kit: nobody will send the rest.

        Raises:
            OSError: the disk is broken.
        """
        for kit in self._shelves.keys() - kits:
            for partial in list(self._shelves[kit].partials.values()):
                self.drop(partial)
            del self._shelves[kit]

    def drop_idle(self, now_us: int) -> None:
        """Forget what has stood still for `partial_idle`: its disk is needed.

        Raises:
            OSError: the disk is broken.
        """
        for shelf in self._shelves.values():
            for partial in list(shelf.partials.values()):
                if not self._idle(shelf, partial, now_us):
                    break
                self.drop(partial)

    def close(self) -> None:
        """Close every file; the bundles stay for the next run."""
        for partial in self._open.values():
            partial.close()
        self._open.clear()

    def totals(self) -> dict[str, tuple[int, int]]:
        """For each kit, its bundles under way and the disk they take."""
        return {
            kit: (len(shelf.partials), shelf.held_bytes) for kit, shelf in self._shelves.items()
        }

    def _shelf(self, kit: str) -> _Shelf:
        return self._shelves.setdefault(kit, _Shelf())

    def _put(self, partial: Partial, now_us: int) -> None:
        shelf = self._shelf(partial.manifest.kit)
        shelf.partials[partial.bundle_id] = partial
        shelf.touched_us[partial.bundle_id] = now_us

    def _make_room(self, kit: str, now_us: int) -> None:
        shelf = self._shelf(kit)
        while shelf.partials:
            many = len(shelf.partials) >= self._settings.max_partials
            if not many and shelf.held_bytes < self._settings.max_incoming:
                return
            oldest = next(iter(shelf.partials.values()))
            if not self._idle(shelf, oldest, now_us):
                raise Busy(_BUNDLES if many else _BYTES)
            self.drop(oldest)

    def _idle(self, shelf: _Shelf, partial: Partial, now_us: int) -> bool:
        # Touched in the future: the clock was set back since; the kit asks and sends again.
        still_us = now_us - shelf.touched_us[partial.bundle_id]
        return not 0 <= still_us < round(self._settings.partial_idle * 1e6)

    def _use(self, partial: Partial) -> None:
        self._open[partial.bundle_id] = partial
        self._open.move_to_end(partial.bundle_id)
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].close()


def _is_kit(folder: Path) -> bool:
    try:
        check_name("kit", folder.name)
    except CodecError:
        return False
    return folder.is_dir() and not folder.is_symlink()


def _loaded(folder: Path) -> Iterator[Partial]:
    """The bundles under way in a kit's folder; remains of others are removed."""
    known = set()
    for journal in sorted(folder.glob("*.ranges")):
        partial = Partial.load(journal)
        if partial is None or partial.manifest.kit != folder.name:
            journal.unlink()
        else:
            known.add(partial.part.name)
            yield partial
    for part in sorted(folder.glob("*.part")):
        if part.name not in known:
            part.unlink()
