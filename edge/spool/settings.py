"""How much disk the spool may use. In a file: `[spool]`."""

from pydantic import Field

from fieldlink.codecs.settings import Settings, Size

__all__ = ["SpoolSettings"]


class SpoolSettings(Settings):
    """The bounds of the kit's store; what goes first when they are reached is in `policy.py`."""

    quota: Size = Field(
        default=64_000_000_000,
        ge=1_000_000,
        description="Most bytes that bundles may take on the disk, at least 1MB.",
    )
    keep_free: Size = Field(
        default=1_000_000_000,
        ge=0,
        description="Bytes of the disk that stay free whatever the quota says.",
    )
