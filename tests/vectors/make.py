#!/usr/bin/env python3
"""Writes the test vectors of docs/audit-log.md into the directory of this file.

Written from that document alone, with nothing but the standard library, and deterministic: a second run
changes no byte. What each case must give is stated by hand, not computed. The keys are those of RFC 8032
section 7.1, whose secret halves are public: trust nothing that they sign.
"""

import base64
import datetime
import hashlib
import json
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent

# ------------------------------------------------------------------------- ed25519, RFC 8032 section 5.1

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P


def recover_x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return P - x if x & 1 != sign else x


BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(s, p):
    q = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = add(q, p)
        p = add(p, p)
        s >>= 1
    return q


def encode(p):
    z = pow(p[2], P - 2, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data):
    """The point that is spelt so, x and y below the order of the field."""
    y, sign = number(data) & (1 << 255) - 1, data[31] >> 7
    x = recover_x(y, sign)
    x = 0 if x == P else x
    assert y < P and encode((x, y, 1, x * y % P)) == data, "the one form of a point"
    return (x, y, 1, x * y % P)


def number(data):
    return int.from_bytes(data, "little")


class Key:
    """A key that signs notes of the log `origin`."""

    def __init__(self, origin, seed, kind=1):
        h = hashlib.sha512(bytes.fromhex(seed)).digest()
        self.origin, self.kind, self.prefix = origin, kind, h[32:]
        self.a = number(h[:32]) & (1 << 254) - 8 | 1 << 254
        self.public = encode(times(self.a, BASE))

    def id(self):
        typed = bytes([self.kind]) + self.public
        return hashlib.sha256(self.origin.encode() + b"\n" + typed).digest()[:4]

    def vkey(self):
        return f"{self.origin}+{self.id().hex()}+{b64(bytes([self.kind]) + self.public)}"

    def sign(self, message):
        r = number(hashlib.sha512(self.prefix + message).digest()) % L
        R = encode(times(r, BASE))
        k = number(hashlib.sha512(R + self.public + message).digest()) % L
        return R + ((r + k * self.a) % L).to_bytes(32, "little")

    def line(self, body):
        """The signature line of a note over `body`."""
        return f"— {self.origin} {b64(self.id() + self.sign(body.encode()))}\n"

    def cosign(self, body, time):
        """The line of a witness that saw `body` at `time` (POSIX)."""
        signature = self.sign(f"cosignature/v1\ntime {time}\n{body}".encode())
        return f"— {self.origin} {b64(self.id() + time.to_bytes(8, 'big') + signature)}\n"


TEST1 = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
TEST2 = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
TEST3 = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
TEST1024 = "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5"
TESTSHA = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"

# ----------------------------------------------------------------------------------- hashes and trees


def b64(data):
    return base64.b64encode(data).decode()


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sha(data):
    return hashlib.sha256(data).digest()


def leaf(line):
    return sha(b"\0" + line)


def node(a, b):
    return sha(b"\1" + a + b)


def split(n):
    return 1 << (n - 1).bit_length() - 1


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def inclusion(m, leaves):
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion(m, leaves[:k]) + [root(leaves[k:])]
    return inclusion(m - k, leaves[k:]) + [root(leaves[:k])]


def consistency(m, leaves, whole=True):
    """RFC 6962 section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return consistency(m, leaves[:k], whole) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


def frontier(leaves):
    peaks, at = [], 0
    for bit in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> bit & 1:
            peaks.append(root(leaves[at : at + (1 << bit)]).hex())
            at += 1 << bit
    return peaks


# -------------------------------------------------------------------------------------------- a log

START = datetime.datetime(2026, 11, 21, 21, 0, tzinfo=datetime.timezone.utc)


def canonical(value):
    """JCS for what a line may hold: sorted keys, no spaces, integers, UTF-8 as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Log:
    """A log as an agent would write it; `lines` may be spoilt between the calls."""

    def __init__(self, origin="example/vectors/8899aabbccddeeff", genesis=None, keys=(TEST1, TEST2, TEST3)):
        self.origin = origin
        self.keys = [Key(origin, seed) for seed in keys]
        self.lines, self.cuts, self.now = [], [0], START
        what = {"format": "revlog/1", "origin": origin, "key": self.key.vkey(), "next": self.next()}
        self.record("genesis", {**what, **(genesis or {})})

    @property
    def key(self):
        return self.keys[0]

    def next(self):
        return sha(self.keys[1].vkey().encode()).hex()

    def leaves(self, size=None):
        return [leaf(line) for line in self.lines[:size]]

    def prev(self):
        return leaf(self.lines[-1]).hex() if self.lines else "0" * 64

    def time(self):
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def raw(self, line):
        self.lines.append(line)

    def record(self, kind, what, **over):
        members = {"prev": self.prev(), "seq": len(self.lines), "time": self.time(), "type": kind, "what": what}
        self.raw(canonical({**members, **over}))
        self.now += datetime.timedelta(seconds=20)
        return self

    def body(self, size=None):
        size = len(self.lines) if size is None else size
        return f"{self.origin}\n{size}\n{b64(root(self.leaves(size)))}\n"

    def note(self, size=None, *signers):
        body = self.body(size)
        return body + "\n" + "".join(key.line(body) for key in signers or [self.key])

    def checkpoint(self, note=None, **over):
        what = {"note": self.note() if note is None else note}
        self.raw(canonical({"prev": self.prev(), "seq": len(self.lines), "type": "checkpoint", "what": what, **over}))
        return self

    def change(self, reason="scheduled", note=None, **over):
        """A change of key: the record and its checkpoint with two signatures."""
        old, new = self.keys[0], self.keys[1]
        self.keys = self.keys[1:]
        self.record("key", {"key": new.vkey(), "next": self.next(), "reason": reason, **over})
        return self.checkpoint(note(self) if note else self.note(None, old, new))

    def segment(self, **over):
        """Begins another file."""
        self.cuts.append(len(self.lines))
        seq = len(self.lines)
        what = {
            "first_seq": seq,
            "format": "revlog/1",
            "frontier": frontier(self.leaves(seq - 1)),
            "key": self.key.vkey(),
            "next": self.next(),
            "note": json.loads(self.lines[-1])["what"].get("note", ""),
            "origin": self.origin,
        }
        return self.record("segment", {**what, **over})

    def relink(self, start):
        """Lines from `start` on, chained again: what somebody can do who has no key."""
        for n in range(start, len(self.lines)):
            prev = leaf(self.lines[n - 1]).hex().encode()
            self.lines[n] = self.lines[n][:9] + prev + self.lines[n][73:]
        return self

    def text(self):
        return b"".join(line + b"\n" for line in self.lines)

    def files(self):
        ends = self.cuts[1:] + [len(self.lines)]
        return [b"".join(line + b"\n" for line in self.lines[a:b]) for a, b in zip(self.cuts, ends)]

    def proof(self, index, size, *signers, path=None, witness=""):
        hashes = inclusion(index, self.leaves(size)) if path is None else path
        return (
            "c2sp.org/tlog-proof@v1\n"
            + f"extra {b64(self.lines[index])}\n"
            + f"index {index}\n"
            + "".join(b64(h) + "\n" for h in hashes)
            + "\n"
            + self.note(size, *signers)
            + witness
        )

    def posix(self):
        return int(self.now.timestamp())


def cp1(note):
    return "cp1." + b64url(note.encode())


# -------------------------------------------------------------------------------------- golden logs

ALICE = b64url(canonical(["2GLC42sKQveCfGfryNRN9w", "user", "EMP-4711"]))
BORIS = b64url(canonical(["eluV5Og3gSNII8EYnsxA_A", "user", "EMP-4712"]))
TERMS = {"id": "rec-2", "at": "2026-11-21T21:00:50.000000Z", "kind": "full", "reason": "terminated"}


def commit(disclosure):
    return b64url(sha(disclosure.encode()))


def revocation(log):
    """The records of one revocation and the person it is about, with their checkpoints: nine lines."""
    log.record("subject", {"subject": "s-01", "commit": commit(ALICE), "id": "rec-1", "at": log.time()})
    log.record("revocation_triggered", {**TERMS, "revocation": "rev_1", "subject": "s-01"})
    log.record("validation_completed", {"id": "rec-3", "revocation": "rev_1", "accounts": [{"oid": "16384"}]})
    log.checkpoint()
    log.record("observation", {"id": "rec-4", "revocation": "rev_1", "text": "a \"b\" \\ / ü € 😀 \u0001\t\u007f", "n": -7})
    log.record("heartbeat", {})
    log.checkpoint()
    log.record("access_revoked", {"id": "rec-5", "revocation": "rev_1", "limit": 9007199254740991})
    return log.checkpoint()


def one(**kind):
    log = Log(**kind).checkpoint()
    log.record("start", {"boot_id": "6f1d", "monotonic_us": "1000000", "config_sha256": "ab" * 32, "heartbeat_us": 60000000})
    revocation(log)
    log.record("moon_phase", {"id": "rec-6", "phase": "waxing", "deep": [[[{"x": None, "y": True, "z": False}]]]})
    log.record("stop", {})
    return log.checkpoint()


def three():
    log = revocation(Log().checkpoint()).segment()
    log.record("heartbeat", {}).checkpoint().record("heartbeat", {}).checkpoint().segment()
    return log.checkpoint().record("heartbeat", {}).record("stop", {}).checkpoint()


def rotated(**kind):
    log = revocation(Log(**kind).checkpoint()).change()
    return log.record("heartbeat", {}).checkpoint().record("stop", {}).checkpoint()


def both():
    """Three files; the key changes within the second, and again right at its end."""
    log = Log(keys=(TEST1, TEST2, TEST3, TESTSHA)).checkpoint()
    log.record("heartbeat", {}).checkpoint().segment().record("heartbeat", {}).checkpoint()
    log.change().record("heartbeat", {}).checkpoint().change("compromised").segment()
    return revocation(log)


WITNESS = Key("witness.example/one", TEST1024, 4)
OTHER_WITNESS = Key("witness.example/two", TEST3, 4)
NAMESAKE = Key("witness.example/one", TESTSHA, 4)


def agent():
    """What an agent writes about itself, and people whose disclosures are kept, lost and erased."""
    before = Log("example/vectors/0000000000000000", keys=(TEST3, TEST1)).checkpoint()
    log = Log(genesis={"continues": before.note()})
    log.record("loss", {"cause": "log_replaced", "unrecorded": None}).checkpoint()
    log.record("start", {"boot_id": "6f1d", "monotonic_us": "5", "config_sha256": "ab" * 32, "heartbeat_us": 60000000})
    log.record("subject", {"subject": "s-01", "commit": commit(ALICE), "id": "rec-1", "at": log.time()})
    log.record("subject", {"subject": "s-02", "commit": commit(BORIS), "id": "rec-2", "at": log.time()}).checkpoint()
    given, at = log.note(), log.posix()
    signed = WITNESS.cosign(log.body(), at).strip()
    log.record("anchor", {"kind": "witness", "name": "one", "size": len(log.lines), "note_sha256": sha(given.encode()).hex(), "receipt": signed})
    log.record("anchor", {"kind": "git", "name": "mirror", "size": len(log.lines) - 1, "note_sha256": sha(given.encode()).hex(), "receipt": "0f3a"})
    log.record("recovery", {"cause": "unsealed", "file": "revlog-000000000000.jsonl", "offset": 9, "bytes": 3, "sha256": "cd" * 32, "complete_lines": 0})
    log.record("erasure", {"subject": "s-02", "basis": "request", "id": "rec-3", "at": log.time()}).checkpoint()
    old = log.time()
    log.now -= datetime.timedelta(minutes=5)
    log.record("clock", {"old": old, "new": log.time(), "monotonic_us": "20000000"})
    return log.record("heartbeat", {}).record("loss", {"cause": "disk_full", "unrecorded": 3}).checkpoint()


def set_clock(log, seconds, monotonic="20000000"):
    """The agent's clock is set, and the log says so."""
    old = log.now - datetime.timedelta(seconds=20)
    log.now += datetime.timedelta(seconds=seconds)
    what = {"old": old.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "new": log.time(), "monotonic_us": monotonic}
    return log.record("clock", what).record("heartbeat", {}).checkpoint()


def receipt(log, time):
    """The log says what a witness signed at `time`."""
    given, signed = log.note(), WITNESS.cosign(log.body(), time).strip()
    what = {"kind": "witness", "name": "one", "size": len(log.lines), "note_sha256": sha(given.encode()).hex(), "receipt": signed}
    return log.record("anchor", what).checkpoint()


def cosigned(log, size, time, *witnesses, bad=False):
    body = log.body(size)
    lines = "".join(w.cosign(body, time) for w in witnesses)
    if bad:
        lines = "".join(w.cosign(body + "x", time) for w in witnesses)
    return log.note(size) + lines


# ---------------------------------------------------------------------------------------------- cases

CASES, FILES = [], {}
KEY1 = Log().key.vkey()
ORIGIN = Log().origin
WORDS = {0: "verified", 1: "error", 3: "incomplete", 4: "tampered", 5: "history_differs", 6: "not_proved"}


def store(name, content):
    content = content.encode() if isinstance(content, str) else content
    assert FILES.setdefault(name, content) == content, name
    return name


def case(name, what, files, exit, fault=None, key=KEY1, warnings=None, grade=None, **options):
    """`files`: a log, its bytes, a list of names or parts. `fault`: (kind, line) or (kind, line, which file).
    `warnings`, their number, and `grade` are left out where a case is not about them."""
    assert all(old["name"] != name for old in CASES), name
    if isinstance(files, Log):
        files = [store(f"{name}/revlog-{files.cuts[n]:012}.jsonl", text) for n, text in enumerate(files.files())]
    elif isinstance(files, bytes):
        files = [store(f"{name}.jsonl", files)]
    entry = {"name": name, "what": what, "files": files, "key": key, "options": options}
    entry |= {"outcome": WORDS[exit], "exit": exit, "fault": None}
    if warnings is not None:
        entry["warnings"] = warnings
    if grade:
        entry["grade"] = grade
    if fault:
        files = files or [options["proof"]]
        named = fault[2] if len(fault) > 2 else files[-1]
        named = named if isinstance(named, str) else named["name"]
        entry["fault"] = {"kind": fault[0], "file": named, "line": fault[1]}
    CASES.append(entry)


def golden():
    log = one()
    case("one", "One file, with a type that nobody knows.", log, 0, grade="self_attested")
    case("one-all", "The same, every signature checked.", ["one/revlog-000000000000.jsonl"], 0, all_signatures=True)
    case("three", "Three files.", three(), 0)
    case("three-joined", "The three files as one: that there are several changes nothing.", three().text(), 0)
    case("rotated", "A change of key as scheduled; the first key is pinned.", rotated(), 0)
    files = ["rotated/revlog-000000000000.jsonl"]
    case("rotated-second", "The same; the second key is pinned.", files, 0, key=rotated().key.vkey())
    case("rotated-all", "The same, every signature checked.", files, 0, all_signatures=True)
    case("both", "Three files and two changes of key, one right before a file ends.", both(), 0)
    names = CASES[-1]["files"]
    log = both()
    for n, seed in enumerate((TEST2, TEST3), 2):
        case(f"both-key-{n}", f"The same; key {n} is pinned.", names, 0, key=Key(log.origin, seed).vkey())
    case("both-all", "The same, every signature checked.", names, 0, all_signatures=True)
    case("agent", "Clock set back and said so, recovery, loss, anchors, erasure; begun after a damaged log.", agent(), 0)
    case("genesis-and-checkpoint", "The smallest log.", Log().checkpoint(), 0)


def spoilt():
    """Files that somebody without the key has changed."""
    lines = one().lines

    def text(new):
        return b"".join(line + b"\n" for line in new)

    def edit(n, old, new):
        assert lines[n].count(old) == 1, (n, old)
        return lines[:n] + [lines[n].replace(old, new)] + lines[n + 1 :]

    case("edited", "A word of a record was changed.", text(edit(4, b"terminated", b"terminatex")), 4, ("chain", 6))
    case("deleted", "A record is gone.", text(lines[:4] + lines[5:]), 4, ("chain", 5))
    case("checkpoint-deleted", "A checkpoint is gone.", text(lines[:6] + lines[7:]), 4, ("chain", 7))
    case("head-cut", "The first line is gone.", text(lines[1:]), 4, ("chain", 1))
    case("swapped", "Two records are swapped.", text(lines[:4] + [lines[5], lines[4]] + lines[6:]), 4, ("chain", 5))
    case("doubled", "A record is there twice.", text(lines[:5] + lines[4:]), 4, ("chain", 6))
    log = one()
    del log.lines[5:]
    log.record("heartbeat", {})
    case("inserted", "A record is put in, with the right link.", text(log.lines + lines[5:]), 4, ("chain", 7))
    log = one()
    log.lines[4] = log.lines[4].replace(b"terminated", b"terminatex")
    case("edited-and-linked", "A record was changed, and every link after it.", log.relink(5), 4, ("root", 7))
    case("replayed", "An old checkpoint once more at the end.", text(lines + [lines[6]]), 4, ("chain", 16))
    case("cut-at-checkpoint", "Cut off after an older checkpoint: a good log, as far as it goes.", text(lines[:10]), 0)
    case("last-checkpoint-cut", "The last checkpoint is gone.", text(lines[:-1]), 3)
    case("torn-record", "Half a line at the end.", text(lines) + lines[4][:100], 3)
    case("torn-checkpoint", "The last line lacks its last 40 bytes.", text(lines)[:-40], 3)
    case("no-last-feed", "The last line lacks its line feed.", text(lines)[:-1], 3)
    case("torn-then-zeros", "Half a line and zero bytes.", text(lines) + lines[4][:100] + bytes(50), 3)
    golden_file = {"file": "one/revlog-000000000000.jsonl"}
    zeros = {"name": "zeros.jsonl", "parts": [golden_file, {"text": "\0", "times": 512}]}
    case("zero-tail", "Zero bytes after the last line.", [zeros], 3)
    zeros = {"name": "zeros.jsonl", "parts": [golden_file, {"text": "\0", "times": 3000000}]}
    case("long-zero-tail", "More zero bytes than a line may have.", [zeros], 3)
    zeros = {"name": "zeros.jsonl", "parts": [golden_file, {"text": "\0", "times": 512}, {"text": "\n", "times": 1}]}
    case("zero-line", "Zero bytes and a line feed: a whole line, and a wrong one.", [zeros], 4, ("form", 16))
    whole = text(lines)
    case("zero-page", "Zero bytes in the middle.", whole[:1500] + bytes(200) + whole[1700:], 4, ("form", 5))
    forged = one().record("access_revoked", {"id": "rec-9", "revocation": "rev_2"})
    case("forged-tail", "A line with the right link that nobody signed.", forged, 3)
    forged = one().record("genesis", {})
    case("genesis-in-the-tail", "A second genesis, which nobody signed: wrong all the same.", forged, 4, ("genesis", 16))
    case("crlf", "Lines end as on Windows.", whole.replace(b"\n", b"\r\n"), 4, ("form", 1))
    case("trailing-space", "A space at the end of a line.", text(lines[:3] + [lines[3] + b" "] + lines[4:]), 4, ("form", 4))
    case("leading-space", "A space at the beginning of a line.", text(lines[:3] + [b" " + lines[3]] + lines[4:]), 4, ("form", 4))
    case("blank-line", "An empty line.", text(lines[:3] + [b""] + lines[3:]), 4, ("form", 4))
    case("bom", "A byte order mark.", b"\xef\xbb\xbf" + whole, 4, ("form", 1))
    case("empty", "No byte at all.", b"", 3)
    case("line-feed-only", "One line feed.", b"\n", 4, ("form", 1))
    case("genesis-only", "A log without a checkpoint.", Log(), 3)
    case("genesis-torn", "Half of the first line.", lines[0][:77], 3)
    log = Log("example/vectors/1111111111111111")
    case("two-logs", "Another log after the first.", whole + log.checkpoint().text(), 4, ("chain", 16))
    case("not-a-log", "A text of another kind.", b"Dear auditor,\nall is well.\n", 4, ("form", 1))

    files = three().files()
    names = ["three/revlog-000000000000.jsonl", "three/revlog-000000000011.jsonl", "three/revlog-000000000016.jsonl"]
    assert [f in FILES for f in names] == [True] * 3, sorted(FILES)
    case("segment-missing", "The second of three files is not there.", [names[0], names[2]], 4, ("chain", 1))
    case("segments-swapped", "Two files in the wrong order.", [names[0], names[2], names[1]], 4, ("chain", 1, names[2]))
    case("last-segment-missing", "The last of three files is not there: a good log, as far as it goes.", names[:2], 0)
    case("first-segment-missing", "The first of three files is not there, and nothing vouches for it.", names[1:], 4, ("chain", 1, names[1]))
    torn = store("segment-torn/revlog-000000000000.jsonl", files[0][:-1])
    case("segment-torn", "The first of three files lacks its last line feed.", [torn, *names[1:]], 4, ("form", 11, torn))
    empty = store("segment-empty/revlog-000000000021.jsonl", b"")
    case("segment-empty", "A file that was made and holds nothing yet.", [*names, empty], 0)
    case("segment-again", "One of the files is given twice.", [names[0], names[1], names[1], names[2]], 4, ("chain", 1, names[1]))


def signed(name, what, spoil, kind, key=KEY1, exit=4, line=5, **kind_of_log):
    """A log whose line 5 was spoilt before it was signed: hash and signature are good."""
    log = Log(**kind_of_log).checkpoint().record("start", {"boot_id": "6f1d"}).checkpoint()
    spoil(log)
    log.checkpoint().record("heartbeat", {}).checkpoint()
    case(name, what, log, exit, (kind, line) if kind else None, key=key)


def forms():
    def what(raw, **rest):
        def spoil(log):
            head = f'{{"prev":"{log.prev()}","seq":{rest.get("seq", len(log.lines))}'.encode()
            time = b',"time":"' + rest.get("time", log.time()).encode() + b'"'
            log.raw(head + time + b',"type":"' + rest.get("type", "x").encode() + b'","what":' + raw + rest.get("tail", b"}"))

        return spoil

    signed("form-good", "The frame of the next ones, with nothing wrong.", what(b'{"a":1}'), None, exit=0)
    bad = {
        "duplicate-key": (b'{"a":1,"a":2}', "A key twice in an object."),
        "unsorted-keys": (b'{"b":1,"a":2}', "Keys not in ascending order."),
        "upper-case-key": (b'{"A":1}', "A key with a capital letter."),
        "empty-key": (b'{"":1}', "A key without a letter."),
        "escaped-key": (b'{"\\u0061":1}', "An escape in a key."),
        "float": (b'{"a":1.5}', "A fraction."),
        "whole-float": (b'{"a":1.0}', "A fraction of zero."),
        "exponent": (b'{"a":1e3}', "An exponent."),
        "minus-zero": (b'{"a":-0}', "Zero with a sign."),
        "leading-zero": (b'{"a":01}', "A leading zero."),
        "plus": (b'{"a":+1}', "A plus sign."),
        "bare-minus": (b'{"a":-}', "A sign without a number."),
        "too-large": (b'{"a":9007199254740992}', "A number of 2^53."),
        "too-small": (b'{"a":-9007199254740992}', "A number of -2^53."),
        "huge-number": (b'{"a":' + b"9" * 400 + b"}", "A number of 400 digits."),
        "needless-escape": (b'{"a":"\\u0062"}', "An escape of a letter."),
        "slash-escape": (b'{"a":"\\/"}', "An escape of a slash."),
        "upper-case-escape": (b'{"a":"\\u001F"}', "An escape in capital letters."),
        "long-escape": (b'{"a":"\\u000a"}', "The long escape of a line feed."),
        "raw-control": (b'{"a":"\x01"}', "A control character without an escape."),
        "raw-tab": (b'{"a":"\t"}', "A tab without an escape."),
        "lone-surrogate": (b'{"a":"\\ud800"}', "Half a surrogate pair, as an escape."),
        "surrogate-pair": (b'{"a":"\\ud83d\\ude00"}', "A surrogate pair in place of the character."),
        "surrogate-bytes": (b'{"a":"\xed\xa0\x80"}', "Half a surrogate pair, as bytes."),
        "bad-utf-8": (b'{"a":"\xff"}', "A byte that is no UTF-8."),
        "overlong-utf-8": (b'{"a":"\xc0\xaf"}', "A character in more bytes than it needs."),
        "cut-utf-8": (b'{"a":"\xe2\x82"}', "A character without its last byte."),
        "beyond-unicode": (b'{"a":"\xf4\x90\x80\x80"}', "A character beyond U+10FFFF."),
        "nan": (b'{"a":NaN}', "A number that is none."),
        "capital-true": (b'{"a":True}', "A word that is not of JSON."),
        "space-after-colon": (b'{"a": 1}', "A space within a line."),
        "trailing-comma": (b'{"a":1,}', "A comma too many."),
        "list-comma": (b'{"a":[1,]}', "A comma too many in a list."),
        "unclosed": (b'{"a":[1}', "A list that does not end."),
        "single-quotes": (b"{'a':1}", "Other quotation marks."),
    }
    for name, (raw, sentence) in bad.items():
        signed(f"form-{name}", sentence + " Signed all the same.", what(raw), "form")
    good = {
        "limits": (b'{"a":9007199254740991,"b":-9007199254740991,"c":0}', "The largest numbers."),
        "escapes": (b'{"a":"\\b\\t\\n\\f\\r\\u0000\\u001f\\"\\\\/"}', "Every escape there is."),
        "utf-8": ('{"a":"\x7f\x80ü€😀\u2028\ufeff\uffff\U0010ffff"}'.encode(), "Characters of one to four bytes."),
        "empty-values": (b'{"_":"","a":{},"b":[],"c":[null,true,false]}', "Empty values."),
    }
    for name, (raw, sentence) in good.items():
        signed(f"form-{name}", sentence, what(raw), None, exit=0)
    nest = lambda n: b'{"a":' + b"[" * n + b"]" * n + b"}"
    signed("form-deep", "Thirty-two levels.", what(nest(30)), None, exit=0)
    signed("form-too-deep", "Thirty-three levels.", what(nest(31)), "form")
    signed("form-what-list", "`what` is a list.", what(b"[]"), "members")
    signed("form-what-text", "`what` is a text.", what(b'"x"'), "members")
    signed("form-second-object", "Two objects in one line.", what(b"{}", tail=b"}{}"), "form")
    signed("form-member-more", "A member more at the top.", what(b"{}", tail=b',"z":1}'), "members")
    signed("form-type-capital", "A type in capital letters.", what(b"{}", type="X"), "members")
    signed("form-type-empty", "A type without a letter.", what(b"{}", type=""), "members")
    signed("form-type-64", "A type of 64 characters.", what(b"{}", type="x" * 64), None, exit=0)
    signed("form-type-65", "A type of 65 characters.", what(b"{}", type="x" * 65), "members")
    signed("form-time-zone", "A time of another zone.", what(b"{}", time="2026-11-21T21:00:40+01:0000"), "members")
    signed("form-time-short", "A time in milliseconds.", what(b"{}", time="2026-11-21T21:00:40.000Z"), "members")
    signed("form-time-month", "A time in a month that is none.", what(b"{}", time="2026-13-21T21:00:40.000000Z"), "members")
    signed("form-seq-text", "`seq` is a text.", what(b"{}", seq='"4"'), "members")
    signed("form-seq-negative", "`seq` is below zero.", what(b"{}", seq="-4"), "members")
    signed("form-seq-wrong", "`seq` is not the place.", what(b"{}", seq="5"), "sequence")

    def reordered(log):
        text = f'{{"seq":{len(log.lines)},"prev":"{log.prev()}","time":"{log.time()}","type":"x","what":{{}}}}'
        log.raw(text.encode())

    signed("form-members-reordered", "`seq` before `prev`.", reordered, "form")

    def without(member):
        def spoil(log):
            record = {"prev": log.prev(), "seq": 4, "time": log.time(), "type": "x", "what": {}}
            log.raw(canonical({k: v for k, v in record.items() if k != member}))

        return spoil

    for member in ("prev", "seq", "time", "type", "what"):
        signed(f"form-no-{member}", f"A record without `{member}`.", without(member), "members")
    signed("form-prev-capitals", "`prev` in capital letters.", lambda log: log.record("x", {}, prev=log.prev().upper()), "members")
    signed("form-prev-other", "`prev` is another hash.", lambda log: log.record("x", {}, prev="ab" * 32), "chain")
    signed("checkpoint-time", "A checkpoint with a time.", lambda log: log.checkpoint(time=log.time()), "members")
    more = lambda log: log.checkpoint(what={"note": log.note(), "more": 1})
    signed("checkpoint-member-more", "A member more in a checkpoint, under a later root.", more, "members")
    signed("checkpoint-note-number", "A note that is no text.", lambda log: log.checkpoint(what={"note": 1}), "members")
    log = one()
    last = json.loads(log.lines.pop())
    log.checkpoint(what={**last["what"], "more": 1})
    case("checkpoint-smuggled", "A member more in the last checkpoint.", log, 4, ("members", 15))

    golden_file = {"file": "one/revlog-000000000000.jsonl"}
    log = one()
    head = f'{{"prev":"{log.prev()}","seq":15,"time":"{log.time()}","type":"x","what":{{"a":"'

    def parts(*tail):
        return [{"name": "long.jsonl", "parts": [golden_file, {"text": head, "times": 1}, *tail]}]

    fill = 1048576 - len(head) - len('"}}')
    end = {"text": '"}}\n', "times": 1}
    case("longest-line", "A line of the greatest length; unsealed.", parts({"text": "x", "times": fill}, end), 3)
    case("line-too-long", "A line of a byte more.", parts({"text": "x", "times": fill + 1}, end), 4, ("length", 16))
    case("endless-line", "Twenty million bytes without a line feed.", parts({"text": "x", "times": 20000000}), 4, ("length", 16))
    brackets = [{"name": "deep.jsonl", "parts": [golden_file, {"text": "[", "times": 1000000}, {"text": "\n", "times": 1}]}]
    case("million-brackets", "A million opening brackets.", brackets, 4, ("form", 16))
    digits = [{"name": "digits.jsonl", "parts": [golden_file, {"text": "9", "times": 1000000}, {"text": "\n", "times": 1}]}]
    case("million-digits", "A million digits.", digits, 4, ("form", 16))


def spoil_line(note, change):
    """A note whose last signature line holds other bytes."""
    head, _, coded = note.rpartition(" ")
    return f"{head} {b64(change(base64.b64decode(coded)))}\n"


# The eight points of small order, as they are spelt: of order 1, 2, 4, 4 and four times 8.
SMALL_ORDER = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
)
SMALL = "0100000000000000000000000000000000000000000000000000000000000000"  # the neutral element, order 1


def notes():
    def last(name, what, kind, spoil):
        log = one()
        log.lines.pop()
        log.checkpoint(spoil(log))
        case(name, what, log, 4, (kind, 15))

    def malleated(data):
        return data[:36] + (number(data[36:]) + L).to_bytes(32, "little")

    last("signature-malleated", "S plus the order of the group.", "signature", lambda log: spoil_line(log.note(), malleated))
    last("signature-zero", "A signature of zeros.", "signature", lambda log: spoil_line(log.note(), lambda d: d[:4] + bytes(64)))
    small = lambda d: d[:4] + bytes.fromhex(SMALL) + bytes(32)
    last("signature-small-r", "R of small order.", "signature", lambda log: spoil_line(log.note(), small))
    last("key-id-altered", "Another key id before the signature.", "signature", lambda log: spoil_line(log.note(), lambda d: b"\0" * 4 + d[4:]))
    last("signature-short", "A signature of 63 bytes.", "note", lambda log: spoil_line(log.note(), lambda d: d[:-1]))
    last("signature-long", "A signature of 65 bytes.", "note", lambda log: spoil_line(log.note(), lambda d: d + b"\0"))
    last("signature-twice", "The signature line is there twice.", "note", lambda log: log.note() + log.key.line(log.body()))
    last("signature-extra", "A signature line of somebody else.", "note", lambda log: log.note() + WITNESS.cosign(log.body(), log.posix()))
    last("signature-none", "No signature line.", "note", lambda log: log.body() + "\n")
    last("signature-other-name", "The signature line has another name.", "note", lambda log: log.note().replace("— example", "— axample"))
    last("signature-by-other", "Signed by another key of the same origin.", "signature", lambda log: log.note(None, Key(log.origin, TEST3)))
    last("hyphen", "A hyphen in place of the dash.", "note", lambda log: log.note().replace("—", "-"))
    last("note-crlf", "A note whose lines end as on Windows.", "note", lambda log: log.note().replace("\n", "\r\n"))
    last("note-no-last-feed", "A note without its last line feed.", "note", lambda log: log.note()[:-1])
    last("note-text-after", "A text after the note.", "note", lambda log: log.note() + "\n")

    def spare(note):
        # The last sign before "==" of 68 bytes has four spare bits: all zero, as an encoder spells it.
        assert note.endswith("=\n")
        at = note.rindex("=") - 1
        at -= note[at] == "="
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        return note[:at] + alphabet[alphabet.index(note[at]) + 1] + note[at + 1 :]

    last("signature-spare-bits", "Base64 with spare bits, in the signature.", "note", lambda log: spare(log.note()))
    last("signature-unpadded", "Base64 without padding, in the signature.", "note", lambda log: log.note().replace("=\n", "\n").replace("=\n", "\n", 1))

    def own(log, body):
        return body + "\n" + log.key.line(body)

    last("root-spare-bits", "Base64 with spare bits, in the root; signed.", "note", lambda log: own(log, spare(log.body())))
    last("root-short", "A root of 31 bytes; signed.", "note", lambda log: own(log, f"{log.origin}\n{len(log.lines)}\n{b64(bytes(31))}\n"))
    last("root-wrong", "A root of other lines; signed.", "root", lambda log: own(log, f"{log.origin}\n{len(log.lines)}\n{b64(bytes(32))}\n"))
    last("size-wrong", "A size that is not the place; signed.", "note", lambda log: log.note(len(log.lines) - 1))
    last("size-zeros", "A size with a leading zero; signed.", "note", lambda log: own(log, log.body().replace("\n14\n", "\n014\n")))
    last("origin-other", "A checkpoint of another log; signed.", "note", lambda log: own(log, "x" + log.body()))
    last("note-extension", "A fourth line of text; signed.", "note", lambda log: own(log, log.body() + "more\n"))

    def middle(spoil):
        log = Log().checkpoint().record("heartbeat", {}).checkpoint().record("heartbeat", {})
        log.checkpoint(spoil(log))
        return log.record("heartbeat", {}).checkpoint()

    log = middle(lambda log: own(log, f"{log.origin}\n{len(log.lines)}\n{b64(bytes(32))}\n"))
    case("middle-root-wrong", "A root of other lines in the middle, under a good one: not looked at.", log, 0)
    names = CASES[-1]["files"]
    case("middle-root-wrong-all", "The same, everything checked.", names, 4, ("root", 6), all_signatures=True)
    log = middle(lambda log: spoil_line(log.note(), malleated))
    case("middle-signature-wrong", "A bad signature in the middle, under a good one: not looked at.", log, 0)
    names = CASES[-1]["files"]
    case("middle-signature-wrong-all", "The same, everything checked.", names, 4, ("signature", 6), all_signatures=True)
    log = middle(lambda log: spoil_line(log.note(), malleated))
    log.checkpoint(own(log, f"{log.origin}\n{len(log.lines)}\n{b64(bytes(32))}\n"))
    case("first-of-two-named", "A bad root at the end brings to light the bad signature before it.", log, 4, ("signature", 6))
    log = middle(lambda log: log.note(None, Key(ORIGIN, TESTSHA)))
    case("middle-key-id", "A checkpoint in the middle that names another key: looked at always.", log, 4, ("signature", 6))
    log = middle(lambda log: log.note() + "\n")
    case("middle-note-form", "A note in the middle that is not in form: looked at always.", log, 4, ("note", 6))


def keys():
    log = Log(keys=(TEST3, TEST2, TEST1)).checkpoint()
    case("other-key", "Another log of the same name, by another key.", log, 4, ("key", 1))
    names = CASES[-1]["files"]
    case("other-key-none", "The same, no key given.", names, 6, key=None)
    case("no-key", "No key given.", ["one/revlog-000000000000.jsonl"], 6, key=None)
    case("no-key-tampered", "No key given, and a record changed.", ["edited.jsonl"], 4, ("chain", 6), key=None)
    case("no-key-cut", "No key given, and no end.", ["last-checkpoint-cut.jsonl"], 3, key=None)
    case("key-of-other-log", "A key of another log.", ["one/revlog-000000000000.jsonl"], 4, ("key", 1), key=Key("example/other", TEST1).vkey())
    good = ["one/revlog-000000000000.jsonl"]
    for name, what, vkey in (
        ("garbage", "A key that is no key.", "hello"),
        ("id", "A key whose id is not its hash.", KEY1.replace(KEY1.split("+")[1], "00000000")),
        ("weak", "A key of small order.", weak_vkey(ORIGIN)),
        ("witness", "The key of a witness, where that of the log belongs.", WITNESS.vkey()),
        ("short", "A key of 31 bytes.", "+".join(KEY1.split("+")[:2] + [b64(b"\1" + bytes(31))])),
    ):
        case(f"argument-key-{name}", what, good, 1, key=vkey)
    for n, point in enumerate(SMALL_ORDER):
        assert encode(times(8, decode(bytes.fromhex(point)))) == encode((0, 1, 1, 0)), "of small order"
        case(f"argument-key-small-{n}", f"A key of small order, {point[:8]}…", good, 1, key=weak_vkey(ORIGIN, point))
        witness = weak_vkey(WITNESS.origin, point, 4)
        case(f"argument-witness-small-{n}", f"The key of a witness, of small order, {point[:8]}…", good, 1, witnesses=[witness])

    def genesis(name, what, kind, exit=4, **over):
        log = Log(genesis={k: v for k, v in over.items()})
        if None in over.values():
            members = json.loads(log.lines[0])
            members["what"] = {k: v for k, v in members["what"].items() if v is not None}
            log.lines[0] = canonical(members)
        case(f"genesis-{name}", what, log.checkpoint(), exit, (kind, 1), key=None)

    genesis("format-later", "A format that this version does not know.", "format", 1, format="revlog/2")
    genesis("format-much-later", "A format of two digits.", "format", 1, format="revlog/10")
    genesis("format-other", "A format that is none.", "genesis", format="revlog/0")
    genesis("format-text", "A format of another kind.", "genesis", format="journal/1")
    genesis("format-missing", "No format.", "genesis", format=None)
    genesis("origin-missing", "No origin.", "genesis", origin=None)
    genesis("origin-number", "An origin that is no text.", "genesis", origin=1)
    genesis("origin-space", "An origin with a space.", "genesis", origin="example docs")
    genesis("continues", "What it continues is no note.", "genesis", continues="whatever")
    genesis("continues-number", "What it continues is no text.", "genesis", continues=1)
    marked = Log("example/\ufeffvectors").checkpoint()
    case("genesis-origin-mark", "A byte order mark in the origin is no white space.", marked, 0, key=marked.key.vkey())
    genesis("origin-other", "Another origin than that of the key.", "genesis", origin="example/other")
    genesis("next-missing", "No next key.", "genesis", next=None)
    genesis("next-short", "A hash of the next key with a digit too few.", "genesis", next="a" * 63)
    genesis("next-capitals", "A hash of the next key in capital letters.", "genesis", next="A" * 64)
    genesis("key-missing", "No key.", "genesis", key=None)
    genesis("key-garbage", "A key that is no key.", "key", key="hello")
    genesis("key-weak", "A key of small order, under which anything is signed.", "key", key=weak_vkey(ORIGIN))
    genesis("key-id", "A key whose id is not its hash.", "key", key=KEY1.replace(KEY1.split("+")[1], "00000000"))
    log = Log()
    log.lines[0] = log.lines[0].replace(b'"genesis"', b'"start"')
    case("genesis-other-type", "A first line of another type.", log.checkpoint(), 4, ("genesis", 1))
    log = Log(genesis={"more": {"a": [1]}})
    case("genesis-more-members", "A genesis that says more.", log.checkpoint(), 0)
    log = Log().checkpoint()
    log.record("genesis", json.loads(log.lines[0])["what"])
    case("genesis-again", "A second genesis, signed.", log.checkpoint(), 4, ("genesis", 3))
    log = Log().checkpoint()
    log.lines[0] = log.lines[0].replace(b'"prev":"0', b'"prev":"1')
    case("genesis-prev", "A first line that follows another.", log.relink(1), 4, ("chain", 1))
    log = Log(genesis={"origin": "x"})
    log.lines[0] = log.lines[0].replace(b'"seq":0', b'"seq":1')
    case("genesis-seq", "A first line that counts from one.", log.checkpoint(), 4, ("sequence", 1))

    def changed(name, what, fault, note=None, exit=4, key=KEY1, then=True, **over):
        log = Log().checkpoint().record("heartbeat", {}).checkpoint().change(note=note, **over)
        if then:
            log.record("heartbeat", {}).checkpoint()
        case(f"change-{name}", what, log, exit, fault, key=key)

    thief = Key(ORIGIN, TESTSHA)
    log = Log().checkpoint().record("heartbeat", {}).checkpoint()
    log.keys.insert(1, thief)
    log.change().record("heartbeat", {}).checkpoint()
    case("change-to-thief", "To a key that was not named before.", log, 4, ("key", 5))
    old, new = Key(ORIGIN, TEST1), Key(ORIGIN, TEST2)
    changed("good", "The frame of the next ones, with nothing wrong.", None, exit=0)
    changed("at-end", "As the last thing in the log.", None, exit=0, then=False)
    changed("at-end-second", "As the last thing in the log; the new key is pinned.", None, exit=0, then=False, key=new.vkey())
    changed("one-signature-new", "Only the new key signed.", ("note", 6), lambda log: log.note(None, new))
    changed("one-signature-old", "Only the old key signed.", ("note", 6), lambda log: log.note(None, old))
    changed("signatures-swapped", "The new key signed first.", ("signature", 6), lambda log: log.note(None, new, old))
    changed("old-twice", "The old key signed twice.", ("signature", 6), lambda log: log.note(None, old, old))
    changed("old-bad", "The signature of the old key is bad.", ("signature", 6), lambda log: log.body() + "\n" + spoil_line("\n" + old.line(log.body()), lambda d: d[:-1] + bytes(1))[1:] + new.line(log.body()))
    changed("new-bad", "The signature of the new key is bad.", ("signature", 6), lambda log: spoil_line(log.note(None, old, new), lambda d: d[:-1] + bytes(1)))
    changed("three-signatures", "Three signatures.", ("note", 6), lambda log: log.note(None, old, new, thief))
    changed("reason", "For a reason that is none.", ("key", 5), reason="boredom")
    changed("next-short", "A hash of the key after that with a digit too few.", ("key", 5), next="a" * 63)
    log = Log().checkpoint().record("heartbeat", {}).checkpoint()
    log.record("key", {"key": Key("example/other", TEST2).vkey(), "next": "ab" * 32, "reason": "scheduled"})
    case("change-origin", "To a key of another origin.", log.checkpoint(), 4, ("key", 5))
    log = Log(genesis={"next": sha(weak_vkey(ORIGIN).encode()).hex()}).checkpoint()
    log.record("key", {"key": weak_vkey(ORIGIN), "next": "ab" * 32, "reason": "scheduled"})
    case("change-weak", "To a key of small order, named before.", log.checkpoint(), 4, ("key", 3))
    log = Log().checkpoint()
    log.keys.pop(0)
    log.record("key", {"key": log.key.vkey(), "next": log.next(), "reason": "scheduled"}).record("heartbeat", {})
    case("change-without-checkpoint", "Another record where the checkpoint should be.", log.checkpoint(), 4, ("key", 4))
    log = Log().checkpoint().record("key", {"key": Key(ORIGIN, TEST2).vkey(), "next": "ab" * 32, "reason": "scheduled"})
    case("change-unsealed", "The checkpoint is not there yet.", log, 3)
    case("change-unsealed-second", "The same; the new key is pinned, but it signed nothing.", CASES[-1]["files"], 4, ("key", 1), key=new.vkey())
    log = rotated()
    log.record("heartbeat", {})
    log.checkpoint(log.note(None, Key(ORIGIN, TEST1)))
    case("retired-key", "The old key signs once more.", log, 4, ("signature", len(log.lines)))
    log = rotated()
    log.record("heartbeat", {})
    log.checkpoint(log.note(None, Key(ORIGIN, TEST1), log.key))
    case("two-signatures-elsewhere", "Two signatures where no key changes.", log, 4, ("note", len(log.lines)))
    cut = rotated().lines[:11]
    case("change-cut-off", "Cut off before the change; the second key is pinned.", b"".join(l + b"\n" for l in cut), 4, ("key", 1), key=new.vkey())


def weak_vkey(origin, point=SMALL, kind=1):
    typed = bytes([kind]) + bytes.fromhex(point)
    return f"{origin}+{sha(origin.encode() + chr(10).encode() + typed)[:4].hex()}+{b64(typed)}"


def segments():
    def second(name, what, kind, before=None, exit=4, **over):
        log = revocation(Log().checkpoint())
        if before:
            before(log)
        log.segment(**over).record("heartbeat", {}).checkpoint()
        case(f"segment-{name}", what, log, exit, (kind, 1) if kind else None)

    second("good", "The frame of the next ones, with nothing wrong.", None, exit=0)
    good = revocation(Log().checkpoint())
    peaks = frontier(good.leaves(10))
    second("frontier-wrong", "A frontier that does not give the root.", "segment", frontier=[peaks[0], "ab" * 32])
    second("frontier-short", "A frontier with a subtree too few.", "segment", frontier=peaks[:1])
    second("frontier-long", "A frontier with a subtree too many.", "segment", frontier=[*peaks, "ab" * 32])
    second("frontier-root", "The root itself in place of the frontier.", "segment", frontier=[root(good.leaves(10)).hex()])
    second("frontier-capitals", "A frontier in capital letters.", "segment", frontier=[p.upper() for p in peaks])
    second("frontier-text", "A frontier that is no list.", "segment", frontier="".join(peaks))
    second("first-seq", "Another place than it has.", "segment", first_seq=12)
    second("first-seq-text", "A place as a text.", "segment", first_seq="11")
    second("origin", "Another origin.", "segment", origin="example/other")
    second("format", "A format that is none.", "segment", format="x")
    second("format-later", "A format that this version does not know.", "format", exit=1, format="revlog/2")
    second("key", "Another key than that in force.", "segment", key=Key(ORIGIN, TEST3).vkey())
    second("key-garbage", "A key that is no key.", "key", key="hello")
    second("next", "Another next key.", "segment", next="ab" * 32)
    second("note", "The note of an older checkpoint.", "segment", note=good.note(5))
    second("note-resigned", "A note of the same place, signed by another key.", "segment", note=good.note(10, Key(ORIGIN, TEST2)))
    second("after-record", "It follows a record.", "segment", before=lambda log: log.record("heartbeat", {}), note=good.note(10))
    log = revocation(Log().checkpoint())
    missing = json.loads(log.segment().lines.pop())["what"]
    log.now -= datetime.timedelta(seconds=20)
    log.record("segment", {k: v for k, v in missing.items() if k != "frontier"}).checkpoint()
    case("segment-no-frontier", "No frontier.", log, 4, ("segment", 1))

    log = both()
    names = [f"both/revlog-{cut:012}.jsonl" for cut in log.cuts]
    first, second_cut = log.cuts[1], log.cuts[2]
    note1, note2 = log.note(first - 1, Key(ORIGIN, TEST1)), log.note(second_cut - 1, Key(ORIGIN, TEST3))
    third = Key(ORIGIN, TEST3).vkey()
    case("since", "The first file is archived; the note that it ended with is at hand.", names[1:], 0, since=note1)
    case("since-cp1", "The same, the note as one line.", names[1:], 0, since=cp1(note1))
    case("since-later", "The same, a later note.", names[1:], 0, since=log.note(second_cut - 3, Key(ORIGIN, TEST2)))
    case("since-third", "Two files are archived; a change of key was the last thing in them.", names[2:], 0, key=third, since=note2)
    both_signed = json.loads(log.lines[second_cut - 1])["what"]["note"]
    second = Key(ORIGIN, TEST2).vkey()
    case("since-key-before", "The same, and the key before: nobody can say that these files go on from it.", names[2:], 6, key=second, since=both_signed)
    case("since-both-signed", "The same, the note with both signatures.", names[2:], 0, key=third, since=both_signed)
    case("since-none", "The first file is archived, and no note is at hand.", names[1:], 4, ("chain", 1, names[1]))
    case("since-older", "A note older than the first file at hand: nothing to compare it with.", names[1:], 6, since=log.note(2, Key(ORIGIN, TEST1)))
    other = Log(keys=(TEST1, TEST2, TEST3)).checkpoint()
    while len(other.lines) < first - 1:
        other.record("stop", {})
    case("since-differs", "A note of another history, signed.", names[1:], 5, since=other.note(first - 1, Key(ORIGIN, TEST1)))
    case("since-unsigned", "A note that nobody signed whom the log knows.", names[1:], 6, since=log.note(first - 1, Key(ORIGIN, TESTSHA)))
    case("since-whole", "The whole log, and a note all the same.", names, 0, since=note1)
    lines = [line + b"\n" for line in log.lines]
    broken = b"".join(lines[first:second_cut]).replace(b'"heartbeat"', b'"heartbeax"', 1)
    broken = store(f"since-edited/revlog-{first:012}.jsonl", broken)
    case("since-edited", "A record after it was changed.", [broken, names[2]], 4, ("chain", 3, broken), since=note1)
    spoilt = both()
    at = spoilt.cuts[1]
    spoilt.lines[at] = spoilt.lines[at].replace(frontier(log.leaves(first - 1))[0].encode(), b"ab" * 32)
    body = store("since-frontier/revlog.jsonl", b"".join(line + b"\n" for line in spoilt.relink(at + 1).lines[at:]))
    case("since-frontier", "A frontier that does not give the root of the note.", [body], 4, ("segment", 1), since=note1)
    spoilt = both()
    own = json.loads(spoilt.lines[at])["what"]["note"]
    forged = spoil_line(own, lambda d: d[:-1] + bytes(1)).replace("\n", "\\n").encode()
    assert own.replace("\n", "\\n").encode() in spoilt.lines[at]
    spoilt.lines[at] = spoilt.lines[at].replace(own.replace("\n", "\\n").encode(), forged)
    body = store("since-note/revlog.jsonl", b"".join(line + b"\n" for line in spoilt.relink(at + 1).lines[at:]))
    case("since-note-unsigned", "The note in the first line is not signed.", [body], 4, ("segment", 1), since=note1)
    # Who has the key that was given up, and nothing else, names a next one of his own.
    turned = Log(keys=(TEST1, TEST2, TEST3)).checkpoint().change("compromised")
    both_signed = json.loads(turned.lines[-1])["what"]["note"]
    turned.keys = [Key(ORIGIN, TEST1), Key(ORIGIN, TESTSHA)]
    turned.segment().record("heartbeat", {}).checkpoint()
    body = store("since-retired-key/revlog.jsonl", turned.files()[-1])
    case("since-retired-key", "The key that a change had ended goes on from the note of that change.", [body], 4, ("segment", 1), since=both_signed)


def anchors():
    log = one()
    good = ["one/revlog-000000000000.jsonl"]
    size = len(log.lines)
    note = log.note(6)
    page = f"<html><body><h1>Log</h1><pre>{note.replace('—', '&mdash;').replace('+', '&#43;').replace('=', '&#61;')}</pre></body></html>"
    boxed = "<div>" + "".join(f"<p>{line}</p>" for line in note.replace("—", "&#x2014;").split("\n")) + "</div>"
    slack = json.dumps({"messages": [{"text": "The log stands at:\n```\n" + note + "```", "ts": "1.0"}]}).replace("/", "\\/")
    mail = f"Subject: our log\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nDear auditor, see below.\r\n\r\n{note}\r\n".replace("\n", "\r\n").replace("\r\r", "\r")
    texts = {
        "raw": ("The note as it is.", note),
        "cp1": ("The note as one line.", cp1(note)),
        "cp1-in-text": ("The one line within a sentence.", f"The log (see {cp1(note)}) is ours."),
        "html": ("A page of the web.", page),
        "html-paragraphs": ("A page with each line as a paragraph.", boxed),
        "slack": ("An export of a chat, as JSON.", slack),
        "mail": ("A mail.", mail),
        "prose-after": ("A dash and words follow the note.", note + "— yours sincerely, A. Author\n"),
        "twice": ("The note twice in one text.", note + "\nand\n" + cp1(note)),
        "two": ("Two notes in one text.", log.note(2) + "\n" + note),
        "unknown-lines": ("Signature lines of others beside that of the log.", cosigned(log, 6, START_POSIX + 100, WITNESS, OTHER_WITNESS)),
        "between": ("Of a size between two checkpoints.", log.note(4)),
        "one-line": ("Of the first line alone.", log.note(1)),
        "newest": ("Of all lines but the last checkpoint.", log.note(size - 1)),
        "whole": ("Of the whole file.", log.note(size)),
    }
    for name, (what, text) in texts.items():
        file = store(f"anchor-{name}.txt", text)
        case(f"anchor-{name}", what, good, 0, grade="anchored", anchors=[file], require_anchor=True)
    # One that fits, and one of another history that is easily passed over.
    other = Log().checkpoint().record("heartbeat", {"n": 9}).record("heartbeat", {})
    body = other.body(3)
    forked = body + "\n" + other.key.line(body)
    behind = body + "\n— other AAA=\n" + other.key.line(body)
    close = forked.rstrip("\n") + "Reply\n"
    boxed = "<pre>" + json.dumps({"text": forked}, ensure_ascii=False).replace("\\", "&#92;").replace("—", "&#X2014;") + "</pre>"
    for name, what, text in [
        ("text-close", "Text stands close to it.", close),
        ("short-line", "A line with a short signature stands before that of the log.", behind),
        ("json-in-page", "JSON in a page, with entities.", boxed),
    ]:
        file = store(f"anchor-forked-{name}.txt", note + "\n" + text)
        case(f"anchor-forked-{name}", f"A note that fits, and one of another history. {what}", good, 5, anchors=[file], require_anchor=True)
    case("anchor-as-text", "The one line given in place of a file.", good, 0, grade="anchored", anchors=[cp1(note)])
    case("anchors-several", "Several texts.", good, 0, grade="anchored", anchors=["anchor-raw.txt", "anchor-slack.txt", "anchor-whole.txt"])

    other = Log().checkpoint().record("start", {"boot_id": "other"})
    for _ in range(3):
        other.record("heartbeat", {}).checkpoint()
    other.record("heartbeat", {})
    fork = store("anchor-fork.txt", other.note(6))
    larger = Log().checkpoint()
    while len(larger.lines) < size + 5:
        larger.record("heartbeat", {})
    ahead = store("anchor-ahead.txt", larger.note())
    case("anchor-fork", "Another root of the same size, signed by the log.", good, 5, anchors=[fork])
    case("fork-anchor-back", "The other history against a note of the first.", other.checkpoint(), 5, anchors=["anchor-raw.txt"])
    case("anchor-ahead", "A note larger than the log.", good, 5, anchors=[ahead])
    case("anchor-fork-and-good", "One that fits, and one that differs.", good, 5, anchors=["anchor-raw.txt", fork])
    case("anchor-cut", "The log was cut at a checkpoint, and a later note is at hand.", ["cut-at-checkpoint.jsonl"], 5, anchors=["anchor-newest.txt"])
    case("anchor-cut-incomplete", "Cut within a commit, and a later note is at hand.", ["last-checkpoint-cut.jsonl"], 5, anchors=["anchor-whole.txt"])
    case("anchor-empty-log", "The whole log is gone, and a note of it is at hand.", ["empty.jsonl"], 5, anchors=["anchor-raw.txt"])
    case("anchor-no-key", "A note that differs convicts also where no key was given.", good, 5, key=None, anchors=[fork])
    case("anchor-no-key-good", "A note that fits does not make up for the key.", good, 6, key=None, anchors=["anchor-raw.txt"])
    case("anchor-tampered", "A changed record is worse than a note that differs.", ["edited.jsonl"], 4, ("chain", 6), anchors=[fork])
    rewritten = one()
    rewritten.lines[4] = rewritten.lines[4].replace(b"terminated", b"terminatex")
    for n in range(5, len(rewritten.lines)):
        was = json.loads(rewritten.lines[n])
        rewritten.relink(n)
        if was["type"] == "checkpoint":
            del rewritten.lines[n:]
            rewritten.checkpoint()
            rewritten.lines += one().lines[n + 1 :]
    case("rewritten", "The holder of the key wrote it anew: good, for who has no note.", rewritten, 0, grade="self_attested")
    case("rewritten-anchor", "The same, and a note of before.", CASES[-1]["files"], 5, anchors=["anchor-raw.txt"])

    edited = store("anchor-edited.txt", note.replace(note.split("\n")[2], b64(bytes(32))))
    case("anchor-edited", "A note that somebody else has changed proves nothing.", good, 6, anchors=[edited])
    foreign = store("anchor-foreign.txt", log.note(6, Key(ORIGIN, TEST3)))
    case("anchor-foreign", "A note by another key.", good, 6, anchors=[foreign])
    elsewhere = Log("example/vectors/2222222222222222").checkpoint()
    elsewhere = store("anchor-other-log.txt", cp1(elsewhere.note()))
    case("anchor-other-log", "A note of another log.", good, 6, anchors=[elsewhere])
    nothing = store("anchor-nothing.txt", "There is no note in here. cp1. is not one, and cp1.AAAA is none either.\n")
    case("anchor-nothing", "A text without a note.", good, 6, anchors=[nothing])
    case("anchor-beside-other-log", "A text with a note of this log and one of another.", good, 0, grade="anchored", anchors=[store("anchor-mixed.txt", cp1(note) + "\n" + FILES[elsewhere].decode() + "\n")])
    case("anchor-good-and-foreign", "One that fits, and one that cannot be used.", good, 6, anchors=["anchor-raw.txt", foreign])
    case("anchor-required", "One is required, and none given.", good, 6, require_anchor=True)
    case("anchor-unusable-incomplete", "No end, and a note that cannot be used.", ["last-checkpoint-cut.jsonl"], 3, anchors=[foreign])

    turned = rotated()
    change = next(n for n, line in enumerate(turned.lines) if b'"type":"key"' in line)
    old, new = Key(ORIGIN, TEST1), Key(ORIGIN, TEST2)
    file = ["rotated/revlog-000000000000.jsonl"]
    for name, what, at, signer, exit in (
        ("old-before", "The old key, before the change.", change, old, 0),
        ("old-at", "The old key, at the change.", change + 1, old, 0),
        ("new-at", "The new key, at the change.", change + 1, new, 0),
        ("new-after", "The new key, after the change.", change + 3, new, 0),
        ("old-after", "The old key, after the change.", change + 2, old, 6),
        ("new-before", "The new key, before the change.", change, new, 6),
    ):
        text = store(f"anchor-change-{name}.txt", turned.note(at, signer))
        case(f"anchor-change-{name}", what, file, exit, anchors=[text])
    ahead = Log().checkpoint()
    ahead.keys.pop(0)
    while len(ahead.lines) < len(turned.lines) + 3:
        ahead.record("heartbeat", {})
    begun = Log().checkpoint()
    begun.record("key", {"key": new.vkey(), "next": sha(Key(ORIGIN, TEST3).vkey().encode()).hex(), "reason": "scheduled"})
    case("anchor-change-begun-new", "A note by a key whose record no checkpoint follows.", begun, 3, grade="self_attested", anchors=[cp1(begun.note(3, new))])
    names = CASES[-1]["files"]
    case("anchor-change-begun-old", "The same by the key in force.", names, 3, grade="anchored", anchors=[cp1(begun.note(3, old))])
    case("anchor-change-begun-ahead", "A larger note by that key.", names, 3, anchors=[cp1(begun.record("heartbeat", {}).note(4, new))])
    body = f"{ORIGIN}\n0\n{b64(sha(b''))}\n"
    nothing = body + "\n" + old.line(body)
    case("anchor-size-0", "A note of no line fits every log: it says nothing.", good, 6, grade="self_attested", anchors=[cp1(nothing)], require_anchor=True)
    case("anchor-size-0-empty-log", "The same, and there is no log.", ["empty.jsonl"], 3, anchors=[cp1(nothing)])
    text = store("anchor-change-ahead.txt", ahead.note())
    case("anchor-change-ahead", "Larger than the log, by the newest key.", file, 5, anchors=[text])

    then = START_POSIX + 100
    vkey = WITNESS.vkey()
    seen = store("witnessed.txt", cosigned(log, 6, then, WITNESS))
    case("witnessed", "A witness that you know signed too.", good, 0, grade="witnessed", anchors=[seen], witnesses=[vkey])
    case("witness-cp1", "The same, as one line.", good, 0, grade="witnessed", anchors=[cp1(cosigned(log, 6, then, WITNESS))], witnesses=[vkey])
    case("witness-silent", "The witness that you named did not sign.", good, 6, grade="anchored", anchors=["anchor-raw.txt"], witnesses=[vkey])
    case("witness-of-one-name", "Two witnesses have one name, and one of them signed.", good, 6, grade="witnessed", anchors=["witnessed.txt"], witnesses=[vkey, NAMESAKE.vkey()])
    case("witness-two", "Two witnesses.", good, 0, grade="witnessed", anchors=["anchor-unknown-lines.txt"], witnesses=[vkey, OTHER_WITNESS.vkey()])
    bad = store("witnessed-badly.txt", cosigned(log, 6, then, WITNESS, bad=True))
    case("witness-bad", "A witness that you know, and a bad signature.", good, 6, anchors=[bad], witnesses=[vkey])
    case("witness-bad-unknown", "The same, of a witness that you do not know.", good, 0, grade="anchored", anchors=[bad])
    late = store("witnessed-early.txt", cosigned(log, 6, START_POSIX - 3600, WITNESS))
    case("witness-early", "A line is an hour younger than the signature over it.", good, 4, ("time", 1), anchors=[late], witnesses=[vkey])
    late = store("witnessed-late.txt", cosigned(log, 6, START_POSIX + 3600, WITNESS))
    case("witness-late", "A line is an hour older than the signature that it came after.", good, 4, ("time", 8), anchors=[late], witnesses=[vkey])
    edge = store("witnessed-edge.txt", cosigned(log, 6, START_POSIX + 80 - 600, WITNESS))
    case("witness-edge", "Ten minutes apart, and not more.", good, 0, grade="witnessed", anchors=[edge], witnesses=[vkey])
    past = store("witnessed-past-edge.txt", cosigned(log, 6, START_POSIX + 80 - 601, WITNESS))
    case("witness-past-edge", "A second more.", good, 4, ("time", 6), anchors=[past], witnesses=[vkey])
    case("witness-argument", "A key of a log, where that of a witness belongs.", good, 1, witnesses=[KEY1])
    written = agent()
    names = ["agent/revlog-000000000000.jsonl"]
    case("witness-receipt", "The signature of a witness, in the log itself.", names, 0, grade="witnessed", witnesses=[vkey])
    case("witness-receipt-unknown", "The same, of another witness than the one that you named.", names, 6, grade="self_attested", witnesses=[OTHER_WITNESS.vkey()])
    assert written.lines
    case("witness-year-10000", "A witness signed in a year that no line can name.", good, 6, anchors=[cp1(cosigned(log, 6, 253402300800, WITNESS))], witnesses=[vkey])
    empty = WITNESS.cosign(body, START_POSIX).strip()
    seen = WITNESS.cosign(Log().body(), START_POSIX).strip()
    for name, what, size, text, warnings in (
        ("size-0", "A receipt of a tree without lines.", 0, empty, 0),
        ("no-size", "The same, and it does not say of how many lines.", None, empty, 0),
        ("bad", "A receipt that is no signature of the witness over these lines.", 2, seen, 1),
        ("two-lines", "A receipt of two lines.", 1, f"{seen}\n{seen}", 0),
        ("space", "A space before the receipt.", 1, f" {seen}", 0),
        ("good", "A receipt of the first line.", 1, f"{seen}\n", 0),
    ):
        log = Log().checkpoint().record("anchor", {"kind": "witness", "name": "one", "receipt": text, **({} if size is None else {"size": size})}).checkpoint()
        is_good = name == "good"
        case(f"witness-receipt-{name}", what, log, 0 if is_good else 6, warnings=warnings, grade="witnessed" if is_good else "self_attested", witnesses=[vkey])
    log = receipt(Log().checkpoint(), START_POSIX - 3600)
    log.lines[-1] = log.lines[-1].replace(b"checkpoint", b"checkpoinx")
    case("witness-receipt-and-fault", "A line is younger than a signature over it, and a later one is wrong: the first is named.", log, 4, ("time", 1), witnesses=[vkey])
    clocks(vkey)


def clocks(vkey):
    """The agent's clock was wrong while a witness signed, and was set afterwards or not."""

    def seen_at(seconds, more=True):
        """A log of four lines, and a note of them that was signed so many seconds later, by the right clock."""
        log = Log().checkpoint().record("heartbeat", {}).checkpoint()
        note = cosigned(log, 4, log.posix() + seconds, WITNESS)
        return (log.record("heartbeat", {}).checkpoint() if more else log), [cp1(note)]

    log, seen = seen_at(-3600)
    case("witness-clock-set-back", "The clock was an hour ahead while a witness signed, and was set back then.", set_clock(log, -3600), 0, warnings=1, grade="witnessed", anchors=seen, witnesses=[vkey])
    log, seen = seen_at(-3600)
    case("witness-clock-not-set", "The same, and it was not set.", log, 4, ("time", 1), anchors=seen, witnesses=[vkey])
    case("witness-clock-not-set-all", "The same, every signature checked.", CASES[-1]["files"], 4, ("time", 1), anchors=seen, witnesses=[vkey], all_signatures=True)
    log, seen = seen_at(-3600)
    case("witness-clock-set-too-little", "The same, and it was set back by half of that.", set_clock(log, -1800), 4, ("time", 1), anchors=seen, witnesses=[vkey])
    log, seen = seen_at(-3600)
    case("witness-clock-set-in-two", "The same, and it was set back in two steps.", set_clock(set_clock(log, -1800), -1800), 0, warnings=1, anchors=seen, witnesses=[vkey])
    log, seen = seen_at(-3600)
    log = set_clock(log, -2980)
    case("witness-clock-set-some", "It was set back by what some lines need, and not by what one needs.", log, 4, ("time", 3), anchors=[cp1(cosigned(log, 4, START_POSIX + 40 - 3600 - 20, WITNESS))], witnesses=[vkey])
    log, seen = seen_at(3600)
    case("witness-clock-set-forward", "The machine was paused for an hour, went on with its old clock, and that was set.", set_clock(log, 3600), 0, warnings=1, grade="witnessed", anchors=seen, witnesses=[vkey])
    log, seen = seen_at(3600)
    case("witness-clock-hour-passed", "The same, but the hour passed by the clock that is never set, too.", set_clock(log, 3600, "3620000000"), 4, ("time", 5), anchors=seen, witnesses=[vkey])
    log, seen = seen_at(3600)
    case("witness-clock-no-number", "What passed is no number: then nothing is known to have passed.", set_clock(log, 3600, "3620000000 µs"), 0, warnings=1, anchors=seen, witnesses=[vkey])
    log, _ = seen_at(0, more=False)
    log = receipt(log, log.posix() - 3600)
    case("witness-clock-receipt", "The clock was an hour ahead, the signature is in the log, and the clock was set back.", set_clock(log, -3600), 0, warnings=1, grade="witnessed", witnesses=[vkey])
    log, _ = seen_at(0, more=False)
    log = receipt(log, log.posix() - 3600)
    case("witness-clock-receipt-not-set", "The same, and it was not set.", log, 4, ("time", 1), witnesses=[vkey])


START_POSIX = int(START.timestamp())


def policies():
    good = ["one/revlog-000000000000.jsonl"]
    case("max-age-old", "The newest line is older than you allow.", good, 6, max_age="15m", max_age_at="2026-11-21T22:00:00Z")
    case("max-age-young", "It is not.", good, 0, max_age="1000000h", max_age_at="2026-11-21T22:00:00Z")
    case("max-age-cut", "A log cut off is older than one that is not.", ["cut-at-checkpoint.jsonl"], 6, max_age="15m", max_age_at="2026-11-21T22:00:00Z")
    log = Log().checkpoint()
    log.now = datetime.datetime(9000, 1, 1, tzinfo=datetime.timezone.utc)
    case("max-age-to-come", "The newest line is of a day that is yet to come.", log.record("heartbeat", {}).checkpoint(), 6, max_age="15m", max_age_at="2026-11-21T22:00:00Z")
    log = Log().checkpoint().record("heartbeat", {})
    log.now -= datetime.timedelta(seconds=22)
    log.record("heartbeat", {}).checkpoint()
    case("clock-back", "The clock went back, and nobody said so.", log, 0, warnings=1)
    log = Log().checkpoint().record("heartbeat", {})
    log.now -= datetime.timedelta(seconds=21)
    log.record("heartbeat", {}).checkpoint()
    case("clock-back-a-second", "By a second: that happens.", log, 0, warnings=0)
    log = Log().checkpoint().record("heartbeat", {})
    for _ in range(2):
        log.now -= datetime.timedelta(seconds=20.7)
        log.record("heartbeat", {})
    case("clock-back-in-two", "By less than a second, twice: by more than one.", log.checkpoint(), 0, warnings=1)
    names = ["agent/revlog-000000000000.jsonl"]

    def rows(*pairs):
        return "".join(json.dumps({"subject": s, "disclosure": d}) + "\n" for s, d in pairs)

    def subjects(name, what, text, exit, warnings=None, fault=None):
        file = store(f"{name}.jsonl", text)
        case(name, what, names, exit, fault and (fault[0], fault[1], file), warnings=warnings, subjects=file)

    subjects("subjects", "Who is left in the store fits; the other was erased.", rows(("s-01", ALICE)), 0, 0)
    subjects("subjects-both", "A disclosure that outlived its erasure fits, and is told of.", rows(("s-01", ALICE), ("s-02", BORIS)), 0, warnings=1)
    subjects("subjects-missing", "Somebody is missing whom nobody erased, and one who was erased is not.", rows(("s-02", BORIS)), 0, warnings=2)
    subjects("subjects-none", "Nobody is left.", "", 0, warnings=1)
    subjects("subjects-swapped", "Another person than the log says.", rows(("s-01", BORIS)), 4, fault=("subject", 1))
    forged = b64url(canonical(["2GLC42sKQveCfGfryNRN9w", "user", "EMP-9999"]))
    subjects("subjects-blank-line", "A line without a disclosure.", rows(("s-01", ALICE)) + "\n", 1)
    subjects("subjects-twice", "Somebody stands there twice.", rows(("s-01", ALICE), ("s-01", ALICE)), 1)
    subjects("subjects-list", "A list in place of an object.", json.dumps(["s-01", ALICE]) + "\n", 1)
    file = store("subjects-not-utf-8.jsonl", rows(("s-01", ALICE)).encode()[:-2] + b"\xff\n")
    case("subjects-not-utf-8", "Bytes that are no text.", names, 1, subjects=file)
    log = Log().checkpoint().record("subject", {"subject": "s-01", "commit": commit(BORIS)}).record("subject", {"subject": "s-01", "commit": commit(ALICE)}).checkpoint()
    case("subject-twice", "The log says of one person who it is twice, and of the first that it is another.", log, 4, ("subject", 1, "subjects.jsonl"), subjects="subjects.jsonl")
    log = Log().checkpoint().record("subject", {"subject": "s-01"}).checkpoint()
    case("subject-no-commit", "The log does not say what stands for a person.", log, 4, ("subject", 1, "subjects.jsonl"), subjects="subjects.jsonl")
    log.lines[-1] = log.lines[-1].replace(b"checkpoint", b"checkpoinx")
    case("subject-and-fault", "The same, and a later line is wrong: the first is named.", log, 4, ("subject", 1, "subjects.jsonl"), subjects="subjects.jsonl")
    subjects("subjects-forged", "Another name with the same salt.", rows(("s-01", ALICE), ("s-02", forged)), 4, fault=("subject", 2))


def proofs():
    def proof(name, what, text, exit, fault=None, key=KEY1, **options):
        file = store(f"{name}.tlog-proof", text)
        case(name, what, [], exit, fault, key=key, proof=file, **options)

    log = one()
    size = len(log.lines) - 1
    wanted = (0, 4, 5, 7, 10, 3)
    pieces = [log.proof(n, size) for n in wanted]
    starts = [1]
    for piece in pieces:
        starts.append(starts[-1] + piece.count("\n"))
    bundle = "".join(pieces)
    second = starts[1]
    proof("bundle", "A revocation and the person it is about.", bundle, 0)
    proof("bundle-no-key", "The same, no key given.", bundle, 6, key=None)
    proof("bundle-other-key", "The same, another key pinned.", bundle, 4, ("key", 1), key=Key(ORIGIN, TEST2).vkey())
    proof("bundle-first-only", "The first line alone.", pieces[0], 0)
    proof("bundle-byte-order-mark", "A byte order mark before it.", "\ufeff" + pieces[0], 4, ("proof", 1))
    proof("bundle-not-utf-8", "Bytes that are no text.", pieces[0].encode()[:-1] + b"\xff\n", 4, ("proof", 1))
    proof("bundle-line-feed-first", "A line feed before it.", "\n" + pieces[0], 4, ("proof", 1))
    proof("bundle-header-alone", "A line feed, and the first line of a proof.", "\nc2sp.org/tlog-proof@v1\n", 4, ("proof", 1))
    proof("bundle-two-faults", "A line that is not in form, and after it what is no proof: the first is named.", pieces[0].replace(b64(log.lines[0]), b64(log.lines[0] + b" ")) + "c2sp.org/tlog-proof@v1\n", 4, ("form", 1))
    others = "".join(f"— other{n}.example {b64(bytes([n]) * 68)}\n" for n in range(64))
    proof("bundle-signatures", "As many signature lines as a note may have.", pieces[0] + others[: others.index("— other63")], 0)
    proof("bundle-signatures-more", "One more.", pieces[0] + others, 4, ("note", 1))
    proof("bundle-text-after-signatures", "As many, and a line that is none.", pieces[0] + others[: others.index("— other63")] + "This record was never withdrawn.\n", 4, ("note", 1))
    proof("bundle-witnessed", "A witness that you know signed the notes too.", "".join(log.proof(n, size, witness=WITNESS.cosign(log.body(size), log.posix())) for n in wanted), 0, witnesses=[WITNESS.vkey()], grade="witnessed")
    proof("bundle-witness-silent", "A witness that you named signed nothing of it.", bundle, 6, witnesses=[WITNESS.vkey()], grade="self_attested")
    proof("bundle-witness-bad", "A witness that you know, and a bad signature.", "".join(log.proof(n, size, witness=WITNESS.cosign(log.body(size - 1), log.posix())) for n in wanted), 4, ("signature", 1), witnesses=[WITNESS.vkey()])
    clocks_of_proofs(proof)
    proof("bundle-anchored", "A note kept elsewhere is that under the proofs.", bundle, 0, grade="anchored", anchors=[cp1(log.note(size))])
    fork = Log().checkpoint()
    while len(fork.lines) < size:
        fork.record("heartbeat", {})
    proof("bundle-fork", "A note kept elsewhere has another root of the same size.", bundle, 5, anchors=[cp1(fork.note())])
    proof("bundle-anchor-other-size", "A note of another size: nothing to compare it with.", bundle, 6, anchors=[cp1(log.note(6))])
    changed = pieces[1].replace(b64(log.lines[4]), b64(log.lines[4].replace(b"terminated", b"terminatex")))
    proof("bundle-edited", "A record was changed.", pieces[0] + changed, 4, ("proof", second))
    proof("bundle-edited-form", "A record was changed, and is not in form.", pieces[0] + pieces[1].replace(b64(log.lines[4]), b64(log.lines[4] + b" ")), 4, ("form", second))
    proof("bundle-index", "Another index than the line says.", pieces[0] + pieces[1].replace("index 4\n", "index 5\n"), 4, ("sequence", second))
    proof("bundle-path-short", "A hash of the path is missing.", pieces[0] + log.proof(4, size, path=inclusion(4, log.leaves(size))[:-1]), 4, ("proof", second))
    proof("bundle-path-long", "A hash too many.", pieces[0] + log.proof(4, size, path=inclusion(4, log.leaves(size)) + [bytes(32)]), 4, ("proof", second))
    proof("bundle-path-none", "No path.", pieces[0] + log.proof(4, size, path=[]), 4, ("proof", second))
    proof("bundle-path-swapped", "Two hashes of the path are swapped.", pieces[0] + log.proof(4, size, path=(lambda p: [p[1], p[0], *p[2:]])(inclusion(4, log.leaves(size)))), 4, ("proof", second))
    proof("bundle-other-root", "A note of another size.", pieces[0] + pieces[1].replace(log.note(size), log.note(size - 1)), 4, ("note", second))
    few = log.proof(0, 6)
    proof("bundle-beyond", "A note of lines before the index.", few + log.proof(4, 6).replace(b64(log.lines[4]), b64(log.lines[7])).replace("index 4", "index 7"), 4, ("proof", 1 + few.count("\n")))
    proof("bundle-unsigned", "A note by another key.", pieces[0] + log.proof(4, size, Key(ORIGIN, TEST3)), 4, ("note", second))
    proof("bundle-unsigned-all", "All notes are by another key.", "".join(log.proof(n, size, Key(ORIGIN, TEST3)) for n in wanted), 4, ("signature", 1))
    other = Log("example/vectors/0000000000000000").checkpoint()
    proof("bundle-other-log", "The first line and the note are of another log, whose key has the same secret.", other.proof(0, 1), 4, ("key", 1))
    proof("bundle-first-line-twice", "The first line stands there twice.", pieces[0] + pieces[0], 4, ("genesis", second))
    proof("bundle-first-line-later", "The first line is not the first.", pieces[1] + pieces[0], 4, ("genesis", 1 + pieces[1].count("\n")))
    witnessed = log.proof(4, size, witness=WITNESS.cosign(log.body(size), log.posix()))
    proof("bundle-witness-once", "A witness that you know signed one of two copies of the note.", pieces[0] + witnessed, 4, ("note", second), witnesses=[WITNESS.vkey()])
    proof("bundle-no-genesis", "A record in place of the first line: held against the pinned key.", "".join(pieces[1:]), 0)
    proof("bundle-no-genesis-no-key", "The same, no key given.", "".join(pieces[1:]), 6, key=None)
    proof("bundle-no-genesis-other-key", "The same, another key pinned.", "".join(pieces[1:]), 4, ("signature", 1), key=Key(ORIGIN, TEST2).vkey())
    proof("bundle-cut", "The last line is missing.", bundle[: bundle.rstrip("\n").rindex("\n") + 1], 4, ("note", starts[-2]))
    proof("bundle-garbage", "A text of another kind.", "Dear auditor,\n", 4, ("proof", 1))
    proof("bundle-text-after", "A text after the last proof.", bundle + "and more\n", 4, ("note", starts[-2]))
    proof("bundle-empty", "No byte at all.", "", 3)
    proof("bundle-spare-bits", "Base64 of the path with spare bits.", pieces[0] + bend(pieces[1]), 4, ("proof", second))
    proof("bundle-index-zeros", "An index with a leading zero.", pieces[0] + pieces[1].replace("index 4", "index 04"), 4, ("proof", second))
    proof("bundle-no-extra", "Without the line itself.", pieces[0] + "".join(l for l in pieces[1].splitlines(True) if not l.startswith("extra")), 4, ("proof", second))
    proof("single", "One proof of one line.", log.proof(7, size), 0)
    proof("single-between", "One proof under a note of a size between two checkpoints.", log.proof(7, 9), 0)
    proof("single-edited", "One proof of a changed line.", log.proof(7, size).replace(b64(log.lines[7]), b64(log.lines[7].replace(b"rev_1", b"rev_2"))), 4, ("proof", 1))
    tree = log.leaves(size)
    fake = log.proof(0, size).replace(b64(log.lines[0]), b64(b"\1" + tree[0] + tree[1]))
    proof("single-node-as-leaf", "An inner node passed off as a line.", fake, 4, ("form", 1))
    proof("single-time", "The line is younger than the witness allows.", log.proof(7, size, witness=WITNESS.cosign(log.body(size), START_POSIX - 3600)), 4, ("time", 1), witnesses=[WITNESS.vkey()])

    log = rotated()
    size = len(log.lines) - 1
    change = next(n for n, line in enumerate(log.lines) if b'"type":"key"' in line)
    old, new = Key(ORIGIN, TEST1), Key(ORIGIN, TEST2)

    def chained(log, *places, size=None, signers=()):
        """The proofs of these lines, and the line of the file at which each begins."""
        pieces = [log.proof(n, size or len(log.lines) - 1, *signers) for n in places]
        begins = [1 + "".join(pieces[:n]).count("\n") for n in range(len(pieces) + 1)]
        return "".join(pieces), begins

    records = (3, 4, 2, change + 2)
    whole, at = chained(log, 0, change, change + 1, *records)
    proof("bundle-change", "Over a change of key; the first key is pinned.", whole, 0)
    proof("bundle-change-second", "The same; the second key is pinned.", whole, 0, key=new.vkey())
    proof("bundle-change-third", "The same; a key that was named and never signed is pinned.", whole, 4, ("key", 1), key=Key(ORIGIN, TEST3).vkey())
    proof("bundle-change-missing", "The record of the change is left out.", chained(log, 0, *records)[0], 4, ("signature", 1))
    proof("bundle-change-no-checkpoint", "The checkpoint after it is left out.", chained(log, 0, change, *records)[0], 4, ("key", at[2]))
    proof("bundle-change-no-checkpoint-last", "The same, and no line follows.", chained(log, 0, change)[0], 4, ("key", 1))
    proof("bundle-change-other-checkpoint", "Another checkpoint in its place.", chained(log, 0, change, change + 3, *records)[0], 4, ("key", at[2]))
    proof("bundle-change-after", "The change of key comes after the records.", chained(log, 0, *records, change, change + 1)[0], 4, ("key", chained(log, 0, *records)[1][-1]))
    proof("bundle-change-twice", "The change of key stands there twice.", chained(log, 0, change, change + 1, change, change + 1)[0], 4, ("key", at[3]))
    proof("bundle-change-old-key", "The note is signed by the old key.", chained(log, 0, change, change + 1, *records, signers=[old])[0], 4, ("signature", 1))
    early = log.proof(0, change + 1, old, new) + log.proof(change, change + 1, old, new)
    proof("bundle-change-early-note", "The first line and the change of key lie under the checkpoint of the change, the records under a later one.", early + log.proof(3, size), 4, ("note", 1 + early.count("\n")))
    proof("bundle-change-anchored", "A note kept elsewhere is that under the proofs.", whole, 0, grade="anchored", anchors=[cp1(log.note(size))], require_anchor=True)
    proof("bundle-change-anchored-early", "The note that was kept is that of the change of key, not that under the records.", whole, 6, grade="self_attested", anchors=[cp1(log.note(change + 1, old, new))])
    ends = (0, change, 3, 4, 2)
    proof("bundle-change-newest", "The newest checkpoint is that of the change.", chained(log, *ends, size=change + 1, signers=[old, new])[0], 0)
    proof("bundle-change-newest-second", "The same; the second key is pinned.", chained(log, *ends, size=change + 1, signers=[old, new])[0], 0, key=new.vkey())
    proof("bundle-change-newest-no-old", "The same, the old key did not sign it.", chained(log, *ends, size=change + 1, signers=[new])[0], 4, ("signature", 1), key=new.vkey())
    proof("bundle-change-newest-no-new", "The same, the new key did not sign it.", chained(log, *ends, size=change + 1, signers=[old])[0], 4, ("signature", 1))

    def turned(what, name, note, kind, keys=(TEST1, TEST2, TEST3)):
        """A change of key whose checkpoint is another one."""
        log = Log(keys=keys).checkpoint().change(note=note).record("heartbeat", {}).checkpoint()
        text, at = chained(log, 0, 2, 3, 4)
        proof(f"bundle-change-{name}", what, text, 4, (kind, at[2]))

    turned("The new key did not sign the checkpoint of the change.", "no-new", lambda log: log.note(None, old), "note")
    turned("The old key did not sign it.", "no-old", lambda log: log.note(None, new), "note")
    turned("The old key signed something else.", "old-bad", lambda log: log.body() + "\n" + old.line(log.body(2)) + new.line(log.body()), "signature")
    turned("The new key signed something else.", "new-bad", lambda log: log.body() + "\n" + old.line(log.body()) + new.line(log.body(2)), "signature")
    turned("The new key stands before the old one.", "swapped", lambda log: log.note(None, new, old), "signature")
    turned("It is about other lines.", "smaller", lambda log: log.note(2, old, new), "note")
    # Somebody has a key of their own, and a checkpoint that the old key signed for other lines.
    kept, own = Log().checkpoint().record("heartbeat", {}), Key(ORIGIN, TESTSHA)
    turned("A first line that names another key, and a checkpoint that the first key signed over other lines.", "borrowed", lambda log: kept.note(3, old, own), "root", (TEST1, TESTSHA, TEST3))
    thief = Log().checkpoint()
    thief.keys.insert(1, Key(ORIGIN, TESTSHA))
    thief.change().record("heartbeat", {}).checkpoint()
    text, at = chained(thief, 0, 2, 3, 4)
    proof("bundle-change-thief", "To a key that was not named before.", text, 4, ("key", at[1]))
    # The keys of three, the last of them right before the end.
    log = both()
    changes = [n for n, line in enumerate(log.lines) if b'"type":"key"' in line]
    text, at = chained(log, 0, changes[0], changes[0] + 1, changes[1], changes[1] + 1, len(log.lines) - 2)
    proof("bundle-changes", "Over two changes of key.", text, 0)
    proof("bundle-changes-third", "The same; the third key is pinned.", text, 0, key=log.key.vkey())
    text, at = chained(log, 0, changes[1], changes[1] + 1, changes[0], changes[0] + 1)
    proof("bundle-changes-swapped", "The two changes in another order.", text, 4, ("key", at[1]))

    # One key, two histories: a record that is only in the second, under what is known of the first.
    def history(kind, more=0):
        log = Log().checkpoint().record(kind, {"id": "rec-9", "revocation": "rev_9", "subject": "s-01"})
        for _ in range(more):
            log.record("heartbeat", {})
        return log.checkpoint()

    true, longer, other = history("verification_failed"), history("verification_failed", 6), history("verification_completed")
    seen = WITNESS.cosign(true.body(3), true.posix())
    line0, forged = true.proof(0, 3, witness=seen), other.proof(2, 3)
    fault = ("note", 1 + line0.count("\n"))
    known = {"anchors": [cp1(true.note(3))], "require_anchor": True, "witnesses": [WITNESS.vkey()]}
    proof("bundle-fork-first-line", "The first line under a note that was kept and witnessed, a record under a note of the same size of another history.", line0 + forged, 4, fault, **known)
    proof("bundle-fork-record", "The first line and the record of the other history: it contradicts the note that was kept.", other.proof(0, 3) + forged, 5, anchors=[cp1(true.note(3))])
    seen = WITNESS.cosign(longer.body(9), longer.posix())
    line0 = longer.proof(0, 9, witness=seen)
    fault = ("note", 1 + line0.count("\n"))
    known = {"anchors": [cp1(longer.note(9))], "require_anchor": True, "witnesses": [WITNESS.vkey()]}
    proof("bundle-fork-first-line-larger", "The first line under a larger note that was kept and witnessed.", line0 + forged, 4, fault, **known)
    true = Log().checkpoint().record("verification_failed", {"revocation": "rev_9"}).change()
    other = Log().checkpoint().record("verification_completed", {"revocation": "rev_9"}).record("heartbeat", {})
    head = true.proof(0, 4, old, new) + true.proof(3, 4, old, new)
    fault = ("note", 1 + head.count("\n"))
    proof("bundle-fork-change", "The first line and a change of key under their checkpoint, which was kept; a record under a note of the same size that the new key signed.", head + other.proof(2, 4, new), 4, fault, anchors=[cp1(true.note(4, old, new))], require_anchor=True)
    true.record("verification_failed", {"revocation": "rev_9"}).checkpoint()
    other.record("heartbeat", {}).record("heartbeat", {})
    text, at = chained(true, 0, 3, 4, 2, 5)
    proof("bundle-accused-old-key", "A thief of the old key signed another history of the same size: that key says nothing there any more.", text, 6, grade="self_attested", anchors=[cp1(other.note(6, old))])
    proof("bundle-accused", "The key in force signed it.", text, 5, anchors=[cp1(other.note(6, new))])
    forged = fork_of(rotated(), 3)
    proof("bundle-change-forged", "Between the changes of key stands a record of another history, which the old key signed alone.", whole[: whole.index("\nc2sp") + 1] + forged.proof(3, 4, old), 4, ("note", 1 + whole[: whole.index("\nc2sp") + 1].count("\n")), key=new.vkey())
    real = one()
    end = len(real.lines) - 1
    head, kept = real.proof(0, end) + real.proof(4, end), real.note(end)
    forged = forged.proof(3, 4, old)
    proof("bundle-two-notes-anchored", "One record of the log, whose note was kept elsewhere, and one of another history.", head + forged, 4, ("note", 1 + head.count("\n")), anchors=[cp1(kept)], require_anchor=True)
    seen = "".join(real.proof(n, end, witness=WITNESS.cosign(real.body(end), real.posix())) for n in (0, 4))
    proof("bundle-two-notes-witnessed", "One record of the log, whose note a witness signed, and one of another history.", seen + forged, 4, ("note", 1 + seen.count("\n")), witnesses=[WITNESS.vkey()])
    proof("bundle-witnesses-of-one-name", "Two witnesses have one name, and one of them signed.", "".join(real.proof(n, end, witness=WITNESS.cosign(real.body(end), real.posix())) for n in (0, 4)), 6, witnesses=[WITNESS.vkey(), NAMESAKE.vkey()], grade="witnessed")
    kept = cosigned(real, end, real.posix(), WITNESS, NAMESAKE)
    proof("bundle-anchor-witnessed", "The note that was kept is signed by both.", head, 0, witnesses=[WITNESS.vkey(), NAMESAKE.vkey()], anchors=[kept], grade="witnessed")

    log = one()
    old_size, size = 6, len(log.lines) - 1

    def consistent(old, hashes, note):
        return f"old {old}\n" + "".join(b64(h) + "\n" for h in hashes) + "\n" + note

    hashes = consistency(old_size, log.leaves(size))
    text = consistent(old_size, hashes, log.note(size))
    earlier = cp1(log.note(old_size))
    proof("consistency", "A later checkpoint continues an earlier one.", text, 0, grade="anchored", anchors=[earlier])
    proof("consistency-no-key", "The same, no key given.", text, 6, key=None, anchors=[earlier])
    proof("consistency-alone", "Without the earlier note nothing is compared.", text, 6)
    proof("consistency-other-size", "The earlier note has another size.", text, 6, anchors=[cp1(log.note(4))])
    proof("consistency-equal", "Both are of the same size.", consistent(size, [], log.note(size)), 0, anchors=[cp1(log.note(size))])
    proof("consistency-power", "From a whole subtree.", consistent(8, consistency(8, log.leaves(size)), log.note(size)), 0, anchors=[cp1(log.note(8))])
    proof("consistency-short", "A hash is missing.", consistent(old_size, hashes[:-1], log.note(size)), 4, ("proof", 1), anchors=[earlier])
    proof("consistency-long", "A hash too many.", consistent(old_size, [*hashes, bytes(32)], log.note(size)), 4, ("proof", 1), anchors=[earlier])
    proof("consistency-none", "No hash.", consistent(old_size, [], log.note(size)), 4, ("proof", 1), anchors=[earlier])
    proof("consistency-other-hash", "Another hash.", consistent(old_size, [bytes(32), *hashes[1:]], log.note(size)), 4, ("proof", 1), anchors=[earlier])
    proof("consistency-backwards", "The later note is the smaller one.", consistent(size, hashes, log.note(old_size)), 4, ("proof", 1), anchors=[cp1(log.note(size))])
    proof("consistency-fork", "From an earlier note of another history.", text, 4, ("proof", 1), anchors=["anchor-fork.txt"])
    proof("consistency-unsigned", "A later note by another key.", consistent(old_size, hashes, log.note(size, Key(ORIGIN, TEST3))), 4, ("signature", 1), anchors=[earlier])
    fork = Log().checkpoint()
    while len(fork.lines) < size:
        fork.record("heartbeat", {})
    later = cp1(log.note(size))
    proof("consistency-both-notes", "Both notes are at hand.", text, 0, grade="anchored", anchors=[f"{earlier}\n{later}\n"])
    proof("consistency-later-note", "Only the later one is: nothing is compared.", text, 6, grade="anchored", anchors=[later])
    proof("consistency-fork-later", "A note of the later size, of another history.", text, 5, anchors=[earlier, cp1(fork.note(size))])
    proof("consistency-backwards-alone", "The later note is the smaller one, and the earlier one is not at hand.", consistent(size, hashes, log.note(old_size)), 6)
    proof("consistency-path-65", "More hashes than a tree has levels.", consistent(old_size, [bytes(32)] * 65, log.note(size)), 4, ("proof", 1))
    body = f"{ORIGIN}\n0\n{b64(sha(b''))}\n"
    proof("consistency-size-0", "From a note of no line.", consistent(0, [], log.note(size)), 6, anchors=[cp1(body + "\n" + log.key.line(body))])
    body = log.body(size).replace(ORIGIN, "example/other")
    proof("consistency-other-log", "The later note is of another log.", consistent(old_size, hashes, body + "\n" + log.key.line(body)), 4, ("signature", 1), anchors=[earlier])
    proof("consistency-garbage", "A number that is none.", text.replace("old 6", "old x"), 4, ("proof", 1), anchors=[earlier])


def clocks_of_proofs(proof):
    """The agent's clock was wrong when the records of a revocation were written, and a witness signed by the right time."""
    vkey = [WITNESS.vkey()]

    def bundle(log, wanted, seconds=-3600):
        """The proofs, and the line of the file at which each begins."""
        size = len(log.lines) - 1
        seen = WITNESS.cosign(log.body(size), START_POSIX + 300 + seconds)
        pieces = [log.proof(n, size, witness=seen) for n in wanted]
        return "".join(pieces), [1 + "".join(pieces[:n]).count("\n") for n in range(len(pieces))]

    def begun():
        return revocation(Log().checkpoint())

    records, clock = (0, 3, 4, 2), len(begun().lines)
    log = set_clock(begun(), -3600)
    proof("bundle-clock", "The clock was an hour ahead, and was set back before a witness signed; the clock record is in the bundle.", bundle(log, (*records, clock))[0], 0, warnings=1, grade="witnessed", witnesses=vkey)
    proof("bundle-clock-first", "The same; the clock record stands before the others.", bundle(log, (0, clock, *records[1:]))[0], 0, warnings=1, witnesses=vkey)
    proof("bundle-clock-unwitnessed", "The same; nobody named the witness.", bundle(log, (*records, clock))[0], 0, warnings=0, grade="self_attested")
    proof("bundle-clock-left-out", "The same without the clock record.", bundle(log, records)[0], 4, ("time", 1), witnesses=vkey)
    proof("bundle-clock-single", "One record and the clock record, without the first line.", bundle(log, (4, clock))[0], 0, warnings=1, witnesses=vkey)
    size = len(log.lines) - 1
    kept = cosigned(log, size, START_POSIX + 300 - 3600, WITNESS)
    pieces = [log.proof(n, size) for n in (*records, clock)]
    proof("bundle-clock-anchored", "The witness signed a note that was kept elsewhere.", "".join(pieces), 0, warnings=1, grade="witnessed", anchors=[kept], witnesses=vkey)
    proof("bundle-clock-anchored-left-out", "The same without the clock record.", "".join(pieces[:-1]), 4, ("time", 1), anchors=[kept], witnesses=vkey)
    log = set_clock(begun(), -1800)
    proof("bundle-clock-too-little", "The clock was set back by half of that.", bundle(log, (*records, clock))[0], 4, ("time", 1), witnesses=vkey)
    proof("bundle-clock-repeated", "The same, and the clock record is in the bundle twice.", bundle(log, (*records, clock, clock))[0], 4, ("time", 1), witnesses=vkey)
    log = set_clock(log, -1800)
    proof("bundle-clock-steps", "It was set back in two steps, and the second stands first: only the whole log shows that there was no third.", bundle(log, (*records, clock + 3, clock))[0], 6, warnings=0, grade="witnessed", witnesses=vkey)
    # Back, on, and back again: the clocks lie apart by an hour, and without the record in the middle by two.
    log = set_clock(set_clock(set_clock(begun(), -3600), 3600), -3600)
    size, when = len(log.lines) - 1, START_POSIX + 300 - 3600 - 2000
    case("witness-clock-back-and-on", "The clock was set back, on, and back again by an hour, and a line is more than that too late.", log, 4, ("time", 1), anchors=[cosigned(log, size, when, WITNESS)], witnesses=vkey)
    clocks = (clock, clock + 3, clock + 6)
    proof("bundle-clock-back-and-on", "The same in a bundle.", bundle(log, (*records, *clocks), -5600)[0], 4, ("time", 1), witnesses=vkey)
    proof("bundle-clock-back-and-back", "The same, and the record in the middle is left out.", bundle(log, (*records, clocks[0], clocks[2]), -5600)[0], 6, warnings=0, witnesses=vkey)
    log = begun()
    log.now -= datetime.timedelta(hours=1)
    log.record("clock", {"old": "yesterday", "new": log.time()}).checkpoint()
    proof("bundle-clock-no-time", "The clock record does not say what the time was.", bundle(log, (*records, clock))[0], 4, ("time", 1), witnesses=vkey)
    log = set_clock(begun(), -2750)
    text, at = bundle(log, (*records, clock))
    proof("bundle-clock-some", "It was set back by what some records need, and not by what one needs.", text, 4, ("time", at[2]), witnesses=vkey)
    log = revocation(set_clock(Log().checkpoint(), 3600))
    proof("bundle-clock-forward", "The clock was set an hour ahead before the records were written.", bundle(log, (0, 6, 7, 5, 2), 0)[0], 0, warnings=1, witnesses=vkey)
    log = revocation(set_clock(Log().checkpoint(), 3600, "3620000000"))
    text, at = bundle(log, (0, 6, 7, 5, 2), 0)
    proof("bundle-clock-hour-passed", "The same, but the hour passed by the clock that is never set, too.", text, 4, ("time", at[1]), witnesses=vkey)


def fork_of(log, at):
    """Another history of the same keys, with another record at `at`."""
    fork = Log().checkpoint()
    while len(fork.lines) < at:
        fork.record("heartbeat", {})
    assert fork.lines[0] == log.lines[0]
    return fork.record("verification_completed", {"id": "rec-9", "revocation": "rev_9", "subject": "s-01"}).checkpoint()


def bend(piece):
    """The first hash of the path, spelt with a spare bit."""
    lines = piece.splitlines(True)
    assert lines[3].endswith("=\n")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    lines[3] = lines[3][:-3] + alphabet[alphabet.index(lines[3][-3]) + 1] + "=\n"
    return "".join(lines)


def main():
    example = Log("example/docs/0011223344556677", keys=(TEST1, TEST2))
    assert example.key.vkey().endswith("+db5f1665+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"), "the example of the document"
    golden()
    spoilt()
    forms()
    notes()
    keys()
    segments()
    anchors()
    policies()
    proofs()
    for old in HERE.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
        elif old.name != pathlib.Path(__file__).name:
            old.unlink()
    for name, content in FILES.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    lines = ",\n".join(" " + json.dumps(entry, ensure_ascii=False) for entry in CASES)
    (HERE / "cases.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(CASES)} cases, {len(FILES)} files", file=sys.stderr)


if __name__ == "__main__":
    main()
