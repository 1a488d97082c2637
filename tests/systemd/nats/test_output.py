"""Reading the nats-server's lines: what it says, and what a client makes it say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.relay.broker.config import OWNERS
from fieldlink.systemd.nats import Finding, Findings, Line, read_line

HEAD = "[77] [ERR] 192.0.2.7:4711 - mid:24"


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("[77] [INF] Server is ready", "ready", ""),
        ("[77] [INF] Reloaded server configuration (sha256:f4cc)", "reloaded", ""),
        ("[77] [ERR] Failed to reload server configuration: parse error", "reload-failed", "parse"),
        ('[77] [FTL] Error listening on tcp: "address already in use"', "trouble", "in use"),
        (f'{HEAD} - "k" - Publish Violation - Subject "fl.up.kit-b.x"', "publish-refused", "kit-b"),
        (
            f'{HEAD} - "k" - Subscription Violation - Subject "$SYS.>", SID $SYS.>',
            "subscribe-refused",
            "$SYS.>",
        ),
        (f'{HEAD} - "k" - authentication error', "not-admitted", ""),
        (f'{HEAD} - "k" - authentication error - User "s-1"', "not-admitted", 'user "s-1" is not'),
        (f'{HEAD} - "k" - maximum payload exceeded: 2000023 vs 1048576', "too-large", "2000023"),
        (
            f"{HEAD} - TLS handshake error: tls: failed to verify certificate: x509: certificate "
            "has expired or is not yet valid (CN=kit-b SHA-256: be; CN=Fieldlink CA SHA-256: fb)",
            "certificate-refused",
            "192.0.2.7:4711 in the name of kit-b failed in TLS: certificate has expired",
        ),
    ],
)
def test_a_line_has_its_meaning(text: str, kind: str, said: str) -> None:
    line = read_line(text)
    assert line is not None
    assert line.kind == kind
    assert said in line.text


def test_the_verified_certificate_says_whose_a_connection_is() -> None:
    urn = "urn:fieldlink:kit:kit-a:42815bc726f0"
    said = f'[77] [DBG] 192.0.2.7:1 - mid:9 - "kit-b" - Using URI found in cert for auth ["{urn}"]'
    assert read_line(said, OWNERS) == Line("owner", 9, "kit-a")
    said = '[77] [DBG] 192.0.2.7:1 - mid:9 - "kit-b" - User in cert ["CN=kit-a"], not found'
    assert read_line(said, OWNERS) == Line("owner", 9, "kit-a")


@pytest.mark.parametrize(
    "client_id",
    [
        r"\" - mid:25 - \"kit-b\" - authentication error",
        r"x\" - User in cert [\"CN=kit-b\"], not found",
        r"x\" - Using URI found in cert for auth [\"urn:fieldlink:kit:kit-b:00\"]",
    ],
)
def test_a_client_id_cannot_speak_in_the_servers_place(client_id: str) -> None:
    for level in ("DBG", "ERR"):
        text = f'[77] [{level}] 192.0.2.7:4711 - mid:24 - "{client_id}" - Client connected'
        assert read_line(text, OWNERS) is None
    text = f'{HEAD} - "{client_id}" - Publish Violation - Subject "a"'
    assert read_line(text, OWNERS) == Line("publish-refused", 24, 'published to "a"', "192.0.2.7")


def test_a_topic_cannot_hide_what_it_is() -> None:
    text = f'{HEAD} - "k" - Publish Violation - Subject "a\\" - authentication error"'
    line = read_line(text)
    assert line is not None
    assert (line.kind, line.connection) == ("publish-refused", 24)


@given(st.text(max_size=300), st.sampled_from(["", "[77] [ERR] ", HEAD + " - ", HEAD + ' - "']))
def test_no_text_raises_or_grows(text: str, head: str) -> None:
    line = read_line(head + text, OWNERS)
    assert line is None or len(line.text) <= 200


def test_like_findings_of_one_kit_are_one_event_with_their_number() -> None:
    events: list[Finding] = []
    findings = Findings(events.append)
    findings.add(Line("owner", 1, "kit-a"))
    for connection in (1, 1, 2):
        findings.add(Line("publish-refused", connection, "words"))
    findings.add(Line("closed", 1, ""))
    findings.add(Line("publish-refused", 1, "after"))
    findings.flush()
    assert events == [
        Finding("publish-refused", "kit-a", "words", 2),
        Finding("publish-refused", None, "words", 2),
    ]
    findings.flush()
    assert len(events) == 2


def test_a_flood_of_different_findings_stays_bounded_and_counted() -> None:
    events: list[Finding] = []
    findings = Findings(events.append)
    for number in range(1000):
        findings.add(Line("owner", number, f"kit-{number}"))
        findings.add(Line("publish-refused", number, "words"))
    findings.flush()
    assert len(events) <= 257
    assert sum(event.count for event in events) == 1000
