"""What clients of S3 say: signatures (SigV4), bodies in chunks, and the few answers in XML."""

from .chunks import Chunked, write_chunks
from .sigv4 import (
    EMPTY_SHA256,
    Claim,
    Seal,
    canonical_path,
    canonical_request,
    key_of,
    read_claim,
    read_query,
    sign,
    signing_key,
    string_to_sign,
    write_claim,
)
from .xml import MAX_COMPLETE_BYTES, document, error_document, read_complete

__all__ = [
    "EMPTY_SHA256",
    "MAX_COMPLETE_BYTES",
    "Chunked",
    "Claim",
    "Seal",
    "canonical_path",
    "canonical_request",
    "document",
    "error_document",
    "key_of",
    "read_claim",
    "read_complete",
    "read_query",
    "sign",
    "signing_key",
    "string_to_sign",
    "write_chunks",
    "write_claim",
]
