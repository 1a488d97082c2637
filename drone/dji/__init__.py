"""DJI aircraft by their remote controllers and docks.

`cloud` and what is below it have no I/O: messages and time in, messages and samples out. `shell`
connects a cloud to a broker. Nothing in here moves an aircraft.
"""

from fieldlink.drone.dji.calls import Pace
from fieldlink.drone.dji.cloud import SAID, TOLD, Cloud, Letter
from fieldlink.drone.dji.ports import Files, LiveNeeds, Media, Said, Sink, Station
from fieldlink.drone.dji.shell import Shell
from fieldlink.drone.dji.subtitles import subtitle_samples

__all__ = [
    "SAID",
    "TOLD",
    "Cloud",
    "Files",
    "Letter",
    "LiveNeeds",
    "Media",
    "Pace",
    "Said",
    "Shell",
    "Sink",
    "Station",
    "subtitle_samples",
]
