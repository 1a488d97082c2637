"""A connection string made into a connection."""

from fieldlink.drone.connection.address import Address, parse_address
from fieldlink.drone.connection.datagrams import UdpClient, UdpServer
from fieldlink.drone.connection.ports import Connection
from fieldlink.drone.connection.replay import Replay
from fieldlink.drone.connection.serial import SerialPort
from fieldlink.drone.connection.stream import TcpClient, TcpServer

__all__ = ["make_connection"]


def make_connection(text: str) -> Connection:
    """The connection that `text` describes; nothing is opened yet.

    Raises:
        ValueError: it describes none.
    """
    return _made(parse_address(text))


def _made(address: Address) -> Connection:
    match address.kind:
        case "udpin":
            return UdpServer(address.host, address.port)
        case "udpout":
            return UdpClient(address.host, address.port)
        case "tcp":
            return TcpClient(address.host, address.port)
        case "tcpin":
            return TcpServer(address.host, address.port)
        case "serial":
            return SerialPort(address.path, address.baud)
        case "file":
            return Replay(address)
