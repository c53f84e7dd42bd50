# SPDX-License-Identifier: MIT
"""A96 to A98 in signed bundles, as a stolen delivery key would make them: deltas for another base,
damaged, cut short, or saying otherwise than the documents; patches that make another image than
the one that the release's key has signed. Nothing of it may be written."""
import hashlib

from bundles import MIB, Bundle, Image, Key, pieces, sha256
from harness import SLOW, AttackTest, lines, main, noise

OWNER, DELIVERY = Key("owner"), Key("delivery")
TRUST = ("-p", "release=owner.pub", "-p", "delivery=delivery.pub")
OLD = noise(3000, 1)
NEW = OLD[:1000] + b"something else " * 3 + OLD[1000:2500] + noise(30, 2)
EVIL = OLD[:1000] + b"something evil " * 3 + OLD[1000:2500] + noise(30, 2)


class Delta(Image):
    """An image that travels as a patch. What the document says of it may be changed."""

    def __init__(self, plain, patch, **says):
        super().__init__("app", plain, block_size=512)
        self.stored = patch
        self.stored_table = b"".join(map(sha256, pieces(patch, 512)))
        self.says = {"decoder_memory": 8 * MIB, "decoder": "small",
                     "base": {"size": len(OLD), "sha256": sha256(OLD).hex()}, **says}

    def encoding(self):
        return {"type": "delta", "codec": "fwd", "size": len(self.stored), "block_size": 512,
                "blocks_sha256": sha256(self.stored_table).hex(), **self.says}

    def payloads(self, number=0):
        stem = f"payloads/{self.name}.{number}."
        if len(self.stored_table) > 32:
            yield stem + "blocks", self.stored_table
        yield stem + "fwd", self.stored


class Deltas(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("owner.pub", OWNER.public_file())
        self.write("delivery.pub", DELIVERY.public_file())
        self.write("old.bin", OLD)
        self.patch, self.needs = self.make_patch(NEW)

    def make_patch(self, new, *options):
        """A patch from OLD, and the memory that it takes."""
        self.write("made.bin", new)
        result = self.succeed("delta", "old.bin", "made.bin", "-o", "made.fwd", "--decoder",
                              "small", "--json", *options)
        return self.read("made.fwd"), result.json["decoder_memory"]

    def make(self, patch, plain=NEW, **says):
        says.setdefault("decoder_memory", self.needs)
        bundle = Bundle([Delta(plain, patch, **says)])
        self.write("x.fwb", bundle.sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"]).archive())

    def refuse_made(self, codes, says=None, base="old.bin"):
        self.refuse(codes, "extract", "x.fwb", "-C", "out", *TRUST, "--base", base, says=says)
        result = self.run_program("extract", "x.fwb", "-o", "-", *TRUST, "--base", base)
        self.check_refusal(result, codes, says)
        self.assertTrue(NEW.startswith(result.out), repr(result))  # each block was proved

    def test_good(self):
        """What this writer makes is taken, so what is refused below is refused for its fault."""
        self.make(self.patch)
        self.succeed("verify", "x.fwb", *TRUST, "--base", "old.bin", "--complete", "--flat")
        result = self.succeed("extract", "x.fwb", "-o", "-", *TRUST, "--base", "old.bin", "-q")
        self.assertEqual(result.out, NEW)

    def test_a96_wrong_bases(self):
        self.make(self.patch)
        for base in (OLD[:-1], b"", bytes([OLD[0] ^ 1]) + OLD[1:], OLD[:-1] + b"x", NEW, b"x" + OLD):
            self.write("other.bin", base)
            self.refuse_made(16, sha256(OLD).hex(), base="other.bin")
            self.refuse(16, "patch", "other.bin", "made.fwd", "-o", "-")
        self.write("other.bin", OLD + b"what stands behind it in the slot")
        self.succeed("verify", "x.fwb", *TRUST, "--base", "other.bin", "--complete")

    def test_a97_every_byte(self):
        """The tables are made right for each: only the patch's reader and the release's blocks are
        left to see it."""
        for at in range(0, len(self.patch), 1 if SLOW else 7):
            patch = bytearray(self.patch)
            patch[at] ^= 1 << at % 8
            self.make(bytes(patch))
            self.refuse_made((3, 13, 16))

    def test_a98_every_length(self):
        for size in range(1, len(self.patch), 1 if SLOW else 7):
            self.make(self.patch[:size])
            self.refuse_made((3, 13))
        self.make(self.patch + b"\0")
        self.refuse_made((3, 13))
        self.make(self.patch + noise(2000))
        self.refuse_made((3, 13))

    def test_another_image(self):
        """The patch is whole and good, but of an image that nobody has released."""
        patch, memory = self.make_patch(EVIL)
        self.make(patch, decoder_memory=memory)
        self.refuse_made(3, "another sha256 than the documents")
        forged = patch.replace(sha256(EVIL), sha256(NEW))
        self.assertNotEqual(forged, patch)
        self.make(forged, decoder_memory=memory)
        self.refuse_made(13)

    def test_other_words_than_the_documents(self):
        base = {"size": len(OLD), "sha256": sha256(OLD).hex()}
        self.write("short.bin", OLD[:2999])
        for says, text in (
                ({"decoder": "tiny"}, "another decoder"),
                ({"decoder": "full"}, "another decoder"),
                ({"decoder_memory": self.needs - 1}, "another decoder_memory"),
                ({"decoder_memory": self.needs + 1}, "another decoder_memory")):
            self.make(self.patch, **says)
            self.refuse_made(3, text)
        self.make(self.patch, base={**base, "sha256": sha256(OLD[:2999]).hex(), "size": 2999})
        self.refuse_made(3, "another base.size", base="short.bin")
        self.make(self.patch, base={**base, "sha256": sha256(b"").hex()})
        self.refuse_made(16, sha256(b"").hex())
        longer = NEW + b"more"
        self.make(self.patch, plain=longer)
        self.refuse_made(3, "another size")

    def test_memory(self):
        """More than is allowed is not even begun; nor is a patch that says less than it takes."""
        self.make(self.patch, decoder_memory=65 * MIB)
        self.refuse_made(16, "68157440 bytes of memory")
        for allowed in ("1", "1KiB"):
            self.make(self.patch)
            self.refuse(16, "extract", "x.fwb", "-o", "-", *TRUST, "--base", "old.bin",
                        "--decoder-memory", allowed)

    def test_in_place(self):
        """What destroys the old image is for the release's keys to say."""
        patch, memory = self.make_patch(NEW, "--in-place=0", "--page-size", "512")
        place = {"in_place": {"page_size": 512, "scratch": 0}, "decoder_memory": memory}
        self.make(patch, **place)
        self.refuse_made(16, "release key's signature")
        bundle = Bundle([Delta(NEW, patch, **place)]).sign(OWNER).sign(DELIVERY, ["delivery"])
        self.write("x.fwb", bundle.archive())
        result = self.succeed("extract", "x.fwb", "-o", "-", *TRUST, "--base", "old.bin", "-q")
        self.assertEqual(hashlib.sha256(result.out).digest(), sha256(NEW))
        self.make(patch, decoder_memory=memory)
        self.refuse_made(3, "another in_place.page_size")

    def test_bases_are_proved_too(self):
        """An old bundle that is a base is held to the same keys, block by block."""
        old = Bundle([Image("app", OLD, block_size=512)]).sign(OWNER, ["release"])
        old.sign(DELIVERY, ["delivery"])
        self.write("old.fwb", old.archive())
        self.make(self.patch)
        self.succeed("verify", "x.fwb", *TRUST, "--base", "old.fwb", "--complete")
        data = bytearray(old.archive())
        data[data.index(OLD[:64])] ^= 1
        self.write("old.fwb", bytes(data))
        self.refuse_made(13, "old.fwb", base="old.fwb")
        stranger = Bundle([Image("app", OLD, block_size=512)]).sign(Key("stranger"))
        self.write("old.fwb", stranger.archive())
        self.refuse_made(11, "old.fwb", base="old.fwb")
        self.write("lines.bin", lines(3000))
        self.refuse(16, "verify", "x.fwb", *TRUST, "--base", "lines.bin", "--complete")


main()
