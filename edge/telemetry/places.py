"""Where devices were and cameras looked, for the last seconds: what pictures are told by.

The intake feeds it with every sample on the event loop's thread; capture asks on its own threads.
It is a memory, not a record: what the kit stores of all this is in the sheaves.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from fieldlink.codecs.geo import Pose
from fieldlink.codecs.telemetry import Flag, Poses, Sample, Schema

__all__ = ["Mount", "Places"]

_MOST_DEVICES = 512
_NOT_NOW = int(Flag.BACKFILL)


class Mount(NamedTuple):
    """Who carries a camera ("": it says itself where it is), and the field of view of a lens that
    does not zoom, degrees.
    """

    carrier: str = ""
    hfov: float | None = None


class Places:
    """Bounded in devices and in time. `mount_of` says how a camera is mounted."""

    def __init__(self, mount_of: Callable[[str], Mount] = lambda name: Mount()) -> None:
        self._mount_of = mount_of
        self._lock = threading.Lock()
        self._devices: OrderedDict[str, Poses] = OrderedDict()

    def take(self, device: str, schema: Schema, sample: Sample) -> None:
        """Remember `sample` of the device's stream, if a camera's pose is made of it."""
        if sample.flags & _NOT_NOW or not Poses.wants(schema):
            return
        with self._lock:
            self._devices.setdefault(device, Poses()).take(schema, sample)
            self._devices.move_to_end(device)
            if len(self._devices) > _MOST_DEVICES:
                self._devices.popitem(last=False)  # who has not spoken for longest

    def at(self, device: str, at_us: int) -> Pose | None:
        """The pose of the device's camera at `at_us` (UTC microseconds by the kit's clock); None:
        nobody said where it was within 10 s of that (two minutes, if it stood). Any thread may ask.

        Position, height and attitude are the carrier's, where the camera has one; the camera's own
        direction and field of view only its own, for a carrier may have several cameras.
        """
        mount = self._mount_of(device)
        with self._lock:
            carrier = self._devices.get(mount.carrier or device)
            camera = self._devices.get(device, Poses())
            return None if carrier is None else carrier.at(at_us, camera, mount.hfov)
