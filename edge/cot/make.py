"""The adapters of Cursor on Target, as configured."""

from collections.abc import Callable

from fieldlink.edge.cot.lines import Server, ServerLine
from fieldlink.edge.cot.mesh import DatagramPort, Mesh
from fieldlink.edge.cot.placed import positions_of
from fieldlink.edge.cot.settings import CotSettings, place_of
from fieldlink.edge.cot.situation import Situation
from fieldlink.edge.telemetry.ports import Intake, KitTime

__all__ = ["Adapters", "make_cot"]

Adapters = list[Mesh | DatagramPort | ServerLine | Server]


def make_cot(
    settings: CotSettings, intake: Intake, time_: KitTime, name: Callable[[], str]
) -> Adapters:
    """One adapter for each way that is configured, all over one situation; `name` is asked for
    the kit's.

    Raises:
        ConfigError: the kit has no name yet.
    """
    if not settings.enabled:
        return []
    kit = name()
    situation = Situation(settings, intake, time_, kit, positions_of(intake))
    adapters: Adapters = []
    if settings.multicast:
        adapters.append(Mesh(place_of(f"udp://{settings.multicast}", ("udp",)), situation))
    for url in settings.listen:
        place = place_of(url, ("tcp", "udp"))
        listening = Server if place.scheme == "tcp" else DatagramPort
        adapters.append(listening(place, situation))
    for url in settings.connect:
        place = place_of(url, ("tcp", "tls"))
        adapters.append(ServerLine(place, situation, time_, kit))
    return adapters
