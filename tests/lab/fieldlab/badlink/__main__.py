"""Try a bad link by hand: `PYTHONPATH=tests/lab python -m fieldlab.badlink PROFILE`."""

import argparse
import os
import shlex
import sys
import time
from collections.abc import Iterator

from fieldlab.badlink.lab import SERVICE, Net, Reading, lab
from fieldlab.badlink.namespace import unusable
from fieldlab.badlink.scenario_file import load_scenario, profile_names
from fieldlink.codecs.fault import ConfigError

_ABOUT = f"""A kit's and a centre's network on this machine, joined by bad links.

It makes network namespaces and TUN devices, so it needs Linux and root.
The centre is {SERVICE} from the kit, over the first link unless a socket is bound to another.
Profiles: {", ".join(profile_names())}; or the path of a scenario's file."""
_EXAMPLE = """example:
  python -m fieldlab.badlink vsat --centre 'iperf3 -s -1' -- iperf3 -c 10.99.0.1 -t 30"""


def main() -> int:
    """Run the laboratory until the command, the shell or Ctrl-C ends it; the command's status."""
    parser = argparse.ArgumentParser(
        prog="python -m fieldlab.badlink",
        description=_ABOUT,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", metavar="PROFILE|FILE")
    parser.add_argument("--shell", action="store_true", help="a shell on the kit's side")
    parser.add_argument("--centre", metavar="COMMAND", help="runs on the centre's side meanwhile")
    parser.add_argument("--seed", type=int, default=1, help="of losses and jitter (default 1)")
    parser.add_argument("--scale", type=float, default=1.0, help="0.1: the schedule ten times fast")
    parser.add_argument("command", nargs="*", help="runs on the kit's side, after --")
    # Until Python 3.13 argparse gives a command none of its words if an option goes before them.
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    told = parser.parse_args(given[:end])
    reason = unusable()
    if reason:
        parser.error(reason)
    try:
        scenario = load_scenario(told.scenario).scaled(told.scale)
    except ConfigError as error:
        parser.error(str(error))
    command = given[end + 1 :] or told.command
    if told.shell:
        command = [os.environ.get("SHELL", "/bin/sh")]
    _say(scenario.title)
    with lab(scenario, seed=told.seed) as net:
        _say(f"namespaces {net.kit.name} and {net.centre.name}; Ctrl-C ends them")
        if told.centre:
            net.centre.popen(shlex.split(told.centre))
            time.sleep(0.5)  # a server needs a moment to listen
        try:
            return _watch(net, command, quiet=told.shell)
        except KeyboardInterrupt:
            return 130
        finally:
            _say("")
            for line in _totals(net):
                _say(line)


def _watch(net: Net, command: list[str], *, quiet: bool) -> int:
    """A line a second until the command ends, for ever without one."""
    process = net.kit.popen(command) if command else None
    before = {link.name: link.counters() for link in net.links}
    while process is None or process.poll() is None:
        time.sleep(1)
        now = {link.name: link.counters() for link in net.links}
        if not quiet:
            parts = [_rates(name, before[name], reading) for name, reading in now.items()]
            sys.stderr.write("\r\x1b[K" + " | ".join(parts))
            sys.stderr.flush()
        before = now
    return process.returncode


def _rates(name: str, before: Reading, now: Reading) -> str:
    """One link's last second."""
    seconds = (now.at_us - before.at_us) / 1e6
    parts = []
    for arrow, old, new in (
        ("->", before.to_centre, now.to_centre),
        ("<-", before.to_kit, now.to_kit),
    ):
        since = new - old
        parts.append(
            f"{arrow} {since.delivered_bytes * 8e-3 / seconds:7.0f} kbit/s "
            f"queue {new.queued_bytes / 1000:5.1f} kB "
            f"lost {since.lost} full {since.dropped} down {since.down}"
        )
    return f"{name} {' '.join(parts)}"


def _totals(net: Net) -> Iterator[str]:
    """What became of everything."""
    for link in net.links:
        reading = link.counters()
        for way, count in (("to the centre", reading.to_centre), ("to the kit", reading.to_kit)):
            yield (
                f"{link.name} {way}: {count.offered} packets, {count.offered_bytes} bytes offered, "
                f"{count.delivered} delivered ({count.delivered_bytes} bytes), {count.lost} lost, "
                f"{count.dropped} too many for the queue, {count.down} while down"
            )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
