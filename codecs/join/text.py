"""A join code as text: Crockford's base 32 in groups of five.

No letter is mistaken for a digit (I and L read as 1, O as 0, U does not occur), case does not
matter, and whatever separates groups is skipped, full-width forms from a Chinese keyboard included.
"""

import unicodedata

from fieldlink.codecs.fault import CodecError

from .code import JoinCode, pack_code, unpack_code

__all__ = ["decode_join_code", "encode_join_code"]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {sign: value for value, sign in enumerate(_ALPHABET)} | {"I": 1, "L": 1, "O": 0}
_GROUP = 5
_MAX_CHARS = 1024
_SEPARATORS = frozenset("-_.,:;/\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\u3001\u3002")


def encode_join_code(code: JoinCode) -> str:
    """`code` as text, like "20W00-2G8G1-...".

    It holds the one-time secret: show it to the operator and put it into no log.
    """
    data = pack_code(code)
    bits = int.from_bytes(data, "big")
    chars = -(-8 * len(data) // 5)
    bits <<= 5 * chars - 8 * len(data)
    signs = [_ALPHABET[bits >> 5 * place & 31] for place in reversed(range(chars))]
    return "-".join("".join(signs[at : at + _GROUP]) for at in range(0, chars, _GROUP))


def decode_join_code(text: str) -> JoinCode:
    """The code in what a person typed or pasted.

    Raises:
        CodecError: says in one sentence what is wrong with it; never repeats the code.
    """
    if len(text) > _MAX_CHARS:
        raise CodecError("length", f"{len(text)} characters are too many for a join code")
    signs = [sign for sign in unicodedata.normalize("NFKC", text).upper() if not _skipped(sign)]
    if not signs:
        raise CodecError("empty", "no join code was given; `fieldlink relay admit KIT` prints one")
    if len(signs) > _MAX_CHARS:
        raise CodecError("length", f"{len(signs)} characters are too many for a join code")
    bits = 0
    for place, sign in enumerate(signs):
        bits = bits << 5 | _value(sign, place)
    spare = 5 * len(signs) % 8
    if spare >= 5 or bits & ((1 << spare) - 1):
        raise CodecError(
            "typing", "the code is mistyped or incomplete; compare it group by group and try again"
        )
    return unpack_code((bits >> spare).to_bytes(5 * len(signs) // 8, "big"))


def _skipped(sign: str) -> bool:
    return sign.isspace() or sign in _SEPARATORS


def _value(sign: str, place: int) -> int:
    value = _VALUES.get(sign)
    if value is None:
        where = f"character {place % _GROUP + 1} of group {place // _GROUP + 1}"
        raise CodecError("character", f"{sign!r} ({where}) does not occur in a join code")
    return value
