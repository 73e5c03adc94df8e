"""SMS as modems speak of them: 3GPP TS 23.040 (TPDU) and 23.038 (alphabets)."""
import random

BASIC = ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
         "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
EXTENDED = {"\f": 10, "^": 20, "{": 40, "}": 41, "\\": 47, "[": 60, "~": 61, "]": 62, "|": 64, "€": 101}
ESCAPE = 27
HEADER = 6  # octets that say which part of a long text this is
MOST_PARTS = 10


def septets(text):
    """The text in the basic alphabet, or None where it has other letters."""
    codes = []
    for letter in text:
        if letter in EXTENDED:
            codes.append((ESCAPE, EXTENDED[letter]))
        elif letter in BASIC and letter != "\x1b":
            codes.append((BASIC.index(letter),))
        else:
            return None
    return codes


def pack(codes, offset=0):
    """Septets as octets, beginning at a bit."""
    bits = sum(code << (7 * i + offset) for i, code in enumerate(codes))
    return bits.to_bytes((7 * len(codes) + offset + 7) // 8, "little")


def unpack(octets, count, offset=0):
    bits = int.from_bytes(octets, "little") >> offset
    return [bits >> (7 * i) & 0x7F for i in range(count)]


def letters(codes):
    back = {code: letter for letter, code in EXTENDED.items()}
    text, escaped = "", False
    for code in codes:
        if escaped:
            text, escaped = text + back.get(code, BASIC[code]), False
        elif code == ESCAPE:
            escaped = True
        else:
            text += BASIC[code]
    return text


def split(units, most, alone):
    """Parts of a list of units, each of which stays whole: one where they fit alone."""
    if sum(map(len, units)) <= alone:
        return [units]
    parts, part, size = [], [], 0
    for unit in units:
        if size + len(unit) > most:
            parts, part, size = parts + [part], [], 0
        part, size = part + [unit], size + len(unit)
    return (parts + [part])[:MOST_PARTS]


def address(number):
    digits = number.lstrip("+")
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2))
    return bytes([len(digits), 0x91 if number.startswith("+") else 0x81]) + bytes.fromhex(swapped)


def submits(number, text):
    """The messages that carry a text to a number, as octets."""
    basic = septets(text)
    if basic is not None:
        parts = split(basic, 160 - 7, 160)
    else:
        parts = split([letter.encode("utf-16-be") for letter in text], 140 - HEADER, 140)
    reference = random.randrange(256)
    for i, part in enumerate(parts):
        header = bytes([5, 0, 3, reference, len(parts), i + 1]) if len(parts) > 1 else b""
        if basic is not None:
            codes = [code for unit in part for code in unit]
            skipped = (len(header) * 8 + 6) // 7  # septets that the header takes
            length, data = skipped + len(codes), header + pack(codes, skipped * 7 - len(header) * 8)
        else:
            data = header + b"".join(part)
            length = len(data)
        first = 0x41 if header else 0x01
        yield bytes([first, 0]) + address(number) + bytes([0, 0 if basic is not None else 8, length]) + data


class Deliver:
    """A message that came in. part is None, or (reference, how many, which)."""

    def __init__(self, octets):
        at = 1 + octets[0]  # behind the number of the center
        first, digits, kind = octets[at], octets[at + 1], octets[at + 2]
        if first & 3 != 0:
            raise ValueError("it is none that came in")
        at += 3
        size = (digits + 1) // 2
        self.sender = self.number(octets[at:at + size], digits, kind)
        at += size
        coding, length, data = octets[at + 1], octets[at + 9], octets[at + 10:]
        header = data[:data[0] + 1] if first & 0x40 and data else b""
        self.part = self.header(header[1:])
        if coding & 0xF0 in (0xE0,) or coding & 0x0C == 8 and coding < 0x40:
            self.text = data[len(header):length].decode("utf-16-be", "replace")
        elif coding & 0x0C == 4 and (coding < 0x40 or coding >= 0xF0):
            raise ValueError("it is no text")
        else:
            skipped = (len(header) * 8 + 6) // 7
            self.text = letters(unpack(data, length)[skipped:])

    @staticmethod
    def number(octets, digits, kind):
        if kind & 0x70 == 0x50:  # a name
            return letters(unpack(octets, digits * 4 // 7))
        swapped = "".join(f"{o & 15:x}{o >> 4:x}" for o in octets)[:digits]
        return ("+" if kind & 0x70 == 0x10 else "") + swapped

    @staticmethod
    def header(elements):
        while len(elements) >= 2:
            kind, size = elements[0], elements[1]
            value, elements = elements[2:2 + size], elements[2 + size:]
            if kind == 0 and size == 3:
                return value[0], value[1], value[2]
            if kind == 8 and size == 4:
                return value[0] << 8 | value[1], value[2], value[3]
        return None
