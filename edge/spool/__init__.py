"""The spool: the kit's durable store of bundles on their way to the centre."""

from fieldlink.edge.spool.policy import RetentionPolicy, retention_key
from fieldlink.edge.spool.settings import SpoolSettings
from fieldlink.edge.spool.span import Span
from fieldlink.edge.spool.spool import BundleGoneError, Spool
from fieldlink.edge.spool.stored import Count, State, Stored, Totals
from fieldlink.edge.spool.view import SpoolView

__all__ = [
    "BundleGoneError",
    "Count",
    "RetentionPolicy",
    "Span",
    "Spool",
    "SpoolSettings",
    "SpoolView",
    "State",
    "Stored",
    "Totals",
    "retention_key",
]
