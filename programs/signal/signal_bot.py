#!/usr/bin/env python3
"""Signal, by the JSON-RPC of a signal-cli that runs as a daemon."""
import hashlib
import itertools
import json
import os
import socket
import sys
import threading

START = {"start", "an", "abo", "subscribe"}
STOP = {"stop", "stopp", "aus", "ende", "unsubscribe"}
WORDS = {
    "de": ("Du bekommst jetzt die Meldungen aus %s. Mit STOP hört das auf.", "Du bekommst keine Meldungen mehr."),
    "en": ("You now get the reports of %s. Write STOP to end that.", "You get no more reports."),
}
GROUP = "group:"  # before the id of a group, where a recipient or a receipt is one
LONGEST = 25  # seconds that signal-cli may take to answer

lock = threading.Lock()


def say(**line):
    with lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def log(level, text):
    print(level + "!", text, file=sys.stderr, flush=True)


class RPCError(Exception):
    """signal-cli says no. Its own words may name who a message was for: they are not repeated."""

    def __init__(self, error):
        super().__init__(f"signal-cli answers with error {error.get('code')}")


class SignalCli:
    """A connection to signal-cli. heard is called with each envelope."""

    def __init__(self, where, account, heard):
        host, _, port = where.rpartition(":")
        if "/" in where:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.connect(where)
        else:
            self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=10)
            self.socket.settimeout(None)
        self.account, self.heard = account, heard
        self.ids, self.waiting, self.lock = itertools.count(1), {}, threading.Lock()

    def listen(self):
        """Reads until the connection ends."""
        for raw in self.socket.makefile("rb"):
            message = json.loads(raw)
            if message.get("method") == "receive":
                params = message.get("params", {})
                self.heard((params.get("result") or params).get("envelope") or {})
            elif "id" in message:
                with self.lock:
                    waiting = self.waiting.pop(str(message["id"]), None)
                if waiting:
                    waiting[1].update(message)
                    waiting[0].set()

    def call(self, method, **params):
        number, answered, answer = str(next(self.ids)), threading.Event(), {}
        if self.account:
            params["account"] = self.account
        raw = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"
        with self.lock:
            self.waiting[number] = (answered, answer)
            self.socket.sendall(raw.encode())
        if not answered.wait(LONGEST):
            with self.lock:
                self.waiting.pop(number, None)
            raise TimeoutError("signal-cli does not answer")
        if "error" in answer:
            raise RPCError(answer["error"])
        return answer.get("result") or {}


def target(recipient):
    """The parameters that say whom a message goes to."""
    if recipient.startswith(GROUP):
        return {"groupId": recipient[len(GROUP):]}
    return {"recipient": [recipient]}


class Program:
    def __init__(self):
        self.signal, self.city, self.words, self.group = None, "", WORDS["en"], ""

    def begin(self, line):
        settings, city = line["settings"], line["city"]
        self.city, self.words = city["name"], WORDS.get(city["language"], WORDS["en"])
        self.group = settings.get("GROUP", "")
        self.signal = SignalCli(settings["SOCKET"], settings.get("ACCOUNT"), self.hear)
        threading.Thread(target=self.listen, daemon=True).start()
        if self.group:
            say(type="recipient", id=GROUP + self.group, on=True)
        say(type="ready", protocol=1)

    def listen(self):
        try:
            self.signal.listen()
            log("E", "signal-cli closed the connection")
        except (OSError, ValueError) as err:
            log("E", f"signal-cli: {err}")
        os._exit(1)  # the server starts us again

    def hear(self, envelope):
        """A message that came in: a word to us, or a report."""
        data, sender = envelope.get("dataMessage") or {}, envelope.get("sourceUuid") or envelope.get("sourceNumber")
        text, group = (data.get("message") or "").strip(), (data.get("groupInfo") or {}).get("groupId")
        if not text or not sender or (group and group != self.group):
            return
        recipient, word = GROUP + group if group else sender, text.lower().rstrip("!.")
        if not group and word in START | STOP:
            say(type="recipient", id=sender, on=word in START)
            threading.Thread(target=self.write, args=[sender, self.words[0] % self.city if word in START else self.words[1]], daemon=True).start()
            return
        # Whoever writes gives the time, which alone would say who wrote to whom else.
        number = hashlib.sha256(f"{sender} {data.get('timestamp') or envelope.get('timestamp')}".encode()).hexdigest()[:24]
        say(type="report", id=number, author=sender, text=text, visibility="public" if group else "private", **{"from": recipient})

    def write(self, recipient, text):
        try:
            self.signal.call("send", message=text, **target(recipient))
        except (RPCError, OSError) as err:
            log("W", f"an answer cannot be sent: {err}")

    def send(self, line):
        recipient = line.get("recipient")
        if not recipient:
            say(type="sent", id=line["id"])  # there is no place where all could read it
            return
        try:
            result = self.signal.call("send", message=line["text"], **target(recipient))
        except (RPCError, OSError) as err:
            say(type="failed", id=line["id"], kind="later", error=str(err))
            return
        kinds = {r.get("type") for r in result.get("results", [])}
        if kinds and "SUCCESS" not in kinds:
            kind = "gone" if kinds == {"UNREGISTERED_FAILURE"} else "later"
            say(type="failed", id=line["id"], kind=kind, error=", ".join(sorted(map(str, kinds))))
            return
        say(type="sent", id=line["id"], receipt={"id": str(result.get("timestamp", ""))})

    def retract(self, line):
        recipient, receipt = line.get("recipient"), (line.get("receipt") or {}).get("id")
        try:
            if recipient and receipt:
                self.signal.call("remoteDelete", targetTimestamp=int(receipt), **target(recipient))
        except (RPCError, OSError, ValueError) as err:
            say(type="failed", id=line["id"], kind="permanent", error=str(err))
            return
        say(type="sent", id=line["id"])

    def told(self, line):
        kind = line["type"]
        if kind == "begin":
            self.begin(line)
        elif kind == "ping":
            say(type="pong")
        elif kind in ("send", "retract"):
            threading.Thread(target=getattr(self, kind), args=[line], daemon=True).start()
        elif kind == "answer":
            threading.Thread(target=self.write, args=[line["to"], line["text"]], daemon=True).start()


def heard(file):
    """The lines of the server. What is no JSON is passed over."""
    for raw in file:
        try:
            yield json.loads(raw)
        except ValueError:
            print("W! a line is no JSON", file=sys.stderr, flush=True)


def main():
    sys.stdin.reconfigure(encoding="utf-8")
    program = Program()
    for line in heard(sys.stdin):
        if line["type"] == "end":
            break
        try:
            program.told(line)
        except (OSError, ValueError) as err:
            log("E", f"signal-cli cannot be reached: {err}")
            os._exit(1)
    sys.stdout.flush()
    os._exit(0)


main()
