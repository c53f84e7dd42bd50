# SPDX-License-Identifier: MIT
"""The models of docs/delta-format.md, written from its text: "Tiny", "Mixing", "Small", "Full"."""

LOGISTIC = (22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108,
            4971, 7812, 11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565,
            62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514)
KEPT = (0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6)


class Tiny:
    WINDOW = 128

    def __init__(self, header):
        self.runs, self.hits, self.misses, self.extras, self.as_ghost = {}, {}, {}, {}, {}

    def run(self, coder, level, risk, place):
        return coder.adaptive(self.runs, (level, risk))

    def hit(self, coder, place):
        moved = place.predicted != place.old(0)
        return coder.adaptive(self.hits, (place.kind >> 4, (place.misses & 7) << 1 | moved))

    def miss(self, coder, place):
        return (place.predicted + coder.tree(self.misses, place.kind != 0)) & 255

    def extra(self, coder, place):
        ghost = place.ghosts[0]
        if ghost is not None and coder.adaptive(self.as_ghost, place.ghost_misses[0] & 7):
            return ghost
        return coder.tree(self.extras, place.offset & 1)

    def train(self, old):
        pass

    def learn(self, made):
        pass


# --- "Mixing" -------------------------------------------------------------------------------------

def mix_hash(a, b):
    h = (a * 0x9e3779b1 ^ (b + 0x7f4a7c15) * 0x85ebca6b) & 0xffffffff
    return h ^ h >> 15


def stir(h):
    h = h * 0x9e3779b1 & 0xffffffff
    h ^= h >> 16
    return h * 0x85ebca6b & 0xffffffff


def squash(x):
    if x <= -2047 or x >= 2047:
        return LOGISTIC[0 if x < 0 else 32]
    i, w = (x + 2048) >> 7, (x + 2048) & 127
    return (LOGISTIC[i] * (128 - w) + LOGISTIC[i + 1] * w + 64) >> 7


def truncated(a, b):
    return a // b if a >= 0 else -(-a // b)


class Slots:
    def __init__(self, slot_bits, stretch_bits):
        self.bits, self.shift = slot_bits, 16 - stretch_bits
        self.bytes = bytearray(2 << slot_bits)
        self.table, x = [], -2047
        for i in range(1 << stretch_bits):
            while x < 2047 and squash(x) < (2 * i + 1) << (15 - stretch_bits):
                x += 1
            self.table.append(x)

    def stretch(self, p):
        return self.table[p >> self.shift]

    def find(self, hashed, size, shift):
        at = size * (hashed >> shift)
        if self.bytes[at] != hashed & 255:
            self.bytes[at:at + size] = bytes([hashed & 255]) + bytes(size - 1)
        return at

    def flags(self, hashes):
        return [self.find(stir(h), 2, 32 - min(self.bits, 17)) + 1 for h in hashes]

    def nibbles(self, hashes, partial):
        return [self.find(stir((h + partial * 0x2f0b4c47) & 0xffffffff), 16, 35 - self.bits)
                for h in hashes]


class Mix:
    def __init__(self, slots, refined):
        self.slots, self.maps, self.weights, self.refined = slots, {}, {}, {} if refined else None

    @staticmethod
    def first_map(history):
        zeros, ones = history >> 4, history & 15
        return (5 * ones + 2) * (2 ** 22 - 1) // (5 * (zeros + ones) + 4), 8

    def bit(self, coder, histories, directs, selected, context):
        array, inputs = self.slots.bytes, []
        for i, at in enumerate(histories):
            p, _ = self.maps.get((i, array[at])) or self.first_map(array[at])
            inputs.append(self.slots.stretch(p >> 6))
        inputs += [*directs, 256]
        answers, total = [], 0
        for chosen in enumerate(selected):
            if chosen not in self.weights:
                self.weights[chosen] = [10000] * (len(inputs) - 1) + [0]
            x = sum(a * b for a, b in zip(inputs, self.weights[chosen])) >> 16
            x = min(max(x, -2047), 2047)
            answers.append((self.weights[chosen], squash(x)))
            total += x
        total = truncated(total, len(selected))
        p, steps = squash(total), None
        if self.refined is not None:
            steps = self.refined.setdefault(context, [squash((s - 16) * 128) for s in range(33)])
            i, w = (total + 2048) >> 7, (total + 2048) & 127
            p = (p + ((steps[i] * (128 - w) + steps[i + 1] * w) >> 7)) // 2
        bit = coder.bit(min(max(p, 24), 65512))
        self.learn(histories, inputs, answers, bit)
        if steps is not None:
            i += w >= 64
            steps[i] += (65535 - steps[i]) // 64 if bit else -(steps[i] // 64)
        return bit

    def learn(self, histories, inputs, answers, bit):
        array = self.slots.bytes
        for i, at in enumerate(histories):
            p, count = self.maps.get((i, array[at])) or self.first_map(array[at])
            p += ((bit << 22) - p) * (131072 // (2 * count + 3)) >> 16
            self.maps[i, array[at]] = p, min(count + 1, 255)
            zeros, ones = array[at] >> 4, array[at] & 15
            zeros, ones = (KEPT[zeros], min(ones + 1, 15)) if bit else \
                (min(zeros + 1, 15), KEPT[ones])
            array[at] = zeros << 4 | ones
        for weights, answer in answers:
            e = ((bit << 16) - answer) * 16
            for i, x in enumerate(inputs):
                weights[i] += x * e >> 18


def ghost_key(place, which):
    ghost = place.ghosts[which]
    return 0 if ghost is None else ghost << 4 | place.ghost_misses[which] & 7 | 8


def known(partial, number, p):
    """Whether the bits so far are the predicted byte's."""
    return partial == (p | 256) >> (8 - number)


# --- "Small" --------------------------------------------------------------------------------------

class Small:
    WINDOW = 512

    def __init__(self, header):
        self.slots = Slots(header.slot_bits, 10)
        self.uses = [Mix(self.slots, False) for _ in range(3)]
        self.runs = {}

    def run(self, coder, level, risk, place):
        return coder.adaptive(self.runs, (level, risk), 5)

    def hit(self, coder, place):
        p, k, old = place.predicted, place.kind, place.old
        moved, at = p != old(0), place.offset & 3
        hashes = (
            mix_hash(1, (place.misses & 255) << 9 | moved << 8 | k),
            mix_hash(2, min(place.since, 15) << 11 | moved << 10 | at << 8 | k),
            mix_hash(3, (place.group[k >> 4] & 15) << 9 | moved << 8 | k),
            mix_hash(4, old(-1) << 16 | old(0) << 8 | old(1)),
            mix_hash(5, p << 2 | at),
            mix_hash(6, place.kind_difference[k] << 8 | k))
        return self.uses[0].bit(coder, self.slots.flags(hashes), (), (place.misses & 15,), None)

    def byte(self, coder, use, hashes, p):
        partial = 1
        for number in range(8):
            same = p is not None and known(partial, number, p)
            if number == 7 and same:
                bit = 1 - (p & 1)
            else:
                histories = self.slots.flags([mix_hash(h, partial) for h in hashes])
                selected = number if p is None else number << 1 | same
                bit = self.uses[use].bit(coder, histories, (), (selected,), None)
            partial = partial << 1 | bit
        return partial & 255

    def miss(self, coder, place):
        p, k, at, near = place.predicted, place.kind, place.offset & 3, place.last
        return self.byte(coder, 1, (
            mix_hash(21, p << 8 | k),
            mix_hash(22, ((p + place.kind_difference[k]) & 255) << 8 | k),
            mix_hash(23, place.difference(1) << 8 | p),
            mix_hash(24, ((p + place.difference(4)) & 255) << 2 | at),
            mix_hash(25, near & 0xffff),
            mix_hash(26, k << 2 | at)), p)

    def extra(self, coder, place):
        return self.byte(coder, 2, extra_hashes(place)[:6], None)

    def train(self, old):
        pass

    def learn(self, made):
        pass


def extra_hashes(place):
    """Those that small and full have in common."""
    near, at = place.last & 0xffffffff, place.offset & 3
    return [mix_hash(41, near & 0xff),
            mix_hash(42, near & 0xffff),
            mix_hash(43, ghost_key(place, 0)),
            mix_hash(44, near & 0xffffff),
            mix_hash(45, (near >> 24) << 10 | at << 8 | near & 0xff),
            mix_hash(46, at)]


# --- "Full" ---------------------------------------------------------------------------------------

class Repeat:
    def __init__(self, bits, hashed, read):
        self.bits, self.hashed, self.read = bits, hashed, read
        self.table, self.next, self.length, self.expected = {}, 0, 0, 0

    def slot(self, last):
        some = last << (64 - 8 * self.hashed) & 2 ** 64 - 1
        return (some * 0x9e3779b97f4a7c15 & 2 ** 64 - 1) >> (64 - self.bits)

    def find(self, last):
        if not self.bits:
            return
        if self.length == 0:
            place, length = self.table.get(self.slot(last), 0), 0
            while length < min(8, place) and \
                    self.read(place - 1 - length) == last >> 8 * length & 255:
                length += 1
            if place == 0 or length < self.hashed:
                return
            self.next, self.length = place, length
        self.expected = self.read(self.next)
        if self.expected is None:
            self.length = 0

    def follow(self, byte):
        if self.length:
            self.next += 1
            self.length = min(self.length + 1, 65535) if byte == self.expected else 0

    def key(self):
        return min(self.length, 15) << 8 | self.expected if self.length else 0


class Full:
    WINDOW = 4096

    def __init__(self, header):
        self.slots = Slots(header.slot_bits, 12)
        self.uses = [Mix(self.slots, True) for _ in range(3)]
        self.runs, self.right, self.history = {}, {}, header.history_bits
        self.old, self.new, self.after_extra = b"", bytearray(), 0
        self.repeats = (Repeat(header.index_bits, 6, self.read_old),
                        Repeat(max(self.history - 2, 0), 5, self.read_new))

    def read_old(self, at):
        return self.old[at] if at < len(self.old) else None

    def read_new(self, at):
        return self.new[at] if len(self.new) - 2 ** self.history <= at < len(self.new) else None

    def train(self, old):
        repeat, last = self.repeats[0], 0
        self.old = old
        for n, byte in enumerate(old if repeat.bits else b"", 1):
            last = (last << 8 | byte) & 2 ** 64 - 1
            if n >= 6:
                repeat.table[repeat.slot(last)] = n

    def learn(self, made):
        self.new += bytes(made)

    def run(self, coder, level, risk, place):
        recent = min(place.since.bit_length() // 4, 3)
        return coder.adaptive(self.runs, (level, risk, recent), 5)

    @staticmethod
    def word(place):
        at = place.offset & 3
        return int.from_bytes(bytes(place.old(i - at) for i in range(4)), "little")

    def hit(self, coder, place):
        p, k, old, misses = place.predicted, place.kind, place.old, place.misses
        moved, at, since = p != old(0), place.offset & 3, place.since.bit_length()
        strides = sum((misses >> (back - 1) & 1) << i
                      for i, back in enumerate((1, 2, 3, 4, 8, 12, 16, 24)))
        three = old(-1) << 16 | old(0) << 8 | old(1)
        hashes = (
            mix_hash(1, (misses & 255) << 9 | moved << 8 | k),
            mix_hash(2, since << 11 | moved << 10 | at << 8 | k),
            mix_hash(3, (place.group[k >> 4] & 15) << 9 | moved << 8 | k),
            mix_hash(mix_hash(4, self.word(place)), at),
            mix_hash(5, p << 8 | old(-1)),
            mix_hash(6, strides << 8 | at << 6 | moved),
            mix_hash(7, three),
            mix_hash(8, misses & 0xffff),
            mix_hash(9, place.kind_difference[k] << 8 | k),
            mix_hash(10, (place.last & 255) << 8 | p),
            mix_hash(mix_hash(11, old(-2) << 8 | old(2)), three))
        selected = min(since, 15) * 64 + (k >> 4) * 2 + moved, misses & 255
        return self.uses[0].bit(coder, self.slots.flags(hashes), (), selected, k)

    @staticmethod
    def steps(histories, partial, number):
        bits = number & 3
        return [at + (1 << bits | partial & ((1 << bits) - 1)) for at in histories]

    def miss(self, coder, place):
        p, k, old, near = place.predicted, place.kind, place.old, place.last
        at, partial, found = place.offset & 3, 1, []
        hashes = (
            mix_hash(21, p << 8 | k),
            mix_hash(22, ((p + place.kind_difference[k]) & 255) << 8 | k),
            mix_hash(23, place.difference(1) << 8 | p),
            mix_hash(mix_hash(24, self.word(place)), at),
            mix_hash(25, ((p + place.difference(4)) & 255) << 2 | at),
            mix_hash(26, (near & 255) << 8 | p),
            mix_hash(27, near & 0xffff),
            mix_hash(28, p << 8 | old(0)),
            mix_hash(29, ((p + place.difference(8)) & 255) << 2 | at),
            mix_hash(30, old(-1) << 16 | old(0) << 8 | old(1)),
            mix_hash(31, near & 0xffffff),
            mix_hash(32, k << 2 | at),
            mix_hash(33, place.difference(1) << 16 | place.difference(2) << 8 | k))
        for number in range(8):
            if number % 4 == 0:
                found = self.slots.nibbles(hashes, partial)
            same = known(partial, number, p)
            if number == 7 and same:
                bit = 1 - (p & 1)
            else:
                bit = self.uses[1].bit(coder, self.steps(found, partial, number), (),
                                       (number << 1 | same, k), partial)
            partial = partial << 1 | bit
        return partial & 255

    def hashes(self, place):
        near, far, at = place.last & 0xffffffff, place.last >> 32, place.offset & 3
        return extra_hashes(place) + [
            mix_hash(47, near),
            mix_hash(mix_hash(48, near), far & 0xffff),
            mix_hash(49, ghost_key(place, 1)),
            mix_hash(50, near & 0xffff00),
            mix_hash(mix_hash(51, near >> 24), far & 255),
            mix_hash(52, ghost_key(place, 0) << 8 | near & 255),
            mix_hash(53, near & 0xff000000 | at),
            mix_hash(54, self.repeats[0].key()),
            mix_hash(55, self.repeats[1].key()),
            mix_hash(56, near & 0xff0000),
            mix_hash(57, near & 0xff00ff)]

    def expectation(self, which, partial, number):
        """The bit that comes (None for no matter which), its place in `right`, the state."""
        repeat = self.repeats[which]
        if not repeat.length or not known(partial, number, repeat.expected):
            return None, None, 0
        size = repeat.length.bit_length()
        index = repeat.length // 2 if repeat.length < 16 else min(6 + size // 2, 15)
        return repeat.expected >> (7 - number) & 1, (which, index), 1 + min(size, 9) * 2 // 3

    def extra(self, coder, place):
        if self.after_extra != len(self.new):
            for repeat in self.repeats:
                repeat.length = 0
        for repeat in self.repeats:
            repeat.find(place.last)
        hashes, partial, found = self.hashes(place), 1, []
        for number in range(8):
            if number % 4 == 0:
                found = self.slots.nibbles(hashes, partial)
            expected = [self.expectation(which, partial, number) for which in (0, 1)]
            directs = []
            for bit, index, _ in expected:
                if bit is not None:
                    self.right.setdefault(index, 65535 - 32768 // (index[1] + 2))
                x = 0 if bit is None else self.slots.stretch(self.right[index])
                directs.append(x if bit else -x)
            state = (expected[0][2] * 8 + expected[1][2]) & 63
            bit = self.uses[2].bit(coder, self.steps(found, partial, number), directs,
                                   (state << 3 | number, place.last & 255), partial)
            for wanted, index, _ in expected:
                if wanted is not None:
                    right = self.right[index]
                    self.right[index] += 65535 - right >> 6 if wanted == bit else -(right >> 6)
            partial = partial << 1 | bit
        self.update(place, partial & 255)
        return partial & 255

    def update(self, place, byte):
        for repeat in self.repeats:
            repeat.follow(byte)
        self.after_extra = len(self.new) + 1
        repeat = self.repeats[1]
        if repeat.bits and len(self.new) >= 8:
            repeat.table[repeat.slot(place.last)] = len(self.new)


MODELS = (Tiny, Small, Full)
