"""Where a simulated device's URI comes from: it holds a password, and a command line is read by
everybody on the machine.
"""

import os
import sys
from collections.abc import Mapping
from typing import TextIO

__all__ = ["URI_VARIABLE", "told_uri"]

URI_VARIABLE = "FIELDLINK_DEVICE_URI"
_MAX_CHARS = 4096


def told_uri(
    uri: str, environment: Mapping[str, str] = os.environ, stdin: TextIO | None = None
) -> str:
    """`uri` as given; "-": the first line of standard input; nothing: of the environment."""
    if uri == "-":
        return (sys.stdin if stdin is None else stdin).readline(_MAX_CHARS).strip()
    return uri or environment.get(URI_VARIABLE, "").strip()
