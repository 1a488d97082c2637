"""The archive: plain files that any player opens, and the ledger that says what they are."""

from fieldlink.relay.archive.ledger import Entry, Ledger
from fieldlink.relay.archive.names import bundle_path, extension
from fieldlink.relay.archive.store import Archive, Item

__all__ = ["Archive", "Entry", "Item", "Ledger", "bundle_path", "extension"]
