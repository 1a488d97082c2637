"""The configuration of the centre's nats-server.

Each user is one certificate: the server maps the URI in a verified certificate to a user, so
that an older certificate of the same kit is nobody.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from fieldlink.codecs.wire import MAX_FRAME_BYTES
from fieldlink.relay.broker.settings import BrokerSettings
from fieldlink.relay.pki.admission import Member
from fieldlink.relay.pki.certificates import kit_urn
from fieldlink.systemd.mqtt import CENTRE_NAME, TlsFiles
from fieldlink.systemd.nats import User, nats_config, tls_block

__all__ = ["OWNERS", "broker_config"]

# A frame, its topic and what MQTT adds.
_MAX_PAYLOAD_BYTES = MAX_FRAME_BYTES + 64 * 1024
_MAX_PENDING_BYTES = 64 * 1024 * 1024
_MAX_MEMORY_BYTES = 64 * 1024 * 1024
# The server says these of a certificate that it has verified; what is quoted is the CA's text.
OWNERS = (
    re.compile(r'Using URI found in cert for auth \["urn:fieldlink:kit:([a-z0-9_-]{1,32}):\w+"\]'),
    re.compile(r'User in cert \["CN=([a-z0-9_-]{1,64})"\], not found'),
)


def broker_config(
    settings: BrokerSettings, port: int, tls: TlsFiles, store: Path, members: Sequence[Member]
) -> str:
    """The configuration for `members`, with MQTT on `port`."""
    block = tls_block(tls.certificate, tls.key, tls.ca)
    return nats_config(
        name="fieldlink",
        host=settings.host,
        port=port,
        store=store,
        users=_users(members),
        max_payload_bytes=_MAX_PAYLOAD_BYTES,
        max_pending_bytes=_MAX_PENDING_BYTES,
        max_connections=settings.max_connections,
        max_file_store_bytes=settings.store,
        max_memory_store_bytes=_MAX_MEMORY_BYTES,
        tls=block,
        own_tls=block,
    )


def _users(members: Sequence[Member]) -> Iterator[User]:
    yield User(f"CN={CENTRE_NAME}", ["fl.down.>"], ["fl.up", "fl.up.>"])
    for member in members:
        kit = member.kit
        listens = [f"fl.down.{kit}", f"fl.down.{kit}.>"]
        yield User(kit_urn(kit, member.serial), [f"fl.up.{kit}.*"], listens)
