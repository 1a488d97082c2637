"""Print the API's description as docs/openapi.json keeps it (tests/relay/web/test_api.py)."""

import json
import sys
import tempfile
from pathlib import Path

from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.feed import Feed
from fieldlink.relay.pki.authority import Authority
from fieldlink.relay.pki.enrolment import enrolment_router
from fieldlink.relay.web import WebSettings, create_app


def main() -> None:
    """Print it."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Catalogue.open(Path(folder) / "catalogue.db", now_us=0)
        app = create_app(
            name="centre",
            catalogue=catalogue,
            archive_root=Path(folder),
            feed=Feed(),
            settings=WebSettings(),
            session_key=b"k" * 32,
            clock=lambda: 0,
            enrolment=enrolment_router(
                catalogue,
                Authority.open(Path(folder) / "pki", now_us=0),
                lambda: ("127.0.0.1", 8883),
                log_event=lambda kind, kit, text: None,
                clock=lambda: 0,
            ),
        )
        described = app.openapi()
        catalogue.close()
    described["info"].pop("version")
    sys.stdout.write(json.dumps(described, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
