"""Settings of the centre's HTTP API and page."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from fieldlink.codecs.settings import Duration, Settings

__all__ = ["WebSettings"]

_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*")


def check_host(text: str) -> str:
    """`text` if it is an IP address or a host name.

    Raises:
        ValueError: it is neither.
    """
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if _HOST_NAME.fullmatch(text.lower()):
            return text.lower()
    raise ValueError("write an IP address or a host name, without a port")


Host = Annotated[str, AfterValidator(check_host)]


class WebSettings(Settings):
    """The HTTP API and the page. In a file: `[web]`."""

    host: Host = Field(
        default="0.0.0.0",  # noqa: S104  # kits and browsers come from outside
        description="Address to listen on; 0.0.0.0 is every IPv4 address, :: every address.",
    )
    port: int = Field(
        default=8443, ge=0, le=65535, description="TCP port to listen on; 0 takes any free one."
    )
    addresses: list[Host] = Field(
        default=[],
        max_length=16,
        description="Addresses and names by which kits and browsers reach this centre; they go "
        "into the certificate, the first one into join codes. Empty: this machine's own.",
    )
    session: Duration = Field(
        default=43_200.0,
        ge=60,
        le=30 * 86_400,
        description="How long a login lasts, 1min to 30d.",
    )
    login_attempts: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Failed logins allowed from one address in login_window, 1 to 100.",
    )
    login_window: Duration = Field(
        default=60.0, ge=1, le=86_400, description="The window of login_attempts, 1s to 1d."
    )
    max_watchers: int = Field(
        default=64, ge=1, le=4096, description="Pages that may follow live updates at once."
    )
    keepalive: Duration = Field(
        default=15.0,
        ge=0.1,
        le=60,
        description="Longest silence on the stream of updates, 100ms to 1min.",
    )
