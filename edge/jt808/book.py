"""Which terminals there are, and who may be one."""

from collections.abc import Iterator

from fieldlink.edge.jt808.codes import AccessCodes
from fieldlink.edge.jt808.settings import Enrolment, Jt808Settings
from fieldlink.edge.jt808.terminal import Terminal
from fieldlink.edge.jt808.turns import Turns
from fieldlink.edge.telemetry.ports import Intake, KitTime, Source

__all__ = ["VIA", "TerminalBook"]

VIA = "jt808"
_UNNAMED = "t808-"
_DEFAULT_KIND = "vehicle"
_FORGOTTEN_AFTER_US = 3_600_000_000


class TerminalBook:
    """The terminals that are known, by their number without zeros in front."""

    def __init__(
        self, settings: Jt808Settings, codes: AccessCodes, intake: Intake, time: KitTime
    ) -> None:
        self.settings, self.codes, self.intake, self.time = settings, codes, intake, time
        self._listed = {one.number: one for one in settings.terminal}
        self._known: dict[str, Terminal] = {}
        self.turns = Turns()

    def __iter__(self) -> Iterator[Terminal]:
        return iter(self._known.values())

    def may_speak(self, name: str) -> bool:
        """Whether a terminal may be called so."""
        is_open = self.settings.enrolment is Enrolment.OPEN
        return name in map(self._name, self._listed) or (is_open and name.startswith(_UNNAMED))

    def admits(self, number: str) -> bool:
        """Whether the terminal with this number may register."""
        if number in self._listed:
            return True
        is_open = self.settings.enrolment is Enrolment.OPEN
        return is_open and (number in self._known or self._has_room())

    def terminal(self, number: str) -> Terminal | None:
        """The terminal with this number; None: it is not admitted."""
        if number not in self._known and self.admits(number):
            self._known[number] = self._make(number)
        return self._known.get(number)

    def named(self, name: str) -> Terminal | None:
        """The terminal with this name, or with this number."""
        number = name.lstrip("0")
        found = (one for one in self if one.name == name or one.number == number)
        return next(found, None)

    def _has_room(self) -> bool:
        others = [one for number, one in self._known.items() if number not in self._listed]
        if len(others) + len(self._listed) < self.settings.max_terminals:
            return True
        # Whoever has not been heard for long makes room: anybody may come to an open door.
        stalest = min(others, key=lambda one: one.heard_us or 0, default=None)
        long_ago_us = self.time.now_us() - _FORGOTTEN_AFTER_US
        if stalest is None or (stalest.heard_us or 0) > long_ago_us:
            return False
        del self._known[stalest.number]
        return True

    def _name(self, number: str) -> str:
        listed = self._listed.get(number)
        return (listed.name if listed else None) or f"{_UNNAMED}{number}"

    def _make(self, number: str) -> Terminal:
        listed = self._listed.get(number)
        kind = listed.kind if listed else _DEFAULT_KIND
        return Terminal(
            number,
            Source(self._name(number), kind, VIA),
            (listed.datum if listed else None) or self.settings.datum,
            intake=self.intake,
            hold_us=round(self.settings.alarm_hold * 1e6),
            turns=self.turns,
        )
