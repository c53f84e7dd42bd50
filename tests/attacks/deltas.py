# SPDX-License-Identifier: MIT
"""A94 to A99 on raw patches: damaged and hostile ones, other bases, and sizes that lie."""
import hashlib
import os
import random
import struct

from harness import AttackTest, folder_state, main, noise

SORTS = {
    "tiny": ("--decoder", "tiny"),
    "small": ("--decoder", "small"),
    "full": ("--decoder", "full"),
    "in place": ("--decoder", "tiny", "--in-place=256", "--page-size", "256"),
}
STORED, UNPACKED, IN_PLACE = 1, 2, 4
LIES = (1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**62, 2**63 - 1)


def code(size, seed=1):
    """Words like those of a program: few different ones, some addresses."""
    generator = random.Random(seed)
    words = [generator.randrange(2**32) for _ in range(40)]
    return b"".join(struct.pack("<I", 0x08000000 + generator.randrange(size) if i % 5 == 0
                                else generator.choice(words)) for i in range(size // 4))


def edited(image):
    """The next version: some bytes come in between, some differ."""
    middle = len(image) // 8 * 4
    changed = bytearray(image[:middle] + b"something that is new" + image[middle - 40:])
    for at in range(30, len(changed), 331):
        changed[at] ^= 0x21
    return bytes(changed)


def leb128(value):
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes(encoded + bytes([value]))


def read_leb128(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


class Header:
    """Of a patch, as docs/delta-format.md has it; every field can lie."""

    def __init__(self, old, new, profile=0, flags=0):
        self.profile, self.flags, self.version = profile, flags, 1
        self.old_size, self.new_size, self.memory = len(old), len(new), 1 << 20
        self.old_hash, self.new_hash = (hashlib.sha256(image).digest() for image in (old, new))
        self.model = {0: b"\0\0\0", 1: b"\x0c\0\0", 2: b"\x0f\0\0"}.get(profile, b"\0\0\0")
        self.covers, self.old_ranges, self.new_ranges, self.regions = 0, 0, 0, 0
        self.more = []  # for the flags

    def encode(self):
        fields = bytes([self.profile, self.flags])
        fields += b"".join(leb128(n) for n in (self.old_size, self.new_size, self.memory))
        fields += self.old_hash + self.new_hash
        if not self.flags & STORED:
            fields += self.model + b"".join(leb128(n) for n in (
                self.covers, self.old_ranges, self.new_ranges, self.regions, *self.more))
        return b"FWD" + bytes([self.version, len(fields) + 5]) + fields


class DeltaTest(AttackTest):
    size = 800

    def setUp(self):
        super().setUp()
        self.old = code(self.size)
        self.new = edited(self.old)
        self.write("old", self.old)
        self.write("new", self.new)

    def make(self, sort):
        if sort == "stored":
            self.new = noise(300)
            self.write("new", self.new)
        self.succeed("delta", "old", "new", "-o", "x.fwd", *SORTS.get(sort, ()))
        patch = self.read("x.fwd")
        self.assertEqual(bool(patch[6] & STORED), sort == "stored")
        self.assertEqual(bool(patch[6] & IN_PLACE), sort == "in place")
        return patch

    def refuse_patch(self, patch, codes=(3, 13), says=None):
        self.write("x.fwd", patch)
        return self.refuse(codes, "patch", "old", "x.fwd", "-o", "out", "--decoder-memory", "48MiB",
                           says=says)

    def each_sort(self, check):
        for sort in (*SORTS, "stored"):
            with self.subTest(sort=sort):
                check(self.make(sort))


class Damage(DeltaTest):
    def check_good(self):
        self.succeed("patch", "old", "x.fwd", "-o", "good")
        self.assertEqual(self.read("good"), self.new)
        os.unlink(self.path("good"))

    def test_a97_a_bit_of_every_byte(self):
        def check(patch):
            self.check_good()
            for at in range(len(patch)):
                bad = bytearray(patch)
                bad[at] ^= 1 << at % 8
                self.refuse_patch(bytes(bad), (3, 13, 16))
        self.each_sort(check)

    def test_a99_every_length(self):
        def check(patch):
            for size in range(0, len(patch), 1 if len(patch) < 250 else 3):
                self.refuse_patch(patch[:size])
            self.refuse_patch(patch[:-1])
        self.each_sort(check)

    def test_a99_what_follows(self):
        def check(patch):
            for more in (b"\0", b"\xff", b"x" * 4095, patch, bytes(70000)):
                self.refuse_patch(patch + more)
        self.each_sort(check)

    def test_a97_other_files(self):
        for other in (b"", b"F", b"FWD", b"FWD\1", b"FWD\1\0", b"FWD\1\5", b"FWD\1\xff", b"BSDIFF40",
                      bytes(100), b"\xff" * 300, noise(1000), self.old, self.new):
            self.refuse_patch(other, 13 if other == b"FWD\1\xff" else 3)
        for version in (0, 2, 255):
            header = Header(self.old, self.new)
            header.version = version
            self.refuse_patch(header.encode() + bytes(50), 3, "version")

    def test_a97_to_standard_output(self):
        """What comes there was decoded, but only exit 0 says that it is the image."""
        def check(patch):
            bad = bytearray(patch)
            bad[-6] ^= 4
            self.write("x.fwd", bytes(bad))
            result = self.run_program("patch", "old", "x.fwd", "-o", "-")
            self.assertIn(result.code, (3, 13), repr(result))
            self.write("x.fwd", patch)
            self.assertEqual(self.succeed("patch", "old", "x.fwd", "-o", "-").out, self.new)
        self.each_sort(check)

    def test_a97_an_output_that_exists_stays(self):
        patch = self.make("small")
        self.write("out", b"precious")
        self.refuse_patch(patch[:-3])
        self.assertEqual(self.read("out"), b"precious")


class Bases(DeltaTest):
    def refuse_base(self, base):
        self.write("base", base)
        result = self.refuse(16, "patch", "base", "x.fwd", "-o", "out", says="base")
        if len(base) >= len(self.old):
            self.assertIn(hashlib.sha256(self.old).hexdigest(), result.text)
        self.refuse(16, "patch", "base", "x.fwd", "-o", "-", says="base")

    def test_a96_other_bases(self):
        def check(patch):
            self.refuse_base(b"")
            self.refuse_base(self.old[:-1])
            self.refuse_base(self.old[1:])
            self.refuse_base(self.new + bytes(900))
            self.refuse_base(noise(len(self.old)))
            for at in range(0, len(self.old), 79):
                base = bytearray(self.old)
                base[at] ^= 1
                self.refuse_base(bytes(base))
            # A slot is longer than the image in it.
            self.write("base", self.old + noise(5000))
            self.write("x.fwd", patch)
            self.succeed("patch", "base", "x.fwd", "-o", "good")
            self.assertEqual(self.read("good"), self.new)
            os.unlink(self.path("good"))
        self.each_sort(check)

    def test_a96_a_base_that_changes_during_the_run(self):
        """It was hashed by then; the result is what its hash says, or there is none."""
        self.old = code(400000)
        self.write("old", self.old)
        self.new = edited(self.old) + noise(30000) + self.old[5000:90000]
        self.write("new", self.new)
        for sort in SORTS:
            with self.subTest(sort=sort):
                self.change_base(self.make(sort))

    def change_base(self, patch):
        self.write("base", self.old)
        before = folder_state(self.folder)
        reading, writing = os.pipe()
        running = self.start("patch", "base", "-", "-o", "out", stdin=reading)
        os.close(reading)
        os.write(writing, patch[:len(patch) // 2])
        running.wait_until_stalled()
        with open(self.path("base"), "r+b") as file:
            file.write(noise(len(self.old)))
        os.write(writing, patch[len(patch) // 2:])
        os.close(writing)
        result = running.end()
        if result.code == 0:  # it was read before
            self.assertEqual(self.read("out"), self.new)
            os.unlink(self.path("out"))
        else:
            self.check_refusal(result, (1, 3, 13), None)
        self.write("base", self.old)
        self.assertEqual(folder_state(self.folder), before)

    def test_a96_a_base_that_is_a_pipe_or_the_output(self):
        self.make("tiny")
        reading, writing = os.pipe()
        os.write(writing, self.old)
        os.close(writing)
        self.refuse(2, "patch", "-", "x.fwd", "-o", "out", stdin=reading, says="pipe")
        os.close(reading)
        self.refuse(2, "patch", "old", "x.fwd", "-o", "old")
        self.refuse(2, "patch", "old", "x.fwd", "-o", "x.fwd")


class Lies(DeltaTest):
    BODIES = (b"", b"\0", bytes(400), b"\xff" * 400, noise(400))

    def refuse_header(self, header, codes=(3, 13, 16)):
        for body in self.BODIES:
            self.refuse_patch(header.encode() + body, codes)

    def test_a94_sizes(self):
        for profile in range(3):
            for flags in (0, STORED):
                for size in LIES:
                    header = Header(self.old, self.new, profile, flags)
                    header.old_size = size
                    self.refuse_header(header)
                    header = Header(self.old, self.new, profile, flags)
                    header.new_size = size
                    self.refuse_header(header)

    def test_a94_numbers_that_are_too_long(self):
        start = b"FWD\1"
        for number in (b"\x80" * 9 + b"\x02", b"\x80" * 10 + b"\x01", b"\xff" * 20, b"\x80\x00",
                       b"\xff" * 9 + b"\x7f"):
            fields = b"\0\0" + number + leb128(5) + leb128(1 << 20) + bytes(64) + bytes(7)
            self.refuse_patch(start + bytes([len(fields) + 5]) + fields + bytes(90), 3)

    def test_a94_memory(self):
        for profile in range(3):
            for memory in (0, 1, 500, 48 * 2**20 + 1, 2**40, 2**48):
                header = Header(self.old, self.new, profile)
                header.memory = memory
                self.refuse_header(header, 3)
            header = Header(self.old, self.new, profile)
            header.memory, header.covers = 48 * 2**20, {0: 384, 1: 1024, 2: 2**24}[profile]
            self.refuse_header(header, (3, 13))

    def test_a94_counts(self):
        for profile in range(3):
            for name, counts in {"covers": (1, 2, 384, 385, 1025, 2**24, 2**24 + 1),
                                 "old_ranges": (1, 4, 5, 256, 257), "new_ranges": (1, 5, 257),
                                 "regions": (1, 4, 5, 1024, 1025)}.items():
                for count in (*counts, 2**31, 2**32 - 1, 2**32 + 1, 2**63 - 1):
                    header = Header(self.old, self.new, profile)
                    setattr(header, name, count)
                    self.refuse_header(header, (3, 13))

    def test_a94_models(self):
        for profile in range(3):
            for model in (b"\xff\xff\xff", b"\0\0\0", b"\x17\0\0", b"\x1f\x1f\x1f", b"\x0f\x40\0",
                          b"\x0f\0\x40", b"\x08\x15\x15", b"\x0f\x14\x14"):
                header = Header(self.old, self.new, profile)
                header.model = model
                self.refuse_header(header, (3, 13))

    def test_a94_profiles_and_flags(self):
        for profile in range(3, 256, 21):
            self.refuse_header(Header(self.old, self.new, profile), 3)
        for profile in range(3):
            for flags in (3, 5, 7, 8, 16, 128, 255):
                self.refuse_header(Header(self.old, self.new, profile, flags), 3)

    def test_a95_pages(self):
        for page, scratch in ((0, 0), (1, 1), (3, 3), (64, 64), (128, 0), (128, 100), (128, 129),
                              (2**20, 2**20), (2**25, 2**25), (128, 2**30), (4096, 128),
                              (2**32, 2**32), (256, 256), (128, 128 * 5)):
            header = Header(self.old, self.new, 0, IN_PLACE)
            header.more = [page, scratch]
            self.refuse_header(header, (3, 13))

    def test_a98_plans(self):
        for sizes in ((800, 800, 0, 0), (800, 800, 2**28, 2**28), (2**40, 2**40, 20, 20),
                      (2**63 - 1, 2**63 - 1, 1, 1), (800, 2**62, 30, 30), (0, 0, 100, 100)):
            header = Header(self.old, self.new, 2, UNPACKED)
            header.memory, header.more = 48 * 2**20, sizes
            self.refuse_header(header, (3, 13))

    def test_a98_bombs(self):
        """Few bytes that say they make 1 TiB."""
        for profile in range(3):
            for flags in (0, STORED):
                header = Header(self.old, self.new, profile, flags)
                header.new_size = 2**40
                for body in (b"", b"\0" * 20, b"\xff" * 20, noise(100)):
                    self.refuse_patch(header.encode() + body)

    def test_a98_other_sizes_than_are_made(self):
        for sort in (*SORTS, "stored"):
            patch = self.make(sort)
            _, at = read_leb128(patch, 7)
            size, end = read_leb128(patch, at)
            for other in (size - 1, size + 1, size // 2, size + 128):
                number = leb128(other)
                bent = patch[:at] + number + patch[end:]
                bent = bent[:4] + bytes([patch[4] + len(number) - (end - at)]) + bent[5:]
                self.refuse_patch(bent)


main()
