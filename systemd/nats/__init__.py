"""The embedded nats-server as both ends run it: a supervised child that speaks MQTT.

`config` writes its configuration, `server` keeps it running and reloads it, `output` reads what it
says, `findings` counts what it refused, `port` keeps a port that was chosen once.
"""

from .config import User, nats_config, server_program, tls_block
from .findings import Finding, Findings
from .output import Line, read_line
from .port import free_port, kept_port
from .server import NatsServer

__all__ = [
    "Finding",
    "Findings",
    "Line",
    "NatsServer",
    "User",
    "free_port",
    "kept_port",
    "nats_config",
    "read_line",
    "server_program",
    "tls_block",
]
