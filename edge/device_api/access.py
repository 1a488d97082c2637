"""Who may say and hear what: the rules for the kit's own broker, and the files for mosquitto.

A device publishes fl/dev/<its name>/<stream> for the streams that there are, and hears its own
fl/dev/<its name>/receipt and .../down; nothing else. A DJI gateway has its own topics beside them,
and says the properties of its aircraft under the aircraft's number, which nobody knows before.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fieldlink.codecs.device_api import STREAMS
from fieldlink.codecs.dji import Topic, Way
from fieldlink.drone.dji import SAID
from fieldlink.drone.dji import TOLD as DJI_TOLD
from fieldlink.edge.device_api.registry import Device, hash_mosquitto
from fieldlink.systemd.durable import make_folder, write_durably
from fieldlink.systemd.nats import User

__all__ = ["AGENT", "HEARD", "TOLD", "agent_secret", "nats_users", "write_mosquitto_files"]

AGENT = "kit.agent"
"""The agent's own user: no device can be called so, for a name has no dot."""

HEARD = tuple(f"fl/dev/+/{stream}" for stream in STREAMS)
"""What the agent subscribes to."""

TOLD = ("receipt", "down")
"""The last level of what a device may hear."""

_OF_AIRCRAFT = (Way.OSD, Way.STATE)
_ROOTS = ("sys", "thing")


def agent_secret(folder: Path) -> str:
    """The agent's password, made on first use; the file is 0600.

    Raises:
        OSError: it cannot be read or written.
    """
    path = folder / "agent.secret"
    try:
        found = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        found = ""
    if len(found) < 32:
        make_folder(folder)
        found = secrets.token_urlsafe(32)
        write_durably(path, found.encode())
    return found


def nats_users(devices: Iterable[Device], secret: str) -> Iterator[User]:
    """The users of the kit's own broker; `secret` is the agent's bcrypt hash."""
    heard = [_subject(topic) for topic in (*HEARD, *_dji("+", SAID))]
    told = [_subject(topic) for topic in _dji("+", DJI_TOLD)]
    yield User(AGENT, [*(f"fl.dev.*.{kind}" for kind in TOLD), *told], heard, secret)
    devices = list(devices)
    for device in devices:
        never: list[str] = []
        says = [f"fl.dev.{device.name}.{stream}" for stream in STREAMS]
        hears = [f"fl.dev.{device.name}.{kind}" for kind in TOLD]
        if device.dji is not None:
            own = [f"{root}.product.{device.dji}.>" for root in _ROOTS]
            says += [*own, *(_subject(topic) for topic in _dji("+", _OF_AIRCRAFT))]
            hears += own
            never = [_subject(topic) for topic in _of_others(device, devices)]
        yield User(device.name, says, hears, device.bcrypt, never)


def _subject(topic: str) -> str:
    return topic.replace("/", ".").replace("+", "*")


def _of_others(device: Device, devices: Iterable[Device]) -> Iterator[str]:
    """What a gateway must not say: the properties of other gateways. Of an aircraft's nobody knows
    beforehand which of them flies it.
    """
    for other in devices:
        if other.dji not in (None, device.dji):
            yield from _dji(str(other.dji), _OF_AIRCRAFT)


def _dji(sn: str, ways: Iterable[Way]) -> Iterator[str]:
    return (str(Topic(way, sn)) for way in ways)


def write_mosquitto_files(folder: Path, devices: Iterable[Device], secret: str) -> None:
    """Write `passwd` and `acl` for mosquitto into `folder`/mosquitto; `secret` is the agent's.

    Raises:
        OSError: one cannot be written.
    """
    target = folder / "mosquitto"
    make_folder(target)
    lines = [f"{AGENT}:{hash_mosquitto(secret)}"]
    devices = list(devices)
    lines += [f"{device.name}:{device.mosquitto}" for device in devices]
    write_durably(target / "passwd", ("\n".join(lines) + "\n").encode())
    write_durably(target / "acl", ("\n".join(_acl(devices)) + "\n").encode())


def _acl(devices: Sequence[Device]) -> Iterator[str]:
    yield f"user {AGENT}"
    yield from (f"topic read {topic}" for topic in (*HEARD, *_dji("+", SAID)))
    yield from (f"topic write fl/dev/+/{kind}" for kind in TOLD)
    yield from (f"topic write {topic}" for topic in _dji("+", DJI_TOLD))
    for device in devices:
        if device.dji is not None:
            yield f"user {device.name}"
            yield from (f"topic readwrite {root}/product/{device.dji}/#" for root in _ROOTS)
            yield from (f"topic write {topic}" for topic in _dji("+", _OF_AIRCRAFT))
            yield from (f"topic deny {topic}" for topic in _of_others(device, devices))
    # A pattern holds for every user, the agent too, whose name no device has.
    yield from (f"pattern write fl/dev/%u/{stream}" for stream in STREAMS)
    yield from (f"pattern read fl/dev/%u/{kind}" for kind in TOLD)
