"""What the spool gives up first when the disk is short: the whole policy is `retention_key`."""

from dataclasses import dataclass

from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, IMPORTED, Layer, Manifest
from fieldlink.edge.spool.settings import SpoolSettings
from fieldlink.edge.spool.stored import State

__all__ = ["KEPT", "KEPT_END", "NEVER", "POLICY_VERSION", "RetentionPolicy", "retention_key"]

# The key is stored beside each bundle; raise this when it changes and open re-computes it.
POLICY_VERSION = 4

_GAP = 10
_REPORT = 9
_REFUSED = 1
_BEHIND = 1_000  # behind every precedence
NEVER = (_GAP, 0, 0)
"""The key from which on nothing is given up."""

KEPT = 6
"""The class from which on a bundle is one that somebody wants kept."""

KEPT_END = 9
"""The class from which on it is kept for other reasons."""

_LAYERS = {Layer.ORIGINAL: 2, Layer.PROXY: 3, Layer.STILL: 4, Layer.REPORT: _REPORT}


def retention_key(manifest: Manifest, state: State, kept: bool = False) -> tuple[int, int, int]:
    """Where a bundle stands in the order of giving up; the smallest goes first.

    What the centre has goes first and oldest first, whatever it is; then what the centre
    refused; then what was imported, the newest first, so that an import displaces nothing that
    waits: whoever imports still has the file; then originals, proxies and stills, of the lowest
    precedence first; then, in the same order, what is `kept` because of a bookmark; then reports:
    alarms, and what devices were told is stored. They are small, and no bookmark is worth a call
    for help. A gap record that the centre does not have is never given up.
    """
    if state is State.CUSTODY:
        return 0, 0, manifest.sequence
    if manifest.media_type == GAP_MEDIA_TYPE:
        return _GAP, 0, manifest.sequence
    rank = _REFUSED if state is State.REFUSED else _LAYERS[manifest.layer]
    if kept and rank < _REPORT:
        rank = min(KEPT + _LAYERS[manifest.layer] - _LAYERS[Layer.ORIGINAL], KEPT_END - 1)
    elif IMPORTED in manifest.meta and _REFUSED < rank < _REPORT:
        return _LAYERS[Layer.ORIGINAL], -_BEHIND - manifest.sequence, manifest.sequence
    return rank, -int(manifest.precedence), manifest.sequence


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """The bounds: bytes that bundles may take, and bytes of the disk that stay free."""

    quota_bytes: int
    keep_free_bytes: int = 0

    @classmethod
    def from_settings(cls, settings: SpoolSettings) -> "RetentionPolicy":
        """The bounds that `[spool]` sets."""
        return cls(quota_bytes=settings.quota, keep_free_bytes=settings.keep_free)

    @property
    def slack_bytes(self) -> int:
        """What is freed beyond the need, so that one gap record covers a longer span."""
        return min(self.quota_bytes // 64, 64 * 1024 * 1024)

    def excess_bytes(self, used_bytes: int, free_bytes: int, wanted_bytes: int) -> int:
        """How many bytes have to go before `wanted_bytes` more fit; 0 or less: they fit now."""
        over_quota = used_bytes + wanted_bytes - self.quota_bytes
        too_little_free = self.keep_free_bytes + wanted_bytes - free_bytes
        return max(over_quota, too_little_free)
