"""Settings of the centre's certificate authority."""

from pydantic import Field

from fieldlink.codecs.settings import Duration, Settings

__all__ = ["PkiSettings"]


class PkiSettings(Settings):
    """The certificates. In a file: `[pki]`."""

    kit_life: Duration = Field(
        default=825 * 86_400.0,
        ge=3600,
        le=3650 * 86_400,
        description="How long a kit's certificate is good, 1h to 3650d; after that it joins anew "
        "with a new code. It holds for kits that join from now on.",
    )
