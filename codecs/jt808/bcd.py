"""Digits, times and texts as JT/T 808 writes them (JT/T 808-2019 4.2: data types)."""

from datetime import UTC, datetime, timedelta, timezone

from fieldlink.codecs.fault import CodecError

__all__ = ["from_bcd", "from_time", "text_of", "to_bcd", "to_gbk", "to_time"]

TIME_BYTES = 6
_BEIJING = timezone(timedelta(hours=8))  # all times of the standard are GMT+8


def from_bcd(data: bytes) -> str:
    """The digits in `data`, two a byte.

    Raises:
        CodecError: a half byte is no digit.
    """
    digits = data.hex()
    if not digits.isdecimal():
        raise CodecError("bcd", f"{digits} are not all digits")
    return digits


def to_bcd(digits: str) -> bytes:
    """`digits`, an even number of them, two a byte.

    Raises:
        CodecError: they are not.
    """
    if not (digits.isascii() and digits.isdecimal()) or len(digits) % 2:
        raise CodecError("bcd", f"{digits[:40]!r} is not an even number of digits")
    return bytes.fromhex(digits)


def from_time(data: bytes) -> int:
    """The UTC microseconds that the six bytes yy MM dd HH mm ss, in GMT+8, stand for.

    Raises:
        CodecError: they are no time: no digits, a month 0 (a clock that was never set), ...
    """
    digits = from_bcd(data)
    try:
        year, month, day, hour, minute, second = (int(digits[i : i + 2]) for i in range(0, 12, 2))
        at = datetime(2000 + year, month, day, hour, minute, second, tzinfo=_BEIJING)
    except ValueError as error:
        raise CodecError("time", f"{digits} is no time of the form yyMMddHHmmss") from error
    return int(at.timestamp()) * 1_000_000


def to_time(utc_us: int) -> bytes:
    """The second of `utc_us` (UTC microseconds, 2000 to 2099) as six bytes in GMT+8.

    Raises:
        CodecError: two digits of a year cannot say it.
    """
    try:
        at = datetime.fromtimestamp(utc_us // 1_000_000, UTC).astimezone(_BEIJING)
    except (OverflowError, ValueError, OSError) as error:
        raise CodecError("time", f"{utc_us} us is no time") from error
    if not 2000 <= at.year <= 2099:
        raise CodecError("time", f"the year {at.year} has no two digits")
    return bytes.fromhex(f"{at:%y%m%d%H%M%S}")


def text_of(data: bytes) -> str:
    """A text in GBK, without what fills its field; what is not GBK becomes U+FFFD."""
    return data.strip(b"\0 ").decode("gbk", "replace")


def to_gbk(text: str) -> bytes:
    """`text` in GBK.

    Raises:
        CodecError: a character is not in GBK.
    """
    try:
        return text.encode("gbk")
    except UnicodeEncodeError as error:
        raise CodecError("text", f"{text[error.start]!r} cannot be said in GBK") from error
