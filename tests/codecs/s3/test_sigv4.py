"""Signatures against the examples of Amazon's S3 API reference ("Authenticating Requests" and
"Transferring Payload in Multiple Chunks"): key, date and results are those of these pages.
"""

import hashlib

import pytest

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.s3 import (
    EMPTY_SHA256,
    Chunked,
    Seal,
    canonical_path,
    canonical_request,
    read_claim,
    read_complete,
    read_query,
    sign,
    signing_key,
    string_to_sign,
    write_chunks,
    write_claim,
)

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
STAMP, SCOPE = "20130524T000000Z", "20130524/us-east-1/s3/aws4_request"
KEY = signing_key(SECRET, "20130524", "us-east-1")
HOST = {"host": "examplebucket.s3.amazonaws.com", "x-amz-date": STAMP}
CHUNKS = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
]
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"


def signature(method: str, path: str, query: str, headers: dict[str, str], payload: str) -> str:
    canonical = canonical_request(
        method, path, read_query(query), headers, sorted(headers), payload
    )
    return sign(KEY, string_to_sign(STAMP, SCOPE, canonical))


def test_the_published_examples_are_signed_as_published() -> None:
    get = {**HOST, "range": "bytes=0-9", "x-amz-content-sha256": EMPTY_SHA256}
    wanted = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    assert signature("GET", "/test.txt", "", get, EMPTY_SHA256) == wanted
    digest = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()
    put = {
        **HOST,
        "date": "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-content-sha256": digest,
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    wanted = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    assert signature("PUT", canonical_path("/test$file.text"), "", put, digest) == wanted
    listed = {**HOST, "x-amz-content-sha256": EMPTY_SHA256}
    wanted = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    assert signature("GET", "/", "max-keys=2&prefix=J", listed, EMPTY_SHA256) == wanted


def test_the_published_body_in_chunks_is_read_and_written() -> None:
    content = b"a" * 66_560
    body = b"".join(write_chunks(content, 65_536, Seal(KEY, STAMP, SCOPE, SEED)))
    assert len(body) == 66_824  # as the page says
    assert [found for found in CHUNKS if found.encode() in body] == CHUNKS
    for step in (1_000, 65_536, len(body)):
        reader = Chunked(Seal(KEY, STAMP, SCOPE, SEED), trailer=False)
        pieces = [body[at : at + step] for at in range(0, len(body), step)]
        assert b"".join(p for piece in pieces for p in reader.feed(piece)) == content
        reader.finish()


@pytest.mark.parametrize("at", [100, 66_000, 66_500])
def test_a_byte_that_was_changed_in_a_body_in_chunks_is_found(at: int) -> None:
    body = bytearray(b"".join(write_chunks(b"a" * 66_560, 65_536, Seal(KEY, STAMP, SCOPE, SEED))))
    body[at] ^= 1
    reader = Chunked(Seal(KEY, STAMP, SCOPE, SEED), trailer=False)
    with pytest.raises(CodecError):
        list(reader.feed(bytes(body)))


def test_a_body_in_chunks_that_breaks_off_is_not_whole() -> None:
    body = b"".join(write_chunks(b"a" * 100, 64, Seal(KEY, STAMP, SCOPE, SEED)))
    reader = Chunked(Seal(KEY, STAMP, SCOPE, SEED), trailer=False)
    list(reader.feed(body[:-2]))
    with pytest.raises(CodecError, match="before its last chunk"):
        reader.finish()


def test_chunks_without_signatures_have_trailers_when_they_were_announced() -> None:
    body = b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n"
    reader = Chunked(None, trailer=True)
    assert b"".join(reader.feed(body)) == b"abc"
    reader.finish()
    assert reader.trailers == {"x-amz-checksum-crc32": "NSRBwg=="}
    with pytest.raises(CodecError):
        list(Chunked(None, trailer=False).feed(body))
    for bad in (b"zz\r\n", b"3\r\nabcd\r\n", b"x" * 2_000, body + b"x"):
        with pytest.raises(CodecError):
            list(Chunked(None, trailer=True).feed(bad))


def test_a_signed_trailer_is_checked() -> None:
    def body(seal: Seal) -> bytes:
        chunks = b"".join(write_chunks(b"abc", 64, seal))
        lines = b"x-amz-checksum-crc32:NSRBwg==\n"
        tail = f"x-amz-trailer-signature:{seal.trailer(lines)}\r\n\r\n".encode()
        return chunks[:-2] + lines.replace(b"\n", b"\r\n") + tail

    whole = body(Seal(KEY, STAMP, SCOPE, SEED))
    reader = Chunked(Seal(KEY, STAMP, SCOPE, SEED), trailer=True)
    assert b"".join(reader.feed(whole)) == b"abc"
    reader.finish()
    bad = whole.replace(b"NSRBwg", b"NSRBwh")
    with pytest.raises(CodecError, match="signature"):
        list(Chunked(Seal(KEY, STAMP, SCOPE, SEED), trailer=True).feed(bad))


def test_a_claim_reads_as_it_was_written_and_what_is_none_is_refused() -> None:
    header = (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders=host;x-amz-date,Signature={SEED}"
    )
    claim = read_claim(header)
    assert (claim.key_id, claim.scope) == ("AKIAIOSFODNN7EXAMPLE", SCOPE)
    assert read_claim(write_claim(claim)) == claim
    for bad in ("", "Basic x", header[:-1], header.replace("host", "Host!"), header * 40):
        with pytest.raises(CodecError):
            read_claim(bad)


def test_parts_are_read_in_their_order_and_nothing_else_is() -> None:
    part = '<Part><PartNumber>{}</PartNumber><ETag>"ab"</ETag></Part>'
    whole = '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}</C>'
    whole = whole.replace("</C>", "</CompleteMultipartUpload>")
    good = whole.format(part.format(1) + part.format(3))
    assert read_complete(good.encode()) == [(1, "ab"), (3, "ab")]
    bomb = '<!DOCTYPE x [<!ENTITY a "b">]>' + good
    disorder = whole.format(part.format(2) + part.format(1))
    strange = [f'<?xml version="1.0" encoding="{name}"?>{good}' for name in ("shift_jis", "none")]
    bad_ones = (bomb, disorder, whole.format(""), "<x/>", good[:-5], whole.format("<Part/>"))
    for bad in (*bad_ones, *strange):
        with pytest.raises(CodecError):
            read_complete(bad.encode())
