"""The codes that terminals authenticate by: made from their number and a secret of this kit, so
that none has to be kept and each holds over a restart.
"""

import hashlib
import hmac
import logging
import secrets
from pathlib import Path

from fieldlink.systemd.durable import make_folder, write_durably

__all__ = ["AccessCodes"]

_log = logging.getLogger(__name__)
_SECRET_BYTES = 32
_CODE_BYTES = 8


class AccessCodes:
    """Gives each terminal its code, and knows it again."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def load(cls, path: Path) -> "AccessCodes":
        """With the secret in the file at `path`, which is made when it is not there.

        Raises:
            OSError: it can be neither read nor made.
        """
        try:
            if path.stat().st_mode & 0o077:
                _log.warning("%s could be read by others; it cannot any more", path)
                path.chmod(0o600)
            secret = path.read_bytes()
            if len(secret) == _SECRET_BYTES:
                return cls(secret)
            _log.warning("%s is damaged and made anew: terminals have to register again", path)
        except FileNotFoundError:
            pass
        secret = secrets.token_bytes(_SECRET_BYTES)
        make_folder(path.parent)
        write_durably(path, secret)
        return cls(secret)

    def code(self, number: str) -> bytes:
        """The code of the terminal with this number (without zeros in front): 16 letters."""
        made = hashlib.blake2b(
            number.encode(), key=self._secret, digest_size=_CODE_BYTES, person=b"fieldlink jt808"
        )
        return made.hexdigest().encode()

    def is_code(self, number: str, code: bytes) -> bool:
        """Whether `code` is that terminal's; what fills its field does not count."""
        return hmac.compare_digest(self.code(number), code.strip(b"\0 "))
