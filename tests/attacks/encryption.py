# SPDX-License-Identifier: MIT
"""Encrypted payloads: what a stolen delivery key can put into an age file, and what of a bundle
must be good before anything is decrypted. The release is signed by another key and stays."""
import fcntl

import age
from bundles import (
    KIB, MIB, Bundle, Image, Key, archive, bomb, gzip_maker, gzip_member, zstd_block, zstd_frame,
    zstd_header)
from harness import AttackTest, lines, main, noise

OWNER, DELIVERY = Key("owner"), Key("delivery")
TRUST = ("-p", "release=owner.pub", "-p", "delivery=delivery.pub")
PLAIN = lines(3000)
DEVICE, OTHER = age.Device("device"), age.Device("other")
OPEN = ("--identity", "device.age")


class EncryptionTest(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("owner.pub", OWNER.public_file())
        self.write("delivery.pub", DELIVERY.public_file())
        self.write("delivery.key", DELIVERY.secret_file(), 0o600)
        self.write("device.age", DEVICE.identity, 0o600)
        self.write("other.age", OTHER.identity, 0o600)

    def save(self, bundle, name="x.fwb"):
        bundle.sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"])
        self.write(name, bundle.archive())
        return bundle

    def make(self, codec="zstd", plain=PLAIN, stored=None, change=None, devices=(DEVICE,)):
        """A bundle of one encrypted image. `stored` replaces what the codec made, `change` bends
        the age file (an age.File)."""
        image = Image("app", plain, codec, 512)
        if stored is not None and codec == "none":
            image.stored = stored
        elif stored is not None:
            image.set_frames([stored])
        file = age.File(image.stored, devices)
        if change:
            change(file)
        return self.save(Bundle([image.encrypt(file)]))

    def refuse_made(self, codes, says=None):
        self.refuse(codes, "verify", "x.fwb", *TRUST, *OPEN, says=says)
        self.refuse(codes, "verify", "-", *TRUST, *OPEN, says=says, stdin=self.read("x.fwb"))
        self.refuse(codes, "extract", "x.fwb", "-C", "out", *TRUST, *OPEN, says=says)
        self.refuse(codes, "extract", "x.fwb", "-o", "-", "-j", "1", *TRUST, *OPEN, says=says)

    def decrypt(self, *options):
        return ("decrypt", "x.fwb", "-o", "out.fwb", "-k", "delivery.key", *TRUST, *OPEN, *options)


class SecondWriter(EncryptionTest):
    """What this writes, fwpack opens, and the other way round."""

    def test_a_good_bundle(self):
        for codec in ("none", "gzip", "zstd", "xz"):
            for size in (1, 400, 3000):
                self.make(codec, lines(size))
                self.succeed("verify", "x.fwb", *TRUST, *OPEN, "--complete", "--flat")
                self.succeed("verify", "x.fwb", *TRUST)
                self.refuse(4, "verify", "x.fwb", *TRUST, "--complete", says="could not be rebuilt")
                self.refuse(4, "verify", "x.fwb", *TRUST, "-i", "other.age", says="1 recipient")
                out = self.succeed("extract", "x.fwb", "-o", "-", *TRUST, *OPEN)
                self.assertEqual(out.out, lines(size))

    def test_what_fwpack_encrypts(self):
        for codec in ("none", "gzip"):
            image = Image("app", PLAIN, codec, 512)
            self.save(Bundle([image]))
            self.succeed("encrypt", "x.fwb", "-k", "delivery.key", "--encrypt-to",
                         DEVICE.recipient, *TRUST)
            data = self.read("x.fwb")
            at = data.index(age.VERSION)
            size = len(image.stored) + 16 + data.index(b"\n--- ", at) + 49 + 16 - at
            self.assertEqual(age.decrypt(data[at:at + size], DEVICE), image.stored)

    def test_many_chunks(self):
        self.make("none", noise(2 * age.CHUNK))
        self.succeed("verify", "x.fwb", *TRUST, *OPEN, "--complete")


class StolenKey(EncryptionTest):
    """The delivery's key signs what it likes: the release's table stands against it."""

    def test_another_image(self):
        self.make("none", stored=PLAIN[::-1])
        self.refuse_made(13, "that it decodes to: block 0")
        self.refuse(13, *self.decrypt(), says="not the image")
        self.make("zstd", stored=zstd_frame(PLAIN[::-1]))
        self.refuse_made(13, "that it decodes to: block 0")

    def test_a62_bombs_inside(self):
        frame = zstd_header(3000) + zstd_block(1, 128 * KIB, b"\0", True)
        self.make("zstd", stored=frame)
        self.refuse_made(13, "frame 0")
        self.make("gzip", stored=gzip_member(PLAIN) + gzip_member(b""))
        self.refuse_made(13, "frame 0")
        self.make("zstd", stored=zstd_header(256 * MIB) + zstd_block(1, 128 * KIB, b"\0", True))
        self.refuse_made((3, 13))
        self.assertLess(len(bomb(gzip_maker(), MIB)), 3000)
        self.make("gzip", stored=bomb(gzip_maker(), MIB))
        self.refuse_made((3, 13))

    def test_a10_each_layer_of_ciphertext(self):
        """Flipped bytes: by the table first; with a table that is right for them, by age."""
        image = Image("app", PLAIN, "gzip", 512)
        file = age.File(image.stored, [DEVICE])
        good, head = file.bytes(), len(file.header())
        for at in (0, 21, 30, head - 17, head - 1, head, head + 5, len(good) - 1):
            bad = good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]
            bundle = Bundle([image.encrypt(file)])
            image.stored = bad
            self.save(bundle)
            self.refuse_made(13, "block [0-9]+ differs")
            self.refuse(13, "verify", "x.fwb", *TRUST, says="differs")
            self.refuse(13, *self.decrypt(), says="differs")
            image.set_frames([gzip_member(PLAIN)])
            image.encrypt(file).set_stored(bad)
            self.save(Bundle([image]))
            self.refuse_made((3, 4, 13))
            self.refuse((3, 4, 13), *self.decrypt())
            self.succeed("verify", "x.fwb", *TRUST)
            image.set_frames([gzip_member(PLAIN)])

    def test_chunks(self):
        """Left out, exchanged, doubled, and of another file."""
        plain = noise(2 * age.CHUNK + 5)

        def swap(file):
            file.chunks[0:2] = file.chunks[1::-1]

        def shorten(file):
            del file.chunks[-1]

        def double(file):
            file.chunks.append(file.chunks[-1])

        def empty(file):
            key = age.hkdf(file.file_key, file.nonce, b"payload")
            file.chunks.append(age.seal(key, age.chunk_nonce(3, True), b""))

        def nonce(file):
            file.nonce = bytes(16)
        for change in (swap, shorten, double, empty, nonce):
            self.make("none", plain, change=change)
            self.refuse_made((3, 13))

    def test_what_the_documents_say(self):
        for change in ({"size": 2999}, {"size": 3001}, {"size": 1}, {"size": 2**53 - 1},
                       {"size": 2**53}, {"header_size": 1}, {"header_size": 2**53 - 1},
                       {"size": 0}, {"header_size": 0}, {"recipients": 0}, {"type": 1},
                       {"type": "blocks"}, {"type": ""}):
            image = Image("app", PLAIN, "none", 512)
            image.encrypt(age.File(PLAIN, [DEVICE]))
            image.encryption.update(change)
            bundle = Bundle([image])
            self.save(bundle)
            self.refuse_made((3, 13))

    def test_a62_recipients_that_are_not_there(self):
        """Their number is for people: nothing is allocated by it."""
        image = Image("app", PLAIN, "none", 512).encrypt(age.File(PLAIN, [DEVICE]))
        image.encryption["recipients"] = 2**53 - 1
        self.save(Bundle([image]))
        self.succeed("verify", "x.fwb", *TRUST, *OPEN, "--complete")
        self.refuse(4, "verify", "x.fwb", *TRUST, "-i", "other.age", says="1 recipient")

    def test_the_feature_must_be_asked_for(self):
        image = Image("app", PLAIN, "none", 512).encrypt(age.File(PLAIN, [DEVICE]))
        bundle = Bundle([image])
        del bundle.delivery["images"][0]["encodings"][0]["requires"]
        self.save(bundle)
        self.refuse_made(3, "requires")

    def test_another_encryption_is_passed_over(self):
        """Its stored bytes are proved, and nothing is made of them."""
        image = Image("app", PLAIN, "none", 512).encrypt(age.File(PLAIN, [DEVICE]))
        image.encryption = {"type": "later", "more": [1, 2]}
        bundle = Bundle([image])
        bundle.sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"])
        members = [(name.replace(".age", ".later"), data) for name, data in bundle.members()]
        self.write("x.fwb", archive(members))
        answer = self.succeed("verify", "x.fwb", *TRUST, *OPEN, "--json").json
        self.assertEqual(answer["results"][0]["images"][0]["proof"], "stored")
        self.refuse(16, "extract", "x.fwb", "-C", "out", *TRUST, *OPEN)


class Headers(EncryptionTest):
    """An age header is read before anybody knows whose it is."""

    def bend(self, stanzas, codes, says=None):
        def change(file):
            file.stanzas = stanzas(file) if callable(stanzas) else stanzas
        self.make("none", change=change)
        self.refuse_made(codes, says)

    def test_a62_recipients_without_end(self):
        own = age.File(PLAIN, [DEVICE]).stanzas
        some = age.stanza(b"X25519", [age.unpadded(age.x25519(bytes(32)))], bytes(32))
        self.make("none", change=lambda file: file.stanzas.extend([some] * 999))
        self.succeed("verify", "x.fwb", *TRUST, *OPEN, "--complete")
        self.bend([some] * 5000 + own, 3, "more than|at most")
        self.bend([some] * 20000, 3)

    def test_a62_a_header_without_end(self):
        for stanza in (b"-> X25519 " + b"A" * (2 << 20) + b"\n", b"-> " + b"x " * MIB,
                       b"-> grease\n" + b"A" * 64 * 20000, b"-> a b\n\n" * 150000,
                       b"-> grease\n" + (b"A" * 64 + b"\n") * 20000):
            self.bend([stanza], 3)

    def test_headers_that_are_none(self):
        for stanzas in ([], [b"-> X25519\n\n"], [b"-> X25519 AAAA\nAAAA\n"],
                        [age.stanza(b"X25519", [b"!" * 43], bytes(32))],
                        [age.stanza(b"X25519", [age.unpadded(bytes(31))], bytes(32))],
                        [age.stanza(b"X25519", [age.unpadded(bytes(32))], bytes(31))],
                        [b"-> \n\n"], [b"->\n\n"], [b"\0"], [b"\r\n"], [b"\x1b[2J\n"]):
            self.bend(stanzas, (3, 4, 13))

    def test_points_of_low_order(self):
        for point in (bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"):
            self.bend([age.stanza(b"X25519", [age.unpadded(point)], bytes(32))], (3, 4, 13))

    def test_a63_the_work_of_a_passphrase(self):
        """The file says how much memory scrypt takes: beyond a limit it is not asked for."""
        self.write("pass", b"secret\n", 0o600)
        for work in (b"21", b"22", b"30", b"63", b"99", b"1000000", b"0", b"-1", b"018", b""):
            stanza = age.stanza(b"scrypt", [age.unpadded(bytes(16)), work], bytes(32))
            self.make("none", change=lambda file, stanza=stanza: setattr(
                file, "stanzas", [stanza]))
            self.refuse((3, 4), "extract", "x.fwb", "-C", "out", *TRUST, "--passphrase-file",
                        "pass")
            self.refuse((3, 4), "verify", "x.fwb", *TRUST, "--passphrase-file", "pass")

    def test_a_passphrase_stands_alone(self):
        stanza = age.stanza(b"scrypt", [age.unpadded(bytes(16)), b"10"], bytes(32))
        self.bend(lambda file: [stanza] + file.stanzas, 3)
        self.bend(lambda file: file.stanzas + [stanza], 3)

    def test_nobody_is_asked_where_nobody_can_be(self):
        stanza = age.stanza(b"scrypt", [age.unpadded(bytes(16)), b"10"], bytes(32))
        self.make("none", change=lambda file: setattr(file, "stanzas", [stanza]))
        self.refuse(4, "extract", "x.fwb", "-C", "out", "--no-input", *TRUST, says="passphrase")
        self.succeed("verify", "x.fwb", *TRUST)


class Order(EncryptionTest):
    """Nothing is decrypted, encrypted or signed before the bundle was found good."""

    def test_bundles_that_are_not_good(self):
        image = Image("app", PLAIN, "none", 512).encrypt(age.File(PLAIN, [DEVICE]))
        encrypt = ("encrypt", "x.fwb", "-k", "delivery.key", "-o", "out.fwb", "--encrypt-to",
                   OTHER.recipient, *TRUST, *OPEN)
        for bundle, code in ((Bundle([image]), 10), (Bundle([image]).sign(OWNER), 11),
                             (Bundle([image]).sign(DELIVERY), 11)):
            self.write("x.fwb", bundle.archive())
            self.refuse(code, *encrypt)
            self.refuse(code, *self.decrypt())
        bundle = self.save(Bundle([image]))
        bundle.texts["delivery.json"] += b" "
        self.write("x.fwb", bundle.archive())
        self.refuse(12, *encrypt)
        self.refuse(12, *self.decrypt())
        self.save(Bundle([image]))
        data = self.read("x.fwb")
        for bad, code in ((data[:-512], (3, 13)), (data + bytes(512), 3),
                          (data.replace(b"\n--- ", b"\n--  "), 13)):
            self.write("x.fwb", bad)
            self.refuse(code, *encrypt)
            self.refuse(code, *self.decrypt())

    def test_a_plain_payload_is_proved_before_it_is_encrypted(self):
        image = Image("app", PLAIN, "gzip", 512)
        bundle = self.save(Bundle([image]))
        image.stored = image.stored[:-1] + bytes([image.stored[-1] ^ 1])
        self.write("x.fwb", bundle.archive())
        self.refuse(13, "encrypt", "x.fwb", "-k", "delivery.key", "--encrypt-to", OTHER.recipient,
                    *TRUST, says="differs")


    def test_a49_another_writer_is_waited_for(self):
        """In its place a bundle is changed under the lock that sign takes."""
        self.save(Bundle([Image("app", PLAIN, "gzip", 512)]))
        with open(self.path("x.fwb"), "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            running = self.start("encrypt", "x.fwb", "-k", "delivery.key", "--encrypt-to",
                                 DEVICE.recipient, *TRUST)
            running.wait_until_stalled()
        result = running.end()
        self.assertEqual(result.code, 0, repr(result))
        self.assertIn("waiting for another signer", result.text)
        self.succeed("verify", "x.fwb", *TRUST, *OPEN, "--complete")


class Choice(EncryptionTest):
    """A device takes the first encoding that it can open."""

    def two(self, first, second):
        """Two encodings of one image, from two Images that have one each."""
        bundle = Bundle([first])
        bundle.delivery["images"][0]["encodings"].append(second.encoding())
        bundle.sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"])
        self.write("x.fwb", archive([*bundle.members(), *second.payloads(1)]))

    def image(self, codec, *devices):
        image = Image("app", PLAIN, codec, 512)
        return image.encrypt(age.File(image.stored, devices)) if devices else image

    def check(self, code, *options):
        for name, stdin in (("x.fwb", None), ("-", self.read("x.fwb"))):
            if code:
                self.refuse(code, "extract", name, "-o", "-", *TRUST, *options, stdin=stdin)
                continue
            out = self.succeed("extract", name, "-o", "-", *TRUST, *options, stdin=stdin)
            self.assertEqual(out.out, PLAIN)

    def test_the_one_that_opens(self):
        self.two(self.image("gzip", OTHER), self.image("zstd", DEVICE))
        self.check(0, *OPEN)
        self.check(0, "-i", "other.age")
        self.check(4)
        self.succeed("verify", "x.fwb", *TRUST, *OPEN, "--complete")

    def test_the_one_that_is_not_encrypted(self):
        self.two(self.image("gzip", OTHER), self.image("zstd"))
        self.check(0, *OPEN)
        self.check(0)
        self.succeed("verify", "x.fwb", *TRUST, *OPEN, "--complete")

    def test_a_bad_first_is_no_reason_to_take_the_second(self):
        """What is damaged is refused, though another encoding would do."""
        first = self.image("none", DEVICE)
        first.set_stored(first.stored[:-1] + bytes([first.stored[-1] ^ 1]))
        self.two(first, self.image("zstd"))
        self.check(13, *OPEN)


if __name__ == "__main__":
    main()
