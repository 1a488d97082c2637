"""Recordings of flights: always on, by vehicle and flight, in small pieces that last.

`recorder` is what the kit runs, `cutter` says what goes where, `store` is the disk. `reading`
verifies and joins records, `tracks` makes tracks of them, `importing` takes in others' logs.
"""

from fieldlink.drone.record.importing import FlightImport, Imported, dated_frames, import_log
from fieldlink.drone.record.index import FlightIndex, Gap
from fieldlink.drone.record.reading import Damage, Verdict, join, scan, verify
from fieldlink.drone.record.recorder import Recorder
from fieldlink.drone.record.store import GapSink, Sink
from fieldlink.drone.record.tracks import flight_track, systems

__all__ = [
    "Damage",
    "FlightImport",
    "FlightIndex",
    "Gap",
    "GapSink",
    "Imported",
    "Recorder",
    "Sink",
    "Verdict",
    "dated_frames",
    "flight_track",
    "import_log",
    "join",
    "scan",
    "systems",
    "verify",
]
