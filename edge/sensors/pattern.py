"""Patterns for lines of text: regular expressions that cannot be made to run for ever.

Python's matcher backtracks, and whoever sends the lines could choose one that takes hours. So a
pattern is judged when the settings are read: its cost on the worst line of 1 kB, bounded from
above by its structure, has to stay within a fraction of a second. Where the next character says
whether a repeat goes on, there is nothing to try again; only a repeat that overlaps with what
follows it multiplies.
"""

import importlib
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

__all__ = ["MAX_LINE_BYTES", "MAX_STEPS", "check_pattern", "compile_pattern", "pattern_steps"]

MAX_LINE_BYTES = 1024
MAX_STEPS = 1 << 23
"""About a tenth of a second of matching."""

_MAX_CHARS = 200
_MAX_FIXED = 32
_parser: Any = importlib.import_module("re._parser")  # it has no public name

_Items: TypeAlias = Sequence[tuple[Any, Any]]
_OTHER = 128  # stands for every character beyond ASCII
_END = -1
_ALL = frozenset(range(_OTHER + 1))
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_CLASSES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}


def compile_pattern(text: str) -> re.Pattern[str]:
    r"""`text` as it is judged and used: \d, \s and \w mean ASCII."""
    return re.compile(text, re.ASCII)


def check_pattern(text: str) -> str:
    """Return `text` if it may be used: one group, and never slow.

    Raises:
        ValueError: it is none, has no group or several, or a line could make it slow.
    """
    if not text or len(text) > _MAX_CHARS or not text.isprintable():
        raise ValueError(f"use a pattern of 1 to {_MAX_CHARS} printable characters")
    try:
        compiled = compile_pattern(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if compiled.groups != 1:
        raise ValueError(
            "use exactly one group ( ) around the number; write (?: ) for any other bracket"
        )
    if pattern_steps(text) > MAX_STEPS:
        raise ValueError(
            "some lines would make this pattern slow; begin it with ^ or with fixed text, and"
            r" bound what repeats: \d{1,6} for \d+"
        )
    return text


def pattern_steps(text: str) -> int:
    """At most about how many steps `text` takes on any line of 1 kB.

    Raises:
        ValueError: it has what makes that unbounded.
    """
    judge = _Judge()
    items = list(_parser.parse(text, re.ASCII))
    cost, first, _ = judge.cost(items, frozenset(), False)
    return cost * _starts(items, first, judge.repeated) * max(1, judge.width)


def _starts(items: _Items, first: frozenset[int], repeated: set[int]) -> int:
    """From how many places of a line a match may be tried in earnest."""
    if items and str(items[0][0]) == "AT" and "BEGINNING" in str(items[0][1]):
        return 1
    fixed = bool(items) and str(items[0][0]) == "LITERAL"
    # What begins with a text that no repeat can run over: the runs of all starts together are
    # no longer than the line.
    return 1 if fixed and not first & repeated else MAX_LINE_BYTES


class _Judge:
    """Walks a parsed pattern; `repeated` and `width` are what all its repeats can take."""

    def __init__(self) -> None:
        self.repeated: set[int] = set()
        self.width = 0

    def cost(
        self, items: _Items, after: frozenset[int], fails: bool
    ) -> tuple[int, frozenset[int], bool]:
        """How often what `items` match may have to be tried, from the end to the front; with
        what they can begin with, and whether they (or what comes `after`) can fail.
        """
        total = 1
        for operator, value in reversed(items):
            cost, after, fails = self._one(str(operator), value, after, fails)
            total = min(total * cost, 1 << 40)
        return total, after, fails

    def _one(
        self, name: str, value: Any, after: frozenset[int], fails: bool
    ) -> tuple[int, frozenset[int], bool]:
        if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return 1, _characters(name, value), True
        if name == "SUBPATTERN":
            return self.cost(list(value[3]), after, fails)
        if name == "ATOMIC_GROUP":
            return self.cost(list(value), after, fails)
        if name == "BRANCH":
            ways = [self.cost(list(branch), after, fails) for branch in value[1]]
            first = frozenset[int]().union(*(way[1] for way in ways))
            return sum(way[0] for way in ways), first, any(way[2] for way in ways)
        if name == "AT":
            return 1, frozenset({_END}) if "END" in str(value) else after, True
        if name in _REPEATS:
            return self._repeat((int(value[0]), int(value[1])), list(value[2]), after, fails)
        raise ValueError("use no references to groups and no conditions (?= ?! ?<) in a pattern")

    def _repeat(
        self, times: tuple[int, int], items: _Items, after: frozenset[int], fails: bool
    ) -> tuple[int, frozenset[int], bool]:
        least, most = times[0], min(times[1], MAX_LINE_BYTES)
        if least == most and most <= _MAX_FIXED:
            return self.cost([*items] * most, after, fails)
        if most > 1 and _varies(items):
            raise ValueError("use no repeat or choice inside a repeat; its cost has no bound")
        inside, first, _ = self.cost(items, after, fails)
        self.repeated |= _all_characters(items)
        self.width += most
        # Possible ends of the repeat that have to be tried: one, unless what follows could also
        # have gone on repeating, and can fail.
        ways = most - least + 1 if fails and first & after else 1
        return inside * ways, first if least else first | after, fails or least > 0


def _varies(items: _Items) -> bool:
    for operator, value in items:
        name = str(operator)
        if name == "BRANCH" or (name in _REPEATS and value[0] != value[1]):
            return True
        inner = {"SUBPATTERN": 3, "MAX_REPEAT": 2, "MIN_REPEAT": 2, "POSSESSIVE_REPEAT": 2}
        if name in inner and _varies(list(value[inner[name]])):
            return True
        if name == "ATOMIC_GROUP" and _varies(list(value)):
            return True
    return False


def _all_characters(items: _Items) -> set[int]:
    found: set[int] = set()
    for operator, value in items:
        name = str(operator)
        if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            found |= _characters(name, value)
        elif name != "AT":
            return set(_ALL)
    return found


def _characters(name: str, value: Any) -> frozenset[int]:
    """The characters that one item matches, upper and lower case alike, as flags may say."""
    if name == "ANY":
        return _ALL
    if name == "LITERAL":
        return _cased({value})
    if name == "NOT_LITERAL":
        return _ALL - {value} if value < _OTHER else _ALL
    found: set[int] = set()
    negated = False
    for operator, one in value:
        kind = str(operator)
        if kind == "NEGATE":
            negated = True
        elif kind == "LITERAL":
            found.add(one)
        elif kind == "RANGE":
            found.update(range(one[0], min(one[1], _OTHER) + 1))
            found |= {_OTHER} if one[1] >= _OTHER else set()
        else:
            found |= _category(str(one))
    if negated:
        return (_ALL - found) | {_OTHER}
    return _cased(found)


def _category(name: str) -> set[int]:
    # CATEGORY_DIGIT, CATEGORY_NOT_SPACE, CATEGORY_UNI_WORD ...
    plain = compile_pattern(_CLASSES[name.rpartition("_")[2]])
    inside = {code for code in range(_OTHER) if plain.match(chr(code))}
    return set(_ALL) - inside if "NOT_" in name else inside


def _cased(codes: set[int]) -> frozenset[int]:
    both = {ord(one) for code in codes if code < _OTHER for one in (chr(code).swapcase())}
    return frozenset(both | {min(code, _OTHER) for code in codes})
