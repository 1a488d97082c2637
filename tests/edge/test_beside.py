"""What a command sees of a kit whose agent does not answer."""

from pathlib import Path

from fieldlink.edge.beside import kit_status
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.spool.index import connect


def test_a_spool_that_is_just_being_made_is_no_spool_yet(tmp_path: Path) -> None:
    settings = EdgeSettings.model_validate({"kit": "kit-a", "state_dir": str(tmp_path)})
    assert kit_status(settings)["spool"] is None
    settings.spool_dir.mkdir(parents=True)
    being_made = connect(settings.spool_dir / "index.db")
    being_made.execute("BEGIN IMMEDIATE")
    being_made.execute("CREATE TABLE bundle (sequence INTEGER)")
    assert kit_status(settings)["spool"] is None
    being_made.close()
