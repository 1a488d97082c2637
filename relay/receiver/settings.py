"""Settings of the receiver."""

from pydantic import Field

from fieldlink.codecs.bundle import MAX_BUNDLE_BYTES
from fieldlink.codecs.settings import Duration, Settings, Size

__all__ = ["ReceiverSettings"]


class ReceiverSettings(Settings):
    """What the receiver accepts. In a file: `[receiver]`."""

    max_bundle: Size = Field(
        default=MAX_BUNDLE_BYTES,
        ge=1024,
        le=MAX_BUNDLE_BYTES,
        description="Largest bundle that is taken, 1kB to 256MiB.",
    )
    max_partials: int = Field(
        default=256,
        ge=1,
        le=100_000,
        description="Bundles that one kit may have under way at once, 1 to 100000.",
    )
    max_incoming: Size = Field(
        default=4 * 1024**3,
        ge=1024**2,
        description="Bytes of bundles under way that are kept for one kit, at least 1MiB.",
    )
    partial_idle: Duration = Field(
        default=600.0,
        ge=1,
        description="A bundle under way that got nothing for so long makes room for another, at "
        "least 1s. Its kit still has it.",
    )
    keep_free: Size = Field(
        default=256 * 1000**2,
        ge=0,
        description="Room to leave on the archive's disk: below it kits are asked to wait.",
    )
    queue: Size = Field(
        default=64 * 1024**2,
        ge=1024**2,
        description="Bytes of messages that may wait for the receiver, at least 1MiB.",
    )
