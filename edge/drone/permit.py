"""What moves an aircraft is allowed by the settings, confirmed by who asks, and written down:
on the disk before the command goes, again with the answer, and as a text of the aircraft. What is
refused is written down as well.

Watching, pictures, zoom and a gimbal that turns by itself need none of it.
"""

import logging
import pwd
import time
from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.commanding import CommandError
from fieldlink.edge.control import caller
from fieldlink.edge.drone.doing import Deck
from fieldlink.edge.drone.eyes import Eyes
from fieldlink.edge.drone.journal import write_journal

__all__ = ["note", "permit", "who_asks"]

_log = logging.getLogger(__name__)
_AGAIN_S, _MOST = 60.0, 100


def permit(deck: Deck, asked: Mapping[str, Any], name: str, what: str) -> None:
    """Refuse `what` for the aircraft `name` unless it is allowed, confirmed with `yes`, and
    written down now.

    Raises:
        CommandError: "refused" where the settings do not allow it, or two aircraft are called so;
            "unconfirmed" without its name.
        ConfigError: it cannot be written down.
    """
    if not deck.settings.flight_commands:
        _refused(deck, asked, name, what, "refused: the settings do not allow it")
        raise CommandError(
            "refused",
            f"{what}: this may move the aircraft; the settings do not allow that"
            " ([drone] flight_commands = true) 可能使飞机移动，设置未允许",
        )
    key = deck.names().get(name)
    if key is not None and deck.part(Eyes).are_two(key):
        _refused(deck, asked, name, what, "refused: two aircraft have its number")
        raise CommandError(
            "refused",
            f"{what}: two aircraft speak as system {key[0]}, and which would obey nobody knows; use"
            " their remote controls, and give one another number (MAV_SYSID, SYSID_THISMAV)"
            " 两架飞机编号相同，无法区分，请用遥控器",
        )
    if asked.get("yes") != name:
        if asked.get("yes"):  # without any name it is a question only
            _refused(deck, asked, name, what, "refused: confirmed with another name")
        raise CommandError(
            "unconfirmed",
            f"{what}: this may move the aircraft; confirm with --yes {name} 可能使飞机移动，请确认",
        )
    _write(deck, asked, name, what, "asked")


def _refused(deck: Deck, asked: Mapping[str, Any], name: str, what: str, why: str) -> None:
    """Keep what was not done; where that cannot be written it is in the log, and refused still.
    The same again within a minute is not written, for it would push out what was done.
    """
    said, now_s = deck.part(_refusals), time.monotonic()
    key = who_asks(asked), name, what, why
    if now_s - said.get(key, -_AGAIN_S) < _AGAIN_S:
        return
    if len(said) >= _MOST:
        said.clear()
    said[key] = now_s
    _log.warning("drone %s: %s asked: %s; %s", name, key[0], what, why)
    try:
        _write(deck, asked, name, what, why)
    except ConfigError as error:
        _log.error("%s", error)


def _refusals(_: Deck) -> dict[tuple[str, ...], float]:
    return {}


def who_asks(asked: Mapping[str, Any]) -> str:
    """Whoever asks now: the user by the kernel's word, and the login that they say."""
    found = caller.get()
    if found is None:
        return "the kit"
    uid = found.uid if found.login_uid is None else found.login_uid
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = "?"
    said = "".join(filter(str.isprintable, str(asked.get("login") or "")))[:32]
    return f"{name} (uid {uid})" if said in ("", name) else f"{name} (uid {uid}, as {said})"


def note(
    deck: Deck, asked: Mapping[str, Any], vehicle: tuple[int, int], what: str, answer: str
) -> None:
    """Keep what was asked, by whom, and what was answered: in the journal, in the log, and as a
    text of the aircraft, which goes to the centre.
    """
    name = next((one for one, key in deck.names().items() if key == vehicle), str(vehicle[0]))
    try:
        _write(deck, asked, name, what, answer)
    except ConfigError as error:  # that it was asked for is there
        _log.error("%s", error)
    text = f"{who_asks(asked)} asked: {what}; answer: {answer}"
    _log.warning("drone %s/%s: %s", *vehicle, text)
    deck.event(vehicle, text)


def _write(deck: Deck, asked: Mapping[str, Any], name: str, what: str, answer: str) -> None:
    record = {"vehicle": name, "what": what, "who": who_asks(asked), "answer": answer[:300]}
    write_journal(deck.state_dir, {"time_us": deck.router.utc_us(), **record})
