#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Attestations and SBOMs beside other tools.

openssl verifies what `attest` signs, and signs what `verify --attestation` takes. Where npm and its
registry are at hand, @sigstore/core makes the same bytes to sign, and CycloneDX's own strict schema
takes the SBOMs of `build --sbom auto`.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys

FWPACK = os.environ["FWPACK"]
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, before the 32 bytes of the key
TYPE = "application/vnd.in-toto+json"
APP = b"app" * 999
PACKAGES = ("@sigstore/core@3.2.1", "@cyclonedx/cyclonedx-library@10.3.0", "ajv@8.20.0",
            "ajv-formats@3.0.1", "ajv-formats-draft2019@1.6.1")


def check(what, condition):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def run(*command, codes=(0,)):
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode not in codes:
        sys.exit(f"FAILED: {command}: exit {result.returncode}\n{result.stdout!r}\n"
                 f"{result.stderr.decode()}")
    return result


def write(name, content):
    with open(name, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def read(name):
    with open(name, "rb") as file:
        return file.read()


def pae(payload, kind=TYPE):
    kind = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


# --- keys and bundles ----------------------------------------------------------------------------

def minisign_public(key):
    identity = hashlib.sha256(key).digest()[:8]
    return "untrusted comment: x\n" + base64.b64encode(b"Ed" + identity + key).decode() + "\n"


def key_of(public_file):
    return base64.b64decode(read(public_file).split(b"\n")[1])[10:]


def make_bundle():
    """Two images, of which one is a program, and all that meta has."""
    write("app.bin", APP)
    shutil.copy(os.path.realpath(FWPACK), "program")
    write("fwpack.yaml", """fwpack: 1
product: acme gateway
version: 1.2.3+build.7
security-version: 7
data-epoch: 2
compatible:
  - acme,gateway-r2
  - acme,gateway-r3
images:
  - name: app
    file: app.bin
    compress: none
  - name: program
    file: program
    format: raw
    version: 2.0.0
meta:
  cves-fixed: [CVE-2024-12345, CVE-2023-99999]
  licences: [MIT OR Apache-2.0, GPL-2.0-only WITH Linux-syscall-note]
  urgency: critical
""")
    run(FWPACK, "key", "generate", "own", "--no-passphrase", "-q")
    run(FWPACK, "build", "fwpack.yaml", "-o", "a.fwb", "-k", "own.key", "--sbom", "auto", "-q")
    run(FWPACK, "extract", "a.fwb", "sbom.cdx.json", "-p", "own.pub", "-o", "auto.cdx.json", "-q")


# --- what openssl says ---------------------------------------------------------------------------

def openssl_verifies(envelope, key):
    for signature in envelope["signatures"]:
        write("key.der", SPKI + key)
        write("message", pae(base64.b64decode(envelope["payload"])))
        write("signature", base64.b64decode(signature["sig"]))
        result = run("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey",
                     "key.der", "-rawin", "-in", "message", "-sigfile", "signature", codes=(0, 1))
        if result.returncode != 0:
            return False
    return True


def check_ours():
    run(FWPACK, "attest", "a.fwb", "-k", "own.key", "-p", "own.pub", "-q", "-o", "own.json",
        "--builder-id", "https://ci.example.org/firmware")
    envelope = json.loads(read("own.json"))
    key = key_of("own.pub")
    check("openssl verifies what attest signed", openssl_verifies(envelope, key))
    check("the key id is of the SubjectPublicKeyInfo", envelope["signatures"][0]["keyid"] ==
          hashlib.sha256(SPKI + key).hexdigest())
    check("the payload type is in-toto's", envelope["payloadType"] == TYPE)
    statement = json.loads(base64.b64decode(envelope["payload"]))
    names = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    check("the subjects are the files that were built",
          names["app"] == hashlib.sha256(read("app.bin")).hexdigest() and
          names["program"] == hashlib.sha256(read("program")).hexdigest() and
          len(names) == 3)


def openssl_attests(name, subjects, kind=TYPE, encode=base64.b64encode, sign=pae):
    """An envelope that fwpack had no part in."""
    payload = json.dumps({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": file, "digest": {"sha512": "00", "sha256":
                                              hashlib.sha256(read(file)).hexdigest()}}
                    for file in subjects],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": {"buildType": "https://other.example/build",
                                          "externalParameters": {"ratio": -1.5e-3}},
                      "runDetails": {"builder": {"id": "https://other.example/builder"}}},
    }).encode()
    write("message", sign(payload))
    run("openssl", "pkeyutl", "-sign", "-inkey", "other.pem", "-rawin", "-in", "message", "-out",
        "signature")
    write(name, json.dumps({"signatures": [{"sig": encode(read("signature")).decode()}],
                            "more": [None], "payloadType": kind,
                            "payload": encode(payload).decode()}))


def check_others():
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "other.pem")
    run("openssl", "pkey", "-in", "other.pem", "-pubout", "-outform", "DER", "-out", "other.der")
    write("other.pub", minisign_public(read("other.der")[12:]))
    trust = ("-p", "release=own.pub", "-p", "delivery=own.pub", "-p", "delivery=other.pub")

    def verify(*names, code=0):
        options = [word for name in names for word in ("--attestation", name)]
        return run(FWPACK, "verify", "a.fwb", *trust, *options, codes=(code,)).stderr.decode()

    openssl_attests("both.json", ["app.bin", "program"])
    verify("both.json")
    openssl_attests("urlsafe.json", ["app.bin", "program"], encode=base64.urlsafe_b64encode)
    verify("urlsafe.json")
    check("verify takes what openssl signed, in both alphabets", True)
    openssl_attests("app.json", ["app.bin"])
    openssl_attests("program.json", ["program"])
    check("an image that is no subject is named", '"program" is the subject of no attestation' in
          verify("app.json", code=10))
    verify("app.json", "program.json")
    check("two builders' attestations together cover both", True)
    openssl_attests("bare.json", ["app.bin", "program"], sign=lambda payload: payload)
    check("a signature over the payload alone is refused (A7)",
          "no signature by a trusted key" in verify("bare.json", code=11))
    openssl_attests("typed.json", ["app.bin", "program"],
                    sign=lambda payload: pae(payload, "application/json"))
    verify("typed.json", code=11)
    openssl_attests("kind.json", ["app.bin", "program"], kind=TYPE + " ")
    check("another payload type is refused (A8)", "payload of type" in verify("kind.json", code=3))


# --- the manual's own commands -------------------------------------------------------------------

def check_manual():
    """docs/provenance.md, "With stock tools", as it is printed."""
    if shutil.which("jq") is None:
        if os.environ.get("FWPACK_ALL_TOOLS"):
            sys.exit("FAILED: there is no jq")
        print("skipped: there is no jq")
        return
    manual = read(os.path.join(SOURCE, "docs", "provenance.md")).decode()
    block = manual.split("## With stock tools\n\n")[1].split("\n\nThe tests")[0]
    script = "".join(line[4:] + "\n" for line in block.splitlines())
    run(FWPACK, "attest", "a.fwb", "--embed", "-o", "acme-1.2.3.fwb", "-k", "own.key", "-p",
        "own.pub", "-q", "--builder-id", "https://ci.example.org/firmware")
    run("tar", "-xf", "acme-1.2.3.fwb", "release.json")
    write("own.der", SPKI + key_of("own.pub"))
    run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", "own.der", "-out", "ci.pem")
    out = run("sh", "-e", "-c", script).stdout.decode().splitlines()
    check("the manual's commands give the hash of the SBOM twice", out[0] == out[1].split()[0])
    check("and the subjects", out[2].split() == [hashlib.sha256(APP).hexdigest(), "app"])
    check("and openssl's verdict", out[-1] == "Signature Verified Successfully")


# --- what the packages of others say -------------------------------------------------------------

SIGSTORE = """
const { dsse } = require('@sigstore/core');
const crypto = require('crypto'), fs = require('fs');
const envelope = JSON.parse(fs.readFileSync('own.json'));
const key = crypto.createPublicKey({ key: fs.readFileSync('own.der'), format: 'der',
                                     type: 'spki' });
const bytes = dsse.preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, 'base64'));
const signature = Buffer.from(envelope.signatures[0].sig, 'base64');
process.exit(crypto.verify(null, bytes, key, signature) ? 0 : 1);
"""

CYCLONEDX = """
const CDX = require('@cyclonedx/cyclonedx-library'), fs = require('fs');
const validator = new CDX.Validation.JsonStrictValidator(CDX.Spec.Version.v1dot6);
(async () => {
  for (const name of process.argv.slice(1)) {
    const errors = await validator.validate(fs.readFileSync(name, 'utf8'));
    if (errors !== null) { console.error(name, errors); process.exit(1); }
  }
  const bad = JSON.parse(fs.readFileSync(process.argv[1], 'utf8'));
  bad.components[0].type = 'nothing';
  process.exit(await validator.validate(JSON.stringify(bad)) === null ? 2 : 0);
})();
"""


def install():
    """Whether the packages are to be had; they go into this test's own folder."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return False
    try:
        result = subprocess.run(["npm", "install", "--no-save", "--no-audit", "--no-fund",
                                 "--ignore-scripts", "--prefer-offline", "--fetch-retries=0",
                                 "--fetch-timeout=10000", *PACKAGES], timeout=60,
                                capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0


def check_packages():
    if not install():
        print("skipped: npm, or its registry, is not at hand")
        return
    write("own.der", SPKI + key_of("own.pub"))
    run("node", "-e", SIGSTORE)
    check("@sigstore/core encodes what was signed", True)
    run(FWPACK, "build", "plain.yaml", "-o", "plain.fwb", "-k", "own.key", "--sbom", "auto", "-q")
    run(FWPACK, "extract", "plain.fwb", "sbom.cdx.json", "-p", "own.pub", "-o", "plain.cdx.json",
        "-q")
    run("node", "-e", CYCLONEDX, "auto.cdx.json", "plain.cdx.json")
    check("CycloneDX 1.6's strict schema takes our SBOMs", True)


def main():
    if shutil.which("openssl") is None:
        if os.environ.get("FWPACK_ALL_TOOLS"):
            sys.exit("FAILED: there is no openssl")
        sys.exit(77)
    make_bundle()
    write("plain.yaml", "fwpack: 1\nproduct: p\nversion: 1.0.0\nsecurity-version: 1\n"
          "compatible: [p]\nimages: [{name: app, file: app.bin}]\n")
    check_ours()
    check_others()
    check_manual()
    check_packages()


main()
