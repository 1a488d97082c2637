"""How a simulated camera fails, as real ones do."""

from dataclasses import dataclass

__all__ = ["Faults"]


@dataclass(frozen=True, slots=True)
class Faults:
    """Times in seconds; None: it does not happen.

    `drop_after_s`: every connection is cut so long after it began to play. `freeze_after_s`: the
    picture stops, the stream goes on. `stall_after_s`: the stream stops, connections stay.
    `black`: pictures are black. `hang`: connections are accepted and nothing is ever said.
    """

    drop_after_s: float | None = None
    freeze_after_s: float | None = None
    stall_after_s: float | None = None
    black: bool = False
    hang: bool = False
