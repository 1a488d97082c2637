"""Telling systemd how the service is: sd_notify(3) over $NOTIFY_SOCKET; silent without one."""

import os
import socket
from collections.abc import Mapping

__all__ = ["Notifier"]


class Notifier:
    """Sends readiness, status and watchdog pings; does nothing outside systemd."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        found = os.environ if environment is None else environment
        self._address = found.get("NOTIFY_SOCKET", "")
        self._watchdog_us = _watchdog_us(found)

    @property
    def watchdog_s(self) -> float | None:
        """How often systemd wants a ping, in seconds; None when it wants none."""
        return self._watchdog_us / 1e6 if self._watchdog_us else None

    def ready(self, status: str = "") -> None:
        """The service does its work now."""
        self._send("READY=1" + (f"\nSTATUS={_line(status)}" if status else ""))

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={_line(text)}")

    def stopping(self) -> None:
        """The service is on its way down."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.connect(name)
            out.sendall(message.encode())


def _watchdog_us(environment: Mapping[str, str]) -> int:
    # WATCHDOG_PID names the process that systemd watches; a child that inherits it is not meant.
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) if text.isdecimal() else 0


def _line(text: str) -> str:
    return " ".join(text.split())
