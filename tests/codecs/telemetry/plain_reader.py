"""A second reader of blocks and sheaves, from docs/protocol.md alone: bit by bit, without numpy and
without a line of the codec's. It checks nothing; what the codec writes it has to read alike.
"""

import zstandard

from fieldlink.codecs.telemetry import SCHEMAS, Block, Column, Detail, Sample, Schema, Value

__all__ = ["read_block", "read_sheaf"]


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def zigzag(self) -> int:
        return signed(self.varint())

    def text(self) -> str:
        return self.take(self.varint()).decode()


def signed(value: int) -> int:
    return value // 2 if value % 2 == 0 else -(value // 2) - 1


def rice(reader: Reader, count: int, k: int) -> list[int]:
    place = reader.at * 8

    def bit() -> int:
        nonlocal place
        place += 1
        return reader.data[(place - 1) // 8] >> (7 - (place - 1) % 8) & 1

    lows = [sum(bit() << (k - 1 - n) for n in range(k)) for _ in range(count)]
    highs = []
    for _ in range(count):
        zeros = 0
        while not bit():
            zeros += 1
        highs.append(zeros)
    reader.at = (place + 7) // 8
    highs = [high if high < 24 else 24 + reader.varint() for high in highs]
    return [(high << k) + low for high, low in zip(highs, lows, strict=True)]


def integers(reader: Reader, count: int, reference: int) -> list[int]:
    if count == 1:
        return [reference + reader.zigzag()]
    divisor, descriptor = 1, reader.byte()
    if descriptor == 0xC0:
        divisor, descriptor = reader.varint(), reader.byte()
    order, coding = descriptor >> 6, descriptor & 63
    first = reference + reader.zigzag()
    slope = reader.zigzag() if order >= 2 else 0
    left = count - (order if order < 3 else 0)
    if coding == 63:
        residuals = [0] * left
    elif coding == 62:
        width = reader.byte()
        planes = zstandard.decompress(reader.take(reader.varint()))
        residuals = [
            sum(planes[plane * left + n] << (8 * plane) for plane in range(width))
            for n in range(left)
        ]
    else:
        residuals = []
        while len(residuals) < left:
            segment = min(256, left - len(residuals))
            residuals += rice(reader, segment, coding - 1) if coding else [0] * segment
            coding = reader.byte() if len(residuals) < left else 0
    steps = [signed(residual) for residual in residuals]
    if order == 0:
        return [first + divisor * step for step in steps]
    if order == 3:
        return [first + divisor * (slope * i // 65536 + step) for i, step in enumerate(steps)]
    values = [first]
    if order == 2:
        values.append(first + divisor * slope)
    for step in steps:
        slope = slope + step if order == 2 else step
        values.append(values[-1] + divisor * slope)
    return values


def texts(reader: Reader, count: int) -> list[str]:
    if count == 1:
        return [reader.text()]
    different, packing, size = reader.varint(), reader.byte(), reader.varint()
    raw = reader.take(size) if packing == 0 else zstandard.decompress(reader.take(reader.varint()))
    inner = Reader(raw)
    each = [inner.text() for _ in range(different)]
    return [each[place] for place in integers(reader, count, 0)]


def presence(reader: Reader, count: int) -> list[bool]:
    kind = reader.byte() if count > 1 else 0
    there: list[bool] = []
    if kind == 0:
        there = [False] * count
    elif kind == 1:
        present = True
        while len(there) < count:
            there += [present] * reader.varint()
            present = not present
    else:
        bits = reader.take((count + 7) // 8)
        there = [bool(bits[n // 8] >> (7 - n % 8) & 1) for n in range(count)]
    return there


def schema(reader: Reader) -> Schema:
    number = reader.varint()
    if number:
        names = [None, "position", "vitals", "battery", "air", "text"]
        return SCHEMAS[str(names[number])]
    stream = reader.text()
    columns = []
    for _ in range(reader.varint()):
        name, unit, kind = reader.text(), reader.text(), reader.byte()
        columns.append(Column(name, unit, kind & 127, kind >= 128))
    return Schema(stream, tuple(columns))


def body(
    reader: Reader, made_of: Schema, time_us: int, error_us: int | None, values: list[int]
) -> tuple[tuple[Sample, ...], int | None, Detail]:
    head = reader.byte()
    count = 1 if head & 1 else reader.varint()
    offset_us = reader.zigzag() if head & 2 else None
    own, quiet = (2, True) if head & 64 else (4, False)
    width = own + len(made_of.columns)
    unknown = int.from_bytes(reader.take((width + 7) // 8), "little") if head & 16 else 0

    def column(place: int, reference: int, is_text: bool) -> list[Value]:
        there = presence(reader, count) if unknown >> place & 1 else [True] * count
        known = there.count(True)
        found: list[Value] = []
        if known:
            found += texts(reader, known) if is_text else integers(reader, known, reference)
        return [found.pop(0) if one else None for one in there]

    times = integers(reader, count, time_us)
    numbers = integers(reader, 1 if head & 32 else count, 0)
    if head & 32:
        numbers = [numbers[0] + place for place in range(count)]
    flags = [0] * count if quiet else integers(reader, count, 0)
    errors: list[Value] = [error_us] * count if quiet else column(3, error_us or 0, False)
    columns = [
        column(own + place, values[place] if values else 0, one.is_text)
        for place, one in enumerate(made_of.columns)
    ]
    samples = [
        Sample(at_us, number, row, mark, None if error is None else int(error))
        for at_us, number, row, mark, error in zip(
            times, numbers, zip(*columns, strict=True), flags, errors, strict=True
        )
    ]
    return tuple(samples), offset_us, Detail(head >> 2 & 3)


def read_block(data: bytes) -> Block:
    reader = Reader(data[1:])
    device, kind, made_of, epoch = reader.text(), reader.text(), schema(reader), reader.varint()
    error = reader.varint()
    samples, offset_us, detail = body(reader, made_of, 0, error - 1 if error else None, [])
    return Block(device, kind, made_of, epoch, samples, offset_us, detail)


def read_sheaf(data: bytes) -> list[Block]:
    if len(data) == 2:
        return []
    reader = Reader(zstandard.decompress(data[2:]) if data[1] else data[2:])
    time_us, error = reader.varint(), reader.varint()
    error_us = error - 1 if error else None
    schemas = []
    for _ in range(reader.varint()):
        made_of = schema(reader)
        schemas.append(
            (made_of, [reader.zigzag() for _ in made_of.columns] if reader.byte() else [])
        )
    epochs = [reader.varint() for _ in range(reader.varint())]
    kinds = [reader.text() for _ in range(reader.varint())]
    names = [""]
    for _ in range(reader.varint()):
        names.append(names[-1][: reader.byte()] + reader.text())
    of_kind = integers(reader, len(names) - 1, 0)
    count = reader.varint()
    steps, of_schema, of_epoch, lengths = (integers(reader, count, 0) for _ in range(4))
    blocks, device = [], -1
    for step, which, epoch, length in zip(steps, of_schema, of_epoch, lengths, strict=True):
        device += step
        one = Reader(reader.take(length))
        made_of, values = schemas[which]
        samples, offset_us, detail = body(one, made_of, time_us, error_us, values)
        kind = kinds[of_kind[device]]
        found = Block(names[device + 1], kind, made_of, epochs[epoch], samples, offset_us, detail)
        blocks.append(found)
    return blocks
