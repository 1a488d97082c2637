"""The latest state of every device, in memory, with the answer to who asks ready made.

One thread takes samples; any thread reads.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import Block
from fieldlink.relay.telemetry.rendering import position_row, rendered_device, rendered_stream
from fieldlink.relay.telemetry.stand import Stand, pack_stand, unpack_stand

__all__ = ["MAX_DEVICES", "MAX_VALUES", "Board", "Device", "position_news"]

MAX_DEVICES = 2_000
"""Of one kit: more are refused, so that one kit cannot fill the centre's memory."""

MAX_VALUES = 100_000
"""Values in the latest state of one kit, all devices and streams together."""

Device = tuple[str, str]
_log = logging.getLogger(__name__)


class Board:
    """Takes blocks with `take`; `publish` makes what they changed visible, as one revision."""

    def __init__(self, now_us: int) -> None:
        self._lock = threading.Lock()
        self._stands: dict[Device, Stand] = {}
        self._streams: dict[Device, dict[str, str]] = {}
        self._fragments: dict[Device, bytes] = {}
        # Since the last change, the oldest first.
        self._changed_at: dict[Device, int] = {}
        self._devices: Counter[str] = Counter()
        self._values: Counter[str] = Counter()
        self._alarms: Counter[Device] = Counter()
        self._dirty: dict[Device, set[str]] = {}
        # Begins with the clock: one who asks on after a restart is told what is new since.
        self._revision = now_us // 1000

    def load(self, states: Mapping[Device, bytes], alarms: Mapping[Device, int]) -> None:
        """Take up what the catalogue has of every device, and how many alarms it has."""
        self._alarms = Counter(alarms)
        for (kit, device), state in states.items():
            try:
                stand = unpack_stand(kit, device, state)
            except CodecError as error:  # it is known again with its next sample
                _log.error("the state of %s/%s in the catalogue is damaged: %s", kit, device, error)
                continue
            self._add(stand)
            self._dirty[kit, device] = set(stand.streams)
            for point in stand.streams.values():
                self._values[kit] += len(point.values)
        self.publish()

    def take(self, kit: str, block: Block, arrived_us: int, behind_us: int = 0) -> bool:
        """Take a block; whether there was room for its device and stream."""
        key = (kit, block.device)
        stand = self._stands.get(key)
        stream = block.schema.stream
        if stand is None or stream not in stand.streams:
            size = len(block.schema.columns)
            if self._values[kit] + size > MAX_VALUES:
                return False
            if stand is None:
                if self._devices[kit] >= MAX_DEVICES:
                    return False
                stand = Stand(kit, block.device)
                self._add(stand)
            self._values[kit] += size
        changed = stand.take(block, arrived_us, behind_us)
        if changed is not None:
            self._dirty.setdefault(key, set()).add(changed)
        return changed is not None or stream in stand.streams

    def count_alarms(self, alarms: Mapping[Device, int]) -> None:
        """Take how many alarms each device has that are not cleared."""
        for key in self._alarms.keys() | alarms.keys():
            if self._alarms.get(key, 0) != alarms.get(key, 0) and key in self._stands:
                self._dirty.setdefault(key, set())
        self._alarms = Counter(alarms)

    def publish(self) -> list[Stand]:
        """Make everything that changed since visible; the devices that did."""
        dirty, self._dirty = self._dirty, {}
        if not dirty:
            return []
        fragments = {}
        for key, names in dirty.items():
            stand, streams = self._stands[key], self._streams[key]
            for name in names - {"position"}:
                streams[name] = rendered_stream(stand.streams[name])
            fragments[key] = rendered_device(stand, streams, self._alarms.get(key, 0))
        with self._lock:
            self._revision += 1
            for key in fragments:
                self._changed_at.pop(key, None)
                self._changed_at[key] = self._revision
            self._fragments.update(fragments)
        return [self._stands[key] for key in dirty]

    @property
    def revision(self) -> int:
        """The number of the last change."""
        return self._revision

    def answer(self, now_us: int, since: int | None = None) -> bytes:
        """The state of every device as JSON; of those that changed after `since` if given."""
        with self._lock:
            if since is None or since > self._revision:
                parts = list(self._fragments.values())
            else:
                parts = self._since(since)
            head = f'{{"now_us":{now_us},"revision":{self._revision},"devices":['.encode()
            if not parts:
                return head + b"]}"
            # One copy of some megabytes, not three.
            parts[0] = head + parts[0]
            parts[-1] += b"]}"
            return b",".join(parts)

    def _since(self, since: int) -> list[bytes]:
        found = []
        for key in reversed(self._changed_at):
            if self._changed_at[key] <= since:
                break
            found.append(self._fragments[key])
        return found

    def packed(self, keys: Iterable[Device]) -> dict[Device, bytes]:
        """These devices as the catalogue keeps them; on the thread that takes samples."""
        return {key: pack_stand(self._stands[key]) for key in keys}

    def _add(self, stand: Stand) -> None:
        key = (stand.kit, stand.device)
        self._stands[key] = stand
        self._streams[key] = {}
        self._devices[stand.kit] += 1


def position_news(revision: int, stands: Iterable[Stand]) -> str:
    """What the news says of positions that changed, as JSON."""
    rows = ",".join(filter(None, map(position_row, stands)))
    return f'{{"revision":{revision},"devices":[{rows}]}}'
