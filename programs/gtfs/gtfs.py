#!/usr/bin/env python3
"""Reads lines, stops and directions in reports, by a timetable in the form of GTFS."""
import csv
import hashlib
import io
import json
import os
import re
import sys
import urllib.request
import zipfile
from collections import Counter

MAX_BYTES = 200 << 20  # of a timetable from the network, and of each of its files
TOWARD = {"richtung", "ri", "nach", "to", "towards", "toward", "direction", "yönü", "vers"}
NUMBERED = {"linie", "tram", "bus", "strab", "strassenbahn", "line", "bahn"}  # before a line that is a number


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def log(level, text):
    print(level + "!", text, file=sys.stderr, flush=True)


def words(text):
    """The words of a text in lower case, written as most people type them."""
    text = text.lower()
    for letter, typed in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(letter, typed)
    text = re.sub(r"str\b\.?|strasse\b", "strasse", text)
    return re.findall(r"\w+", text)


class Feed:
    """The files of a timetable, in a directory or a .zip file."""

    def __init__(self, source):
        self.dir, self.zip = source, None
        if source.startswith("https://"):
            source = download(source)
        if os.path.isfile(source):
            self.zip = zipfile.ZipFile(source)

    def rows(self, name):
        if self.zip:
            found = [i for i in self.zip.infolist() if os.path.basename(i.filename) == name]
            if not found:
                return
            if found[0].file_size > MAX_BYTES:
                raise ValueError(f"{name} has more than {MAX_BYTES >> 20} MiB")
            file = self.zip.open(found[0])
        else:
            path = os.path.join(self.dir, name)
            if not os.path.exists(path):
                return
            file = open(path, "rb")
        with file:
            yield from csv.DictReader(io.TextIOWrapper(file, "utf-8-sig", newline=""))


def download(url):
    """Writes the timetable to a file. Where it cannot be had, the last one serves."""
    path = f"feed-{hashlib.sha256(url.encode()).hexdigest()[:12]}.zip"  # each city may have another
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            content = answer.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES >> 20} MiB")
        with open(path + ".new", "wb") as file:
            file.write(content)
        zipfile.ZipFile(path + ".new").close()
        os.replace(path + ".new", path)
    except (OSError, ValueError, zipfile.BadZipFile) as err:
        log("W", f"the timetable of {url} cannot be had: {err}")
    return path


class Places:
    """The lines and stops of a timetable, by their words."""

    def __init__(self, feed):
        self.lines, self.stops = {}, {}
        for row in feed.rows("routes.txt"):
            name = (row.get("route_short_name") or row.get("route_long_name") or "").strip()
            if name:
                self.lines.setdefault("".join(words(name)), name)
        names = {(row.get("stop_name") or "").strip() for row in feed.rows("stops.txt")} - {""}
        town = self.town(names)
        for name in sorted(names):
            short = re.sub(r"\s*\([^)]*\)", "", name).strip() or name
            if town and words(short)[:1] == [town] and len(words(short)) > 1:
                short = re.sub(r"^\W*\w+\W+", "", short)
            self.stops.setdefault(tuple(words(short)), short)
        self.stops.pop((), None)
        self.longest = max(map(len, self.stops), default=0)

    @staticmethod
    def town(names):
        """The word that most names begin with: that of the town."""
        first = Counter(w[0] for w in map(words, names) if len(w) > 1)
        word, count = first.most_common(1)[0] if first else ("", 0)
        return word if count > len(names) / 2 and count > 2 else ""

    def read(self, text):
        """What a text says of line, stop and direction; what it does not say is missing."""
        said, found, i = words(text), {}, 0
        while i < len(said):
            toward = i > 0 and said[i - 1] in TOWARD
            stop, n = self.stop_at(said, i)
            line, m = self.line_at(said, i)
            if stop and n >= m:
                found.setdefault("direction" if toward else "stop", stop)
                i += n
            elif line:
                found.setdefault("line", line)
                i += m
            else:
                i += 1
        return found

    def stop_at(self, said, i):
        for n in range(min(self.longest, len(said) - i), 0, -1):
            stop = self.stops.get(tuple(said[i:i + n]))
            if stop:
                return stop, n
        return None, 0

    def line_at(self, said, i):
        for n in (2, 1):  # "U 1" and "U1"
            name = "".join(said[i:i + n])
            if name in self.lines and len(said) >= i + n:
                if name.isdigit() and (i == 0 or said[i - 1] not in NUMBERED):
                    continue  # a number may be anything
                return self.lines[name], n
        return None, 0


def load(source):
    try:
        places = Places(Feed(source))
    except (OSError, ValueError, csv.Error, zipfile.BadZipFile) as err:
        log("E", f"the timetable {source} cannot be read: {err}")
        return None
    if not places.lines and not places.stops:
        log("E", f"there are no lines or stops in {source}: it needs routes.txt and stops.txt")
        return None
    log("I", f"{len(places.lines)} lines and {len(places.stops)} stops")
    return places


def heard(file):
    """The lines of the server. What is no JSON is passed over."""
    for raw in file:
        try:
            yield json.loads(raw)
        except ValueError:
            print("W! a line is no JSON", file=sys.stderr, flush=True)


def main():
    sys.stdin.reconfigure(encoding="utf-8")
    places, source = None, ""
    for line in heard(sys.stdin):
        kind = line["type"]
        if kind == "begin":
            source = line["settings"].get("FEED") or "feed"
            places = load(source)
            say(type="ready", protocol=1)
        elif kind == "tick":
            places = load(source) or places
        elif kind == "task":
            say(type="result", id=line["id"], results=places.read(line["report"]["text"]) if places else {})
        elif kind == "ping":
            say(type="pong")
        elif kind == "end":
            return


main()
