"""What a request is about: KIT/DEVICE/STREAM as people write it, held against what is known."""

from collections.abc import Collection
from dataclasses import dataclass

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import ArchiveError, CodecError, ConfigError
from fieldlink.relay.catalogue import Catalogue

__all__ = ["VIDEO", "Target", "check_known", "read_target"]

VIDEO = "video"
_MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Target:
    """A kit and, unless empty, one of its devices and streams."""

    kit: str
    device: str = ""
    stream: str = ""


def read_target(text: str, *, whole_kit: bool = False) -> Target:
    """KIT/DEVICE/STREAM or KIT/DEVICE, whose stream is "video"; KIT alone with `whole_kit`.

    Raises:
        ConfigError: it is none of them.
    """
    parts = text.strip().split("/")
    if not (1 if whole_kit else 2) <= len(parts) <= 3:
        rule = "KIT, KIT/DEVICE or KIT/DEVICE/STREAM" if whole_kit else "KIT/DEVICE[/STREAM]"
        raise ConfigError(f"{text[:100]!r}: write {rule}")
    try:
        for kind, name in zip(("kit", "device", "stream"), parts, strict=False):
            check_name(kind, name)
    except CodecError as error:
        raise ConfigError(error.detail) from error
    if len(parts) == 2 and not whole_kit:
        parts.append(VIDEO)
    return Target(*parts)


def check_known(catalogue: Catalogue, target: Target) -> None:
    """Look whether the centre knows of `target`.

    Raises:
        ArchiveError: it does not, or the kit was put out; the message names what is known.
    """
    kit = catalogue.kit(target.kit)
    if kit is None:
        names = [each.kit for each in catalogue.kits() if each.revoked_us is None]
        raise ArchiveError(f"there is no kit {target.kit!r}; {_known(names)}")
    if kit.revoked_us is not None:
        raise ArchiveError(f"{target.kit} is revoked and is told nothing; admit it again first")
    streams = catalogue.known_streams(target.kit)
    devices = {device for device, _ in streams} | set(kit.devices)
    if target.device and target.device not in devices:
        raise ArchiveError(f"{target.kit} has no device {target.device!r}; {_known(devices)}")
    of_device = {stream for device, stream in streams if device == target.device}
    # A device that has sent nothing yet has video, if anything.
    if target.stream and target.stream not in of_device | {VIDEO}:
        raise ArchiveError(
            f"{target.kit}/{target.device} has no stream {target.stream!r}; {_known(of_device)}"
        )


def _known(names: Collection[str]) -> str:
    if not names:
        return "none is known yet"
    shown = sorted(names)[:_MOST_SHOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"known: {', '.join(shown)}{more}"
