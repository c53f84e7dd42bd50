# SPDX-License-Identifier: MIT
"""Good bundles written from the specification alone are taken, and come out as they went in."""
import os
import shutil
import tarfile

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

    def listed(self, *program):
        """Names and sizes as another reader of archives sees them."""
        if program[0] == "tarfile":
            with tarfile.open(self.path("x.fwb")) as archive:
                return [(member.name, member.size) for member in archive if member.isreg()]
        lines_of = self.succeed(*program[1:], program=program[0]).out.decode().splitlines()
        size, name = (2, 5) if program[0] == "tar" else (4, 8)
        return [(line.split()[name], int(line.split()[size])) for line in lines_of]

    def check_list(self, members):
        wanted = [(name, len(data)) for name, data in members]
        readers = [("tarfile",), ("tar", "--list", "--verbose", "--file", "x.fwb")]
        if shutil.which("bsdtar"):
            readers.append(("bsdtar", "-tvf", "x.fwb"))
        for reader in readers:
            with self.subTest(reader=reader[0]):
                self.assertEqual(self.listed(*reader), wanted)
        tree = self.succeed("inspect", "x.fwb", "--tree", "--json").json["members"]
        self.assertEqual([(member["name"], member["size"]) for member in tree], wanted)

    def test_a56_all_readers_see_the_same(self):
        for images in ([Image("app", b"x")], [Image("app", lines(MIB + 1), "zstd", 512)],
                       [Image(f"i{n}", noise(600), "none", 512) for n in range(20)]):
            bundle = Bundle(images, [("notes", b"text"), ("empty", b"")]).sign(RELEASE)
            self.write("x.fwb", bundle.archive())
            self.succeed("verify", "x.fwb", "-p", "release.pub")
            self.check_list(bundle.members())

    def test_a56_sizes_beyond_ustar_have_a_pax_record(self):
        """Only headers are looked at here: inspect reads no payload."""
        for size in (8 * GIB - 1, 8 * GIB, 8 * GIB + 1):
            members = Bundle([Image("big", Zeros(size), block_size=MIB)]).sign(RELEASE).members()
            write_sparse(self.path("x.fwb"), members)
            self.check_list(members)
            os.unlink(self.path("x.fwb"))


main()
