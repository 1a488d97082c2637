"""The security local set (MISB ST 0102) that ST 0601 requires in every set: its least form."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from .ber import KlvError, put_length, put_tag
from .local_set import items_of

__all__ = ["Classification", "Security", "decode_security", "encode_security"]

_CLASSIFICATION, _METHOD, _COUNTRY, _OBJECT_METHOD, _OBJECT, _VERSION = 1, 2, 3, 12, 13, 22
_ISO_THREE_LETTERS = 2
_LATEST = 12  # of ST 0102


class Classification(IntEnum):
    """How secret it is (ST 0102, 6.1.1)."""

    UNCLASSIFIED = 1
    RESTRICTED = 2
    CONFIDENTIAL = 3
    SECRET = 4
    TOP_SECRET = 5


@dataclass(frozen=True, slots=True)
class Security:
    """How secret a set is, who says so, and what country is seen; None: not said."""

    classification: Classification | None = Classification.UNCLASSIFIED
    country: str | None = "CHN"
    seen: str | None = "CHN"


def encode_security(security: Security) -> bytes:
    """The items that ST 0102 requires; countries are three letters of ISO 3166."""
    said = security.classification
    found: dict[int, bytes] = {}
    if said is not None:
        found[_CLASSIFICATION] = bytes((said,))
    if security.country is not None:
        found[_METHOD] = bytes((_ISO_THREE_LETTERS,))
        found[_COUNTRY] = f"//{security.country}".encode()
    if security.seen is not None:
        found[_OBJECT_METHOD] = bytes((_ISO_THREE_LETTERS,))
        found[_OBJECT] = security.seen.encode("utf-16-be")
    found[_VERSION] = _LATEST.to_bytes(2)
    return b"".join(put_tag(tag) + put_length(len(raw)) + raw for tag, raw in found.items())


def decode_security(data: bytes) -> Security:
    """What item 48 says.

    Raises:
        KlvError: it is damaged; the byte is one of item 48.
    """
    found: Mapping[int, bytes] = {tag: raw for tag, _, raw in items_of(data)}
    said = found.get(_CLASSIFICATION)
    try:
        return Security(
            Classification(said[0]) if said else None,
            _text(found.get(_COUNTRY), "ascii"),
            _text(found.get(_OBJECT), "utf-16-be"),
        )
    except ValueError as error:
        raise KlvError("security", f"{error}", 0) from error


def _text(raw: bytes | None, encoding: str) -> str | None:
    return raw.decode(encoding).removeprefix("//") if raw else None
