"""The router: many endpoints, each given what it may have, as often as its link can carry.

`Router` runs; `core` decides, without sockets and clocks; `settings` is what the kit's
configuration says of it.
"""

from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.router.router import Router
from fieldlink.drone.router.settings import EndpointSettings, FilterSettings, RouterSettings

__all__ = ["EndpointSettings", "FilterSettings", "Frame", "Router", "RouterSettings"]
