"""The adapters of what is attached to the kit and speaks in numbers: made from the configuration,
started, watched, and started again when they fail.
"""

from typing import Any, Protocol

from fieldlink.edge.clock.clock import KitClock
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.cot.make import make_cot
from fieldlink.edge.device_api.make import make_device_api
from fieldlink.edge.dji.adapter import make_dji
from fieldlink.edge.dji.receivers import Pushed
from fieldlink.edge.drone.adapter import Records, make_drone
from fieldlink.edge.drone.media import Media
from fieldlink.edge.gnss.adapter import make_gnss
from fieldlink.edge.jt808.adapter import make_jt808
from fieldlink.edge.sensors.service import make_sensors
from fieldlink.edge.starting import kit_name
from fieldlink.edge.telemetry.ports import Intake, KitTime
from fieldlink.edge.whip.adapter import make_whip
from fieldlink.edge.whip.hub import Hub
from fieldlink.systemd.service import Beat

__all__ = ["WAYS", "Adapter", "make_adapters", "ways_off"]

WAYS = {
    "device-api": "mqtt",
    "device-api-plain": "mqtt",
    "jt808": "jt808",
    "dji": "dji",
    "drone": "mavlink",
}
"""The adapters behind which there are many devices, and the way (`via`) of those."""


class Adapter(Protocol):
    """One way in: a server, a serial port, a subscription. It blocks until it fails and owns no
    retry: whoever runs it waits and runs it again. Making one opens nothing.

    One that has `settings`, what it was made of, goes on over a reload while those are equal;
    without, it is made anew when anything about any adapter changes; then it is told (`reloaded`),
    if it has that, so that what was changed in passing ends. One that has `commands` answers those
    on the control socket.
    """

    name: str

    async def run(self, beat: Beat) -> None:
        """Work until cancelled.

        Raises:
            SourceError, LinkError, OSError: it does not work at present; run it again later.
        """

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs: `state` and `reason` at least."""


def ways_off(settings: EdgeSettings) -> list[str]:
    """The ways (`via`) by which no device is heard."""
    ways = {
        "mqtt": settings.device_api.enabled,
        "dji": settings.dji.enabled,
        "jt808": settings.jt808.enabled,
        "cot": settings.cot.enabled,
        "mavlink": settings.drone.enabled,
    }
    return [way for way, is_on in ways.items() if not is_on]


def make_adapters(
    settings: EdgeSettings,
    intake: Intake,
    time: KitTime,
    cameras: Media | None = None,
    records: Records | None = None,
    hub: Hub | None = None,
) -> list[Adapter]:
    """The adapters that `settings` ask for; `cameras` records video that some of them bring,
    `records` keeps what others record themselves; `hub` joins recorders and WHIP's publishers.
    """
    adapters: list[Adapter] = []
    adapters += make_jt808(settings.jt808, settings.state_dir, intake, time)
    adapters += make_sensors(settings.sensor, intake, time)
    adapters += make_device_api(settings.device_api, settings.device_api_dir, intake)
    pushed = Pushed(settings.whip, hub) if hub is not None else None
    adapters += make_dji(
        settings.dji,
        settings.device_api,
        settings.state_dir,
        intake,
        time,
        cameras,
        pushed,
        records=records,
        keep_free=settings.spool.keep_free,
    )
    adapters += make_whip(settings.whip, settings.device_api, settings.state_dir, hub, time.now_us)
    adapters += make_drone(settings.drone, settings.state_dir, intake, time, records, cameras)
    adapters += make_gnss(
        settings.gnss, intake, time.observe if isinstance(time, KitClock) else None
    )
    adapters += make_cot(settings.cot, intake, time, lambda: kit_name(settings))
    return adapters
