"""What the nats-server says, read line by line: only what somebody has to know comes out.

A client chooses its client id and topics, so that both occur in these lines as it likes. They
are quoted by the server (Go's %q); the patterns hold to the whole line and never look inside
a quoted text for anything else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Line", "read_line"]

_Q = r'"(?:[^"\\]|\\.)*"'
_LEVEL = re.compile(r"\[\d+\] \[(INF|WRN|ERR|FTL|DBG|TRC)\] (.*)", re.DOTALL)
_CLIENT = re.compile(
    rf"(?P<address>\S{{1,64}}) - [mw]id:(?P<connection>\d{{1,18}})(?: - {_Q})? - (?P<said>.*)",
    re.DOTALL,
)
_CLAIM = re.compile(r" \(CN=([a-z0-9_-]{1,64}) SHA-256: .*\)$")
_CLIENT_SAYINGS: tuple[tuple[str, "Kind", str], ...] = (
    (rf"Publish Violation - Subject ({_Q})", "publish-refused", "published to {0}"),
    (
        rf"Subscription Violation - Subject ({_Q}), SID .*",
        "subscribe-refused",
        "asked for the messages of {0}",
    ),
    (r"authentication error", "not-admitted", "its certificate is not admitted here"),
    (
        rf"authentication error - User ({_Q})",
        "not-admitted",
        "the user {0} is not registered here, or its password is another",
    ),
    (r"maximum payload exceeded: (\d+) vs \d+", "too-large", "sent a message of {0} bytes"),
    (
        rf"invalid character in client ID {_Q}",
        "malformed",
        "gave a client id that no kit has",
    ),
)

Kind = Literal[
    "ready",
    "owner",
    "closed",
    "reloaded",
    "reload-failed",
    "publish-refused",
    "subscribe-refused",
    "not-admitted",
    "certificate-refused",
    "takeover",
    "too-large",
    "malformed",
    "trouble",
]


@dataclass(frozen=True, slots=True)
class Line:
    """What one line means: its kind, the connection's number if it is about one, and words; `peer`
    is the address that a client came from.

    An `owner` line's text is the name in the certificate that the connection came with.
    """

    kind: Kind
    connection: int | None
    text: str
    peer: str = ""


def read_line(text: str, owners: Sequence[re.Pattern[str]] = ()) -> Line | None:
    """The meaning of one line; None when nobody has to know.

    `owners` are what the server says of a certificate that it has verified, with the name in it as
    the first group; what is quoted there is the CA's text.
    """
    match = _LEVEL.fullmatch(text)
    if match is None:
        return None  # panics and banners have no level; the whole log shows them
    level, said = match.groups()
    client = _CLIENT.fullmatch(said)
    if client is not None:
        number = int(client["connection"])
        if level == "DBG":
            return _whose(number, client["said"], owners)
        return _about_client(client["address"], number, client["said"])
    if level == "INF":
        return _own_news(said)
    if level in ("ERR", "FTL"):
        failed = "Failed to reload" in said
        return Line("reload-failed" if failed else "trouble", None, _short(said))
    return None


def _own_news(said: str) -> Line | None:
    if said == "Server is ready":
        return Line("ready", None, said)
    if said.startswith("Reloaded server configuration"):
        return Line("reloaded", None, said)
    return None


def _whose(connection: int, said: str, owners: Sequence[re.Pattern[str]]) -> Line | None:
    if said.startswith("Client connection closed"):
        return Line("closed", connection, said)
    for pattern in owners:
        match = pattern.fullmatch(said)
        if match:
            return Line("owner", connection, match[1])
    return None


def _about_client(address: str, connection: int, said: str) -> Line | None:
    peer = address.rpartition(":")[0].strip("[]")
    if said.startswith("Replacing old client "):
        return Line("takeover", connection, "took over a client id that was in use", peer)
    if said.startswith("TLS handshake error: "):
        return Line("certificate-refused", connection, _handshake(address, said), peer)
    for pattern, kind, words in _CLIENT_SAYINGS:
        match = re.fullmatch(pattern, said, re.DOTALL)
        if match:
            return Line(kind, connection, _short(words.format(*match.groups())), peer)
    return None


def _handshake(address: str, said: str) -> str:
    reason = said.removeprefix("TLS handshake error: ").removeprefix("tls: ")
    reason = reason.removeprefix("failed to verify certificate: x509: ")
    claim = _CLAIM.search(reason)
    # Nothing in a refused certificate is proved, its name included.
    named = f" in the name of {claim[1]}" if claim else ""
    reason = reason[: claim.start()] if claim else reason
    return _short(f"a connection from {address}{named} failed in TLS: {reason}")


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "..."
