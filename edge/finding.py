"""One finding of `fieldlink edge check`."""

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, whether it is good, and a sentence in each language.

    `link` marks what is wrong with the way to the centre, and not with the kit.
    """

    what: str
    ok: bool
    english: str
    chinese: str
    link: bool = False
