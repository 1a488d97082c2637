"""`fieldlink drone doctor`."""

from dataclasses import asdict

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["doctor"]


def doctor(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Ports, serial devices, links, disk, clock, broker and centre: what to do about each. 诊断

    With an agent running it judges its links: wrong baud rates, lost messages, refused signatures.
    Exit status 0: all good; 3: only the way to the centre is down; 1: something else is wrong.
    """
    from fieldlink.edge.check import exit_status
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.drone.doctor import examine

    findings = []
    for finding in examine(load_edge_settings(config)):
        findings.append(finding)
        if not as_json:
            say(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.what}: {finding.english}")
            say(f"       {finding.chinese}")
    status = exit_status(findings)
    if as_json:
        say_json({"ok": status == 0, "findings": [asdict(finding) for finding in findings]})
    raise typer.Exit(status)
