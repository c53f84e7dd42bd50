#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/delta-format.md, proved: its worked example is what fwpack makes, byte for byte, and a second
decoder, written from the document alone, opens what fwpack makes.

The second decoder knows stored patches and the tiny profile, in two slots and in one. It leaves out
the predictors (a patch with regions), the models of the other profiles, and opened images.

    tests/cli/delta_format.py --print    # the example as it must stand there; needs $FWPACK
"""

import hashlib
import os
import random
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DOCUMENT = os.path.join(SOURCE, "docs", "delta-format.md")
STORED, IN_PLACE = 1, 4
MASK = 2 ** 64 - 1


class Refused(Exception):
    """A patch that must not be applied."""


def check(condition, reason):
    if not condition:
        raise Refused(reason)


# --- "Header" -------------------------------------------------------------------------------------

class Header:
    def __init__(self, patch):
        check(patch[:3] == b"FWD" and len(patch) > 4 and patch[3] == 1, "not a patch of version 1")
        self.size = patch[4]
        self.bytes, self.at, self.notes = patch[:self.size], 5, []
        check(len(self.bytes) == self.size > 5, "the header is cut short")
        self.profile, self.flags = self.byte("profile"), self.byte("flags")
        self.old_size, self.new_size = self.number("old size"), self.number("new size")
        self.memory = self.number("memory")
        self.old_hash, self.new_hash = self.hash("SHA-256 of old"), self.hash("SHA-256 of new")
        if self.flags == STORED:
            check(self.profile == 0 and self.memory == 0, "a stored patch with a profile or memory")
        else:
            self.body_fields()
        check(self.at == self.size, "the header has another size")

    def body_fields(self):
        check(self.profile == 0 and self.flags in (0, IN_PLACE), "left out here")
        sizes = [self.byte(name) for name in ("slot bits", "history bits", "index bits")]
        check(sizes == [0, 0, 0], "tiny has no sizes")
        self.covers = self.number("covers", 384)
        self.old_ranges, self.new_ranges = self.number("old ranges", 4), self.number("new ranges", 4)
        self.regions = self.number("regions", 4)
        if self.flags == IN_PLACE:
            self.page, self.scratch = self.number("page size"), self.number("scratch")
            check(self.page >= 128 and self.page & (self.page - 1) == 0, "page size")

    def note(self, name, start, value):
        self.notes.append((start, self.bytes[start:self.at], name, value))
        return value

    def byte(self, name):
        check(self.at < self.size, "the header ends early")
        self.at += 1
        return self.note(name, self.at - 1, self.bytes[self.at - 1])

    def number(self, name, most=2 ** 63 - 1):
        start, value, shift = self.at, 0, 0
        while True:
            check(self.at < self.size and shift < 64, "a number does not end")
            part = self.bytes[self.at]
            self.at += 1
            value |= (part & 127) << shift
            shift += 7
            if part < 128:
                break
        check(value <= most and (part > 0 or shift == 7), "a number is too large or too long")
        return self.note(name, start, value)

    def hash(self, name):
        check(self.at + 32 <= self.size, "the header ends early")
        self.at += 32
        return self.note(name, self.at - 32, self.bytes[self.at - 32:self.at])

    def seal(self):
        seal = 2166136261
        for byte in self.bytes:
            seal = (seal ^ byte) * 16777619 % 2 ** 32
        return seal


# --- "Coder" --------------------------------------------------------------------------------------

class Coder:
    def __init__(self, body, seal):
        self.body, self.at, self.range, self.bits = body, 0, 2 ** 32 - 1, 0
        self.code = 0
        for _ in range(4):
            self.code = self.code << 8 | self.next_byte()
        self.code ^= seal

    def next_byte(self):
        check(self.at < len(self.body), "the body is cut short")
        self.at += 1
        return self.body[self.at - 1]

    def bit(self, one):
        bound = (self.range >> 16) * one
        bit = int(self.code < bound)
        if bit:
            self.range = bound
        else:
            self.code -= bound
            self.range -= bound
        while self.range < 2 ** 24:
            self.range = self.range << 8
            self.code = (self.code << 8 | self.next_byte()) % 2 ** 32
        return bit

    def adaptive(self, table, index, rate=4):
        p = table.get(index, 32768)
        bit = self.bit(min(max(p, 24), 65512))
        table[index] = p + (65535 - p >> rate) if bit else p - (p >> rate)
        return bit

    def number(self, model):
        length = 0
        while length < 63 and self.adaptive(model, ("length", length)):
            length += 1
        value, low = 1, 1
        for i in reversed(range(length)):
            if i == length - 1:
                bit = self.adaptive(model, ("second", length))
            elif i == length - 2:
                bit = self.adaptive(model, ("third", length, value & 1))
            elif i < 4 and length >= 6:
                bit = self.adaptive(model, ("low", low))
                low = low << 1 | bit
            else:
                bit = self.bit(32768)
            value = value << 1 | bit
        return value - 1

    def signed(self, model):
        folded = self.number(model)
        return -(folded >> 1) - 1 if folded & 1 else folded >> 1

    def end(self):
        check(self.code == 0 and self.at == len(self.body), "the body does not end where it should")


# --- "Tables" -------------------------------------------------------------------------------------

def read_covers(coder, header):
    covers, at, shifts = [], 0, [0] * 8
    gap_model, size_model, recent_model, shift_model = {}, {}, {}, {}
    more = header.new_size if header.flags & IN_PLACE else 0
    for _ in range(header.covers):
        gap, size = coder.number(gap_model), coder.number(size_model) + 1
        which = coder.number(recent_model)
        if which >= 8:
            shift = (shifts[0] + coder.signed(shift_model)) & MASK
            which = 7
        else:
            shift = shifts[which]
        del shifts[which]
        shifts.insert(0, shift)
        at += gap
        old = (at - shift) & MASK
        end = header.old_size if old < header.old_size else header.old_size + more
        check(at + size <= header.new_size and old + size <= end, "a cover is outside")
        covers.append((at, old, size))
        at += size
    return covers


# --- "Pages" --------------------------------------------------------------------------------------

class Slot:
    """The device's only slot, and what "One slot" says can still be read of the old image."""

    def __init__(self, header, covers, old):
        self.header, self.covers, self.old, self.page = header, covers, old, header.page
        self.count = -(-header.new_size // self.page)
        pages = max(self.count, -(-header.old_size // self.page))
        self.slot = bytearray(old.ljust(pages * self.page, b"\0"))
        self.made, self.replaced = set(), set()

    def read(self, start, size):
        return bytes(self.read_byte(at) for at in range(start, start + size))

    def read_byte(self, at):
        if at >= self.header.old_size:
            return self.slot[at - self.header.old_size]
        if at // self.page in self.replaced and self.is_wanted(at):
            return self.old[at]
        return self.slot[at]

    def is_wanted(self, at):
        return any(from_ <= at < from_ + size and (to + at - from_) // self.page not in self.made
                   for to, from_, size in self.covers)

    def read_map(self, coder):
        stays, last = {}, 0
        for page in range(self.count):
            last = coder.adaptive(stays, last)
            if last:
                self.made.add(page)
        return self.count - len(self.made)

    def put(self, page, new):
        self.slot[page * self.page:(page + 1) * self.page] = new.ljust(self.page, b"\xff")
        self.made.add(page)
        self.replaced.add(page)


class Order:
    def __init__(self, slot):
        self.slot, self.last, self.step, self.goes_on = slot, 0, 1, {}

    def next_page(self, coder):
        page = self.last
        while page in self.slot.made:
            page += self.step
        if coder.adaptive(self.goes_on, 0):
            self.last = page
        else:
            page = 0
            for _ in range((self.slot.count - 1).bit_length()):
                page = page << 1 | coder.bit(32768)
            self.step = -1 if page < self.last else 1
            self.last = page
        check(0 <= page < self.slot.count and page not in self.slot.made, "there is no such page")
        return page


# --- "The new image", and "Tiny" ------------------------------------------------------------------

class Body:
    WINDOW = 128

    def __init__(self, header, coder, covers, read_old):
        self.header, self.coder, self.covers, self.read_old = header, coder, covers, read_old
        self.misses, self.since, self.level, self.ghost_misses = 0, 0, 4, 0
        self.runs, self.hits, self.miss_tree, self.extra, self.as_ghost = {}, {}, {}, {}, {}
        self.trace = []

    def make(self, start, end):
        """Bytes [start, end) of the new image."""
        made = bytearray()
        while start + len(made) < end:
            at = start + len(made)
            cover = next((i for i, c in enumerate(self.covers) if c[0] + c[2] > at),
                         len(self.covers))
            limit, held = end, False
            if cover < len(self.covers):
                new, _, size = self.covers[cover]
                held = new <= at
                limit = min(end, new + size if held else new)
            size = min(limit - at, self.WINDOW)
            made += self.copied(cover, at, size) if held else self.gap(cover, at, size)
        return bytes(made)

    def copied(self, cover, at, size):
        new, old, _ = self.covers[cover]
        predicted = self.read_old(old + at - new, size)
        made = bytearray()
        while len(made) < size:
            if self.since < 16:
                self.copied_byte(predicted, made, at)
                continue
            length = min(1 << self.level, size - len(made))
            if self.run(predicted, made, length, self.level, at):
                self.level = min(self.level + 1, 13)
                continue
            level = self.level
            while level > 4 and length > 1:
                level -= 1
                half = length // 2
                length = length - half if self.run(predicted, made, half, level, at) else half
            self.level = self.level - 2 if self.level > 5 else 4
            while len(made) < size and self.copied_byte(predicted, made, at):
                pass
        return made

    def run(self, predicted, made, length, level, at):
        bit = self.coder.adaptive(self.runs, (level, 0))
        self.trace.append((at + len(made), f"run of {length}", "yes" if bit else "no"))
        if bit:
            made += predicted[len(made):len(made) + length]
            self.misses = self.misses << length & 0xffffffff
            self.since += length
        return bit

    def copied_byte(self, predicted, made, at):
        expected = predicted[len(made)]
        hit = self.coder.adaptive(self.hits, self.misses & 7)
        if hit:
            byte = expected
            self.trace.append((at + len(made), "hit", "yes"))
        else:
            byte = (expected + self.tree(self.miss_tree, 0)) & 255
            self.trace.append((at + len(made), "hit", f"no: {byte:02x} instead of {expected:02x}"))
        missed = byte != expected
        self.misses = (self.misses << 1 | missed) & 0xffffffff
        self.since = 0 if missed else self.since + 1
        made.append(byte)
        return hit

    def tree(self, table, which):
        partial = 1
        while partial < 256:
            partial = partial << 1 | self.coder.adaptive(table, (which, partial))
        return partial & 255

    def gap(self, cover, at, size):
        ghosts = None
        if cover > 0:
            new, old, _ = self.covers[cover - 1]
            if old + at - new + size <= self.header.old_size:
                ghosts = self.read_old(old + at - new, size)
        made = bytearray()
        for i in range(size):
            if ghosts and self.coder.adaptive(self.as_ghost, self.ghost_misses & 7):
                byte = ghosts[i]
                self.trace.append((at + i, "as the ghost", f"yes: {byte:02x}"))
            else:
                byte = self.tree(self.extra, at + i & 1)
                self.trace.append((at + i, "new byte", f"{byte:02x}"))
            missed = not ghosts or ghosts[i] != byte
            self.ghost_misses = (self.ghost_misses << 1 | missed) & 255
            made.append(byte)
        return made


def decode(patch, old, trace=None):
    header = Header(patch)
    old = old[:header.old_size]
    check(hashlib.sha256(old).digest() == header.old_hash, "another base")
    if header.flags == STORED:
        new = patch[header.size:]
        check(len(new) == header.new_size, "the patch has another size")
    else:
        new = decode_body(header, patch[header.size:], old, trace)
    check(hashlib.sha256(new).digest() == header.new_hash, "the result is not the new image")
    return new


def decode_body(header, body, old, trace):
    check(header.old_ranges == header.new_ranges == header.regions == 0, "left out here")
    coder = Coder(body, header.seal())
    covers = read_covers(coder, header)
    if header.flags == IN_PLACE:
        new = decode_pages(header, coder, covers, old)
    else:
        maker = Body(header, coder, covers, lambda start, size: old[start:start + size])
        new = maker.make(0, header.new_size)
        if trace is not None:
            trace += [header, covers, maker.trace]
    coder.end()
    return new


def decode_pages(header, coder, covers, old):
    slot = Slot(header, covers, old)
    maker = Body(header, coder, covers, slot.read)
    left, order = slot.read_map(coder), Order(slot)
    for _ in range(left):
        page = order.next_page(coder)
        start = page * header.page
        slot.put(page, maker.make(start, min(start + header.page, header.new_size)))
    return bytes(slot.slot[:header.new_size])


# --- the worked example ---------------------------------------------------------------------------

COMMANDS = """seq 1 300 > old
seq 1 300 | sed -e '100a hello' -e 's/^200$/2oo/' > new
fwpack delta old new -o example.fwd --decoder tiny
"""


def run(*arguments):
    subprocess.run([os.environ["FWPACK"], *arguments], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def read(name):
    with open(name, "rb") as file:
        return file.read()


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


def make(old, new, *options):
    write("old", old)
    write("new", new)
    run("delta", "old", "new", "-o", "made.fwd", "--decoder", "tiny", *options)
    return read("made.fwd")


def example_images():
    lines = [b"%d\n" % number for number in range(1, 301)]
    old = b"".join(lines)
    lines[199] = b"2oo\n"
    return old, b"".join(lines[:100]) + b"hello\n" + b"".join(lines[100:])


def dump(data):
    return ["    %04x  %s" % (at, data[at:at + 16].hex(" ")) for at in range(0, len(data), 16)]


def shown(value):
    return value.hex() if isinstance(value, bytes) else str(value)


def joined(trace):
    """Hits that follow each other, and new bytes, in one line each."""
    rows = []
    for at, what, said in trace:
        if rows and rows[-1][1] == what and what in ("hit", "new byte") and \
                (what == "new byte" or said == rows[-1][2][0] == "yes"):
            rows[-1][2].append(said)
        else:
            rows.append((at, what, [said]))
    return [(at, what if len(said) == 1 else f"{len(said)} × {what}",
             said[0] if what == "hit" else " ".join(said)) for at, what, said in rows]


def example():
    old, new = example_images()
    patch, trace = make(old, new), []
    check(decode(patch, old, trace) == new, "the second decoder makes something else")
    header, covers, decisions = trace
    lines = ["## A worked example", ""] + ["    " + line for line in COMMANDS.split("\n")[:-1]]
    lines += ["", f"makes this patch of {len(patch)} bytes, SHA-256", "",
              "    " + hashlib.sha256(patch).hexdigest(), ""] + dump(patch)
    lines += ["", "Its header:", "", "| at | bytes | field | value |", "|---|---|---|---|",
              "| 0 | `4657440%d` | magic, version | 1 |" % patch[3],
              f"| 4 | `{patch[4]:02x}` | size of the header | {patch[4]} |"]
    for start, field, name, value in header.notes:
        brief = f"`{field.hex()}`" if len(field) < 32 else f"`{field[:4].hex()}…`"
        lines.append(f"| {start} | {brief} | {name} | {shown(value) if len(field) < 32 else ''} |")
    body = patch[header.size:]
    lines += ["", f"The seal is {header.seal():08x}, so the coder's first four bytes are "
              f"{int.from_bytes(body[:4], 'big') ^ header.seal():08x}. The covers:", "",
              "| new offset | old offset | size |", "|---|---|---|"]
    lines += [f"| {new_at} | {old_at} | {size} |" for new_at, old_at, size in covers]
    lines += ["", "And the decisions behind them, each at its offset in the new image:", "",
              "| at | question | answer |", "|---|---|---|"]
    lines += [f"| {at} | {what} | {said} |" for at, what, said in joined(decisions)]
    return "\n".join(lines), patch, old


# --- other patches, and damaged ones --------------------------------------------------------------

def edited(source, data, edits):
    """Some bytes changed, parts inserted, dropped and moved."""
    data = bytearray(data)
    for _ in range(edits):
        at, size = source.randrange(len(data)), source.randrange(1, 40)
        kind = source.randrange(4)
        if kind == 0:
            data[at] = source.randrange(256)
        elif kind == 1:
            data[at:at] = source.randbytes(size)
        elif kind == 2:
            del data[at:at + size]
        else:
            part = data[at:at + 40 * size]
            del data[at:at + 40 * size]
            there = source.randrange(len(data) + 1)
            data[there:there] = part
    return bytes(data)


def pairs():
    source = random.Random(1)
    text = b"".join(b"%d bottles of beer on wall %d\n" % (i, i * i % 97) for i in range(900))
    noise = source.randbytes(20000)
    table = b"".join((i * 7 % 5000).to_bytes(4, "little") for i in range(4000))
    yield text, edited(source, text, 30)
    yield noise, edited(source, noise, 60)
    yield table, edited(source, table, 100)
    yield text, text
    yield text, text[5000:] + text[:5000]
    yield noise, b""
    yield b"", text
    yield noise, source.randbytes(3000)


def check_pairs():
    kinds = set()
    for old, new in pairs():
        for options in ((), ("--in-place=512", "--page-size", "256")):
            patch = make(old, new, *options)
            kinds.add(Header(patch).flags)
            if decode(patch, old + b"behind the image") != new:
                sys.exit(f"a patch from {len(old)} to {len(new)} bytes makes something else")
    if kinds != {0, STORED, IN_PLACE}:
        sys.exit(f"patches with flags {kinds} were made, but not all kinds")


def check_damage(patch, old):
    for at in range(len(patch)):
        for damaged in (patch[:at], patch[:at] + bytes([patch[at] ^ 16]) + patch[at + 1:]):
            try:
                decode(damaged, old)
            except Refused:
                continue
            sys.exit(f"a patch with damage at {at} was taken")


text, patch, old = example()
if "--print" in sys.argv:
    print(text)
else:
    with open(DOCUMENT, encoding="utf-8") as file:
        if text not in file.read():
            sys.exit("the worked example of docs/delta-format.md is not what fwpack makes now")
    check_damage(patch, old)
    check_pairs()
