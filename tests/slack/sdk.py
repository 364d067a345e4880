"""Reads what we send to Slack, and signs what Slack sends, by Slack's own library.

One JSON object a line on stdin; what is wrong on stdout, and status 1 if anything is.
"""

import json
import sys

from slack_sdk.models.blocks import Block
from slack_sdk.signature import Clock, SignatureVerifier


class Standing(Clock):
    def __init__(self, time):
        self.time = time

    def now(self):
        return self.time


def request(body):
    """A message: each block is one that the library knows, and reads back as it was."""
    blocks = Block.parse_all(body["blocks"])
    for given, read in zip(body["blocks"], blocks, strict=True):
        if read is None:
            yield f"unknown: {given}"
        elif type(read) is Block:
            yield f"no class of its own: {given}"
        else:
            read.validate_json()
            if read.to_dict() != given:
                yield f"read as {read.to_dict()}: {given}"


def press(body):
    """A request of Slack: the library signs it as the stand-in did, and takes it at that time and no other."""
    secret, form, time, signature = (body[key] for key in ("secret", "form", "time", "signature"))
    for now, taken in ((time, True), (time + 299, True), (time + 301, False)):
        verifier = SignatureVerifier(secret, Standing(now))
        if verifier.is_valid(form, str(time), signature) != taken:
            yield f"at {now - time} s it is {'' if not taken else 'not '}taken: {body}"
    if SignatureVerifier(secret).generate_signature(timestamp=str(time), body=form) != signature:
        yield f"signed otherwise: {body}"


def main():
    bad = count = 0
    for line in sys.stdin:
        body = json.loads(line)
        count += 1
        try:
            faults = list(press(body) if "signature" in body else request(body))
        except Exception as error:
            faults = [f"{type(error).__name__}: {error}: {body}"]
        for fault in faults:
            bad += 1
            print(fault)
    print(f"{count} read, {bad} faults")
    return 1 if bad else 0


sys.exit(main())
