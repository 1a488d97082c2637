"""What commands beside a running relay work on: the same settings, catalogue and archive."""

import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ArchiveError, CodecError, ConfigError
from fieldlink.codecs.join import encode_join_code
from fieldlink.codecs.settings import Duration, Settings, load_settings
from fieldlink.relay.addresses import own_addresses
from fieldlink.relay.archive import Archive
from fieldlink.relay.archive.rebuild import rebuild
from fieldlink.relay.catalogue import Catalogue, Kit, Service, sqlite_url
from fieldlink.relay.config import RelaySettings, load_relay_settings
from fieldlink.relay.orders.book import worked_incident
from fieldlink.relay.pki.admission import CODE_LIFE_US
from fieldlink.relay.pki.admission import admit as admit_by_code
from fieldlink.relay.pki.authority import Authority
from fieldlink.relay.window.core import window_view
from fieldlink.relay.window.gather import gather
from fieldlink.relay.window.held import HeldKeeper
from fieldlink.relay.window.view import WindowView

__all__ = [
    "admit_kit",
    "as_caller",
    "centre_status",
    "kit_lines",
    "living",
    "now_us",
    "opened",
    "operator",
    "rebuild_catalogue",
    "stale",
    "window_of",
    "window_us",
    "write_as_caller",
]

SERVICE = "relay"
_FRESH_US = 15_000_000


def now_us() -> int:
    """The time, UTC microseconds."""
    return time.time_ns() // 1000


@contextmanager
def opened(config: Path | None) -> Iterator[tuple[RelaySettings, Catalogue]]:
    """The settings, and the catalogue that a running relay may use at the same time.

    Raises:
        ConfigError: a setting cannot be used.
        ArchiveError: there is no catalogue yet, or it cannot be opened.
    """
    settings = _settings_as_owner(config)
    if settings.catalogue_url is None and not settings.catalogue_path.exists():
        raise ArchiveError(
            f"there is no centre in {settings.state_dir} yet; start it with `fieldlink relay run`"
        )
    with Catalogue.open(_url(settings), now_us=now_us()) as catalogue:
        yield settings, catalogue


def centre_status(settings: RelaySettings, catalogue: Catalogue) -> dict[str, Any]:
    """Whether the centre runs, what it last said of itself, and its kits."""
    service = catalogue.service(SERVICE)
    said = dict(service.report) if service else {}
    times = {"started_us": service.started_us, "beat_us": service.beat_us} if service else {}
    running = living(service) or _holds(settings.archive_root, said.get("pid"))
    return {**said, **times, "running": running, "kits": kit_lines(catalogue)}


def _holds(root: Path, pid: object) -> bool:
    """Whether the process `pid` holds the archive's lock: a relay that cannot write that it lives.

    Read from /proc/locks, because trying the lock could stop a relay that starts just now.
    """
    try:
        inode = (root / ".lock").stat().st_ino
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    held = [line.split()[-8:] for line in lines if "FLOCK" in line]
    return any(f[4] == str(pid) and f[5].endswith(f":{inode}") for f in held if len(f) == 8)


def stale(beat_us: int) -> bool:
    """Whether a sign of life of that time is too old, or from a clock that was set since."""
    return abs(now_us() - beat_us) > _FRESH_US


def living(service: Service | None) -> bool:
    """Whether a relay runs: its last sign of life is fresh and its process is there."""
    if service is None or not service.report.get("running"):
        return False
    if stale(service.beat_us):
        return False
    try:
        os.kill(int(service.report["pid"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def kit_lines(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Every kit with its state: admitted (not joined yet), expired, joined, connected, revoked
    or unknown (heard and never admitted).
    """
    fields = ("last_heard_us", "software", "bearer", "joined_us", "revoked_us", "report")
    return [
        {"kit": kit.kit, "state": _state(kit), **{name: getattr(kit, name) for name in fields}}
        for kit in catalogue.kits()
    ]


def admit_kit(
    settings: RelaySettings, catalogue: Catalogue, kit: str, address: str
) -> tuple[str, int]:
    """A join code for `kit`, and when it ends.

    Raises:
        CodecError, AccessError: the kit's name cannot be used.
        ConfigError: the address is none, or the page's port is not known yet.
    """
    authority = Authority.open(settings.state_dir / "pki", now_us=now_us())
    host = address or (settings.web.addresses or own_addresses())[0]
    port = settings.web.port or _running_port(catalogue)
    at_us = now_us()
    try:
        code = admit_by_code(catalogue, kit, (host, port), authority.ca_fingerprint, at_us)
    except CodecError as error:
        raise ConfigError(error.detail) from error
    catalogue.log_event("admitted", kit, f"{kit} may join with a code", at_us)
    return encode_join_code(code), at_us + CODE_LIFE_US


def operator() -> str:
    """Who gives a command here: the account behind sudo if there is one."""
    sudo = os.environ.get("SUDO_USER", "")
    if not sudo:
        try:
            sudo = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            sudo = str(os.getuid())
    return "".join(c for c in sudo if c.isprintable())[:64]


def rebuild_catalogue(config: Path | None) -> list[str]:
    """Make the embedded catalogue again from the archive; returns what was found and done.

    Raises:
        ArchiveError: a relay is running, or it cannot be made.
    """
    settings = _settings_as_owner(config)
    archive = Archive.open(settings.archive_root)  # refuses while a relay runs
    try:
        catalogue, findings = rebuild(_url(settings), archive, now_us)
        catalogue.close()
    finally:
        archive.close()
    return findings


def window_of(catalogue: Catalogue, incident: str | None) -> WindowView:
    """The window view of `incident`; of the newest open one, else the newest, when None.

    Raises:
        ArchiveError: there is no such incident.
    """
    incidents = catalogue.incidents()
    found = [each for each in incidents if each.id == incident]
    if incident is None:
        working = worked_incident(incidents)
        found = incidents if working is None else [working]
    if not found:
        raise ArchiveError(
            f"there is no incident {incident!r}; `fieldlink relay incident list` shows them"
        )
    return window_view(gather(catalogue, found[0], HeldKeeper(), now_us()))


def window_us(text: str) -> int:
    """A window as people write it ("2h"), in microseconds.

    Raises:
        ConfigError: it is none.
    """

    class _Window(Settings):
        window: Duration

    return round(load_settings(_Window, f"window = {text!r}", "--window").window * 1e6)


def as_caller() -> None:
    """Go on as whoever gave the command, not as the centre's owner."""
    if os.getuid() == 0:
        os.seteuid(0)
        os.setegid(0)


def write_as_caller(path: Path, text: str) -> None:
    """Write a file as whoever gave the command, not as the centre's owner.

    Raises:
        ConfigError: it cannot be written.
    """
    as_caller()
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); name another") from error


def _url(settings: RelaySettings) -> str:
    return settings.catalogue_url or sqlite_url(settings.catalogue_path)


def _settings_as_owner(config: Path | None) -> RelaySettings:
    """The settings; root goes on as the owner of the centre's folder, so that no file of the
    centre becomes root's.
    """
    settings = load_relay_settings(config)
    folder = settings.state_dir
    if os.geteuid() == 0 and folder.is_dir():
        owner = folder.stat()
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
    return settings


def _state(kit: Kit) -> str:
    now = now_us()
    if kit.revoked_us is not None:
        return "revoked"
    if kit.joined_us is not None:
        return "connected" if kit.connected(now) else "joined"
    if kit.admitted_us is None:
        return "unknown"
    return "admitted" if (kit.expires_us or 0) > now else "expired"


def _running_port(catalogue: Catalogue) -> int:
    service = catalogue.service(SERVICE)
    if service is None or not living(service):
        raise ConfigError("web.port = 0: any free port is known only while the relay runs")
    return int(service.report["port"])
