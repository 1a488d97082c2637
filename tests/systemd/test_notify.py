"""sd_notify datagrams as systemd reads them (sd_notify(3))."""

import os
import socket
from pathlib import Path

from fieldlink.systemd.notify import Notifier


def test_messages_reach_the_socket_and_a_status_stays_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind(str(path))
        notifier = Notifier({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "2000000"})
        notifier.ready("two\nlines")
        notifier.alive()
        notifier.stopping()
        got = [inbox.recv(200) for _ in range(3)]
    assert got == [b"READY=1\nSTATUS=two lines", b"WATCHDOG=1", b"STOPPING=1"]
    assert notifier.watchdog_s == 2.0


def test_an_abstract_socket_is_reached_too() -> None:
    name = f"fieldlink-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind("\0" + name)
        Notifier({"NOTIFY_SOCKET": "@" + name}).status("up")
        assert inbox.recv(100) == b"STATUS=up"


def test_without_systemd_nothing_happens_and_no_watchdog_is_wanted() -> None:
    notifier = Notifier({})
    notifier.ready()
    assert notifier.watchdog_s is None


def test_a_watchdog_meant_for_another_process_is_not_ours() -> None:
    assert Notifier({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog_s is None
