"""What autopilots write on their cards: ArduPilot's dataflash (.bin), and PX4's ULog (.ulg).

Both describe themselves: a file says how its records look before they come. Bytes in, records out,
up to where the file is damaged; only the records that are asked for are taken apart.
"""

from .dataflash import DataflashReader
from .entry import LogEntry
from .ulog import UlogReader

__all__ = ["DataflashReader", "LogEntry", "UlogReader"]
