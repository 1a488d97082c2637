"""NMEA 0183, as receivers of any constellation speak it on a serial port.

`framer` cuts bytes into lines and checks them, `sentences` reads those that matter here, `fixes`
joins the sentences of one instant into a fix, `compose` writes sentences.
"""

from .compose import sentences_of
from .fixes import Fix, Fixes
from .framer import MAX_LINE_BYTES, Event, Framer, Line, Refused, frame
from .sentences import KINDS, Gga, Gsa, Gst, Gsv, Rmc, Sentence, Txt, Vtg, Zda, read

__all__ = [
    "KINDS",
    "MAX_LINE_BYTES",
    "Event",
    "Fix",
    "Fixes",
    "Framer",
    "Gga",
    "Gsa",
    "Gst",
    "Gsv",
    "Line",
    "Refused",
    "Rmc",
    "Sentence",
    "Txt",
    "Vtg",
    "Zda",
    "frame",
    "read",
    "sentences_of",
]
