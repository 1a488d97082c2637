"""What an aircraft answers to a command (COMMAND_ACK), and which answers are errors."""

from dataclasses import dataclass

from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.commanding.errors import CommandError
from fieldlink.drone.vehicle.reading import fields_of

__all__ = ["IN_PROGRESS", "Answer", "answer_of", "command_name", "judged"]

IN_PROGRESS = 5
# MAV_RESULT -> the reason of a CommandError; 0 is success.
_REASONS = {
    1: "busy", 2: "denied", 3: "unsupported", 4: "failed", 6: "cancelled", 7: "unsupported",
    8: "unsupported", 9: "unsupported", 10: "denied",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """A COMMAND_ACK. `result` is MAV_RESULT, `progress` percent, None where it is not told."""

    result: int
    progress: int | None = None
    result_param2: int = 0


def answer_of(frame: Frame) -> Answer:
    fields = fields_of(frame) or {}
    result, progress = fields["result"], fields["progress"]
    told = result == IN_PROGRESS and progress != 255
    return Answer(result, progress if told else None, fields["result_param2"])


def judged(answer: Answer, what: str) -> Answer:
    """`answer`, or the error that it is. Accepted and in progress are none."""
    if answer.result in (0, IN_PROGRESS):
        return answer
    reason = _REASONS.get(answer.result, "failed")
    entry = dialect.enums["MAV_RESULT"].get(answer.result)
    named = str(entry.name).removeprefix("MAV_RESULT_") if entry is not None else answer.result
    raise CommandError(reason, f"{what}: the aircraft answered {named}", answer)


def command_name(command: int) -> str:
    entry = dialect.enums["MAV_CMD"].get(command)
    return str(entry.name).removeprefix("MAV_CMD_") if entry is not None else f"command {command}"
