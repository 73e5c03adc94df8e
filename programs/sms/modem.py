"""A modem that speaks AT commands (3GPP TS 27.005) on a serial line."""
import fcntl
import os
import re
import select
import termios
import time
import tty


class ModemError(Exception):
    """The modem says no: code is that of +CMS ERROR or +CME ERROR, or None."""

    def __init__(self, text, code=None):
        super().__init__(text)
        self.code = code


class Gone(Exception):
    """There is no modem any more."""


class Modem:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # two of us would take each other's answers
        tty.setraw(self.fd)
        line = termios.tcgetattr(self.fd)
        line[2] |= termios.CLOCAL | termios.CREAD
        line[4] = line[5] = termios.B115200
        termios.tcsetattr(self.fd, termios.TCSANOW, line)
        self.buffer = b""
        self.news = []  # lines that nobody has asked for

    def fileno(self):
        return self.fd

    def write(self, data):
        try:
            while data:
                select.select([], [self.fd], [], 5)
                data = data[os.write(self.fd, data):]
        except OSError as err:
            raise Gone(err) from err

    def fill(self, timeout):
        """Reads what there is, and waits for it if need be; false where nothing comes."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self.fd, 4096)
        except BlockingIOError:
            return False
        except OSError as err:
            raise Gone(err) from err
        if not data:
            raise Gone("the line is closed")
        self.buffer += data
        return True

    def line(self):
        """The next whole line, or None."""
        while b"\n" in self.buffer or b"\r" in self.buffer:
            line, _, self.buffer = re.split(rb"([\r\n]+)", self.buffer, maxsplit=1)
            if line.strip():
                return line.decode("ascii", "replace").strip()
        return None

    def has_news(self):
        """Whether there are lines to read without waiting."""
        return bool(self.news or b"\n" in self.buffer or b"\r" in self.buffer)

    def read_news(self):
        """Lines that the modem writes by itself, as "+CMTI: ...", which are there now."""
        self.fill(0)
        while (line := self.line()) is not None:
            self.news.append(line)
        news, self.news = self.news, []
        return news

    def command(self, text, timeout=10, then=None):
        """Gives a command and returns the lines of its answer. then is what follows the prompt."""
        self.write(text.encode("ascii") + b"\r")
        lines, end = [], time.monotonic() + timeout
        while True:
            if then is not None and self.buffer.lstrip().startswith(b">"):
                self.buffer = self.buffer.lstrip()[1:].lstrip(b" ")
                self.write(then.encode("ascii") + b"\x1a")
                then = None
            line = self.line()
            if line is None:
                left = end - time.monotonic()
                if left <= 0:
                    self.write(b"\x1b")  # out of a prompt that came late
                    raise ModemError(f"the modem does not answer {text.split('=')[0]}")
                self.fill(left)
            elif line == "OK":
                return lines
            elif line == "ERROR" or line.startswith(("+CMS ERROR", "+CME ERROR")):
                code = line.partition(":")[2].strip()
                raise ModemError(f"{text.split('=')[0]}: {line}", int(code) if code.isdigit() else None)
            elif line.startswith(("+CMTI:", "+CDS", "RING", "^", "+CREG")):
                self.news.append(line)
            elif not line.startswith("AT"):  # its echo
                lines.append(line)
