"""Which device an aircraft is, and whether what it says is an exercise's."""

from collections.abc import Callable, Iterable

from fieldlink.drone.connection.address import parse_address
from fieldlink.drone.router.policy import Policy, policy_of
from fieldlink.drone.vehicle import Fleet, Key
from fieldlink.edge.drone.settings import DroneSettings

__all__ = ["Roster", "endpoint_of"]

_LOST_US = 5_000_000


def endpoint_of(link: str) -> str:
    """A link is called as its endpoint, and its peer behind that where there may be several."""
    return link.partition(" ")[0]


class Roster:
    """Names of aircraft and rules of endpoints, by the settings."""

    def __init__(self, settings: DroneSettings) -> None:
        self._named = {one.sysid: one for one in settings.vehicle}
        self._played = {
            one.name for one in settings.endpoint if parse_address(one.connect).kind == "file"
        }
        self._policy: Callable[[str], Policy | None] = {
            one.name: policy_of(one) for one in settings.endpoint
        }.get

    def follow(self, policy: Callable[[str], Policy | None]) -> None:
        """Rules of endpoints may be other than the settings' for a while."""
        self._policy = policy

    def name(self, sysid: int) -> str:
        """What a system is called."""
        named = self._named.get(sysid)
        return named.name if named is not None else f"mav-{sysid}"

    def device(self, vehicle: Key, all_of: Iterable[Key]) -> str:
        """The device that one of `all_of` is."""
        sysid, compid = vehicle
        name = self.name(sysid)
        # A second autopilot of one system is a device of its own.
        first = min((key[1] for key in all_of if key[0] == sysid), default=compid)
        return name if compid <= first else f"{name[:28].rstrip('-_')}-{compid}"

    def is_exercise(self, vehicle: Key, fleet: Fleet) -> bool:
        """Whether it flies nowhere now."""
        named = self._named.get(vehicle[0])
        if named is not None and named.exercise:
            return True
        found = fleet.vehicles.get(vehicle)
        link = next(reversed(found.links), "") if found is not None else ""
        return self.is_played(link)

    def is_played(self, link: str) -> bool:
        """Whether a link is a recorded flight."""
        return endpoint_of(link) in self._played

    def lost_after_us(self, link: str) -> int:
        """How long it may be silent there."""
        policy = self._policy(endpoint_of(link))
        return policy.lost_after_us if policy is not None else _LOST_US
