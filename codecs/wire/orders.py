"""What the centre wants of a kit: the window it works in, and the spans it asks for.

Orders are the whole of it each time, so that one that is lost or doubled does no harm.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from fieldlink.codecs.bundle import Layer, check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields

__all__ = ["MAX_WANTS", "WANT_ID_BYTES", "Orders", "Purpose", "Want"]

MAX_WANTS = 64
WANT_ID_BYTES = 8
_MAX_INCIDENT_CHARS = 64


class Purpose(IntEnum):
    """What is to become of a span."""

    SEND = 0
    KEEP = 1


@dataclass(frozen=True, slots=True)
class Want:
    """A span of a stream that matters: to be sent sooner (SEND), or kept and raised (KEEP, a
    bookmark). `from_us` to `to_us` are UTC microseconds; an empty `device`, `stream` or `layer`
    stands for any.
    """

    ident: bytes
    purpose: Purpose
    device: str
    stream: str
    layer: str
    from_us: int
    to_us: int

    def __post_init__(self) -> None:
        if len(self.ident) != WANT_ID_BYTES:
            raise CodecError("field", f"a want's id has {WANT_ID_BYTES} bytes")
        for kind, name in (("device", self.device), ("stream", self.stream)):
            if name:
                check_name(kind, name)
        if self.layer and self.layer not in tuple(Layer):
            raise CodecError("field", f"{self.layer[:32]!r} is not a layer")
        if not 0 <= self.from_us <= self.to_us < 2**63:
            raise CodecError("span", f"a want from {self.from_us} to {self.to_us} us")


@dataclass(frozen=True, slots=True)
class Orders:
    """The centre's orders to one kit.

    `revision` is said back in the kit's State. `incident` is empty when none is open; its window
    runs from `start_us` (T0) to `due_us`, None without a clock. `wants`: the most urgent first.
    """

    revision: int
    now_us: int
    incident: str = ""
    start_us: int | None = None
    due_us: int | None = None
    wants: tuple[Want, ...] = ()

    def __post_init__(self) -> None:
        if len(self.wants) > MAX_WANTS:
            raise CodecError("size", f"{len(self.wants)} wants; {MAX_WANTS} is the most")
        if self.due_us is not None and (self.start_us is None or self.due_us < self.start_us):
            raise CodecError("span", f"a window from {self.start_us} to {self.due_us} us")


def orders_fields(orders: Orders) -> list[Any]:
    """The fields of an orders frame, behind its kind."""
    wants = [
        [w.ident, w.purpose.value, w.device, w.stream, w.layer, w.from_us, w.to_us]
        for w in orders.wants
    ]
    window = [orders.incident, orders.start_us, orders.due_us]
    return [orders.revision, orders.now_us, *window, wants]


def take_orders(fields: Fields) -> Orders:
    """The orders in the fields behind the kind.

    Raises:
        CodecError: a field is out of its bounds.
    """
    return Orders(
        revision=fields.integer(),
        now_us=fields.integer(),
        incident=fields.text(_MAX_INCIDENT_CHARS),
        start_us=fields.optional_integer(),
        due_us=fields.optional_integer(),
        wants=tuple(_want(item) for item in fields.array(MAX_WANTS)),
    )


def _want(item: Any) -> Want:
    fields = Fields(item, "want")
    return Want(
        ident=fields.binary(WANT_ID_BYTES, WANT_ID_BYTES),
        purpose=fields.member(Purpose),
        device=fields.text(32),
        stream=fields.text(32),
        layer=fields.text(16),
        from_us=fields.integer(),
        to_us=fields.integer(),
    )
