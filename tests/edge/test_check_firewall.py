"""Whether the kit's ports are let in, by rules as nftables prints them (libnftables-json(5))."""

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from fieldlink.edge.check_firewall import check_firewall, firewall_finding, shut_ports
from fieldlink.edge.config import EdgeSettings

UDP, TCP, PAGE = ("udp", 14550), ("tcp", 5760), ("tcp", 8090)
_DROP = {"chain": {"hook": "input", "policy": "drop"}}
_RULES = (
    "add table inet filter",
    "add chain inet filter input { type filter hook input priority 0; policy drop; }",
    "add rule inet filter input ct state established,related accept",
    "add rule inet filter input iif lo accept",
    "add rule inet filter input meta l4proto icmp accept",
    "add rule inet filter input udp dport 14550 accept",
    "add rule inet filter input tcp dport { 22, 8000-8100 } accept",
)


def _rule(*matches: tuple[Any, Any], verdict: str = "accept") -> dict[str, Any]:
    parts = [{"match": {"op": "==", "left": left, "right": right}} for left, right in matches]
    return {"rule": {"chain": "input", "expr": [*parts, {verdict: None}]}}


def _port(protocol: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": "dport"}}


def test_ports_are_shut_by_a_policy_that_no_rule_lifts() -> None:
    assert shut_ports([UDP, TCP], []) == []
    assert shut_ports([UDP, TCP], [_DROP]) == [UDP, TCP]
    assert shut_ports([UDP, TCP], [_DROP, _rule((_port("tcp"), 5760))]) == [UDP]
    either = _rule((_port("th"), {"set": [{"range": [5000, 6000]}, 14550]}))
    assert shut_ports([UDP, TCP], [_DROP, either]) == []
    refused = _rule((_port("udp"), 14550), verdict="drop")
    assert shut_ports([UDP], [_DROP, refused]) == [UDP]


def test_a_rule_by_interface_may_let_all_in_and_answers_and_loopback_do_not() -> None:
    name = {"meta": {"key": "iifname"}}
    assert shut_ports([UDP], [_DROP, _rule((name, "lo"))]) == [UDP]
    assert shut_ports([UDP], [_DROP, _rule(({"ct": {"key": "state"}}, "related"))]) == [UDP]
    assert shut_ports([UDP], [_DROP, _rule((name, "wlan0"))]) == []


def test_what_is_shut_is_told_with_what_to_do() -> None:
    found = firewall_finding([UDP, TCP], [_DROP])
    assert not found.ok
    assert "ufw allow 14550/udp" in found.english
    assert "5760/tcp" in found.chinese
    unseen = firewall_finding([UDP], None)
    assert unseen.ok
    assert "14550/udp must be let in" in unseen.english


def test_ports_of_this_machine_alone_need_nobody_to_let_them_in() -> None:
    endpoint = {"name": "sim", "connect": "udpin:127.0.0.1:14550"}
    assert check_firewall(EdgeSettings.model_validate({"drone": {"endpoint": [endpoint]}})) == []


@pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("nft", "unshare"))),
    reason="needs root, nft and unshare",
)
def test_real_rules_of_nftables_are_read() -> None:
    made = " && ".join(f"nft '{rule}'" for rule in _RULES)
    told = subprocess.run(
        ["unshare", "-n", "sh", "-c", f"{made} && nft -j list ruleset"],
        capture_output=True,
        check=False,
    )
    if told.returncode:
        pytest.skip(f"no namespaces, or no nftables in this kernel: {told.stderr.decode()[:80]}")
    assert shut_ports([UDP, TCP, PAGE], json.loads(told.stdout)["nftables"]) == [TCP]
