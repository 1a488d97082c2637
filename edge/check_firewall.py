"""Whether this machine's own packet filter lets in who connects to the kit: nftables, which is
under iptables, ufw and firewalld as well.
"""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fieldlink.edge.check_attached import listeners
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.finding import Finding

__all__ = ["check_firewall", "firewall_finding", "shut_ports"]

_PATIENCE_S = 5.0
_HERE = ("127.", "::1", "localhost")
Rules = Sequence[Mapping[str, Any]]


def check_firewall(settings: EdgeSettings) -> list[Finding]:
    """A finding of the ports that others have to reach; none where nobody has to."""
    wanted = {
        ("tcp" if kind == socket.SOCK_STREAM else "udp", port)
        for _, _, host, port, kind in listeners(settings)
        if not host.startswith(_HERE)
    }
    return [firewall_finding(sorted(wanted), _ruleset())] if wanted else []


def _ruleset() -> Rules | None:
    """As `nft -j list ruleset` has it; None where this user may not see it, or there is no nft."""
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if nft is None:
        return None
    try:
        told = subprocess.run(
            [nft, "-j", "list", "ruleset"], capture_output=True, timeout=_PATIENCE_S, check=True
        )
        rules = json.loads(told.stdout)["nftables"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return rules if isinstance(rules, list) else None


def firewall_finding(wanted: Iterable[tuple[str, int]], rules: Rules | None) -> Finding:
    """What is said of `wanted`, ("udp", port) and ("tcp", port)."""
    ports = list(wanted)
    told = ", ".join(f"{port}/{kind}" for kind, port in ports)
    if rules is None:
        return Finding(
            "firewall",
            True,
            f"not to be seen by this user, or without nft; {told} must be let in.",
            f"无权查看或没有 nft；须放行 {told}。",
        )
    shut = shut_ports(ports, rules)
    if not shut:
        return Finding("firewall", True, f"nothing here shuts {told}.", f"未阻挡 {told}。")
    named = ", ".join(f"{port}/{kind}" for kind, port in shut)
    kind, port = shut[0]
    return Finding(
        "firewall",
        False,
        f"{named} are dropped by this machine's own firewall; let them in: ufw allow {port}/{kind},"
        f" or nft add rule inet filter input {kind} dport {port} accept.",
        f"本机防火墙阻挡了 {named}；请放行，例如 ufw allow {port}/{kind}。",
    )


def shut_ports(wanted: Iterable[tuple[str, int]], rules: Rules) -> list[tuple[str, int]]:
    """Those of `wanted` that a chain of input drops by its policy, and that no rule accepts. A rule
    that accepts by what is no port (an interface, an address) may be for them: none is shut then.
    """
    chains = (one["chain"] for one in rules if "chain" in one)
    if not any(one.get("hook") == "input" and one.get("policy") == "drop" for one in chains):
        return []
    let_in = [ports for one in rules if "rule" in one for ports in _accepted(one["rule"])]
    return [
        (kind, port)
        for kind, port in wanted
        if not any(
            of in (kind, "th", "any") and first <= port <= last for of, first, last in let_in
        )
    ]


def _accepted(rule: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    """Kind of port ("th", "any": of every kind), first and last port that a rule accepts."""
    parts = [part for part in rule.get("expr", ()) if isinstance(part, Mapping)]
    if not any("accept" in part for part in parts):
        return
    matches = [part["match"] for part in parts if "match" in part]
    for match in matches:
        payload = match["left"].get("payload") if isinstance(match["left"], Mapping) else None
        if payload and payload.get("field") == "dport":
            yield from ((payload["protocol"], *span) for span in _spans(match["right"]))
            return
    if not any(_of_no_port(match) for match in matches):
        yield "any", 0, 65_535


def _of_no_port(match: Mapping[str, Any]) -> bool:
    """Whether it keeps to what is no new connection to a port: answers, loopback, ICMP."""
    text = json.dumps(match)
    return any(word in text for word in ('"ct"', '"lo"', "icmp", "igmp", "sport"))


def _spans(right: Any) -> Iterator[tuple[int, int]]:
    """The ports of a match: one, a range, or a set of these; a set by its name may be any."""
    if isinstance(right, int):
        yield right, right
    elif isinstance(right, Mapping) and "range" in right:
        yield right["range"][0], right["range"][1]
    elif isinstance(right, Mapping) and "set" in right:
        for one in right["set"]:
            yield from _spans(one)
    else:
        yield 0, 65_535
