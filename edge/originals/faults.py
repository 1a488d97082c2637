"""Refusals of the store, as S3 names them."""

from fieldlink.codecs.fault import FieldlinkError

__all__ = ["RefusalError"]


class RefusalError(FieldlinkError):
    """Not done; `status` is HTTP's, `code` the word that clients of S3 know."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code
