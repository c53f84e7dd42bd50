# SPDX-License-Identifier: MIT
"""The predictions of docs/delta-format.md, written from its text: targets, pointers, Thumb, A64, AVR,
x86, RISC-V, Xtensa. The other kinds of regions are left out; `knows` says which there are."""

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


# --- "A64", "AVR", "x86" --------------------------------------------------------------------------

def word_of_table(site, at, size, word, table):
    """True where the word is one of the table's, whatever is predicted."""
    for mask, value, shift, width, form in table:
        if word & mask == value:
            reach, moved = site.distance(at, signed(word >> shift, width) * form[3], form)
            if reach != NOTHING:
                part = (1 << width) - 1
                word = word & ~(part << shift) | (moved // form[3] & part) << shift
                site.put(at, size, word, form[4], reach)
            return True
    return False


A64 = (
    (0x7c000000, 0x14000000, 0, 26, (0, 1, 28, 4, BRANCH)),
    (0xff000010, 0x54000000, 5, 19, (0, 1, 21, 4, SHORT)),
    (0x7e000000, 0x34000000, 5, 19, (0, 1, 21, 4, SHORT)),
    (0x7e000000, 0x36000000, 5, 14, (0, 1, 16, 4, SHORT)),
    (0x3b000000, 0x18000000, 5, 19, (0, 1, 21, 4, LITERAL)))


def a64_low(word):
    """The scale of a low part, or None."""
    if word & 0xffc00000 == 0x91000000:
        return 0
    if word & 0x3b000000 != 0x39000000:
        return None
    return 4 if word & 0x04800000 == 0x04800000 else field(word, 31, 30)


def a64_page(site, at, room, word):
    register = field(word, 4, 0)
    page = (site.A + at) // 4096 * 4096 + 4096 * signed(
        field(word, 23, 5) << 2 | field(word, 30, 29), 21) & MASK
    site.registers[register], target, reach_found = page, page, False
    for i in range(4, room - 3, 4):
        low = site.number(at + i, 4)
        if not reach_found and field(low, 9, 5) == register and a64_low(low) is not None:
            target, reach_found = page + (field(low, 21, 10) << a64_low(low)), True
    reach, moved = site.map_address(target & MASK)
    if reach == NOTHING:
        return
    moved -= (target - page) // 4096 * 4096
    pages = moved // 4096 - (site.N + at) // 4096
    if -1 << 20 <= pages < 1 << 20:
        word = word & 0x9f00001f | (pages & 3) << 29 | (pages >> 2 & 0x7ffff) << 5
        site.put(at, 4, word, PAGE, reach if reach_found else GUESS)


def a64_forget(site, word):
    gone = []
    if word & 0xfc000000 == 0x94000000 or word & 0xfffffc1f == 0xd63f0000:
        gone = range(19)
    elif word & 0xffdffc1f == 0xd61f0000:
        gone = range(32)
    elif word & 0x1c000000 != 0x14000000 and word & 0x3bc00000 != 0x39000000 and \
            word & 0x3a400000 != 0x28000000:
        gone = [field(word, 4, 0)]
    for register in gone:
        site.registers.pop(register, None)
    if word & 0x3a400000 == 0x28400000:
        site.registers.pop(field(word, 14, 10), None)


def a64(site, at, room):
    if room < 4:
        return room
    word = site.number(at, 4)
    if word & 0x9f000000 == 0x90000000:
        a64_page(site, at, room, word)
        return 4
    scale = a64_low(word)
    if word & 0x9f000000 == 0x10000000:
        form = (0, 1, 21, 1, MEMORY)
        reach, moved = site.distance(
            at, signed(field(word, 23, 5) << 2 | field(word, 30, 29), 21), form)
        if reach != NOTHING:
            site.put(at, 4, word & 0x9f00001f | (moved & 3) << 29 | (moved >> 2 & 0x7ffff) << 5,
                     MEMORY, reach)
    elif scale is not None:
        page = site.registers.get(field(word, 9, 5))
        if page is not None:
            reach, moved = site.map_address(page + (field(word, 21, 10) << scale) & MASK)
            if reach != NOTHING and moved % (1 << scale) == 0:
                site.put(at, 4, word & ~(0xfff << 10) | (moved & 0xfff) >> scale << 10, LOW, reach)
    else:
        word_of_table(site, at, 4, word, A64)
    a64_forget(site, word)
    return 4


AVR = ((0xe000, 0xc000, 0, 12, (2, 1, 13, 2, BRANCH)), (0xf800, 0xf000, 3, 7, (2, 1, 8, 2, SHORT)))


def avr(site, at, room):
    if room < 2:
        return room
    word = site.number(at, 2)
    if word & 0xfe0c == 0x940c and room >= 4:
        target = field(word, 8, 4) << 17 | field(word, 0) << 16 | site.number(at + 2, 2)
        reach, moved = site.map_address(target * 2)
        if reach != NOTHING and moved < 1 << 23 and moved % 2 == 0:
            value = moved // 2
            word = word & ~0x1f1 | field(value, 21, 17) << 4 | field(value, 16)
            site.put(at, 4, word | (value & 0xffff) << 16, POINTER, reach)
        return 4
    if word & 0xfc0f == 0x9000:
        return min(room, 4)
    word_of_table(site, at, 2, word, AVR)
    return 2


def x86_distance(site, at, bias, group, guesses):
    reach, moved = site.distance(at, signed(site.number(at, 4), 32), (bias, 1, 32, 1, group))
    if reach == NOTHING or (reach == GUESS and not guesses):
        return False
    site.put(at, 4, moved, group, reach)
    return True


ONE = (0x0f0f0f0f, 0x0f0f0f0f, 0x00000000, 0x00000a08, 0x0000affb, 0x00000000, 0xff0f00c3,
       0xc0c00000)
TWO = (0x81ff200f, 0x0000ff00, 0xffffffff, 0xf07fffff, 0xffff0000, 0xfdcff838, 0xffff00ff,
       0xffffffff)


def x86_immediate(code, two, extension, whole):
    if two:
        return int(0x70 <= code <= 0x73 or code in (0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6))
    if code in (0x69, 0x81, 0xc7) or (code == 0xf7 and extension < 2):
        return whole
    return int(code in (0x6b, 0x80, 0x83, 0xc0, 0xc1, 0xc6) or (code == 0xf6 and extension < 2))


def x86_operand(site, at, room):
    old, i = site.old[at:at + room], 0
    short = old[0] == 0x66
    i += short
    if i + 1 < room and old[i] & 0xf0 == 0x40:
        i += 1
    two = i + 1 < room and old[i] == 0x0f
    i += two
    if i + 6 > room or old[i + 1] & 0xc7 != 5:
        return 0
    if not (TWO if two else ONE)[old[i] // 32] >> old[i] % 32 & 1:
        return 0
    rest = x86_immediate(old[i], two, field(old[i + 1], 5, 3), 2 if short else 4)
    if not x86_distance(site, at + i + 2, 4 + rest, MEMORY, False):
        return 0
    return i + 6 + rest if i + 6 + rest <= room else i + 6


def x86(wide):
    def look(site, at, room):
        first = site.old[at]
        if first & 0xfe == 0xe8 and room >= 5:
            if x86_distance(site, at + 1, 4, BRANCH, True):
                return 5
        elif first == 0x0f and room >= 6 and site.old[at + 1] & 0xf0 == 0x80:
            if x86_distance(site, at + 2, 4, SHORT, True):
                return 6
        taken = x86_operand(site, at, room) if wide else 0
        if taken or room < 4:
            return taken or 1
        value = site.number(at, 4)
        address = (signed(value, 32) if wide else value) & MASK
        reach, moved = site.map_pointer(address) if address >= 0x10000 else (NOTHING, 0)
        if reach != COVERED:
            return 1
        site.put(at, 4, moved, POINTER, reach)
        return 4
    return look


# --- "RISC-V", "Xtensa" ---------------------------------------------------------------------------

C_JUMP = ((3, 1, 3), (11, 4, 1), (2, 5, 1), (7, 6, 1), (6, 7, 1), (9, 8, 2), (8, 10, 1), (12, 11, 1))
WIDE = (
    (0x7f, 0x6f, (0, 1, 21, 2, BRANCH), ((21, 1, 10), (20, 11, 1), (12, 12, 8), (31, 20, 1))),
    (0x7f, 0x63, (0, 1, 13, 2, SHORT), ((8, 1, 4), (25, 5, 6), (7, 11, 1), (31, 12, 1))))
NARROW = (
    (0xe003, 0xa001, (0, 1, 12, 2, SHORT), C_JUMP),
    (0xc003, 0xc001, (0, 1, 9, 2, SHORT), ((3, 1, 2), (10, 3, 2), (2, 5, 1), (5, 6, 2), (12, 8, 1))),
    (0xe003, 0x2001, (0, 1, 12, 2, BRANCH), C_JUMP))


def scattered(site, at, size, word, table):
    for mask, value, form, pieces in table:
        if word & mask == value:
            distance = sum((word >> start & (1 << width) - 1) << to for start, to, width in pieces)
            reach, moved = site.distance(at, signed(distance, form[2]), form)
            if reach != NOTHING:
                for start, to, width in pieces:
                    part = (1 << width) - 1
                    word = word & ~(part << start) | (moved >> to & part) << start
                site.put(at, size, word, form[4], reach)
            return True
    return False


def riscv_low(word):
    """The 12 bits, and whether it is a store; None for no low part."""
    code = word & 0x7f
    if code in (0x23, 0x27):
        return signed(field(word, 31, 25) << 5 | field(word, 11, 7), 12), True
    if code in (3, 7, 0x67) or (code in (0x13, 0x1b) and field(word, 14, 12) == 0):
        return signed(field(word, 31, 20), 12), False
    return None


def riscv_map(site, value, low, bits):
    target = (value & ~1) + low & (1 << bits) - 1
    return site.map_address(target) if value & 1 else site.map_pointer(target)


def riscv_high(site, at, room, word, bits):
    register, own = field(word, 11, 7), word & 0x7f == 0x17
    value = signed(word & 0xfffff000, 32)
    value = (value + site.A + at | 1 if own else value) & MASK
    site.registers[register], i = value, 4
    while i + 4 <= room:
        low = site.number(at + i, 4)
        if field(low, 19, 15) == register and riscv_low(low):
            reach, moved = riscv_map(site, value, riscv_low(low)[0], bits)
            moved += 0x800 - (site.N + at if own else 0)
            away = signed(moved, 64)
            if reach != NOTHING and (bits == 32 or -1 << 31 <= away < 1 << 31):
                site.put(at, 4, word & 0xfff | moved & 0xfffff000, PAGE, reach)
            return
        i += 4 if low & 3 == 3 else 2


def riscv_bottom(site, at, word, low, bits):
    value = site.registers.get(field(word, 19, 15))
    if value is None:
        return
    reach, moved = riscv_map(site, value, low[0], bits)
    if reach == NOTHING:
        return
    if value & 1:
        moved -= (value & ~1) + site.N - site.A
    if low[1]:
        word = word & 0x01fff07f | field(moved, 11, 5) << 25 | field(moved, 4, 0) << 7
    else:
        word = word & 0xfffff | (moved & 0xfff) << 20
    site.put(at, 4, word, LOW, reach)


def riscv(bits):
    def look(site, at, room):
        if room < 2:
            return room
        word = site.number(at, 2)
        if word & 3 != 3:
            if not scattered(site, at, 2, word, NARROW if bits == 32 else NARROW[:2]) and \
                    (word & 3 == 2 or word & 0x8003 == 1):
                site.registers.pop(field(word, 11, 7), None)
            return 2
        if room < 4:
            return 2
        word = site.number(at, 4)
        if word & 0x7f in (0x17, 0x37):
            riscv_high(site, at, room, word, bits)
            return 4
        low = riscv_low(word)
        if low:
            riscv_bottom(site, at, word, low, bits)
        else:
            scattered(site, at, 4, word, WIDE)
        if not (low and low[1]) and word & 0x7f != 0x63:
            site.registers.pop(field(word, 11, 7), None)
        return 4
    return look


XTENSA = (
    (0x00000f, 0x000005, 6, 18, (4, 4, 20, 4, BRANCH)),
    (0x00003f, 0x000006, 6, 18, (4, 1, 18, 1, BRANCH)),
    (0x00003f, 0x000016, 12, 12, (4, 1, 12, 1, SHORT)),
    (0x00003f, 0x000026, 16, 8, (4, 1, 8, 1, SHORT)),
    (0x0000bf, 0x0000b6, 16, 8, (4, 1, 8, 1, SHORT)),
    (0x00000f, 0x000007, 16, 8, (4, 1, 8, 1, SHORT)))


def xtensa(site, at, room):
    size = 2 if 8 <= site.old[at] & 15 < 14 else 3
    if room < size:
        return room
    up = -(site.A + at) % 4
    begin = site.old[at + up:at + up + 2]
    if 0 < up < size and up + 2 <= room and \
            (begin == b"\x12\xc1" or (begin[0] == 0x36 and begin[1] & 15 == 1)):
        return up
    word = site.number(at, size)
    if (size == 2 and word & 0xffef == 0xf00d) or (size == 3 and word in (0x80, 0x90)):
        padded = size + -(site.A + at + size) % 4
        return padded if padded <= room else size
    if size == 3 and word & 15 == 1:
        form = (3, 4, 19, 4, LITERAL)
        reach, moved = site.distance(at, (field(word, 23, 8) - 65536) * 4, form)
        if reach != NOTHING and moved < 0:
            site.put(at, 3, word & 0xff | (moved // 4 & 0xffff) << 8, LITERAL, reach)
    elif size == 3:
        word_of_table(site, at, 3, word, XTENSA)
    return size


# --- "Regions": look, step, pointers, their alignment ---------------------------------------------

KINDS = {
    0: None,
    1: (thumb, 2, pointer(4, "little"), 4),
    3: (a64, 4, pointer(8, "little"), 8),
    4: (x86(True), 1, None, 1),
    5: (x86(False), 1, None, 1),
    6: (riscv(32), 2, pointer(4, "little"), 4),
    7: (riscv(64), 2, pointer(8, "little"), 8),
    8: (xtensa, 1, pointer(4, "little"), 4),
    9: (avr, 2, None, 1),
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
