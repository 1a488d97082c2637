"""Why something that was asked of an aircraft was not done."""

from typing import TYPE_CHECKING

from fieldlink.codecs.fault import FieldlinkError

if TYPE_CHECKING:
    from fieldlink.drone.commanding.answers import Answer

__all__ = ["CommandError"]


class CommandError(FieldlinkError):
    """An aircraft did not do what it was asked. `reason` is a short stable word: "not-heard" (of
    the aircraft, so nothing was sent), "no-answer", "busy" (temporarily rejected), "denied",
    "unsupported", "failed", "cancelled", "ended" (the router stopped), "malformed" (an answer that
    cannot be), "refused" (by the kit). `answer` is what the aircraft said, None when nothing.
    """

    def __init__(self, reason: str, detail: str, answer: "Answer | None" = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.answer = answer
