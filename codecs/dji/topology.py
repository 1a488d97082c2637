"""Who is there: status/update_topo, and what the vendor's type numbers mean.

`domain` is a hint at most: the vendor's examples give an RC 3, its code 2, as text or number. What
counts is type and sub-type (Cloud API, product support).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fieldlink.codecs.fault import CodecError

from .envelope import is_serial
from .fields import Reader

__all__ = [
    "Product",
    "Role",
    "SubDevice",
    "Topology",
    "product_of",
    "read_topology",
    "topology_data",
]

_MAX_SUB_DEVICES = 8


class Role(StrEnum):
    """What something is."""

    AIRCRAFT = "aircraft"
    REMOTE = "remote"
    DOCK = "dock"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Product:
    """A model by its numbers."""

    role: Role
    label: str


_PRODUCTS = {
    **{
        key: Product(Role.AIRCRAFT, label)
        for key, label in {
            (60, 0): "M300 RTK",
            (67, 0): "M30",
            (67, 1): "M30T",
            (77, 0): "Mavic 3E",
            (77, 1): "Mavic 3T",
            (77, 2): "Mavic 3M",
            (89, 0): "M350 RTK",
            (91, 0): "M3D",
            (91, 1): "M3TD",
        }.items()
    },
    (56, 0): Product(Role.REMOTE, "Smart Controller Enterprise"),
    (119, 0): Product(Role.REMOTE, "RC Plus"),
    (144, 0): Product(Role.REMOTE, "RC Pro Enterprise"),
    (1, 0): Product(Role.DOCK, "Dock"),
    (2, 0): Product(Role.DOCK, "Dock 2"),
}
_ROLES = {"0": Role.AIRCRAFT, "2": Role.REMOTE, "3": Role.DOCK}


def product_of(type_: int | None, sub_type: int | None, domain: str | None = None) -> Product:
    """What these numbers name; a model that came later is what its domain says, or unknown."""
    if type_ is None:
        return Product(Role.UNKNOWN, "")
    known = _PRODUCTS.get((type_, sub_type or 0))
    if known is not None:
        return known
    return Product(_ROLES.get(domain or "", Role.UNKNOWN), f"type {type_}-{sub_type or 0}")


@dataclass(frozen=True, slots=True)
class SubDevice:
    """The aircraft of a gateway."""

    sn: str
    product: Product
    type_: int | None = None
    sub_type: int | None = None
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Topology:
    """A gateway and what it has; no sub-device: the gateway is there, its aircraft is not."""

    product: Product
    devices: tuple[SubDevice, ...]
    type_: int | None = None
    sub_type: int | None = None


def read_topology(data: Any) -> Topology:
    """The data of update_topo. No data at all is a gateway without an aircraft, as the vendor's own
    server has it.

    Raises:
        CodecError: it is none; names the key.
    """
    reader = Reader({} if data is None else data, "data.")
    type_, sub_type, domain = _numbers(reader)
    found = []
    for inner in reader.each("sub_devices", _MAX_SUB_DEVICES):
        sn = inner.needed("sn", inner.text("sn", 32))
        if not is_serial(sn):
            raise CodecError("field", f"{inner.where}sn is no serial number")
        kind, sub_kind, place = _numbers(inner)
        found.append(
            SubDevice(
                sn, product_of(kind, sub_kind, place or "0"), kind, sub_kind, inner.text("index", 8)
            )
        )
    return Topology(product_of(type_, sub_type, domain), tuple(found), type_, sub_type)


def _numbers(reader: Reader) -> tuple[int | None, int | None, str | None]:
    domain = reader.integer("domain", 0, 99)
    return (
        reader.integer("type", 0, 1_000_000),
        reader.integer("sub_type", 0, 1_000_000),
        None if domain is None else str(domain),
    )


def topology_data(topology: Topology) -> dict[str, Any]:
    """The data of update_topo that says `topology`."""
    return {
        "domain": "2" if topology.product.role is Role.REMOTE else "3",
        "type": topology.type_,
        "sub_type": topology.sub_type,
        "sub_devices": [
            {
                "sn": one.sn,
                "domain": "0",
                "type": one.type_,
                "sub_type": one.sub_type,
                "index": one.index or "A",
            }
            for one in topology.devices
        ],
    }
