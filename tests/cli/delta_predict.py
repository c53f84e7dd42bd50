# SPDX-License-Identifier: MIT
"""The predictions of docs/delta-format.md, written from its text: targets, pointers, Thumb. The other
kinds of regions are left out; `knows` says which there are."""

NOTHING, GUESS, COVERED = range(3)
MASK = 2 ** 64 - 1
BRANCH, SHORT, PAGE, LOW, LITERAL, MEMORY, POINTER = range(1, 8)


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def field(value, high, low=None):
    """Bits `high` to `low`, or one bit."""
    low = high if low is None else low
    return value >> low & (1 << (high - low + 1)) - 1


# --- "Pointers" -----------------------------------------------------------------------------------

def pointer(size, order):
    def look(site, at, room):
        if room < size:
            return 1
        value = int.from_bytes(site.old[at:at + size], order)
        if site.region[2] in (6, 7) and size == 4 and value & 0x5f == 0x17:
            return 1
        odd = value & 1 if site.region[2] == 1 else 0
        reach, moved = site.map_pointer(value - odd)
        if reach == NOTHING:
            return 1
        site.put(at, size, moved | odd, POINTER, reach, order)
        return size
    return look


def relative(site, at, room):
    if room < 4:
        return room
    distance = signed(site.number(at, 4), 32)
    if distance:
        reach, moved = site.distance(at, distance, (0, 1, 32, 1, MEMORY))
        if reach != NOTHING:
            site.put(at, 4, moved, MEMORY, reach)
    return 4


# --- "Thumb" --------------------------------------------------------------------------------------

THUMB = (
    (0xf800, 0xe000, 11, True, (4, 1, 12, 2, SHORT)),
    (0xf800, 0x4800, 8, False, (4, 4, 11, 4, LITERAL)),
    (0xf800, 0xa000, 8, False, (4, 4, 11, 4, LITERAL)),
    (0xf000, 0xd000, 8, True, (4, 1, 9, 2, SHORT)))


def thumb_halfword(site, at, h):
    if h & 0xf500 == 0xb100:
        form = (4, 1, 8, 2, SHORT)
        reach, moved = site.distance(at, field(h, 9) * 64 + field(h, 7, 3) * 2, form)
        if reach != NOTHING and moved >= 0:
            site.put(at, 2, h & ~0x2f8 | field(moved, 6) << 9 | field(moved, 5, 1) << 3, SHORT,
                     reach)
        return
    if h & 0xfe00 == 0xde00:
        return
    for mask, value, width, has_sign, form in THUMB:
        if h & mask == value:
            distance = signed(h, width) if has_sign else field(h, width - 1, 0)
            reach, moved = site.distance(at, distance * form[3], form)
            if reach != NOTHING and (has_sign or moved >= 0):
                part = (1 << width) - 1
                site.put(at, 2, h & ~part | moved // form[3] & part, form[4], reach)
            return


def thumb_call(site, at, h, l):
    s = field(h, 10)
    i1, i2 = 1 ^ field(l, 13) ^ s, 1 ^ field(l, 11) ^ s
    distance = signed(s << 24 | i1 << 23 | i2 << 22 | field(h, 9, 0) << 12 |
                      field(l, 10, 0) << 1, 25)
    form = (4, 4, 25, 4, BRANCH) if l & 0xd001 == 0xc000 else (4, 1, 25, 2, BRANCH)
    reach, moved = site.distance(at, distance, form)
    if reach != NOTHING:
        s = field(moved, 24)
        j1, j2 = 1 ^ field(moved, 23) ^ s, 1 ^ field(moved, 22) ^ s
        h = h & 0xf800 | s << 10 | field(moved, 21, 12)
        l = l & 0xd000 | j1 << 13 | j2 << 11 | field(moved, 11, 1)
        site.put(at, 4, h | l << 16, BRANCH, reach)


def thumb_conditional(site, at, h, l):
    distance = signed(field(h, 10) << 20 | field(l, 11) << 19 | field(l, 13) << 18 |
                      field(h, 5, 0) << 12 | field(l, 10, 0) << 1, 21)
    reach, moved = site.distance(at, distance, (4, 1, 21, 2, SHORT))
    if reach != NOTHING:
        h = h & ~0x43f | field(moved, 20) << 10 | field(moved, 17, 12)
        l = l & 0xd000 | field(moved, 18) << 13 | field(moved, 19) << 11 | field(moved, 11, 1)
        site.put(at, 4, h | l << 16, SHORT, reach)


def thumb_half(h, l):
    return field(h, 3, 0) << 12 | field(h, 10) << 11 | field(l, 14, 12) << 8 | field(l, 7, 0)


def thumb_move(site, at, room, h, l):
    register, top, half = field(l, 11, 8), h & 0x80, thumb_half(h, l)
    target = site.registers.get(register) if top else None
    for i in range(4, room - 3, 2):
        next_h, next_l = site.number(at + i, 2), site.number(at + i + 2, 2)
        if not top and target is None and next_h & 0xfbf0 == 0xf2c0 and \
                next_l & 0x8f00 == register << 8:
            target = thumb_half(next_h, next_l) << 16 | half
    site.registers.pop(register, None)
    if target is None or (top and target >> 16 != half):
        return
    reach, moved = site.map_pointer(target & ~1)
    if reach == NOTHING:
        return
    if not top:
        site.registers[register] = target
    moved |= target & 1
    half = (moved >> 16 if top else moved) & 0xffff
    h = h & 0xfbf0 | field(half, 15, 12) | field(half, 11) << 10
    l = l & 0x8f00 | field(half, 10, 8) << 12 | field(half, 7, 0)
    site.put(at, 4, h | l << 16, PAGE if top else LOW, reach)


def thumb_load(site, at, h, l):
    distance = l & 0xfff if h & 0x80 else -(l & 0xfff)
    reach, moved = site.distance(at, distance, (4, 4, 13, 1, LITERAL))
    if reach != NOTHING and moved != -4096:
        h = h & ~0x80 | (0 if moved < 0 else 0x80)
        site.put(at, 4, h | (l & 0xf000 | abs(moved)) << 16, LITERAL, reach)


def thumb(site, at, room):
    if room < 2:
        return room
    h = site.number(at, 2)
    if h < 0xe800:
        thumb_halfword(site, at, h)
        return 2
    if room < 4:
        return 2
    l = site.number(at + 2, 2)
    if h & 0xf800 == 0xf000 and l & 0x8000:
        if l & 0x5000:
            thumb_call(site, at, h, l)
        elif h & 0x380 != 0x380:
            thumb_conditional(site, at, h, l)
    elif h & 0xfb70 == 0xf240 and not l & 0x8000:
        thumb_move(site, at, room, h, l)
    elif h & 0xfe1f == 0xf81f:
        thumb_load(site, at, h, l)
    return 4


# --- "Regions": look, step, pointers, their alignment ---------------------------------------------

KINDS = {
    0: None,
    1: (thumb, 2, pointer(4, "little"), 4),
    13: (pointer(4, "little"), 4, None, 1),
    14: (pointer(4, "big"), 4, None, 1),
    15: (pointer(8, "little"), 8, None, 1),
    16: (pointer(8, "big"), 8, None, 1),
    20: (relative, 4, None, 1),
}


def knows(kind):
    return kind in KINDS


# --- "Targets" ------------------------------------------------------------------------------------

def holding(ranges, offset):
    return next((some for some in ranges if some[0] <= offset < some[1]), None)


class Predictor:
    """Ranges are (start, end, address), regions (start, end, kind, parameters)."""

    def __init__(self, covers, old_ranges, new_ranges, regions, map_cover):
        self.covers, self.map_cover = covers, map_cover
        self.old_ranges, self.new_ranges, self.regions = old_ranges, new_ranges, regions
        self.old_end = max((old + size for _, old, size in covers), default=0)
        self.lowest = min((r[2] for r in old_ranges), default=0)
        self.highest = max((r[2] + r[1] - r[0] for r in old_ranges), default=0)
        self.registers, self.next_old = {}, 0
        self.old = self.predicted = self.kinds = b""
        self.start = self.new_start = self.cover = self.A = self.N = 0
        self.region, self.plain = None, True

    def number(self, at, size):
        return int.from_bytes(self.old[at:at + size], "little")

    def put(self, at, size, value, group, reach, order="little"):
        self.predicted[at:at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, order)
        self.kinds[at:at + size] = bytes(group << 4 | (reach == GUESS) << 3 | i
                                         for i in range(size))

    def map_offset(self, old):
        if old >= self.old_end:
            return NOTHING, 0
        for i in range(9):
            near = self.cover + (i + 1) // 2 if i % 2 else self.cover - i // 2
            if 0 <= near < len(self.covers):
                new, start, size = self.covers[near]
                if start <= old < start + size:
                    return COVERED, new + old - start
        return self.map_cover(old)

    def map_pointer(self, address):
        if not self.lowest <= address < self.highest:
            return NOTHING, 0
        found = [r for r in self.old_ranges if r[2] <= address < r[2] + r[1] - r[0]]
        if not found:
            return NOTHING, 0
        start, _, base = min(found, key=lambda r: abs(r[0] - self.start))
        reach, offset = self.map_offset(start + address - base)
        there = holding(self.new_ranges, offset)
        if reach == NOTHING or there is None:
            return NOTHING, 0
        return reach, there[2] + offset - there[0]

    def map_address(self, address):
        return self.map_offset(address) if self.plain else self.map_pointer(address)

    def distance(self, at, distance, form):
        bias, align, bits, unit, _ = form
        start = (self.A + at + bias) // align * align
        to = (self.N + at + bias) // align * align
        reach, moved = self.map_address((start + distance) & MASK)
        moved -= to
        if -1024 <= distance < 1024 and not -8192 <= moved < 8192:
            moved, reach = distance, GUESS
        if reach == NOTHING or not -1 << bits - 1 <= moved < 1 << bits - 1 or moved % unit:
            return NOTHING, 0
        return reach, moved

    def set_addresses(self, at, end):
        here = holding(self.old_ranges, self.start + at)
        there = holding(self.new_ranges, self.new_start + at)
        self.plain = here is None or there is None
        if self.plain:
            self.A, self.N = self.start, self.new_start
            return min([end] + [r[0] - self.start for r in self.old_ranges
                                if r[0] > self.start + at])
        self.A = self.start + here[2] - here[0]
        self.N = self.new_start + there[2] - there[0]
        return min(end, here[1] - self.start, there[1] - self.new_start)

    def predict(self, window, first):
        """`window` is (old bytes of the reach, size, old, new, cover); where the last field ends."""
        self.old, size, self.start, self.new_start, self.cover = window
        if self.start != self.next_old:
            self.registers = {}
        self.next_old, at = self.start + size, first
        while at < size:
            self.region = next((r for r in self.regions if r[1] > self.start + at), None)
            if self.region is None or self.region[0] >= self.start + size:
                break
            at = max(at, self.region[0] - self.start)
            end = min(size, self.region[1] - self.start)
            kind = KINDS[self.region[2]]
            if kind is None:
                at = end
                continue
            at = self.walk(kind, at, self.set_addresses(at, end))
        return max(at, size)

    def walk(self, kind, at, end):
        look, step, look_pointer, align = kind
        at += -(self.A + at) % step
        while at < end:
            room, taken = min(len(self.old) - at, 16), 0
            if look_pointer and (self.A + at) % align == 0:
                taken = look_pointer(self, at, room)
            if taken <= step:
                taken = look(self, at, room)
            at += max(taken, step)
        return at
