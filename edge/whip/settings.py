"""Video that is pushed to the kit by WHIP. In a file: `[whip]`."""

from typing import Self

from pydantic import Field, model_validator

from fieldlink.codecs.settings import Settings

__all__ = ["WhipSettings"]


class WhipSettings(Settings):
    """Where publishers come."""

    enabled: bool = Field(
        default=False,
        description="Whether video is taken in by WHIP (RFC 9725): of OBS, phones, browsers, DJI. "
        'Each publisher is a [[device]] with url = "whip:" and a token of its own: fieldlink edge '
        "whip add NAME.",
    )
    host: str = Field(
        default="0.0.0.0",  # noqa: S104  # publishers come from outside
        pattern=r"^[0-9A-Fa-f.:]{2,45}$",
        description="IP address to listen on; 0.0.0.0 is every IPv4 address.",
    )
    tls: bool = Field(
        default=True,
        description="Listen with TLS, on tls_port, with the certificate of the kit's own CA for "
        "devices.",
    )
    tls_port: int = Field(default=8491, ge=1, le=65535, description="Its TCP port.")
    plain: bool = Field(
        default=False,
        description="Listen without TLS as well, on port, for publishers that know no CA of the "
        "kit: OBS, DJI. Tokens go in clear then; the video itself is always encrypted.",
    )
    port: int = Field(default=8091, ge=1, le=65535, description="Its TCP port.")
    udp_ports: str = Field(
        default="",
        pattern=r"^([0-9]{4,5}-[0-9]{4,5})?$",
        description="UDP ports that media come in on, as 50000-50099, for a firewall that is told; "
        "without it any. A publisher takes one for each address of the kit.",
    )
    address: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.-]{1,253}$",
        description="Host name or IP address that publishers are told; without it, the kit's own.",
    )
    max_sessions: int = Field(default=8, ge=1, le=32, description="Publishers at once, 1 to 32.")
    origins: tuple[str, ...] = Field(
        default=("*",),
        max_length=16,
        description="Web pages that may publish from a browser (CORS origins); * is any, which is "
        "safe because a page needs the token.",
    )

    @property
    def media_ports(self) -> range:
        """The UDP ports; none if any will do."""
        low, _, high = self.udp_ports.partition("-")
        return range(int(low), int(high) + 1) if low else range(0)

    @model_validator(mode="after")
    def _ports_are_ports(self) -> Self:
        ports = self.media_ports
        if self.udp_ports and not (1024 <= ports.start < ports.stop <= 65536):
            raise ValueError(f"udp_ports = {self.udp_ports}: write FROM-TO, 1024 to 65535")
        return self

    @model_validator(mode="after")
    def _some_listener(self) -> Self:
        if self.enabled and not (self.tls or self.plain):
            raise ValueError("tls and plain are both off: turn one on")
        if self.enabled and self.tls and self.plain and self.port == self.tls_port:
            raise ValueError(f"port and tls_port are both {self.port}; give each its own")
        return self
