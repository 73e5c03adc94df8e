# Verifies the DKIM signatures of mails with dkimpy (Debian: python3-dkim). Arguments:
# a JSON file with TXT records by name, then the mails. Prints a line for each
# signature: "good" or "bad", its algorithm, and the headers that it covers.
import json
import sys

import dkim
import nacl  # without it dkimpy knows no Ed25519

with open(sys.argv[1]) as f:
    records = json.load(f)


def txt(name, timeout=5):
    found = records.get(name.decode().rstrip("."))
    return found.encode() if found else None


for path in sys.argv[2:]:
    with open(path, "rb") as f:
        mail = dkim.DKIM(f.read())
    count = sum(1 for name, _ in mail.headers if name.lower() == b"dkim-signature")
    for index in range(count):
        try:
            good = mail.verify(idx=index, dnsfunc=txt)
        except dkim.DKIMException:
            good = False
        fields = mail.signature_fields
        print("good" if good else "bad", fields[b"a"].decode(), fields[b"h"].decode())
