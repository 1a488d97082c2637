"""Names of kits, devices and streams: safe in a topic, a path, a URL and a certificate at once."""

import re

from fieldlink.codecs.fault import CodecError

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?")


def check_name(kind: str, text: object) -> str:
    """Return `text` if it is a name: 1 to 32 of a-z, 0-9, _ and -, no sign at either end.

    Raises:
        CodecError: it is not; `kind` ("kit", "device", "stream") says whose name it was.
    """
    if isinstance(text, str) and _NAME.fullmatch(text):
        return text
    shown = repr(text)[:60]
    rule = "use 1 to 32 of a-z, 0-9, _ and -, beginning and ending with a letter or digit"
    raise CodecError("name", f"{shown} cannot be the name of a {kind}; {rule}")
