#!/usr/bin/env python3
"""SMS by an AT modem: who writes reports, who has written "start" gets those of others."""
import hashlib
import json
import os
import queue
import select
import sys
import threading
import time

from modem import Gone, Modem, ModemError
from pdu import Deliver, submits

START = {"start", "an", "abo", "subscribe"}
STOP = {"stop", "stopp", "aus", "ende", "unsubscribe"}
WORDS = {
    "de": ("Du bekommst jetzt die Meldungen aus %s. Mit STOP hört das auf.", "Du bekommst keine Meldungen mehr."),
    "en": ("You now get the reports of %s. Write STOP to end that.", "You get no more reports."),
}
GONE = {1, 8, 10}  # the number is not assigned, or barred
REFUSED = {310, 311, 312, 313, 315, 316, 317, 318, 330}  # card, PIN, number of the center
LONGEST = 50  # seconds that a text may take to be sent

lock = threading.Lock()


def say(**line):
    with lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def log(level, text):
    print(level + "!", text, file=sys.stderr, flush=True)


class Program:
    def __init__(self, modem):
        self.modem = modem
        self.city, self.words = "", WORDS["en"]
        self.parts = {}  # of long texts: by sender, reference and count
        self.stored = {}  # places in the modem, by the id of the report that is not kept yet

    def begin(self, line):
        city = line["city"]
        self.city, self.words = city["name"], WORDS.get(city["language"], WORDS["en"])
        self.modem.command("ATE0")
        self.modem.command("AT+CMEE=1")
        self.unlock(line["settings"].get("PIN"))
        self.modem.command("AT+CMGF=0")
        self.modem.command("AT+CNMI=2,1,0,0,0")
        say(type="ready", protocol=1)
        self.fetch_all()

    def unlock(self, pin):
        """Tells the card its PIN where it asks for it, and waits until it is read."""
        if not pin or self.ready():
            return
        self.modem.command(f'AT+CPIN="{pin}"', timeout=30)
        for _ in range(40):
            if self.ready():
                return
            time.sleep(0.5)
        raise ModemError("the card does not get ready")

    def ready(self):
        return any("READY" in answer for answer in self.modem.command("AT+CPIN?"))

    def fetch_all(self):
        """Reads what the modem has kept while nobody listened."""
        answer = self.modem.command("AT+CMGL=4", timeout=30)
        for head, body in zip(answer, answer[1:]):
            if head.startswith("+CMGL:"):
                self.hear(int(head.partition(":")[2].split(",")[0]), body)

    def fetch(self, place):
        answer = self.modem.command(f"AT+CMGR={place}")
        if len(answer) >= 2 and answer[-2].startswith("+CMGR:"):
            self.hear(place, answer[-1])

    def hear(self, place, raw):
        try:
            message = Deliver(bytes.fromhex(raw))
        except (ValueError, IndexError) as err:
            log("W", f"a message cannot be read: {err}")
            self.forget([place])
            return
        places, raws, text = [place], [raw], message.text
        if message.part:
            reference, count, which = message.part
            got = self.parts.setdefault((message.sender, reference, count), {})
            got[which] = (place, raw, text)
            if len(got) < count:
                return  # the others stay in the modem until it is whole
            del self.parts[message.sender, reference, count]
            places, raws, texts = zip(*(got[n] for n in sorted(got)))
            text = "".join(texts)
        self.heard(message.sender, text.strip(), places, "".join(raws))

    def heard(self, sender, text, places, raw):
        word = text.lower().rstrip("!.")
        if word in START or word in STOP:
            say(type="recipient", id=sender, on=word in START)
            self.write(sender, self.words[0] % self.city if word in START else self.words[1])
            self.forget(places)
            return
        if not text:
            self.forget(places)
            return
        number = hashlib.sha256(raw.encode("ascii")).hexdigest()[:24]  # the same one where we read it again
        self.stored[number] = places
        say(type="report", id=number, author=sender, text=text, visibility="private", **{"from": sender})

    def forget(self, places):
        for place in places:
            try:
                self.modem.command(f"AT+CMGD={place}")
            except ModemError as err:
                log("W", f"a message cannot be deleted: {err}")

    def write(self, number, text):
        """Sends a text; what is wrong is said in the log."""
        try:
            self.transmit(number, text)
        except ModemError as err:
            log("W", f"an answer cannot be sent: {err}")

    def transmit(self, number, text):
        messages = list(submits(number, text))
        for message in messages:
            self.modem.command(f"AT+CMGS={len(message)}", timeout=LONGEST / len(messages), then="00" + message.hex().upper())

    def send(self, line):
        recipient = line.get("recipient")
        if not recipient:
            say(type="sent", id=line["id"])  # there is no place where all could read it
            return
        try:
            self.transmit(recipient, line["text"])
        except ModemError as err:
            kind = "gone" if err.code in GONE else "refused" if err.code in REFUSED else "later"
            say(type="failed", id=line["id"], kind=kind, error=str(err), **({"after": 60} if kind == "later" else {}))
            return
        say(type="sent", id=line["id"])

    def told(self, line):
        kind = line["type"]
        if kind == "begin":
            self.begin(line)
        elif kind == "send":
            self.send(line)
        elif kind == "answer":
            self.write(line["to"], line["text"])
        elif kind == "kept":
            self.forget(self.stored.pop(line["id"], []))
        elif kind == "unknown" and line.get("id") in self.stored:
            self.forget(self.stored.pop(line["id"]))  # it would be no report the next time, too

    def run(self, lines, wake):
        while True:
            select.select([wake, self.modem], [], [], 0 if self.modem.has_news() else 60)
            for news in self.modem.read_news():
                if news.startswith("+CMTI:"):
                    self.fetch(int(news.rpartition(",")[2]))
            while not lines.empty():
                os.read(wake, 1)
                line = lines.get()
                if line["type"] == "end":
                    return
                self.told(line)


def listen(lines, wake):
    """Takes what the server says, and tells it that we are there however long the modem takes."""
    for raw in sys.stdin.buffer:
        try:
            line = json.loads(raw)
        except ValueError:
            log("W", "a line is no JSON")
            continue
        if line["type"] == "ping":
            say(type="pong")
            continue
        lines.put(line)
        os.write(wake, b"x")
    lines.put({"type": "end"})
    os.write(wake, b"x")


def main():
    path = sys.argv[1]
    lines, (wake, waker) = queue.SimpleQueue(), os.pipe()
    threading.Thread(target=listen, args=[lines, waker], daemon=True).start()
    code = 1
    try:
        Program(Modem(path)).run(lines, wake)
        code = 0
    except (OSError, Gone) as err:
        log("E", f"the modem at {path} cannot be reached: {err}")
    except ModemError as err:
        log("E", str(err))
    os._exit(code)  # whoever listens still listens


main()
