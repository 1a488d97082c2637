"""When each bearer of each kit was last worth a note: chunks come by the hundred a second."""

__all__ = ["Ears"]

_EVERY_US = 1_000_000
_MOST = 4096


class Ears:
    """Lets one note a second pass for each bearer of a kit; used by one thread."""

    def __init__(self) -> None:
        self._noted_us: dict[tuple[str, str], int] = {}

    def hears(self, kit: str, bearer: str, now_us: int) -> bool:
        """Whether to note that `kit` was heard on `bearer` now."""
        key = (kit, bearer)
        last_us = self._noted_us.get(key)
        # A clock that was set back silences nobody.
        if last_us is not None and 0 <= now_us - last_us < _EVERY_US:
            return False
        if len(self._noted_us) >= _MOST:  # names from outside must not fill the memory
            self._noted_us.clear()
        self._noted_us[key] = now_us
        return True
