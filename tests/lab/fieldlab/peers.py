"""Foreign peers that a test needs: missing ones skip here and fail in continuous integration."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from fieldlab.badlink.namespace import unusable

__all__ = ["missing", "need_badlink", "need_module", "need_path", "need_program"]


def missing(what: str) -> None:
    """End the running test because `what` is not there: skipped, or failed when CI=true.

    A developer's machine may lack a peer. In continuous integration a skipped test would be a
    promise that nobody checks.
    """
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"{what}; continuous integration has to have it", pytrace=False)
    pytest.skip(what)


def need_program(*names: str) -> str:
    """The path of the first of `names` that is installed; the test ends if none is.

    Several names are several ways the same program is called ("chromium", "google-chrome").
    """
    # Debian keeps servers in /usr/sbin, which is not on a plain user's PATH.
    where = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    for name in names:
        found = shutil.which(name, path=where)
        if found:
            return found
    missing(f"{names[0]} is not installed (make test installs it as root on Debian and Ubuntu)")
    raise AssertionError("unreachable")


def need_module(name: str) -> None:
    """The test ends unless Python module `name` can be imported."""
    if importlib.util.find_spec(name) is None:
        missing(f"the Python module {name} is not installed (pip install -e '.[test]')")


def need_path(path: str | Path, what: str) -> Path:
    """`path` if it exists (/dev/fuse, /dev/video0); else the test ends, saying `what` it is."""
    found = Path(path)
    if not found.exists():
        missing(f"{what} is not here: no {found}")
    return found


def need_badlink() -> None:
    """The test ends unless this machine and user can make bad links (`fieldlab.badlink`)."""
    reason = unusable()
    if reason:
        missing(reason)
