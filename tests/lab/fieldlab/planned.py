"""What an aircraft in `airborne` keeps: parameters and plans, answered as autopilots do."""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlab.airborne import Airborne
from fieldlink.codecs.mavlink import compose

__all__ = ["keep_parameters", "keep_plan"]

_FORMS = {1: "<Bxxx", 2: "<bxxx", 3: "<Hxx", 4: "<hxx", 5: "<I", 6: "<i", 9: "<f"}
_TO = (1, 191)


class _Bytes:
    """A PARAM_VALUE whose value is bytes: Python changes some that are no number."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload

    def pack(self, maker: Any) -> bytes:
        """As pymavlink's messages."""
        who = maker.srcSystem, maker.srcComponent
        return compose(22, self._payload, sysid=who[0], compid=who[1], seq=maker.seq)


def keep_parameters(
    air: Airborne, values: Sequence[tuple[str, float, int]], *, bytewise: bool = False
) -> None:
    """It has these parameters: name, value, MAV_PARAM_TYPE."""

    def value(index: int) -> Any:
        name, number, type_ = values[index]
        if bytewise:
            whole = number if type_ == 9 else int(number)
            raw = struct.pack(_FORMS[type_], whole)
            return _Bytes(raw + struct.pack("<HH16sB", len(values), index, name.encode(), type_))
        return dialect.MAVLink_param_value_message(name.encode(), number, type_, len(values), index)

    def version(message: Any) -> Iterable[Any]:
        if message.command == 512 and message.param1 == 148:
            capabilities = 16 if bytewise else 131_072
            nobody = [0, 0, 0, 0, b"\0" * 8, b"\0" * 8, b"\0" * 8, 0, 0, 0]
            return [dialect.MAVLink_autopilot_version_message(capabilities, *nobody)]
        return [dialect.MAVLink_command_ack_message(message.command, 3)]

    air.answers["COMMAND_LONG"] = version
    air.answers["PARAM_REQUEST_LIST"] = lambda _: [value(at) for at in range(len(values))]
    air.answers["PARAM_REQUEST_READ"] = lambda message: [value(message.param_index)]


def keep_plan(air: Airborne, plans: dict[int, Sequence[Sequence[float]]]) -> None:
    """It has plans by MAV_MISSION_TYPE; an item is frame, command, four parameters, x, y (of 1e-7
    degrees), z. It refuses others.
    """

    def count(message: Any) -> Iterable[Any]:
        plan = plans.get(message.mission_type)
        if plan is None:
            return [dialect.MAVLink_mission_ack_message(*_TO, 3, message.mission_type)]
        return [dialect.MAVLink_mission_count_message(*_TO, len(plan), message.mission_type)]

    def item(message: Any) -> Iterable[Any]:
        frame, command, *numbers = plans[message.mission_type][message.seq]
        current = int(message.seq == 0)
        return [
            dialect.MAVLink_mission_item_int_message(
                *_TO, message.seq, int(frame), int(command), current, 1, *numbers[:4],
                int(numbers[4]), int(numbers[5]), numbers[6], message.mission_type,
            )
        ]  # fmt: skip

    air.answers["MISSION_REQUEST_LIST"] = count
    air.answers["MISSION_REQUEST_INT"] = item
