"""Modbus registers: which requests read a station's values, and what the answers mean.

Pure. Modbus Application Protocol 1.1b3: a request reads at most 125 registers or 2000 bits; a
register is 16 bits, high byte first. How 32 bits lie in two registers the standard leaves open,
so each value says whether its first register is the high one.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fieldlink.edge.sensors.settings import ValueSettings

__all__ = ["Group", "plan_groups", "raw_value", "split_group"]

_MOST = {"holding": 120, "input": 120, "coil": 1000, "discrete": 1000}
_GAP = {"holding": 8, "input": 8, "coil": 64, "discrete": 64}
_FORMATS = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "f32": ">f", "f64": ">d"}


@dataclass(frozen=True, slots=True)
class Group:
    """One request: `count` registers or bits of `table` from `address`, for the values at the
    places `values` of the settings.
    """

    table: str
    address: int
    count: int
    values: tuple[int, ...]


def plan_groups(values: Sequence[ValueSettings]) -> list[Group]:
    """As few requests as read `values`: those near each other go together, small gaps included."""
    groups: list[Group] = []
    for table in _MOST:
        here = [(value.address or 0, n) for n, value in enumerate(values) if value.table == table]
        for address, number in sorted(here):
            end = address + values[number].registers
            last = groups[-1] if groups and groups[-1].table == table else None
            if last is None or not _near(last, address, end):
                groups.append(Group(table, address, end - address, (number,)))
                continue
            count = max(last.count, end - last.address)
            groups[-1] = Group(table, last.address, count, (*last.values, number))
    return groups


def _near(group: Group, address: int, end: int) -> bool:
    gap = address - (group.address + group.count)
    return gap <= _GAP[group.table] and end - group.address <= _MOST[group.table]


def split_group(group: Group, values: Sequence[ValueSettings]) -> list[Group]:
    """`group` as requests for one value each: a station may refuse a whole request for one
    register that it does not have.
    """
    return [
        Group(group.table, values[number].address or 0, values[number].registers, (number,))
        for number in group.values
    ]


def raw_value(
    value: ValueSettings, group: Group, answer: Sequence[int | bool]
) -> tuple[float | int, tuple[int, ...]]:
    """What `answer` to `group` says of `value`, before scale and offset, and its registers."""
    at = (value.address or 0) - group.address
    registers = tuple(int(one) for one in answer[at : at + value.registers])
    if value.type == "bool":
        is_bit = group.table in ("coil", "discrete")
        return (registers[0] if is_bit else registers[0] >> value.bit & 1), registers
    ordered: Iterable[int] = registers if value.words == "big" else reversed(registers)
    packed = b"".join(register.to_bytes(2, "big") for register in ordered)
    raw: float | int = struct.unpack(_FORMATS[value.type], packed)[0]
    return raw, registers
