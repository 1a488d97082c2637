"""One terminal's conversation, over one connection or as datagrams from one address: bytes in,
bytes out, no sockets. Positions are answered when the spool has them and not before.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.jt808 import (
    AskParameters,
    Authentication,
    Batch,
    Frame,
    Framer,
    Header,
    Heartbeat,
    Location,
    LocationAnswer,
    LocationReport,
    Logout,
    Malformed,
    Message,
    Parameters,
    PlatformAnswer,
    Registration,
    RegistrationAnswer,
    Result,
    TerminalAnswer,
    Text,
    Whole,
    decode_message,
    encode_frame,
    encode_message,
)
from fieldlink.edge.jt808.book import TerminalBook
from fieldlink.edge.jt808.terminal import Terminal

__all__ = ["MAX_PENDING", "Session"]

MAX_PENDING = 32
"""So many messages wait for the spool at once; who brings more has to wait."""

_MAX_MALFORMED = 20  # in a row, without a good frame between them
_NO_SUCH_TERMINAL = 4  # result of a registration (JT/T 808 table 10)
_KEEPS = {LocationReport.ID, LocationAnswer.ID, Batch.ID}
_DISPLAYED = 0x04 | 0x08  # on the display, and spoken
_URGENT_2013 = 0x01
_URGENT_2019 = 0x02

Heard = Callable[[int], None]


class Session:
    """Speaks with one peer. `ended` says why it is over, once it is: whoever owns the socket
    sends what is left and closes it. `where` names the peer while nobody knows who it is.
    """

    def __init__(self, book: TerminalBook, send: Callable[[bytes], None], where: str) -> None:
        self._book, self._send, self.where = book, send, where
        self._framer = Framer()
        self._serial = 0
        self._header: Header | None = None  # of its last frame, for how it is addressed
        self._number: str | None = None
        self._malformed = 0
        self._texts: dict[int, Heard] = {}
        self.terminal: Terminal | None = None  # once it may speak
        self.pending = 0
        self.ended: str | None = None
        self.on_stranger: Callable[[Session, str], bool] = lambda _, __: False
        self.on_entered: Callable[[Session], None] = lambda _: None
        self.on_replaced: Callable[[], None] = lambda: None
        self.on_settled: Callable[[], None] = lambda: None

    @property
    def unfinished(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._framer.unfinished

    # --- what comes -------------------------------------------------------------------------

    def receive(self, data: bytes, now_s: float) -> int:
        """What a connection brought; how many frames were in it. Time only goes forward."""
        events = self._framer.feed(data)
        for event in events:
            if self.ended is not None:
                break
            if isinstance(event, Malformed):
                self._complain(event.reason, event.detail)
            else:
                self._frame(event, now_s)
        return len(events)

    def datagram(self, data: bytes, now_s: float) -> None:
        """What a datagram brought: whole frames."""
        self.receive(data, now_s)
        left = self._framer.end()
        if left is not None:
            self._complain(left.reason, left.detail)

    def due(self, now_s: float) -> None:
        """What time brings; called about once a second."""
        if self.terminal is not None and self._header is not None:
            for resend in self.terminal.assembler.due(now_s):
                self._say(resend)

    def _frame(self, frame: Frame, now_s: float) -> None:
        header = frame.header
        if self._number not in (None, header.terminal):
            self._complain("phone", f"{header.terminal} on the connection of {self._number}")
            return
        self._number, self._header, self._malformed = header.terminal, header, 0
        if header.encryption:
            self._refuse(header, Result.UNSUPPORTED, "encrypted: by the terminal's own key")
            return
        if self.terminal is None:
            self._recognise(header.terminal)
        whole = self._whole(frame, now_s)
        if whole is None:
            return
        try:
            message = decode_message(whole.header.message, whole.body, whole.header.version)
        except CodecError as error:
            self._refuse(header, Result.WRONG, f"{error.reason}: {error.detail}")
            return
        self._hear(whole, message)

    def _whole(self, frame: Frame, now_s: float) -> Whole | None:
        header = frame.header
        if header.part is None:
            return Whole(header, frame.body, (header.serial,))
        if self.terminal is None:
            self._refuse(header, Result.FAILED, "stranger: it sends parts before its code")
        elif header.message not in _KEEPS and header.message != Parameters.ID:
            self.terminal.counts.messages[f"0x{header.message:04x}"] += 1
            self._answer(header, Result.UNSUPPORTED)
        else:
            try:
                return self.terminal.assembler.add(frame, now_s)
            except CodecError as error:
                self._refuse(header, Result.WRONG, f"{error.reason}: {error.detail}")
        return None

    def _hear(self, whole: Whole, message: Message) -> None:
        header = whole.header
        if isinstance(message, Registration):
            self._register(header, message)
        elif isinstance(message, Authentication):
            self._authenticate(header, message)
        elif self.terminal is None:
            self._refuse(header, Result.FAILED, f"stranger: 0x{header.message:04x} before its code")
        else:
            self.terminal.heard_us = self._book.time.now_us()
            self._obey(whole, message, self.terminal)

    def _obey(self, whole: Whole, message: Message, terminal: Terminal) -> None:
        header = whole.header
        match message:
            case Heartbeat():
                self._answer(header, Result.DONE)
            case LocationReport(location):
                terminal.live(location, header.version is not None, self._promise(whole))
            case LocationAnswer(_, location):
                terminal.live(location, header.version is not None, self._promise(None))
            case Batch():
                self._batch(whole, message, terminal)
            case Parameters():
                terminal.learn(message)
            case TerminalAnswer(serial, Text.ID, result):
                heard = self._texts.pop(serial, None)
                if heard is not None:
                    heard(result)
            case TerminalAnswer():
                pass
            case Logout():
                self._answer(header, Result.DONE)
                self.ended = "logout: the terminal said so"
            case _:  # media, what is passed through, and whatever else is not kept
                terminal.counts.messages[f"0x{header.message:04x}"] += 1
                self._answer(header, Result.UNSUPPORTED)

    def _batch(self, whole: Whole, batch: Batch, terminal: Terminal) -> None:
        locations = [item for item in batch.items if isinstance(item, Location)]
        wrong = len(batch.items) - len(locations) + batch.missing
        if wrong:
            terminal.refuse(f"batch: {wrong} of {wrong + len(locations)} locations are none")
        done = self._promise(whole)
        is_2019 = whole.header.version is not None
        terminal.batch(locations, is_2019, done, backfill=batch.kind == 1)

    # --- who speaks -------------------------------------------------------------------------

    def _register(self, header: Header, message: Registration) -> None:
        terminal = self._book.terminal(header.terminal)
        if terminal is None:
            self._complain("unlisted", f"{header.terminal} wants to register")
            self._say(RegistrationAnswer(header.serial, _NO_SUCH_TERMINAL))
            return
        terminal.registered(message)
        code = self._book.codes.code(header.terminal)
        self._say(RegistrationAnswer(header.serial, Result.DONE, code))

    def _authenticate(self, header: Header, message: Authentication) -> None:
        good = self._book.codes.is_code(header.terminal, message.code)
        good = good or not self._book.settings.authenticate
        terminal = self._book.terminal(header.terminal) if good else None
        if terminal is None:
            self._refuse(header, Result.FAILED, f"code: {header.terminal} has a wrong one")
            self.ended = "code: it is not the one that this kit gave"
            return
        self._answer(header, Result.DONE)
        self._enter(terminal)

    def _recognise(self, number: str) -> None:
        # Whoever owns the sockets may know the terminal by where it speaks from.
        if not self._book.settings.authenticate or self.on_stranger(self, number):
            self._enter(self._book.terminal(number))

    def _enter(self, terminal: Terminal | None) -> None:
        if terminal is None:
            return
        self.terminal = terminal
        self.on_entered(self)
        if not terminal.asked:
            terminal.asked = True
            self._say(AskParameters())

    # --- what is said -----------------------------------------------------------------------

    def text(self, words: bytes, heard: Heard, *, urgent: bool) -> None:
        """Show and speak a text in GBK; `heard` gets the result that the terminal answers."""
        is_2019 = self._header is not None and self._header.version is not None
        flags = _DISPLAYED
        if is_2019:
            flags |= _URGENT_2019 if urgent else 0x01
        elif urgent:
            flags |= _URGENT_2013
        serial = self._say(Text(flags, words, 1 if is_2019 else None))
        while len(self._texts) >= MAX_PENDING:
            self._texts.pop(next(iter(self._texts)))
        self._texts[serial] = heard

    def _promise(self, whole: Whole | None) -> Callable[[str | None], None]:
        """What to call when the spool has it: each frame of the message is answered then."""
        self.pending += 1
        return partial(self._kept, whole)

    def _kept(self, whole: Whole | None, error: str | None) -> None:
        self.pending -= 1
        if whole is not None:
            result = Result.DONE if error is None else Result.FAILED
            for serial in whole.serials:
                self._answer(replace(whole.header, serial=serial), result)
        self.on_settled()

    def _answer(self, header: Header, result: int) -> None:
        self._say(PlatformAnswer(header.serial, header.message, result))

    def _say(self, message: Message) -> int:
        to = self._header
        if to is None:
            raise ValueError("nothing is said before a frame came: to whom?")
        ident, body = encode_message(message, to.version)
        serial, self._serial = self._serial, (self._serial + 1) % 65536
        header = Header(ident, to.phone, serial, to.version)
        if self.ended is None:
            self._send(encode_frame(Frame(header, body)))
        return serial

    def _refuse(self, header: Header, result: int, reason: str) -> None:
        word, _, detail = reason.partition(": ")
        self._complain(word, detail)
        self._answer(header, result)

    def _complain(self, word: str, detail: str) -> None:
        name = self.terminal.name if self.terminal else self.where
        self._book.intake.refuse(name, f"{word}: {detail}")
        self._malformed += 1
        if self._malformed >= _MAX_MALFORMED:
            self.ended = f"rubbish: {_MAX_MALFORMED} malformed messages one after another"
