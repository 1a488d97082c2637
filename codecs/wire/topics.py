"""Topics: `fl/up/<kit>/<kind>` from a kit, `fl/down/<kit>/<kind>` to it (brokers check them)."""

from dataclasses import dataclass
from typing import Literal

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError

__all__ = ["Topic", "down_filter", "down_topic", "parse_topic", "up_filter", "up_topic"]

Way = Literal["up", "down"]
KINDS: dict[str, frozenset[str]] = {
    "up": frozenset({"ask", "chunk", "hello", "state"}),
    "down": frozenset({"ack", "orders", "welcome"}),
}
_MAX_TOPIC_CHARS = 80


@dataclass(frozen=True, slots=True)
class Topic:
    """A parsed topic: the way it goes, whose kit it is, what kind of frame it carries."""

    way: Way
    kit: str
    kind: str


def up_topic(kit: str, kind: str) -> str:
    """The topic on which `kit` publishes frames of `kind`."""
    return f"fl/up/{check_name('kit', kit)}/{kind}"


def down_topic(kit: str, kind: str) -> str:
    """The topic on which the centre publishes frames of `kind` for `kit`."""
    return f"fl/down/{check_name('kit', kit)}/{kind}"


def up_filter() -> str:
    """What the centre subscribes to: every kit's frames."""
    return "fl/up/+/+"


def down_filter(kit: str) -> str:
    """What `kit` subscribes to: frames for itself."""
    return f"fl/down/{check_name('kit', kit)}/+"


def parse_topic(text: str) -> Topic:
    """The topic in `text`.

    Raises:
        CodecError: not one of Fieldlink's, or a kind that does not go that way.
    """
    parts = text.split("/") if len(text) <= _MAX_TOPIC_CHARS else []
    if len(parts) != 4 or parts[0] != "fl" or parts[3] not in KINDS.get(parts[1], ()):
        raise CodecError("topic", f"{text[:80]!r} is not a topic of Fieldlink's")
    way: Way = "up" if parts[1] == "up" else "down"
    return Topic(way, check_name("kit", parts[2]), parts[3])
