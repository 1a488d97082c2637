"""The words of the window view in 中文 and English: those of the page, for text and print."""

import json
import re
import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path

from fieldlink.relay.window.view import Reason, Verdict

__all__ = [
    "LANGUAGES",
    "both",
    "columns",
    "cut",
    "date_and_time",
    "duration",
    "one",
    "rate",
    "reason",
    "reasons",
    "size",
    "time_of_day",
    "verdict",
]

LANGUAGES = ("zh", "en")
_PAGE = Path(__file__).parents[1] / "web" / "page"
_SLOT = re.compile(r"\{(\w+)\}")


@cache
def _words(language: str) -> dict[str, str]:
    text = (_PAGE / f"strings.{language}.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def one(language: str, key: str, **values: object) -> str:
    """The page's text for `key`."""
    return _SLOT.sub(lambda slot: str(values.get(slot[1], "")), _words(language)[key])


def both(key: str, **values: object) -> str:
    """`key` in both languages, side by side."""
    said = [one(language, key, **values) for language in reversed(LANGUAGES)]
    return said[0] if said[0] == said[1] else " ".join(said)


def verdict(language: str, said: Verdict, *, over: bool) -> str:
    """A verdict in a word or two; when the window is over it is a fact."""
    key = f"window.verdict.over.{said}"
    return one(language, key if over and key in _words(language) else f"window.verdict.{said}")


def reasons(why: Reason) -> list[str]:
    """A reason in both languages; a kit's own words only once."""
    if why.code == "kit":
        said = " ".join(one(name, "window.reason.kit").rstrip(" :：") for name in ("en", "zh"))
        return [f"{said}: {why.text or '–'}"]
    return [reason(name, why) for name in ("en", "zh")]


def reason(language: str, why: Reason) -> str:
    """A reason as a sentence."""
    return one(
        language,
        f"window.reason.{why.code}",
        text=why.text or "–",
        minutes=why.minutes,
        late=why.late or 0,
        time=time_of_day(why.at_us),
        bytes="?" if why.size_bytes is None else size(why.size_bytes),
        rate="?" if why.rate_bps is None else rate(why.rate_bps),
    )


def time_of_day(at_us: int | None) -> str:
    """A time by this machine's clock, with its day when it is not today's."""
    if at_us is None:
        return "–"
    try:
        at = datetime.fromtimestamp(at_us / 1e6).astimezone()
    except (ValueError, OverflowError, OSError):  # a kit may say anything
        return "–"
    today = datetime.now().astimezone().date()
    return f"{at:%H:%M:%S}" if at.date() == today else f"{at:%m-%d %H:%M:%S}"


def date_and_time(at_us: int) -> str:
    """A time with its day and its zone, for what is read elsewhere or later."""
    try:
        at = datetime.fromtimestamp(at_us / 1e6).astimezone()
    except (ValueError, OverflowError, OSError):
        return "–"
    zone = f"{at:%z}"
    return f"{at:%Y-%m-%d %H:%M:%S} UTC{zone[:3]}:{zone[3:5]}"


def duration(length_us: int) -> str:
    """H:MM:SS, or M:SS under an hour."""
    seconds = max(0, length_us) // 1_000_000
    minutes, hours = seconds // 60 % 60, seconds // 3600
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def size(count: float) -> str:
    """Bytes as people write them."""
    for unit, scale in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count:.0f} B"


def rate(bps: float) -> str:
    """A rate as people write it."""
    if bps >= 1e6:
        return f"{bps / 1e6:.1f} Mbit/s"
    return f"{bps / 1e3:.0f} kbit/s" if bps >= 1e3 else f"{bps:.0f} bit/s"


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns: between words, or between characters of a
    script without spaces."""
    lines, line = [], ""
    for word in re.findall(r"[^\s\u2e80-\uffef]+\s*|[\u2e80-\uffef]\s*|\s+", text):
        if line and columns((line + word).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        while columns(word) > width:
            some = width if columns(word) == len(word) else width // 2
            lines.append(word[:some])
            word = word[some:]
        line += word
    return [*lines, line.rstrip()] if line.strip() else lines
