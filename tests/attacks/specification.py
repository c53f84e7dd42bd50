# SPDX-License-Identifier: MIT
"""Good bundles written from the specification alone are taken, and come out as they went in."""
import os

from bundles import GIB, KIB, MIB, Bundle, Image, Key, Zeros, write_sparse
from harness import AttackTest, lines, main, noise

RELEASE, DELIVERY, SECOND = Key("release"), Key("delivery"), Key("second")


class Specification(AttackTest):
    def setUp(self):
        super().setUp()
        for key, name in ((RELEASE, "release"), (DELIVERY, "delivery"), (SECOND, "second")):
            self.write(f"{name}.pub", key.public_file())
            self.write(f"{name}.key", key.secret_file(), 0o600)

    def check(self, images, attachments=(), **more):
        datas = {name: data for name, data, *_ in images}
        bundle = Bundle([Image(*image) for image in images], attachments, **more).sign(RELEASE)
        self.write("good.fwb", bundle.archive())
        answer = self.succeed("verify", "good.fwb", "-p", "release.pub", "--flat", "--json").json
        proofs = {image["name"]: image["proof"] for image in answer["results"][0]["images"]}
        self.assertEqual(proofs, dict.fromkeys(datas, "plain"))
        self.succeed("verify", "-", "-p", "release.pub", stdin=bundle.archive())
        self.succeed("inspect", "good.fwb")
        self.succeed("extract", "good.fwb", "-C", "out", "-p", "release.pub")
        for name, data in datas.items():
            self.assertTrue(self.read(f"out/{name}.img") == data, name)
        for name, data in attachments:
            self.assertEqual(self.read(f"out/attachments/{name}"), data)

    def test_codecs(self):
        for codec in ("none", "gzip", "zstd", "xz"):
            for size in (1, 65536, 65537, MIB + 5, 4 * MIB + 1):
                with self.subTest(codec=codec, size=size):
                    self.check([("app", lines(size), codec)])

    def test_several_images_and_block_sizes(self):
        self.check([("boot", noise(3000), "none", 512), ("app", lines(3 * MIB), "zstd", MIB),
                    ("a.b-c_d", b"\0" * 700 * KIB, "gzip", 1024), ("0", b"x", "none", 512)],
                   [("notes", b"what is new\n"), ("empty", b""), ("sbom", noise(100000))],
                   created=1700000000, data_epoch=2, requires={"from": ">=1.0.0 <2.0.0"},
                   meta={"site": {"line": ["a", 7, True]}})

    def test_the_longest_names(self):
        name = "z" * 41
        self.check([(name, lines(200000), "zstd", 512)], [("y" * 41, b"text")])

    def test_unknown_members_are_passed_over(self):
        self.check([("app", b"data")], x_vendor={"anything": [None, 5, "x"]})

    def test_two_signers_and_roles(self):
        bundle = Bundle([Image("app", lines(5000), "xz")])
        bundle.sign(RELEASE, ["release"]).sign(SECOND, ["release"]).sign(DELIVERY, ["delivery"])
        self.write("good.fwb", bundle.archive())
        self.succeed("verify", "good.fwb", "-p", "release=release.pub", "-p", "release=second.pub",
                     "-p", "delivery=delivery.pub", "--require", "2")

    def test_signatures_are_those_that_fwpack_makes(self):
        bundle = Bundle([Image("app", noise(100))]).sign(RELEASE)
        bundle.signatures = {"release.json": {}, "delivery.json": {}}
        self.write("unsigned.fwb", bundle.archive())
        self.succeed("sign", "unsigned.fwb", "-k", "release.key", "-o", "signed.fwb")
        self.assertEqual(self.read("signed.fwb"), bundle.sign(RELEASE).archive())

    def test_signatures_are_those_that_minisign_makes(self):
        self.need("minisign")
        self.write("file", b"bytes")
        self.succeed("-S", "-s", "release.key", "-m", "file", "-t", "a comment",
                     "-c", "signature from fwpack", program="minisign")
        self.assertEqual(self.read("file.minisig"), RELEASE.minisig(b"bytes", "a comment"))

    def test_every_signed_bundle_is_the_same_when_signed_again(self):
        bundle = Bundle([Image("app", noise(100))]).sign(RELEASE)
        self.write("signed.fwb", bundle.archive())
        answer = self.succeed("sign", "signed.fwb", "-k", "release.key", "--json").json
        self.assertFalse(answer["changed"])
        self.assertEqual(self.read("signed.fwb"), bundle.archive())

    def test_sizes_beyond_ustar_have_a_pax_record(self):
        """Only the headers are looked at: inspect reads no payload."""
        image = Image("big", Zeros(8 * GIB), block_size=MIB)
        write_sparse(self.path("big.fwb"), Bundle([image]).sign(RELEASE).members())
        self.succeed("inspect", "big.fwb")
        self.succeed("--list", "--file", "big.fwb", program="tar")
        os.unlink(self.path("big.fwb"))


main()
