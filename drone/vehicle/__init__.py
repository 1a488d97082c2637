"""The state of every vehicle that is heard, as samples and alarms for the report layer.

Pure: frames and the time go in, `Measured` and `Warned` come out. `fleet` knows all vehicles,
`vehicle` one; `reading` says what frames say, `state` keeps it, `measures` and `gimbal` make values
of it, `alarms` and `texts` find what is wrong.
"""

from fieldlink.drone.schemas import ATTITUDE, FLIGHT, GIMBAL, LINK
from fieldlink.drone.vehicle.alarms import Limits
from fieldlink.drone.vehicle.fleet import Fleet
from fieldlink.drone.vehicle.said import Key, Measured, Said, Warned

__all__ = [
    "ATTITUDE",
    "FLIGHT",
    "GIMBAL",
    "LINK",
    "Fleet",
    "Key",
    "Limits",
    "Measured",
    "Said",
    "Warned",
]
