"""A request as commands and programs read it: plain values, with its progress."""

from typing import Any

from fieldlink.codecs.wire import Purpose
from fieldlink.relay.catalogue import Catalogue, StoredWant
from fieldlink.relay.orders.book import progress_in

__all__ = ["want_name", "want_row", "want_state"]


def want_state(want: StoredWant) -> str:
    """open, fulfilled or cancelled."""
    if want.cancelled_us is not None:
        return "cancelled"
    return "open" if want.fulfilled_us is None else "fulfilled"


def want_name(want: StoredWant) -> str:
    """What it is about, as people write it."""
    return "/".join(part for part in (want.kit, want.device, want.stream) if part)


def want_row(catalogue: Catalogue, want: StoredWant, now_us: int) -> dict[str, Any]:
    """`want` with how much of it has come, `share` from 0 to 1."""
    made = progress_in(catalogue, want, now_us)
    # A bookmark that was set on its kit is on record at once, whatever has come of it.
    whole = want.fulfilled_us is not None and want.purpose is Purpose.SEND
    return {
        "id": want.ident.hex(),
        "purpose": want.purpose.name.lower(),
        "state": want_state(want),
        "name": want_name(want),
        "kit": want.kit,
        "device": want.device,
        "stream": want.stream,
        "layer": want.layer,
        "from_us": want.from_us,
        "to_us": want.to_us,
        "who": want.who,
        "note": want.note,
        "created_us": want.created_us,
        "cancelled_us": want.cancelled_us,
        "fulfilled_us": want.fulfilled_us,
        "asked_us": made.asked_us,
        "held_us": made.held_us,
        "missing_us": 0 if whole else made.missing_us,
        "share": 1.0 if whole or not made.asked_us else 1 - made.missing_us / made.asked_us,
    }
