"""The devices that are known, a bounded number of them, and what was refused of whom."""

from collections import Counter
from collections.abc import Callable, Iterator

from fieldlink.codecs.bundle import check_name
from fieldlink.edge.telemetry.device import Device
from fieldlink.edge.telemetry.ports import Source

__all__ = ["MAX_DEVICES", "Roster"]

MAX_DEVICES = 1_000
_MAX_STRANGERS = 200
_GONE_S = 600.0


class Roster:
    """Who spoke lately. When there are too many, whoever is silent for longest makes room, if
    that is long enough: made-up names do not drive out a device that speaks.
    """

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}
        self.strangers: Counter[tuple[str, str]] = Counter()
        self.gone = 0
        """How many made room for others, or were removed."""

    def __iter__(self) -> Iterator[Device]:
        return iter(self._devices.values())

    def __len__(self) -> int:
        return len(self._devices)

    def get(self, name: str) -> Device | None:
        """The device of that name, if it spoke."""
        return self._devices.get(name)

    def meet(self, source: Source, now_s: float) -> Device | None:
        """The device that speaks; None when there are too many.

        Raises:
            CodecError: no device can be called that.
        """
        device = self._devices.get(source.device)
        if device is not None:
            if device.kind != source.kind:
                check_name("kind of device", source.kind)
                device.kind = source.kind
            device.via = source.via
            return device
        check_name("device", source.device)
        check_name("kind of device", source.kind)
        if len(self._devices) >= MAX_DEVICES and not self._make_room(now_s):
            return None
        device = self._devices[source.device] = Device(source)
        return device

    def expect(self, device: Device) -> None:
        """One who spoke in an earlier run, and is missed when nothing more comes."""
        self._devices[device.name] = device

    def keep(self, via: str, speaks: Callable[[str], bool]) -> None:
        """Forget the devices of `via` that do not speak any more."""
        for device in [one for one in self if one.via == via and not speaks(one.name)]:
            self._forget(device)

    def refuse(self, name: str, reason: str) -> None:
        """Count `reason` against whoever is called so, known or not."""
        device = self._devices.get(name)
        if device is not None:
            device.refuse(reason)
            return
        key = name[:64], reason.partition(":")[0][:32]
        if key not in self.strangers and len(self.strangers) >= _MAX_STRANGERS:
            key = "others", "other"
        self.strangers[key] += 1

    def _make_room(self, now_s: float) -> bool:
        oldest = min(self._devices.values(), key=lambda device: device.heard_s or 0.0)
        if now_s - (oldest.heard_s or 0.0) < _GONE_S:
            return False
        self._forget(oldest)
        return True

    def _forget(self, device: Device) -> None:
        del self._devices[device.name]
        self.gone += 1
