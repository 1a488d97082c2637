"""`fieldlink edge spool` lists, shows and verifies, beside a spool that is open for writing."""

import json
from pathlib import Path

from typer.testing import CliRunner

from fieldlab.spools import content_of, draft_of, media_files, open_spool
from fieldlink.codecs.bundle import Layer
from fieldlink.edge.spool.commands import app


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout


def test_ls_show_and_verify_work_beside_the_writer(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    item = spool.add(draft_of(1), content_of(1, 9000))
    spool.add(draft_of(2, Layer.STILL), b"small")
    where = ("--folder", str(tmp_path))
    code, text = run("ls", *where, "--json")
    assert code == 0
    assert [(row["layer"], row["size"]) for row in json.loads(text)] == [
        ("original", 9000),
        ("still", 5),
    ]
    assert "cam-1/video" in run("ls", *where, "--pending")[1]
    code, text = run("show", item.bundle_id.hex()[:12], *where, "--json")
    assert json.loads(text)[0]["id"] == item.bundle_id.hex()
    assert run("show", "ffffffffffffff", *where)[0] == 1
    assert json.loads(run("verify", *where, "--json")[1]) == {
        "ok": True,
        "checked": 2,
        "faults": [],
    }
    spool.close()


def test_verify_names_what_does_not_match_and_fails(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    item = spool.add(draft_of(1), content_of(1, 9000))
    spool.close()
    (path,) = media_files(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    code, text = run("verify", "--folder", str(tmp_path), "--json")
    assert code == 1
    (fault,) = json.loads(text)["faults"]
    assert fault["sequence"] == item.manifest.sequence
    assert fault["fault"] == "media damaged: its content does not match its hash"
