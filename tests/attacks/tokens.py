# SPDX-License-Identifier: MIT
"""A122: what goes wrong with keys in tokens, by a PKCS#11 module that fails on demand
(tests/support/fake_pkcs11.c). Each fault has its own words, nothing is written, and a PIN is never
tried twice."""
import os
import shutil
import subprocess

from bundles import KIB, Bundle, Image, Key
from harness import FWPACK, AttackTest, main, noise

MODULE = os.path.join(os.path.dirname(os.path.abspath(FWPACK)), "../tests/support/fake_pkcs11.so")


class Tokens(AttackTest):
    def setUp(self):
        super().setUp()
        if not os.path.exists(MODULE):
            self.skipTest("needs the module of a build tree")
        self.write("x.fwb", Bundle([Image("app", noise(100 * KIB))]).freeze().archive())
        self.write("image", noise(1000))
        self.write("pin", b"1234\n", 0o600)
        self.write("bad", b"4321\n", 0o600)
        shutil.copy(MODULE, self.path("module.so"))  # messages name it, and no build tree
        self.log = os.path.abspath("calls")  # beside the folder that must not change

    def tearDown(self):
        if os.path.exists(self.log):
            os.unlink(self.log)
        super().tearDown()

    def behave(self, words):
        """The module does so, and its log is new."""
        if os.path.exists(self.log):
            os.unlink(self.log)
        return {"FAKE_PKCS11": words, "FAKE_PKCS11_LOG": self.log,
                "FWPACK_PKCS11_MODULE": "./module.so"}

    def calls(self, name):
        if not os.path.exists(self.log):
            return 0
        with open(self.log, encoding="ascii") as log:
            return log.read().split().count(name)

    def refuse_signing(self, words, codes, says, key="pkcs11:token=acme?pin-source=pin"):
        for command in (("sign", "x.fwb", "-k", key), ("sign", "--detached", "image", "-k", key),
                        ("sign", "x.fwb", "-o", "out", "-k", key, "--json")):
            result = self.refuse(codes, *command, env=self.behave(words), says=says)
            self.assertLessEqual(self.calls("C_Login"), 1, repr(result))

    def test_a122_a_wrong_pin_is_tried_once(self):
        self.refuse_signing("", 4, "the PIN is wrong .*a wrong PIN was given before",
                            "pkcs11:?pin-source=bad")
        self.assertEqual(self.calls("C_Login"), 1)
        self.refuse_signing("C_Login=a0", 4, "the PIN is wrong")
        self.refuse(4, "sign", "x.fwb", "-k", "pkcs11:", "-k", "pkcs11:id=%01", "--passphrase-file",
                    "bad", env=self.behave(""), says="the PIN is wrong")
        self.assertEqual(self.calls("C_Login"), 1)

    def test_a122_the_last_try_is_warned_of(self):
        self.succeed("sign", "--detached", "image", "-k", "pkcs11:?pin-source=pin", "-o", "s",
                     env=self.behave("final"))
        result = self.refuse(4, "sign", "x.fwb", "-k", "pkcs11:?pin-source=bad",
                             env=self.behave("final"), says="one try is left")
        self.assertRegex(result.text, r"warning: token 'acme': one try is left")

    def test_a122_a_locked_pin_is_not_tried(self):
        self.refuse_signing("locked", 4, "the PIN is locked")
        self.assertEqual(self.calls("C_Login"), 0)
        self.refuse_signing("C_Login=a4", 4, "the PIN is locked")

    def test_a122_the_token_is_missing(self):
        self.refuse_signing("", 4, "no token 'other' here that fits; there are: 'acme' .serial 11.",
                            "pkcs11:token=other?pin-source=pin")
        self.refuse_signing("C_GetTokenInfo=e0", 4, "has no token")
        self.refuse_signing("C_OpenSession=e0", 4, "the token is not there any more")
        self.refuse_signing("C_OpenSession=e1", 4, "does not know this kind of token")

    def test_a122_two_tokens_have_one_label(self):
        self.refuse_signing("twins", 4, "2 tokens fit: 'acme' .serial 11., 'acme' .serial 22.")
        self.assertEqual(self.calls("C_Login"), 0)
        self.succeed("sign", "x.fwb", "-k", "pkcs11:token=acme;serial=22?pin-source=pin",
                     env=self.behave("twins"))

    def test_a122_the_key_is_of_another_type(self):
        self.refuse_signing("rsa", 3, "is of type RSA, Ed25519 wanted")
        self.refuse_signing("p256", 3, "is of type ECDSA P-256, Ed25519 wanted")
        self.refuse_signing("montgomery", 3, "is of type X25519, Ed25519 wanted")
        self.assertEqual(self.calls("C_SignInit"), 0)
        self.refuse_signing("C_SignInit=70", 4, "the token cannot do this")

    def test_a122_no_key_or_several(self):
        self.refuse_signing("none", 4, "token 'acme' has no private key")
        self.refuse_signing("two", 4, "2 private keys of token 'acme' fit: .*other.*relkey")
        self.refuse_signing("", 4, "no such private key; it has: 'relkey' .id 01.",
                            "pkcs11:object=other?pin-source=pin")

    def test_a122_more_than_1024_bytes(self):
        comment = "c" * 1000  # signature ‖ trusted comment: 64 + 1000 bytes
        self.succeed("sign", "--detached", "image", "-k", "pkcs11:?pin-source=pin", "--comment",
                     comment, "-o", "long", env=self.behave(""))
        self.assertEqual((self.calls("C_SignInit"), self.calls("C_Sign")), (2, 2))
        self.assertIn(comment.encode(), self.read("long"))

    def test_a122_the_session_is_lost(self):
        for words, says in (("C_Sign=b3@1", "the session with the token was lost"),
                            ("C_Sign=b3@2", "the session with the token was lost"),
                            ("C_SignInit=b3@2", "the session with the token was lost"),
                            ("C_Sign=32@2", "the token was taken out"),
                            ("C_Sign=e0@2", "the token is not there any more"),
                            ("C_Sign=101@2", "the login was lost"),
                            ("C_FindObjects=b3", "the session with the token was lost")):
            self.refuse_signing(words, 4, says)

    def test_a122_the_signature_is_wrong(self):
        self.refuse_signing("wrong", 4, "does not verify")
        self.refuse_signing("short", 4, "63 bytes, 64 wanted")

    def test_a122_both_encodings_of_the_public_key(self):
        made = set()
        for words in ("", "raw", "oid", "raw oid", "nopublic point raw", "nopublic info", "always"):
            self.succeed("sign", "--detached", "image", "-k", "pkcs11:?pin-source=pin", "-o", "s",
                         env=self.behave(words))
            made.add(self.read("s"))
        self.assertEqual(len(made), 1)
        self.refuse_signing("nopublic", 4, "--signer-pub")

    def test_a122_the_public_key_of_a_certificate(self):
        self.need("openssl")
        self.write("key.pem", subprocess.run(
            ["openssl", "pkey", "-inform", "DER"], check=True, capture_output=True,
            input=bytes.fromhex("302e020100300506032b657004220420") + b"\x42" * 32).stdout, 0o600)
        subprocess.run(["openssl", "req", "-new", "-x509", "-key", "key.pem", "-subj", "/CN=x",
                        "-outform", "DER", "-out", "cert.der"], cwd=self.folder, check=True)
        self.succeed("sign", "--detached", "image", "-k", "pkcs11:?pin-source=pin", "-o", "s", env={
            **self.behave("nopublic cert"), "FAKE_PKCS11_CERTIFICATE": self.path("cert.der")})
        self.succeed("sign", "--detached", "image", "-k", "key.pem", "-o", "t")
        self.assertEqual(self.read("s"), self.read("t"))
        self.write("cert.der", noise(300))
        self.refuse(4, "sign", "x.fwb", "-k", "pkcs11:?pin-source=pin", says="--signer-pub", env={
            **self.behave("nopublic cert"), "FAKE_PKCS11_CERTIFICATE": self.path("cert.der")})

    def test_a122_the_module_is_no_module(self):
        key = "pkcs11:?pin-source=pin&module-path="
        self.write("text.so", b"not a library")
        for path, says in (("/nowhere.so", "cannot load"), (self.path("text.so"), "cannot load"),
                           ("libsodium.so.23", "lacks C_GetFunctionList")):
            self.refuse(4, "sign", "x.fwb", "-k", key + path, says=says)
        self.refuse_signing("C_Initialize=30", 4, "C_Initialize: CKR_DEVICE_ERROR")
        self.refuse_signing("C_GetFunctionList", 4, "C_GetFunctionList failed")

    def test_a122_an_identity_in_a_token(self):
        # the recipient whose secret is 32 times 0x42
        recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
        owner = Key("owner")
        self.write("owner.key", owner.secret_file(), 0o600)
        self.write("owner.pub", owner.public_file())
        self.write("d.yaml", b"fwpack: 1\nproduct: acme\nversion: 1.0.0\nsecurity-version: 1\n"
                             b"compatible: [acme]\nimages: [{name: app, file: image}]\n")
        self.succeed("build", "d.yaml", "-k", "owner.key", "-o", "e.fwb", "--encrypt-to", recipient)
        extract = ("extract", "e.fwb", "app", "-p", "owner.pub", "-i", "pkcs11:?pin-source=pin")
        self.succeed(*extract, "-o", "app", env=self.behave("montgomery"))
        self.assertEqual(self.read("app"), self.read("image"))
        for words, code, says in (("montgomery locked", 4, "the PIN is locked"),
                                  ("montgomery C_DeriveKey=68", 4, "must not be used for this"),
                                  ("montgomery C_DeriveKey=b3", 4, "the session .* was lost"),
                                  ("", 3, "is of type Ed25519, X25519 wanted")):
            self.refuse(code, *extract, "-o", "other", env=self.behave(words), says=says)

    def test_a119_a_pin_in_the_uri(self):
        for key in ("pkcs11:?pin-value=7788", "pkcs11:token=a;tokn=b?pin-value=7788"):
            result = self.refuse(2, "sign", "x.fwb", "-k", key, env=self.behave(""))
            self.assertNotIn("7788", result.text)
        result = self.refuse(2, "sign", "x.fwb", env={**self.behave(""), "FWPACK_KEY": key})
        self.assertNotIn("7788", result.text)


main()
