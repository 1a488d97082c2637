"""Making requests and bookmarks: every bound is checked here, for commands and for the API."""

from collections.abc import Callable

from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.codecs.wire import WANT_ID_BYTES, Purpose
from fieldlink.relay.catalogue import Catalogue, StoredWant, TooManyWantsError
from fieldlink.relay.orders.target import Target, check_known

__all__ = ["MAX_NOTE_CHARS", "ask_for", "bookmark", "want_id"]

Random = Callable[[int], bytes]
MAX_NOTE_CHARS = 256
_MAX_WHO_CHARS = 64
_LONGEST_US = 86_400_000_000
_AHEAD_US = 86_400_000_000


def ask_for(
    catalogue: Catalogue,
    target: Target,
    span: tuple[int, int],
    *,
    layer: str,
    who: str,
    now_us: int,
    random: Random,
) -> StoredWant:
    """Ask `target`'s kit to send `layer` of `span` (UTC microseconds) before the rest.

    Raises:
        ConfigError: the span, the layer or a text is out of its bounds.
        ArchiveError: there is no such stream, or the kit has too many open requests.
    """
    if layer not in tuple(Layer):
        raise ConfigError(f"layer = {layer[:32]!r}: write one of {', '.join(Layer)}")
    return _add(catalogue, target, span, Purpose.SEND, layer, who, "", now_us, random)


def bookmark(
    catalogue: Catalogue,
    target: Target | None,
    span: tuple[int, int],
    *,
    who: str,
    note: str,
    now_us: int,
    random: Random,
) -> list[StoredWant]:
    """Bookmark `span` of `target`, of every kit that has joined if None: it is raised and kept.

    Raises:
        ConfigError: the span or a text is out of its bounds.
        ArchiveError: there is no such stream, no kit at all, or too many open requests; of all
            kits, those that have room for one were bookmarked all the same.
    """
    targets = [target] if target else [Target(kit) for kit in catalogue.active_kits()]
    if not targets:
        raise ArchiveError("no kit has joined yet, so that there is nothing to bookmark")
    made, refused = [], None
    for each in targets:
        try:
            made.append(_add(catalogue, each, span, Purpose.KEEP, "", who, note, now_us, random))
        except TooManyWantsError as error:
            refused = refused or error
    if refused is not None:
        rest = f"; {len(made)} other kits have the bookmark" if made else ""
        raise TooManyWantsError(f"{refused}{rest}") from refused
    return made


def want_id(text: str) -> bytes:
    """The id in `text`, 16 hexadecimal digits.

    Raises:
        ConfigError: it is none.
    """
    try:
        ident = bytes.fromhex(text)
    except ValueError:
        ident = b""
    if len(ident) != WANT_ID_BYTES:
        raise ConfigError(f"{text[:40]!r} is no request's id; `fieldlink relay wants` lists them")
    return ident


def _add(
    catalogue: Catalogue,
    target: Target,
    span: tuple[int, int],
    purpose: Purpose,
    layer: str,
    who: str,
    note: str,
    now_us: int,
    random: Random,
) -> StoredWant:
    _check_span(span, now_us)
    _check_text("note", note, MAX_NOTE_CHARS)
    _check_text("who", who, _MAX_WHO_CHARS)
    check_known(catalogue, target)
    want = StoredWant(
        ident=random(WANT_ID_BYTES),
        purpose=purpose,
        kit=target.kit,
        device=target.device,
        stream=target.stream,
        layer=layer,
        from_us=span[0],
        to_us=span[1],
        who=who,
        note=note,
        created_us=now_us,
    )
    return catalogue.add_want(want)


def _check_span(span: tuple[int, int], now_us: int) -> None:
    from_us, to_us = span
    if not 0 <= from_us < to_us < 2**63:
        raise ConfigError("the span ends before it begins, or is out of all bounds; turn it round")
    if to_us - from_us > _LONGEST_US:
        raise ConfigError("the span is longer than a day; ask for less at once")
    if to_us > now_us + _AHEAD_US:
        raise ConfigError("the span ends more than a day from now; mind the date")


def _check_text(name: str, text: str, most: int) -> None:
    if len(text) > most or not text.isprintable():
        raise ConfigError(f"{name}: write at most {most} printable characters")
