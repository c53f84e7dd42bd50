#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/delta-format.md, proved: its worked example is what fwpack makes, byte for byte, and a second
decoder, written from the document alone, opens what fwpack makes.

The second decoder knows stored patches and all profiles, in two slots and in one. It leaves out opened
images, and the predictors of A32, MIPS, PowerPC and ELF's tables. Its models are in delta_models.py,
its predictors in delta_predict.py.

    tests/cli/delta_format.py --print    # the example as it must stand there; needs $FWPACK
"""

import bisect
import hashlib
import os
import random
import re
import subprocess
import sys

from delta_models import LOGISTIC, MODELS
from delta_predict import COVERED, GUESS, Predictor, knows

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DOCUMENT = os.path.join(SOURCE, "docs", "delta-format.md")
STORED, IN_PLACE = 1, 4
MASK = 2 ** 64 - 1
LIMITS = (  # bits of slots, and of histories and the index; covers, ranges, regions
    ((range(1), range(1)), 384, 4, 4),
    ((range(8, 15), range(1)), 1024, 4, 4),
    ((range(10, 25), range(25)), 2 ** 24, 256, 1024))


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
        check(self.profile < 3, "there is no such profile")
        check(self.flags in (0, 0 if self.profile == 2 else IN_PLACE), "left out here")
        bits, covers, ranges, regions = LIMITS[self.profile]
        self.slot_bits, self.history_bits, self.index_bits = (
            self.byte(name) for name in ("slot bits", "history bits", "index bits"))
        check(self.slot_bits in bits[0] and self.history_bits in bits[1] and
              self.index_bits in bits[1], "the model's size")
        self.covers = self.number("covers", covers)
        self.old_ranges = self.number("old ranges", ranges)
        self.new_ranges = self.number("new ranges", ranges)
        self.regions = self.number("regions", regions)
        if self.flags == IN_PLACE:
            self.page, self.scratch = self.number("page size"), self.number("scratch")
            check(self.page >= 128 and self.page & (self.page - 1) == 0, "page size")

    def claim(self):
        """What "Memory" says that tiny and small take."""
        pages = -(-self.new_size // self.page) if self.flags == IN_PLACE else 0
        fixed, window, model = ((1120, 128, 2704),
                                (1472, 512, 22920 + (2 << self.slot_bits)))[self.profile]
        return fixed + 4 * window + 56 + model + 12 * self.covers + 2 * -(-pages // 8) + \
            16 * (self.old_ranges + self.new_ranges) + 32 * self.regions

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

    def tree(self, table, which):
        partial = 1
        while partial < 256:
            partial = partial << 1 | self.adaptive(table, (which, partial))
        return partial & 255

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


def read_spans(coder, models, count, size):
    """Start and end of each entry, which the caller goes on with."""
    last = 0
    for _ in range(count):
        start = last + coder.number(models[0])
        last = start + coder.number(models[1])
        check(last <= size, "a range is outside")
        yield start, last


def read_ranges(coder, models, count, size):
    ranges, expected = [], 0
    for start, end in read_spans(coder, models, count, size):
        address = (expected + coder.signed(models[2])) & MASK
        ranges.append((start, end, address))
        expected = address + end - start
    return ranges


def read_layout(coder, header):
    models = {}, {}, {}
    old = read_ranges(coder, models, header.old_ranges, header.old_size)
    new = read_ranges(coder, models, header.new_ranges, header.new_size)
    regions = [(*span, *(coder.number(models[2]) for _ in range(3)))
               for span in read_spans(coder, models, header.regions, header.old_size)]
    check(all(knows(region[2]) for region in regions), "left out here")
    return old, new, regions


# --- "Cover map" ----------------------------------------------------------------------------------

def by_list(covers):
    def look(old):
        for new, start, size in covers:
            if start <= old < start + size:
                return COVERED, old - start + new
        before = [c for c in covers if c[1] + c[2] <= old]
        if not before:
            return GUESS, old
        new, start, _ = max(before, key=lambda c: c[1] + c[2])
        return GUESS, old - start + new
    return look


def by_index(covers):
    intervals, held = [], 0
    for new, start, size in sorted(covers, key=lambda c: c[1]):
        end, shift = start + size, new - start
        if intervals and start < intervals[-1][1]:
            if size > held:
                intervals[-1][1] = start
                if intervals[-1][0] == start:
                    intervals.pop()
            else:
                start = intervals[-1][1]
        if start < end:
            intervals.append([start, end, shift])
            held = size
    starts = [interval[0] for interval in intervals]

    def look(old):
        number = bisect.bisect_right(starts, old)
        if number == 0:
            return GUESS, old
        _, end, shift = intervals[number - 1]
        return COVERED if old < end else GUESS, old + shift
    return look


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


# --- "The new image" ------------------------------------------------------------------------------

class Place:
    """What is known of a place."""

    def __init__(self):
        self.offset, self.last, self.misses, self.since = 0, 0, 0, 0
        self.differences, self.kind_difference, self.group = [0] * 32, [0] * 256, [0] * 16
        self.ghost_misses, self.ghosts = [0, 0], [None, None]
        self.kind, self.predicted, self.window, self.at = 0, 0, b"", 0

    def old(self, distance):
        return self.window[8 + self.at + distance]

    def difference(self, back):
        return self.differences[(self.offset - back) % 32]

    def advance(self, byte):
        self.last = (self.last << 8 | byte) & MASK
        self.offset += 1

    def copied(self, byte):
        missed = byte != self.predicted
        self.misses = (self.misses << 1 | missed) & 0xffffffff
        self.since = 0 if missed else self.since + 1
        self.differences[self.offset % 32] = (byte - self.predicted) & 255
        self.kind_difference[self.kind] = (byte - self.predicted) & 255
        self.note_field(self.kind, missed)
        self.advance(byte)

    def note_field(self, kind, missed):
        if kind & 7 == 0:
            self.group[kind >> 4] = self.group[kind >> 4] << 1 & 0xffffffff
        self.group[kind >> 4] |= missed

    def run(self, made, kinds):
        self.misses = self.misses << len(made) & 0xffffffff
        self.since += len(made)
        for i in range(min(len(made), 32)):
            self.differences[(self.offset + i) % 32] = 0
        for kind in filter(None, kinds):
            self.kind_difference[kind] = 0
            self.note_field(kind, 0)
        for byte in made:
            self.advance(byte)


class Body:
    def __init__(self, header, coder, covers, layout, read_old):
        self.header, self.coder, self.covers, self.read_old = header, coder, covers, read_old
        map_cover = (by_index if header.profile == 2 else by_list)(covers)
        self.predictor, self.field_end = Predictor(covers, *layout, map_cover), (b"", b"")
        self.ends = [new + size for new, _, size in covers]
        self.model, self.place, self.level = MODELS[header.profile](header), Place(), 4
        self.trace = []

    def make(self, start, end):
        """Bytes [start, end) of the new image."""
        made, self.place.offset, self.field_end = bytearray(), start, (b"", b"")
        while self.place.offset < end:
            at = self.place.offset
            cover = bisect.bisect_right(self.ends, at)
            limit, held = end, False
            if cover < len(self.covers):
                new, _, size = self.covers[cover]
                held = new <= at
                limit = min(end, new + size if held else new)
            size = min(limit - at, self.model.WINDOW)
            made += self.copied(cover, size) if held else self.gap(cover, size)
        return bytes(made)

    def old_window(self, start, size):
        """The bytes, 8 before and 16 behind them; zeros outside of the image."""
        old_size = self.header.old_size
        first, end = max(start - 8, 0), min(start + size + 16, old_size)
        if start >= old_size:
            first, end = start, start + size
        before = bytes(8 - (start - first))
        return (before + self.read_old(first, end - first)).ljust(size + 24, b"\0")

    def predict(self, cover, size):
        """The window's prediction and kinds; keeps what fields leave for the next window."""
        new, old, length = self.covers[cover]
        start = old + self.place.offset - new
        predictor, carry = self.predictor, len(self.field_end[0])
        predictor.predicted = bytearray(self.place.window[8:])
        predictor.kinds = bytearray(size + 16)
        predictor.predicted[:carry], predictor.kinds[:carry] = self.field_end
        end = size
        if carry < size and start < self.header.old_size:
            reach = self.place.window[8:8 + min(size + 16, self.header.old_size - start)]
            end = predictor.predict((reach, size, start, self.place.offset, cover), carry)
        if self.place.offset + size == new + length:
            end = size
        self.field_end = bytes(predictor.predicted[size:end]), bytes(predictor.kinds[size:end])
        return bytes(predictor.predicted[:size]), bytes(predictor.kinds[:size])

    def copied(self, cover, size):
        new, old, _ = self.covers[cover]
        place, made = self.place, bytearray()
        place.window = self.old_window(old + place.offset - new, size)
        predicted, kinds = self.predict(cover, size)
        while len(made) < size:
            if place.since < 16:
                self.copied_byte(predicted, kinds, made)
                continue
            length = min(1 << self.level, size - len(made))
            if self.run(predicted, kinds, made, length, self.level):
                self.level = min(self.level + 1, 13)
                continue
            level = self.level
            while level > 4 and length > 1:
                level -= 1
                half = length // 2
                length = length - half if self.run(predicted, kinds, made, half, level) else half
            self.level = self.level - 2 if self.level > 5 else 4
            while len(made) < size and self.copied_byte(predicted, kinds, made):
                pass
        self.model.learn(made)
        return made

    def risk(self, predicted, kinds, start, end):
        risk = 0
        for i in range(start, end):
            if kinds[i]:
                moved = predicted[i] != self.place.window[8 + i]
                risk = max(risk, 3 if kinds[i] & 8 else 2 if moved else 1)
        return risk

    def run(self, predicted, kinds, made, length, level):
        start, end = len(made), len(made) + length
        risk = self.risk(predicted, kinds, start, end)
        bit = self.model.run(self.coder, level, risk, self.place)
        self.trace.append((self.place.offset, f"run of {length}", "yes" if bit else "no"))
        if bit:
            made += predicted[start:end]
            self.place.run(predicted[start:end], kinds[start:end])
        return bit

    def copied_byte(self, predicted, kinds, made):
        place = self.place
        place.at, place.predicted, place.kind = len(made), predicted[len(made)], kinds[len(made)]
        byte, said = place.predicted, "yes"
        hit = self.model.hit(self.coder, place)
        if not hit:
            byte = self.model.miss(self.coder, place)
            said = f"no: {byte:02x} instead of {place.predicted:02x}"
        self.trace.append((place.offset, "hit", said))
        made.append(byte)
        place.copied(byte)
        return hit

    def ghosts(self, cover, size):
        if not 0 <= cover < len(self.covers):
            return None
        new, old, _ = self.covers[cover]
        start = old + self.place.offset - new
        inside = 0 <= start and start + size <= self.header.old_size
        return self.read_old(start, size) if inside else None

    def gap(self, cover, size):
        place, made = self.place, bytearray()
        ghosts = [self.ghosts(cover - 1, size), self.ghosts(cover, size)]
        for i in range(size):
            place.ghosts = [some[i] if some is not None else None for some in ghosts]
            byte = self.model.extra(self.coder, place)
            self.trace.append((place.offset, "new byte", f"{byte:02x}"))
            self.model.learn([byte])
            for which in (0, 1):
                missed = place.ghosts[which] != byte
                place.ghost_misses[which] = (place.ghost_misses[which] << 1 | missed) & 255
            made.append(byte)
            place.advance(byte)
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
    coder = Coder(body, header.seal())
    covers, layout = read_covers(coder, header), read_layout(coder, header)
    if header.flags == IN_PLACE:
        new = decode_pages(header, coder, covers, layout, old)
    else:
        maker = Body(header, coder, covers, layout, lambda start, size: old[start:start + size])
        maker.model.train(old)
        new = maker.make(0, header.new_size)
        if trace is not None:
            trace += [header, covers, maker.trace]
    coder.end()
    return new


def decode_pages(header, coder, covers, layout, old):
    slot = Slot(header, covers, old)
    maker = Body(header, coder, covers, layout, slot.read)
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


def make(old, new, decoder, *options):
    write("old", old)
    write("new", new)
    run("delta", "old", "new", "-o", "made.fwd", "--decoder", decoder, *options)
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
    patch, trace = make(old, new, "tiny"), []
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


def thumb_image(sizes):
    """Functions of so many BL, each with a literal pool of two addresses; linked at 0x08004000."""
    base, places, at = 0x08004000, {}, 4 * len(sizes)
    for name, size in sizes:
        places[name] = at
        at += 4 * size + 12
    image = bytearray(b"".join((base + places[name] | 1).to_bytes(4, "little")
                               for name, _ in sizes))
    for name, size in sizes:
        source = random.Random(name)
        for _ in range(size):
            way = places[1 + source.randrange(159)] - len(image) - 4
            high, low = way >> 12 & 0x7ff, way >> 1 & 0x7ff
            image += (0xf000 | high).to_bytes(2, "little") + (0xf800 | low).to_bytes(2, "little")
        image += bytes.fromhex("00490000") + b"".join(
            (base + places[1 + source.randrange(159)] + 4 * source.randrange(2)).to_bytes(
                4, "little") for _ in range(2))
    return bytes(image)


def thumb_pair():
    source = random.Random(2)
    sizes = [(name, source.randrange(3, 40)) for name in range(1, 160)]
    return thumb_image(sizes), thumb_image(sizes[:50] + [(160, 9)] + sizes[52:90] +
                                           [(name, size + 1) for name, size in sizes[90:92]] +
                                           sizes[92:] + [sizes[50]] + [sizes[51]])


def pairs():
    source = random.Random(1)
    text = b"".join(b"%d bottles of beer on wall %d\n" % (i, i * i % 97) for i in range(250))
    noise = source.randbytes(7000)
    table = b"".join((i * 7 % 5000).to_bytes(4, "little") for i in range(1500))
    yield text, edited(source, text, 30)
    yield noise, edited(source, noise, 60)
    yield table, edited(source, table, 100)
    yield text, text
    yield text, text[2000:] + text[:2000]
    yield noise, b""
    yield b"", text
    yield noise, source.randbytes(2000)


OPTIONS = (("tiny",), ("tiny", "--in-place=512", "--page-size", "256"), ("small",),
           ("small", "--in-place=1KiB", "--page-size", "1024"), ("full", "--no-unpack"))


def check_pair(old, new, *options):
    patch = make(old, new, *options)
    header = Header(patch)
    if header.flags != STORED and header.profile < 2 and header.memory != header.claim():
        sys.exit(f"{header.memory} bytes of memory are claimed, not {header.claim()}")
    if decode(patch, old + b"behind the image") != new:
        sys.exit(f"a patch from {len(old)} to {len(new)} bytes makes something else")
    return header


def check_pairs():
    kinds = set()
    for old, new in pairs():
        for options in OPTIONS:
            header = check_pair(old, new, *options)
            kinds.add((header.profile, header.flags))
    if kinds != {(0, STORED), (0, 0), (0, IN_PLACE), (1, 0), (1, IN_PLACE), (2, 0)}:
        sys.exit(f"patches {kinds} were made, but not all kinds")
    for options in OPTIONS:
        header = check_pair(*thumb_pair(), *options, "--architecture", "thumb")
        if not header.regions or not header.old_ranges:
            sys.exit("nothing is predicted where much could be")


def check_damage(patch, old):
    for at in range(len(patch)):
        for damaged in (patch[:at], patch[:at] + bytes([patch[at] ^ 16]) + patch[at + 1:]):
            try:
                decode(damaged, old)
            except Refused:
                continue
            sys.exit(f"a patch with damage at {at} was taken")


# --- tables of constants --------------------------------------------------------------------------

GROUPS = ("", "BRANCH", "SHORT", "PAGE", "LOW", "LITERAL", "MEMORY", "POINTER", "TABLE")
WORD = re.compile(r"\{0x(\w+),\s+0x(\w+),\s+(\d+),\s+(\d+),\s+(?:\w+,\s+)?"
                  r"\{(\d+), (\d+), (\d+), (\d+), PATCH_GROUP_(\w+)\}")


def source(name):
    with open(os.path.join(SOURCE, "libpack", "patch", name), encoding="utf-8") as file:
        return file.read()


def check_constants(document):
    """The predictors' tables and the logistic one stand in the document as in the sources."""
    found = 0
    for name in ("thumb", "words", "a64", "avr", "xtensa"):
        for mask, value, shift, width, *form, group in WORD.findall(source(f"predict_{name}.c")):
            row = [f"| {mask} | {value} |", f"| {shift}, {width}",
                   ", ".join([*form, str(GROUPS.index(group))])]
            found += 1
            if not any(all(part in line for part in row) for line in document.split("\n")):
                sys.exit(f"predict_{name}.c has a word that the document has not: {row}")
    numbers = re.findall(r"0x(\w{8}),", source("predict_x86.c"))
    for line in (" ".join(numbers[:8]), " ".join(numbers[8:]),
                 " ".join(map(str, LOGISTIC))):
        if line not in " ".join(document.split()):
            sys.exit(f"the document has another table than {line}")
    if found < 20 or len(numbers) != 16:
        sys.exit("the tables were not found in the sources")


text, patch, old = example()
if "--print" in sys.argv:
    print(text)
else:
    with open(DOCUMENT, encoding="utf-8") as file:
        if text not in file.read():
            sys.exit("the worked example of docs/delta-format.md is not what fwpack makes now")
        file.seek(0)
        check_constants(file.read())
    check_damage(patch, old)
    check_pairs()
