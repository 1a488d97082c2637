"""Settings: TOML text to a frozen, checked model, and every fault as one line a person can act on.

Reading the file is the caller's work; `load_settings` takes its text and its name.
"""

from .load import Settings, describe_settings, load_settings
from .units import Duration, Rate, Size, format_duration, format_rate, format_size

__all__ = [
    "Duration",
    "Rate",
    "Settings",
    "Size",
    "describe_settings",
    "format_duration",
    "format_rate",
    "format_size",
    "load_settings",
]
