"""The errors of every room: one root, so that a service can tell weather from bugs.

Weather (`LinkError`, `SourceError`) is retried for ever; everything else ends the process.
Each message is one sentence: what is wrong, where, and what to do about it.
"""

__all__ = [
    "AccessError",
    "ArchiveError",
    "CodecError",
    "ConfigError",
    "FieldlinkError",
    "LinkError",
    "SourceError",
    "SpoolError",
]


class FieldlinkError(Exception):
    """The root of all errors that Fieldlink raises on purpose."""


class CodecError(FieldlinkError):
    """Bytes from outside do not say what they should.

    `reason` is a short stable word for counters ("truncated", "version", ...).
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class ConfigError(FieldlinkError):
    """A setting cannot be used; `faults` holds one line for each: file, key, value, rule."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class LinkError(FieldlinkError):
    """A path to the other side is down or refused; try again later."""


class SourceError(FieldlinkError):
    """A device does not deliver; `reason` is a short word that goes into the gap record."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class SpoolError(FieldlinkError):
    """The kit's store cannot be opened or written."""


class ArchiveError(FieldlinkError):
    """The centre's store cannot be opened or written."""


class AccessError(FieldlinkError):
    """A peer is not who it says it is, or may not do what it asks."""
