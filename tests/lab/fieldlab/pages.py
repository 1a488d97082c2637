"""The page in a browser, for tests: logging in, pressing, and a centre with a fleet to look at."""

from typing import Any

from fieldlab.browser import Browser
from fieldlab.duty import PASSWORD, Duty, now_us
from fieldlab.fleet import Fleet, Member
from fieldlab.footage import Scene, still
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.telemetry import AlarmKind

__all__ = ["MAP", "ROW", "ROWS", "Site", "log_in", "press", "show_map"]

_S = 1_000_000
MAP = "document.getElementById('map').mapView"
ROW = "document.querySelector('.device-row[data-key=\"{}\"]')"
ROWS = "document.querySelectorAll('.device-row')"


class Site:
    """A centre with nine devices of one kit, ten minutes of each but one, which went silent."""

    def __init__(self, duty: Duty) -> None:
        self.duty = duty
        self.fleet = Fleet(duty, devices=8, kits=1, start_us=now_us() - 600 * _S)
        mates = self.fleet.members["kit-1"]
        old = Member("kit-1", "sensor-9", "sensor", 342_400_000, 1_089_300_000, 1, 0.0)
        mates.append(old)
        self.fleet.tick(100)
        mates.remove(old)
        self.fleet.tick(500)
        duty.telemetry.settle()
        picture = still(Scene("S"), 1.0)
        duty.file("soldier-1", Layer.STILL, now_us(), picture, media_type="image/avif")

    def second(self) -> None:
        """One second goes by, now."""
        self.fleet.now_us = now_us() - _S
        self.fleet.tick()
        self.duty.telemetry.settle()

    def alarm(self, device: str, kind: AlarmKind, ident: bytes, **fields: Any) -> None:
        """An alarm, now."""
        self.fleet.now_us = now_us()
        self.fleet.alarm("kit-1", device, kind, ident=ident, **fields)
        self.duty.telemetry.settle()


def log_in(page: Browser, url: str) -> None:
    """Log in as "duty", in English."""
    page.language("en-US")
    page.go(url)
    page.wait("document.getElementById('login')?.hidden === false")
    page.fill("#login-password", PASSWORD)
    page.click("#login-form .primary")
    page.wait("!document.getElementById('duty').hidden")


def show_map(page: Browser) -> None:
    """Open the map of `Site`."""
    page.click("#view-map")
    page.wait(f"{MAP}.layer.items.length > 0 && {ROWS}.length === 9")


def press(page: Browser, kind: str, script: str) -> None:
    """A mouse button, "Pressed" or "Released", over the middle of what `script` names."""
    middle = f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])({script}"
    x, y = page.run(f"{middle}.getBoundingClientRect())")
    event = {"type": f"mouse{kind}", "x": x, "y": y, "button": "left", "clickCount": 1}
    page.ask("Input.dispatchMouseEvent", event)
