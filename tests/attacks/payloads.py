# SPDX-License-Identifier: MIT
"""A61 to A64 inside signed payloads, as a stolen delivery key would make them, and A13: sizes that
do not fit in 31 or 32 bits. The release is signed by another key and stays as it is."""
import lzma
import os
import struct
import unittest
import zlib

from bundles import (
    FRAME_SIZES, GIB, KIB, MIB, Bundle, Image, Key, Zeros, archive, bomb, gzip_maker, gzip_member,
    pieces, write_sparse, xz_maker, xz_stream, zstd_block, zstd_frame, zstd_header)
from harness import SLOW, AttackTest, lines, main, noise

OWNER, DELIVERY = Key("owner"), Key("delivery")
TRUST = ("-p", "release=owner.pub", "-p", "delivery=delivery.pub")
PLAIN = lines(3000)
SKIPPABLE = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"skip"


class PayloadTest(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("owner.pub", OWNER.public_file())
        self.write("delivery.pub", DELIVERY.public_file())

    def make(self, codec, frames, plain=PLAIN, change=None):
        """A bundle of one image with these frames, each table being right for them."""
        image = Image("app", plain, codec, 512)
        image.set_frames(frames)
        if change:
            change(image)
        bundle = Bundle([image]).sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"])
        self.write("x.fwb", bundle.archive())
        return bundle

    def refuse_made(self, codes, says=None):
        self.refuse(codes, "verify", "x.fwb", *TRUST, says=says)
        self.refuse(codes, "verify", "x.fwb", *TRUST, "-j", "1", says=says)
        self.refuse(codes, "verify", "-", *TRUST, says=says, stdin=self.read("x.fwb"))
        self.refuse(codes, "extract", "x.fwb", "-C", "out", *TRUST, says=says)
        self.refuse(codes, "extract", "x.fwb", "-o", "-", *TRUST, says=says)

    def refuse_frames(self, codec, *frames, codes=(13,), says="frame 0", plain=PLAIN):
        self.make(codec, frames, plain)
        self.refuse_made(codes, says)

    def accept(self, codec, *frames, plain=PLAIN):
        self.make(codec, frames, plain)
        self.succeed("verify", "x.fwb", *TRUST, "--complete", "--flat")


class Zstandard(PayloadTest):
    frame = zstd_frame(PLAIN)

    def test_a61_other_frames(self):
        self.accept("zstd", self.frame)
        frame = self.frame
        for other in (SKIPPABLE + frame, frame + SKIPPABLE, SKIPPABLE, frame + frame,
                      frame + zstd_frame(b""), zstd_frame(PLAIN[:1000]) + zstd_frame(PLAIN[1000:]),
                      zstd_frame(b"") + frame, frame + b"\0", b"\0" + frame, frame[:-1],
                      frame[1:], zstd_frame(b""), b"\x28\xb5\x2f\xfd", b"x", bytes(3000), PLAIN,
                      gzip_member(PLAIN), xz_stream(PLAIN)):
            self.refuse_frames("zstd", other, codes=(3, 13))
        self.refuse_frames("zstd", SKIPPABLE + frame)

    def test_a62_more_than_was_signed(self):
        """Run lengths: few bytes become many."""
        for size in (3001, 128 * KIB, 2 * MIB, 256 * MIB, 4 * GIB - 1):
            blocks = min(size // (128 * KIB), 2048)
            frame = zstd_header(size) + b"".join(
                zstd_block(1, 128 * KIB, b"\0", i == blocks - 1) for i in range(blocks or 1))
            self.refuse_frames("zstd", frame, codes=(3, 13))
        bomb = zstd_header(3000) + zstd_block(1, 128 * KIB, b"\0", True)
        self.refuse_frames("zstd", bomb)
        bomb = zstd_header(3000) + zstd_block(1, 3000, b"\0", False) * 900
        self.refuse_frames("zstd", bomb)

    def test_a62_other_content_sizes(self):
        rest = self.frame[9:]
        for size in (0, 1, 2999, 3001, 2**31, 2**32 - 1):
            self.refuse_frames("zstd", zstd_header(size) + rest)
        magic = self.frame[:4]
        for size in (3001, 2**32 + 3000, 2**63, 2**64 - 1, 2**64 - 2):
            self.refuse_frames("zstd", magic + b"\xe0" + struct.pack("<Q", size) + rest)
        self.accept("zstd", magic + b"\xe0" + struct.pack("<Q", 3000) + rest)
        self.refuse_frames("zstd", magic + b"\x00\x50" + rest, says="content size")

    def test_a63_windows(self):
        """No window may be larger than a frame, however small what it frames."""
        magic, size = self.frame[:4], struct.pack("<I", 3000)
        for exponent, mantissa in ((10, 0), (10, 1), (11, 0), (21, 0), (27, 7), (31, 7)):
            window = (1 << 10 + exponent) * (8 + mantissa) // 8
            frame = magic + bytes([0x80, exponent << 3 | mantissa]) + size + self.frame[9:]
            if window <= FRAME_SIZES["zstd"]:
                self.accept("zstd", frame)
            else:
                self.refuse_frames("zstd", frame, codes=(3, 13), says="window")

    def test_a63_headers(self):
        magic, size, rest = self.frame[:4], struct.pack("<I", 3000), self.frame[9:]
        self.refuse_frames("zstd", magic + b"\xa8" + size + rest, says="reserved")
        for flag, identifier in ((1, b"\1"), (2, b"\1\0"), (3, b"\1\0\0\0"), (3, bytes(4))):
            frame = magic + bytes([0xA0 | flag]) + identifier + size + rest
            self.refuse_frames("zstd", frame, says="dictionary")

    def test_a64_checksums_and_blocks(self):
        frame = zstd_header(3000, 0xA4) + self.frame[9:]
        self.refuse_frames("zstd", frame)
        self.refuse_frames("zstd", frame + bytes(4))
        for header in (zstd_block(3, 3000, PLAIN, True), zstd_block(2, 3000, PLAIN, True),
                       zstd_block(0, 2**21 - 1, PLAIN, True), zstd_block(0, 3000, PLAIN, False),
                       zstd_block(0, 2999, PLAIN[:-1], True)):
            self.refuse_frames("zstd", zstd_header(3000) + header)

    def test_a64_frames_of_another_image(self):
        self.refuse_frames("zstd", zstd_frame(PLAIN[::-1]), says="that it decodes to")

    def test_a62_a_damaged_frame_among_good_ones(self):
        """In each place in turn, on any number of threads."""
        plain = lines(5 * MIB)
        frames = [zstd_frame(piece) for piece in pieces(plain, FRAME_SIZES["zstd"])]
        self.accept("zstd", *frames, plain=plain)
        for at, frame in enumerate(frames):
            bad = frame[:-1] + bytes([frame[-1] ^ 1])
            self.make("zstd", frames[:at] + [bad] + frames[at + 1:], plain)
            self.refuse(13, "verify", "x.fwb", *TRUST, says="that it decodes to: block")
            self.refuse(13, "extract", "x.fwb", "-C", "out", *TRUST)
            out = self.run_program("extract", "x.fwb", "-o", "-", *TRUST)
            self.assertEqual(out.code, 13)
            self.assertTrue(plain.startswith(out.out) and len(out.out) == at * FRAME_SIZES["zstd"])


class Gzip(PayloadTest):
    member = gzip_member(PLAIN)

    def test_a61_other_members(self):
        self.accept("gzip", self.member)
        good = self.member
        for other in (good + good, good + b"\0", good + bytes(512), b"\0" + good, good[:-1],
                      good[:-8], good[1:], good + gzip_member(b""), gzip_member(b"") + good,
                      gzip_member(b""), b"\x1f\x8b", PLAIN, zlib.compress(PLAIN), good[10:-8],
                      good[:3] + b"\xe0" + good[4:], good[:2] + b"\x07" + good[3:],
                      zstd_frame(PLAIN), xz_stream(PLAIN)):
            self.refuse_frames("gzip", other, codes=(3, 13))

    def test_a62_bombs(self):
        for size in (3001, MIB, 64 * MIB):
            self.refuse_frames("gzip", bomb(gzip_maker(), size), codes=(3, 13), says=None)

    def test_a64_checksums_and_sizes(self):
        """libarchive takes both of these for good."""
        for at in (-8, -5, -4, -1):
            bad = bytearray(self.member)
            bad[at] ^= 1
            self.refuse_frames("gzip", bytes(bad))

    def test_a64_parts_of_the_header(self):
        """RFC 1952 has names, comments and extra fields: they change nothing."""
        head, rest = self.member[:10], self.member[10:]
        for flags, parts in ((8, b"name\0"), (16, b"comment\0"), (4, b"\2\0xx"), (12, b"\0\0n\0")):
            self.accept("gzip", head[:3] + bytes([flags]) + head[4:] + parts + rest)
            self.refuse_frames("gzip", head[:3] + bytes([flags]) + head[4:] + b"\xff" * 40)


class Xz(PayloadTest):
    stream = xz_stream(PLAIN)

    def test_a61_other_streams(self):
        self.accept("xz", self.stream)
        good = self.stream
        for other in (good + good, good + bytes(4), bytes(4) + good, good + b"x", good[:-1],
                      good[:-12], good[12:], xz_stream(b""), good + xz_stream(b""), b"\xfd7zXZ\0",
                      PLAIN, lzma.compress(PLAIN, lzma.FORMAT_ALONE), zstd_frame(PLAIN),
                      gzip_member(PLAIN)):
            self.refuse_frames("xz", other, codes=(3, 13))

    def test_a62_bombs(self):
        for size in (3001, MIB, 64 * MIB):
            self.refuse_frames("xz", bomb(xz_maker(), size), codes=(3, 13), says=None)

    def test_a63_dictionaries(self):
        """The dictionary's size stands in a byte of the block header (xz file format, 5.3.1)."""
        at = self.stream.index(b"\x21\x01", 12) + 2
        header = bytearray(self.stream[12:24])
        for code in (10, 18, 19, 20, 29, 35, 38, 39, 40, 41, 255):
            header[at - 12] = code
            header[8:12] = struct.pack("<I", zlib.crc32(bytes(header[:8])))
            stream = self.stream[:12] + bytes(header) + self.stream[24:]
            if code <= 18:  # 2 MiB, and less than that
                self.accept("xz", stream)
            else:
                self.refuse_frames("xz", stream, codes=(3, 13), says=None)

    def test_a64_checksums(self):
        for at in (*range(6, 24), -30, -20, -12, -8, -4, -1):
            bad = bytearray(self.stream)
            bad[at] ^= 1
            self.refuse_frames("xz", bytes(bad))


class Tables(PayloadTest):
    """The .frames member, signed by who should not have."""

    def bend(self, change, codes=3, says=None):
        self.make("zstd", [zstd_frame(PLAIN)], change=change)
        self.refuse_made(codes, says)

    def test_a62_frame_lengths(self):
        stored = len(zstd_frame(PLAIN))
        for entry in ((3001, stored), (2999, stored), (0, stored), (2**31, stored),
                      (2**32 - 1, stored), (3000, 0), (3000, stored - 1), (3000, stored + 1),
                      (3000, 2**31), (3000, 2**32 - 1)):
            def change(image, entry=entry):
                image.frames = struct.pack("<II", *entry)
            self.bend(change, says="frame")

    def test_a62_lengths_that_wrap(self):
        """Two frames whose stored lengths add up to the payload's size modulo 2**32."""
        plain = lines(MIB + 512 * KIB)
        frames = [zstd_frame(piece) for piece in pieces(plain, FRAME_SIZES["zstd"])]
        total = len(frames[0]) + len(frames[1])

        def change(image):
            image.frames = struct.pack("<IIII", MIB, 2**32 - 1, 512 * KIB, total + 1)
        self.make("zstd", frames, plain, change)
        self.refuse_made(3, "impossible size")

    def test_a62_counts_and_sizes(self):
        for member, value in (("frame_count", 2), ("frame_count", 0), ("frame_count", 2**32 + 1),
                              ("frame_count", 2**53 - 1), ("frame_size", 2 * MIB),
                              ("frame_size", 1),
                              ("frame_size", 2**32), ("decoder_memory", 0), ("block_size", 0),
                              ("block_size", 513), ("block_size", 2 * MIB), ("size", 0),
                              ("size", 1), ("size", 2**53 - 1), ("block_size", 2**32 + 512)):
            image = Image("app", PLAIN, "zstd", 512)
            bundle = Bundle([image])
            bundle.delivery["images"][0]["encodings"][0][member] = value
            bundle.sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"])
            self.write("x.fwb", bundle.archive())
            self.refuse_made((3, 13))

    def test_a62_tables_beyond_the_limit(self):
        """Tables of more than 64 MiB are refused from what the documents say of them."""
        for size in (GIB + 1, 2**40, 2**53 - 1):
            bundle = Bundle([Image("app", PLAIN, "none", 512)])
            bundle.release["images"][0]["size"] = size
            bundle.delivery["images"][0]["encodings"][0]["size"] = size
            self.write("x.fwb", bundle.sign(OWNER).sign(DELIVERY, ["delivery"]).archive())
            self.refuse_made(3, "tables of more than")

    def test_a63_memory_that_is_not_allowed(self):
        """Such an encoding is passed over: its stored bytes are proved, and no decoder runs."""
        for memory in (64 * MIB + 1, 2**53 - 1):
            bundle = Bundle([Image("app", PLAIN, "zstd", 512)])
            bundle.delivery["images"][0]["encodings"][0]["decoder_memory"] = memory
            bundle.sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"])
            self.write("x.fwb", bundle.archive())
            answer = self.succeed("verify", "x.fwb", *TRUST, "--json").json
            self.assertEqual(answer["results"][0]["images"][0]["proof"], "stored")
            self.refuse(16, "verify", "x.fwb", *TRUST, "--complete", says="could not be rebuilt")
            self.refuse(16, "extract", "x.fwb", "-C", "out", *TRUST)
            self.refuse(16, "extract", "x.fwb", "-o", "-", *TRUST)
            bundle.images[0].stored = bytes(len(bundle.images[0].stored))
            self.write("x.fwb", bundle.archive())
            self.refuse(13, "verify", "x.fwb", *TRUST)

    def test_a62_an_encoding_that_is_not_known(self):
        """Its payload is proved as stored, and never given to a decoder."""
        for change in ({"codec": "lzma9"}, {"type": "patch"}, {"requires": ["speed"]}):
            image = Image("app", PLAIN, "zstd", 512)
            bundle = Bundle([image])
            bundle.delivery["images"][0]["encodings"][0].update(change)
            bundle.sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"])
            ending = change.get("codec", "zst")
            members = bundle.members()
            members[-1] = (f"payloads/app.0.{ending}", image.stored)
            self.write("x.fwb", archive(members))
            self.succeed("verify", "x.fwb", *TRUST)
            self.refuse(16, "verify", "x.fwb", *TRUST, "--complete")
            self.refuse(16, "extract", "x.fwb", "-C", "out", *TRUST)

    def test_a64_each_block_of_a_payload(self):
        for codec in ("none", "gzip", "zstd", "xz"):
            bundle = Bundle([Image("app", PLAIN + noise(3000), codec, 512)])
            bundle.sign(OWNER).sign(DELIVERY, ["delivery"])
            stored = bundle.images[0].stored
            for at in range(0, len(stored), 512):
                bad = bytearray(stored)
                bad[at + at // 512 % 100 if at + 100 < len(stored) else at] ^= 0x80
                bundle.images[0].stored = bytes(bad)
                self.write("x.fwb", bundle.archive())
                self.refuse(13, "verify", "x.fwb", *TRUST, says=f"block {at // 512} differs")
                self.refuse(13, "extract", "x.fwb", "-C", "out", *TRUST)


class Sizes(PayloadTest):
    """A13, with files that are mostly holes. Where the last block is the first that differs, all
    before it were read and found good."""

    seconds = 60

    def test_a13_beyond_32_bits(self):
        self.check(4 * GIB + 1)

    @unittest.skipUnless(SLOW, "slow")
    def test_a13_around_31_bits_and_beyond_ustar(self):
        for size in (2 * GIB - 1, 2 * GIB, 2 * GIB + 1, 8 * GIB - 1, 8 * GIB,
                     8 * GIB + 512 * KIB + 1):
            self.check(size)

    @unittest.skipUnless(SLOW, "slow")
    def test_a13_built_signed_and_extracted(self):
        for codec, size in (("zstd", 4 * GIB + 1), ("none", 2 * GIB + 1)):
            self.build_and_break(codec, size)

    def build_and_break(self, codec, size):
        self.write("owner.key", OWNER.secret_file(), 0o600)
        self.write("zeros", b"")
        os.truncate(self.path("zeros"), size)
        self.write("d.yaml", f"""fwpack: 1
product: acme
version: 1.0.0
security-version: 1
compatible: [acme]
images: [{{name: big, file: zeros, compress: {codec}}}]
""".encode())
        self.check_resources(self.succeed("build", "d.yaml", "-o", "big.fwb"))
        self.check_resources(self.succeed("sign", "big.fwb", "-k", "owner.key"))
        self.check_resources(self.succeed("verify", "big.fwb", "-p", "owner.pub", "--flat"))
        self.check_resources(self.succeed("extract", "big.fwb", "-o", "/dev/null", "-p",
                                          "owner.pub"))
        self.flip(os.path.getsize(self.path("big.fwb")) - 2000)
        self.refuse(13, "verify", "big.fwb", "-p", "owner.pub")
        os.unlink(self.path("big.fwb"))

    def check(self, size, block_size=64 * KIB):
        """A byte of the last block differs, or the end is missing."""
        image = Image("big", Zeros(size), "none", block_size)
        members = Bundle([image]).sign(OWNER).sign(DELIVERY, ["delivery"]).members()
        place = write_sparse(self.path("big.fwb"), members)["payloads/big.0.bin"]
        last = (size - 1) // block_size
        try:
            if SLOW:
                self.succeed("verify", "big.fwb", *TRUST)
            self.flip(place + size - 1)
            self.refuse(13, "verify", "big.fwb", *TRUST, says=f"block {last} differs")
            self.flip(place + size - 1)
            if SLOW:
                self.flip(place + size - 1 - 2 * block_size)
                self.refuse(13, "verify", "big.fwb", *TRUST, "-j", "1",
                            says=f"block {last - 2} differs")
            os.truncate(self.path("big.fwb"), place + size)
            self.refuse(13, "verify", "big.fwb", *TRUST, says="cut short")
        finally:
            os.unlink(self.path("big.fwb"))

    def flip(self, at):
        with open(self.path("big.fwb"), "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1]))


main()
