"""libav's errors as reasons: a short word for counters and gaps, a sentence for people."""

import av.error

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.source.url import mask_url

__all__ = ["source_error"]

_MAX_DETAIL_CHARS = 160

_REASONS: tuple[tuple[type[Exception], str, str], ...] = (
    (av.error.ConnectionRefusedError, "refused", "nothing listens there; is the camera on?"),
    (av.error.HTTPUnauthorizedError, "unauthorized", "wrong user or password in its url"),
    (av.error.HTTPForbiddenError, "unauthorized", "the camera does not let this user in"),
    (av.error.HTTPNotFoundError, "not-found", "the camera has no such path; check its url"),
    (av.error.FileNotFoundError, "not-found", "there is no such file or device; check its url"),
    (av.error.PermissionError, "permission", "this user may not open it; check its permissions"),
    (TimeoutError, "timeout", "it does not answer; check power, cable and address"),
    (av.error.ExitError, "timeout", "it does not answer; check power, cable and address"),
    (EOFError, "closed", "the camera ended the connection"),
    (av.error.ConnectionResetError, "closed", "the camera ended the connection"),
    (av.error.BrokenPipeError, "closed", "the camera ended the connection"),
    (av.error.InvalidDataError, "not-media", "what it sends is not video that libav reads"),
    (av.error.ProtocolNotFoundError, "protocol", "this libav cannot open such a url"),
    (av.error.DemuxerNotFoundError, "not-media", "what it sends is not video that libav reads"),
    (OSError, "failed", "it cannot be opened; check the network and its url"),
)


def source_error(error: Exception, url: str) -> SourceError:
    """`error` (of libav or the system) as a `SourceError` without secrets."""
    shown = mask_url(url)[:_MAX_DETAIL_CHARS]
    for kind, reason, advice in _REASONS:
        if isinstance(error, kind):
            return SourceError(reason, f"{shown}: {advice}")
    said = mask_url(str(error))[:_MAX_DETAIL_CHARS]
    return SourceError("failed", f"{shown}: {said}; check the device")
