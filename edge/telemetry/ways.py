"""The ways in by which devices are heard: when one is down itself, one alarm says so, instead of
one for each device behind it.
"""

from collections.abc import Callable, Iterable, Mapping
from math import inf

from fieldlink.codecs.telemetry import KIT_DEVICE, AlarmKind
from fieldlink.edge.telemetry.alarm_book import AlarmBook
from fieldlink.edge.telemetry.device import Device
from fieldlink.edge.telemetry.ports import Notice, Source

__all__ = ["Ways"]

Raise = Callable[[Device, Notice], None]


class Ways:
    """Watches them. `raises` is told of the kit's own alarms that begin and end."""

    def __init__(self, book: AlarmBook, raises: Raise) -> None:
        self._book, self._raises = book, raises
        self._began_s: dict[str, float] = {}  # since when a way is down
        self._seen_s: dict[str, float] = {}  # when it was down last

    def look(
        self, down: Mapping[str, str], devices: Iterable[Device], after_s: float, now_s: float
    ) -> None:
        """`down` are the ways that do not work, with the adapter of each. One with missed devices
        behind it is an alarm after `after_s`; it ends when it works.
        """
        self._began_s = {way: self._began_s.get(way, now_s) for way in down}
        self._seen_s.update(dict.fromkeys(down, now_s))
        behind = [device.via for device in devices if device.missed]
        late = [way for way in down if way in behind and now_s - self._began_s[way] > after_s]
        for way in late:
            key = KIT_DEVICE, AlarmKind.SILENCE, down[way]
            if (going := self._book.get(key)) is None or not going.told:
                self._say(down[way], behind.count(way), after_s)
        for alarm in [going.alarm for going in self._book if going.own]:
            is_ours = (alarm.device, alarm.kind) == (KIT_DEVICE, AlarmKind.SILENCE)
            if is_ours and alarm.subject not in down.values():
                self._say(alarm.subject)

    def holds(self, way: str, after_s: float, now_s: float) -> bool:
        """Whether nothing follows from silence by this way: it is down, or was within `after_s`."""
        return now_s - self._seen_s.get(way, -inf) <= after_s

    def _say(self, adapter: str, behind: int = 0, after_s: float = 0.0) -> None:
        if behind:
            text = f"{adapter} does not work: {behind} devices behind it are not heard"
            text += f" {adapter} 不工作，其后 {behind} 台设备失联"
            notice = Notice(
                AlarmKind.SILENCE, True, adapter, limit=f"{after_s:.0f}", unit="s", text=text
            )
        else:
            text = f"{adapter} works again, or is not used any more {adapter} 已恢复或停用"
            notice = Notice(AlarmKind.SILENCE, False, adapter, text=text)
        self._raises(Device(Source(KIT_DEVICE, KIT_DEVICE, KIT_DEVICE)), notice)
