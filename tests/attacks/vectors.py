# SPDX-License-Identifier: MIT
"""A15 and A16: the vectors of RFC 8032, Wycheproof and ed25519-speccheck through `verify`, as plain
signatures beside a file."""
import base64
import json

import ed25519
from bundles import sha256
from harness import AttackTest, main

# RFC 8032, 7.1: TEST 1 and TEST 3.
RFC8032 = (
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b4"
     "6bd25bf5f0595bbe24655141438e7a100b"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc65"
     "94a7c15e9716ed28dc027beceea1ec40a"),
)


class Vectors(AttackTest):
    def verdict(self, public, message, signature):
        self.write("key.pub", base64.b64encode(b"Ed" + bytes(8) + public) + b"\n")
        self.write("message", message)
        self.write("signature", signature)
        return self.survive("verify", "--detached", "message", "--signature", "signature", "-p",
                            "key.pub", "-q").code

    def test_rfc8032(self):
        for vector in RFC8032:
            public, message, signature = map(bytes.fromhex, vector)
            self.assertEqual(self.verdict(public, message, signature), 0)
            self.assertEqual(self.verdict(public, message + b"x", signature), 12)
            self.assertEqual(self.verdict(public, message, signature[:63] + b"\xff"), 12)
            self.assertEqual(self.verdict(public, message, signature[:63]), 3)
            self.assertEqual(self.verdict(public, message, signature + b"\0"), 3)

    def test_a15_a_signature_has_one_form(self):
        """S + L is the same number to a careless verifier."""
        seed = sha256(b"malleable")
        signature = ed25519.sign(seed, b"message")
        public = ed25519.public(seed)
        order = 2**252 + 27742317777372353535851937790883648493
        other = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
        self.assertEqual(self.verdict(public, b"message", signature), 0)
        self.assertEqual(self.verdict(public, b"message", signature[:32] + other), 12)

    def test_a15_wycheproof(self):
        with open(self.shared("vectors/wycheproof/ed25519_test.json"), encoding="utf-8") as file:
            groups = json.load(file)["testGroups"]
        good = bad = 0
        for group in groups:
            public = bytes.fromhex(group["publicKey"]["pk"])
            for test in group["tests"]:
                code = self.verdict(public, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
                wanted = (0,) if test["result"] == "valid" else (3, 10, 12)
                self.assertIn(code, wanted, test)
                good += code == 0
                bad += code != 0
        self.assertEqual((good, bad), (88, 63))

    def test_a15_all_of_rfc8032(self):
        with open(self.shared("vectors/rfc8032/ed25519.json"), encoding="utf-8") as file:
            for vector in json.load(file):
                code = self.verdict(*(bytes.fromhex(vector[name]) for name in
                                      ("public", "message", "signature")))
                self.assertEqual(code, 0, vector["name"])

    def test_a16_speccheck(self):
        """None: of the one that libsodium takes (number 3) the key is of mixed order, and refused
        before any signature is looked at (A17)."""
        with open(self.shared("vectors/ed25519-speccheck/cases.json"), encoding="utf-8") as file:
            cases = json.load(file)
        codes = [self.verdict(*(bytes.fromhex(case[name]) for name in
                                ("pub_key", "message", "signature"))) for case in cases]
        self.assertEqual(len(codes), 12)
        self.assertEqual(set(codes) - {3, 12}, set(), codes)
        self.assertEqual(codes[3], 3)


if __name__ == "__main__":
    main()
