#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Keys that are kept elsewhere: in SoftHSM, in an ssh-agent, behind a command. Whatever signs, the
same bundle results, and minisign verifies it. The commands of docs/signers.md run as printed. A
signer whose tools are not there is passed over, unless FWPACK_ALL_TOOLS is set."""
import base64
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time

FWPACK = os.environ["FWPACK"]
MANUAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/signers.md")
MODULES = glob.glob("/usr/lib/softhsm/libsofthsm2.so") + \
    glob.glob("/usr/lib/*/softhsm/libsofthsm2.so")
LEFT_OUT = []


def run(*command, env=None, code=0, stdin=None, **options):
    result = subprocess.run(command, capture_output=True, check=False, input=stdin, timeout=120,
                            env={**os.environ, **(env or {})}, **options)
    if result.returncode != code:
        sys.exit(f"{' '.join(command)}: exit {result.returncode}, {code} wanted\n"
                 f"{result.stdout.decode(errors='replace')}{result.stderr.decode(errors='replace')}")
    return result


def fwpack(*arguments, says=None, **options):
    result = run(FWPACK, *arguments, **options)
    text = result.stderr.decode()
    if says is not None and says not in text:
        sys.exit(f"{' '.join(arguments)}: does not say {says!r}: {text}")
    return text


def write(path, content, mode=0o644):
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, mode)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def equal(found, wanted, what):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def needs(*tools):
    def mark(test):
        missing = [tool for tool in tools
                   if not (shutil.which(tool) if tool != "softhsm" else MODULES)]
        if not missing:
            test()
        elif os.environ.get("FWPACK_ALL_TOOLS"):
            sys.exit(f"{test.__name__}: {missing} is missing")
        else:
            LEFT_OUT.append(test.__name__)
        return test
    return mark


# --- one key, kept everywhere ------------------------------------------------------------------


def make_keys():
    """id, id.pub (OpenSSH), key.pem, pub.pem, pub.minisign: one key."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "release@example", "-f", "id")
    wire = base64.b64decode("".join(read("id").decode().splitlines()[1:-1]))
    public = base64.b64decode(read("id.pub").split()[1])[-32:]
    at = wire.rindex(public) - 32  # the seed, then the public half once more
    der = bytes.fromhex("302e020100300506032b657004220420") + wire[at:at + 32]
    write("key.pem", f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(der).decode()}\n"
                     "-----END PRIVATE KEY-----\n", 0o600)
    run("openssl", "pkey", "-in", "key.pem", "-pubout", "-out", "pub.pem")
    write("message", "signed text\n")
    write("image", bytes(range(256)) * 1000)
    write("d.yaml", "fwpack: 1\nproduct: acme\nversion: 1.0.0\nsecurity-version: 1\n"
                    "compatible: [acme]\nimages: [{name: app, file: image}]\n")
    fwpack("build", "d.yaml", "-o", "file.fwb", "-k", "key.pem", "-q",
           env={"SOURCE_DATE_EPOCH": "1"})
    fwpack("sign", "--detached", "message", "-k", "key.pem", "-o", "file.minisig", "-q")


def same_as_file(key, what, *options, env=None):
    """The bundle and the detached signature that this KEY makes are those of the file."""
    fwpack("build", "d.yaml", "-o", "other.fwb", "-k", key, *options,
           env={"SOURCE_DATE_EPOCH": "1", **(env or {})})
    equal(read("other.fwb") == read("file.fwb"), True, f"{what}: the bundle")
    fwpack("sign", "--detached", "message", "-k", key, "-o", "other.minisig", *options, env=env)
    equal(read("other.minisig"), read("file.minisig"), f"{what}: the detached signature")
    fwpack("verify", "other.fwb", "-p", "pub.pem")
    os.remove("other.fwb")
    os.remove("other.minisig")


make_keys()


def files_of_all_kinds():
    same_as_file("id", "OpenSSH")
    same_as_file("env:SECRET", "env:", env={"SECRET": read("key.pem").decode()})


files_of_all_kinds()


@needs("minisign")
def minisign_verifies():
    public = base64.b64decode(read("pub.pem").splitlines()[1])[-32:]
    signature = base64.b64decode(read("file.minisig").splitlines()[1])
    line = base64.b64encode(b"Ed" + signature[2:10] + public).decode()
    run("minisign", "-V", "-q", "-m", "message", "-x", "file.minisig", "-P", line)


# --- an ssh-agent ------------------------------------------------------------------------------


class Agent:
    def __init__(self):
        self.env = {"SSH_AUTH_SOCK": os.path.abspath("agent.sock")}
        self.process = subprocess.Popen(["ssh-agent", "-D", "-a", "agent.sock"],
                                        stdout=subprocess.DEVNULL)
        while not os.path.exists("agent.sock"):
            time.sleep(0.01)

    def add(self, *arguments, **options):
        run("ssh-add", "-q", *arguments, env=self.env, **options)

    def end(self):
        self.process.terminate()
        self.process.wait()


@needs("ssh-agent", "ssh-add")
def keys_in_an_agent():
    agent = Agent()
    sign = ("sign", "--detached", "message", "-k")
    fwpack(*sign, "agent:", env=agent.env, code=4, says="shows no keys")
    agent.add("id")
    fingerprint = run("ssh-keygen", "-lf", "id.pub").stdout.split()[1].decode()
    for which in ("", "release@example", fingerprint, fingerprint[len("SHA256:"):]):
        same_as_file(f"agent:{which}", "agent:", env=agent.env)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "two@example", "-f", "two")
    run("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", "p256@example", "-f", "p256")
    agent.add("two")
    agent.add("p256")
    fwpack(*sign, "agent:", env=agent.env, code=4, says="several Ed25519 keys")
    same_as_file("agent:release@example", "one of several", env=agent.env)
    fwpack(*sign, "agent:p256@example", env=agent.env, code=3, says="ecdsa-sha2-nistp256")
    fwpack(*sign, "agent:nobody", env=agent.env, code=4, says="no key 'nobody'; it has: SHA256:")
    askpass = {**agent.env, "SSH_ASKPASS": os.path.abspath("ask"), "SSH_ASKPASS_REQUIRE": "force",
               "DISPLAY": ":0"}
    write("ask", "#!/bin/sh\necho secret\n", 0o755)
    run("ssh-add", "-q", "-x", env=askpass)
    fwpack(*sign, "agent:", env=agent.env, code=4, says="it has none, or is locked")
    agent.end()
    fwpack(*sign, "agent:", env=agent.env, code=4, says="no ssh-agent listens at")
    fwpack(*sign, "agent:", env={"SSH_AUTH_SOCK": ""}, code=4, says="SSH_AUTH_SOCK is not set")


# --- tokens ------------------------------------------------------------------------------------


class Token:
    """A SoftHSM store of its own, with one token."""

    def __init__(self, folder, label="fwtest"):
        self.module = MODULES[0]
        os.makedirs(f"{folder}/tokens")
        write(f"{folder}/conf", f"directories.tokendir = {os.path.abspath(folder)}/tokens\n"
                                "log.level = ERROR\n")
        self.env = {"SOFTHSM2_CONF": os.path.abspath(f"{folder}/conf"),
                    "FWPACK_PKCS11_MODULE": self.module}
        self.add_token(label)

    def util(self, *arguments):
        return run("softhsm2-util", *arguments, env=self.env)

    def add_token(self, label):
        self.util("--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin",
                  "1234")

    def load(self, path, label, number, token="fwtest"):
        self.util("--import", path, "--token", token, "--label", label, "--id", number, "--pin",
                  "1234")

    def sign(self, key, *options, **more):
        return fwpack("sign", "--detached", "message", "-k", key, *options, env=self.env, **more)


@needs("softhsm", "softhsm2-util")
def keys_in_a_token():
    token = Token("hsm")
    token.load("key.pem", "relkey", "01")
    write("pin", "1234\n", 0o600)
    key = "pkcs11:token=fwtest;object=relkey?pin-source="
    pin = os.path.abspath("pin")
    same_as_file(f"{key}{pin}", "a path", env=token.env)
    same_as_file(f"{key}file://{pin}", "file:", env=token.env)
    same_as_file(f"{key}env:PIN", "env:", env={**token.env, "PIN": "1234"})
    same_as_file("pkcs11:id=%01;token=fwtest", "--passphrase-file", "--passphrase-file", "pin",
                 env=token.env)
    same_as_file(f"pkcs11:?pin-source=pin&module-path={token.module}", "module-path",
                 env={**token.env, "FWPACK_PKCS11_MODULE": "/nowhere.so"})
    same_as_file("pkcs11:token=fwtest?pin-source=pin", "--pkcs11-module", "--pkcs11-module",
                 token.module, env={**token.env, "FWPACK_PKCS11_MODULE": ""})
    folder = os.path.dirname(token.module)
    same_as_file(f"pkcs11:?pin-source=pin&module-path={folder}&module-name=softhsm2",
                 "module-name", env=token.env)
    token.sign("pkcs11:object=other?pin-source=pin", code=4, says="it has: 'relkey' (id 01)")
    token.sign("pkcs11:token=other?pin-source=pin", code=4, says="SOFTHSM2_CONF")
    token.sign("pkcs11:object=relkey", "--no-input", code=4, says="nothing may be asked")
    os.chmod("pin", 0o640)
    token.sign(f"{key}pin", code=4, says="others may read the PIN in it (mode 0640)")
    os.chmod("pin", 0o600)
    fwpack("sign", "--detached", "message", "-k", f"{key}pin", code=4,
           env={**token.env, "SOFTHSM2_CONF": "/nowhere"}, says="C_Initialize")


@needs("softhsm", "softhsm2-util")
def tokens_of_all_modules():
    """p11-kit's proxy, where no module is named."""
    if not (glob.glob("/usr/share/p11-kit/modules/softhsm2.module") and
            glob.glob("/usr/lib/*/libp11-kit.so.0")):
        return
    token = Token("proxy", "behindproxy")
    token.load("key.pem", "relkey", "01", "behindproxy")
    same_as_file("pkcs11:token=behindproxy?pin-source=pin", "the proxy",
                 env={**token.env, "FWPACK_PKCS11_MODULE": ""})


@needs("softhsm", "softhsm2-util")
def several_keys_in_a_token():
    """Two -k on one module and token: one login, one bundle with both signatures."""
    token = Token("two-keys")
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "second.pem")
    token.load("key.pem", "relkey", "01")
    token.load("second.pem", "second", "02")
    token.sign("pkcs11:?pin-source=pin", code=4, says="2 private keys of token 'fwtest' fit")
    keys = [f"pkcs11:object={name}?pin-source=pin" for name in ("relkey", "second")]
    fwpack("build", "d.yaml", "-o", "both.fwb", "-k", keys[0], "-k", keys[1], env=token.env)
    run("openssl", "pkey", "-in", "second.pem", "-pubout", "-out", "second.pub.pem")
    fwpack("verify", "both.fwb", "-p", "any=pub.pem", "-p", "any=second.pub.pem", "--require", "2")
    fwpack("build", "d.yaml", "-o", "twice.fwb", "-k", keys[0], "-k", "pkcs11:id=%01?pin-source=pin",
           env=token.env, code=2, says="a key that was given already")


@needs("softhsm", "softhsm2-util", "pkcs11-tool")
def keys_of_other_types():
    token = Token("types")
    for name, options in (("p256", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
                          ("rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
                          ("x25519", ["-algorithm", "X25519"])):
        run("openssl", "genpkey", *options, "-out", f"{name}.pem")
        token.load(f"{name}.pem", name, {"p256": "11", "rsa": "12", "x25519": "13"}[name])
    for name, says in (("p256", "ECDSA P-256"), ("rsa", "RSA"), ("x25519", "X25519")):
        token.sign(f"pkcs11:object={name}?pin-source=pin", code=3,
                   says=f"is of type {says}, Ed25519 wanted")


@needs("softhsm", "softhsm2-util")
def tokens_of_one_label():
    token = Token("twins")
    token.add_token("fwtest")
    serials = sorted(re.findall(r"Serial number: +(\S+)", token.util("--show-slots").stdout.decode()))
    equal(len(serials), 2, "serials")
    token.util("--import", "key.pem", "--serial", serials[0], "--label", "relkey", "--id", "01",
               "--pin", "1234")
    text = token.sign("pkcs11:token=fwtest?pin-source=pin", code=4, says="2 tokens fit")
    for serial in serials:
        equal(f"(serial {serial})" in text, True, "the serials are listed")
    same_as_file(f"pkcs11:serial={serials[0]}?pin-source=pin", "serial", env=token.env)


@needs("softhsm", "softhsm2-util")
def a_wrong_pin_is_tried_once():
    token = Token("wrong")
    token.load("key.pem", "relkey", "01")
    write("bad", "4321\n", 0o600)
    token.sign("pkcs11:?pin-source=bad", code=4, says="the PIN is wrong")
    token.sign("pkcs11:?pin-source=pin", says="warning: token 'fwtest': a wrong PIN was given before")
    text = token.sign("pkcs11:?pin-source=pin")
    equal("warning" in text, False, "the count begins anew")
    os.remove("message.minisig")


# --- commands ----------------------------------------------------------------------------------


def scripts_of_the_manual():
    """Each script by its name, which stands in its second line."""
    with open(MANUAL, encoding="utf-8") as file:
        blocks = re.findall(r"```sh\n(#!/bin/sh\n# (\S+) .*?)```", file.read(), re.DOTALL)
    for text, name in blocks:
        write(name, text, 0o755)
    return [name for _, name in blocks]


OWN_SIGNER = """#!/usr/bin/python3
import base64, os, subprocess, sys
if os.environ["FWPACK_REQUEST"] == "public-key":
    sys.exit(subprocess.run(["cat", "pub.pem"]).returncode)
open("bytes", "wb").write(sys.stdin.buffer.read())
raw = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-in", "bytes"],
                     stdout=subprocess.PIPE, check=True).stdout
kind = sys.argv[1]
sys.stdout.buffer.write(raw if kind == "raw" else raw.hex().encode() if kind == "hex" else
                        base64.encodebytes(raw) if kind == "base64" else raw[::-1])
"""


def commands():
    write("signer", OWN_SIGNER, 0o755)
    for kind in ("raw", "hex", "base64"):
        same_as_file(f"exec:./signer {kind}", kind)
        same_as_file(f"exec:./signer '{kind}'", kind, "--signer-pub", "pub.pem")
    sign = ("sign", "--detached", "message", "-k")
    fwpack(*sign, "exec:./signer wrong", code=4, says="is no signature of these bytes by key")
    fwpack(*sign, "exec:./signer raw", "--signer-pub", "stranger.pub", code=4, says="--signer-pub")
    fwpack(*sign, "exec:./absent", code=4, says="cannot run './absent'")
    fwpack(*sign, "exec:./signer raw | cat", code=2, says="no shell runs")
    fwpack(*sign, "exec:sh -c 'exit 9'", code=4, says="exit status 9")
    fwpack(*sign, "key.pem", "--signer-pub", "stranger.pub", code=2, says="is the public half of no --key")
    fwpack(*sign, "exce:x", code=1, says="did you mean exec:?")
    equal(os.path.exists("message.minisig"), False, "a failure leaves no signature")


def commands_know_their_role():
    write("roles", '#!/bin/sh\necho "$FWPACK_ROLE" >> roles.log\nexec ./signer raw\n', 0o755)
    fwpack("build", "d.yaml", "-o", "roles.fwb", "-k", "exec:./roles", "--signer-pub", "pub.pem")
    equal(read("roles.log").split(), [b"release", b"release", b"delivery", b"delivery"], "roles")


def interrupted_commands_end():
    process = subprocess.Popen(
        [FWPACK, "sign", "--detached", "message", "-k", "exec:sh -c 'echo $$ > pid; exec sleep 77'",
         "--signer-pub", "pub.pem"], stderr=subprocess.PIPE)
    while not (os.path.exists("pid") and read("pid")):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    equal(process.returncode, 130, "an interrupted signer")
    equal(os.path.exists(f"/proc/{int(read('pid'))}"), False, "the command lives on")


run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "stranger")
commands()
commands_know_their_role()
interrupted_commands_end()


# --- the manual --------------------------------------------------------------------------------

FAKE_VAULT = """#!/usr/bin/python3
import base64, json, subprocess, sys
public = base64.b64decode(open("pub.pem").read().splitlines()[1])[-32:]
command = sys.argv[1:]
if command == ["read", "-format=json", "transit/keys/release"]:
    print(json.dumps({"data": {"latest_version": 2, "keys": {
        "1": {"public_key": "older"}, "2": {"public_key": base64.b64encode(public).decode()}}}}))
elif command[:3] == ["write", "-field=signature", "transit/sign/release"]:
    name, value = command[3].split("=", 1)
    assert name == "input"
    open("bytes", "wb").write(base64.b64decode(value, validate=True))
    raw = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-in",
                          "bytes"], stdout=subprocess.PIPE, check=True).stdout
    print("vault:v2:" + base64.b64encode(raw).decode())
else:
    sys.exit(f"vault: {command}")
"""

FAKE_AWS = """#!/usr/bin/python3
import base64, subprocess, sys
command = sys.argv[1:]
options = dict(zip(command[2::2], command[3::2]))
assert options["--key-id"] == "alias/release" and options["--output"] == "text", options
if command[:2] == ["kms", "get-public-key"]:
    print("".join(open("pub.pem").read().splitlines()[1:-1]))
elif command[:2] == ["kms", "sign"]:
    assert options["--message-type"] == "RAW", options
    assert options["--signing-algorithm"] == "ED25519_SHA_512", options
    assert options["--message"].startswith("fileb://"), options
    raw = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-in",
                          options["--message"][len("fileb://"):]],
                         stdout=subprocess.PIPE, check=True).stdout
    print(base64.b64encode(raw).decode())
else:
    sys.exit(f"aws: {command}")
"""

FAKE_GCLOUD = """#!/bin/sh
[ "$1 $2" = "kms keys" ] && exec cat pub.pem
[ "$1 $2" = "kms asymmetric-sign" ] || exit 9
exec openssl pkeyutl -sign -rawin -inkey key.pem -in /dev/stdin
"""


@needs("jq")
def scripts_of_the_manual_sign():
    names = scripts_of_the_manual()
    equal(names, ["sign-with-openssl", "sign-with-vault", "sign-with-aws", "sign-with-gcloud"],
          "the scripts of the manual")
    os.mkdir("path")
    for name, text in (("vault", FAKE_VAULT), ("aws", FAKE_AWS), ("gcloud", FAKE_GCLOUD)):
        write(f"path/{name}", text, 0o755)
    env = {"PATH": os.path.abspath("path") + ":" + os.environ["PATH"]}
    same_as_file("exec:./sign-with-openssl key.pem", "openssl", env=env)
    same_as_file("exec:./sign-with-vault release", "vault", env=env)
    same_as_file("exec:./sign-with-aws alias/release", "aws", env=env)
    same_as_file("exec:./sign-with-gcloud global ring release 1", "gcloud", env=env)


@needs("softhsm", "softhsm2-util", "pkcs11-tool")
def commands_of_the_manual_run():
    """SoftHSM, from nothing."""
    with open(MANUAL, encoding="utf-8") as file:
        section = file.read().split("### SoftHSM, from nothing\n\n")[1].split("\n\n")[0]
    script = textwrap.dedent(section).replace("/usr/lib/softhsm/libsofthsm2.so", MODULES[0])
    os.mkdir("manual")
    write("manual/notes.txt", "notes\n")
    # SoftHSM loses the memory of a curve that is given by its name.
    options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    run("sh", "-eu", "-c", script.replace("fwpack ", f"{FWPACK} "), cwd="manual",
        env={"ASAN_OPTIONS": options})
    with open(MANUAL, encoding="utf-8") as file:
        more = re.findall(r"^    (pkcs11-tool .*--read-object.*|fwpack verify.*)$", file.read(), re.M)
    equal(len(more), 2, "the manual's commands for the public half")
    run("sh", "-eu", "-c", "\n".join(more).replace("fwpack ", f"{FWPACK} "), cwd="manual",
        env={"SOFTHSM2_CONF": os.path.abspath("manual/softhsm2.conf"),
             "FWPACK_PKCS11_MODULE": MODULES[0]})


for name in LEFT_OUT:
    print(f"left out: {name}")
