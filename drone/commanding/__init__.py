"""What is asked of an aircraft, and its answers: commands, single messages, downloads.

`Commander` sends, waits as long as the link deserves, and asks again; everything else is made of
it. Source: the MAVLink developer guide, services Command, Parameter and Mission.
"""

from fieldlink.drone.commanding.answers import Answer
from fieldlink.drone.commanding.commander import Commander
from fieldlink.drone.commanding.errors import CommandError

__all__ = ["Answer", "CommandError", "Commander"]
