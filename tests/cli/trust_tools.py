#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What others say of our trust roots: securesystemslib's canonical JSON, key ids and signatures;
openssl's signatures; jq's canonical form, as docs/trust.md prints it; and, where npm and the shared
data set are at hand, the TUF clients tuf-js and tuf-browser, which walk a rotation around them. And
two people who sign one root at the same moment (A49)."""
import datetime
import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading

FWPACK = os.environ["FWPACK"]
HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("FWPACK_SHARED", os.path.join(HERE, "../../../shared"))
SPKI = bytes.fromhex("302a300506032b6570032100")
TUF = ("root", "targets", "snapshot", "timestamp")


def run(*command, status=0, **options):
    result = subprocess.run(command, capture_output=True, check=False, **options)
    if result.returncode != status:
        sys.exit(f"FAILED: {' '.join(command)[:300]}: {result.returncode}\n"
                 f"{result.stdout.decode()}{result.stderr.decode()}")
    return result


def check(what, is_so):
    if not is_so:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def write(path, content):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def missing(what):
    if os.environ.get("FWPACK_ALL_TOOLS"):
        sys.exit(f"FAILED: there is no {what}")
    print(f"skipped: there is no {what}")


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# --- keys and roots ------------------------------------------------------------------------------

def make_keys():
    for name in ("anna", "ben", "dora", "ci"):
        run(FWPACK, "key", "generate", name, "--no-passphrase", "-q")
    for name in ("targets", "snapshot", "timestamp"):  # a repository's, by openssl alone
        run("openssl", "genpkey", "-algorithm", "ed25519", "-out", f"{name}.pem")
        run("openssl", "pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub")


def make_roots():
    run(FWPACK, "trust", "init", "-o", "root.json", "--expires", "2099-12-31", "-p",
        "root=anna.pub", "-p", "root=ben.pub", "-p", "release=anna.pub", "-p", "delivery=ci.pub",
        *(word for name in TUF[1:] for word in ("-p", f"{name}={name}.pub")),
        "--threshold", "root=2")
    run(FWPACK, "trust", "sign", "root.json", "-k", "anna.key", "-k", "ben.key")
    run(FWPACK, "trust", "rotate", "root.json", "-o", "2.root.json", "--expires", "2099-12-31")
    run(FWPACK, "trust", "add", "2.root.json", "root=dora.pub")
    run(FWPACK, "trust", "revoke", "2.root.json", "ben.pub", "--reason", 'left "us" \\ ü')


def sign_at_once():
    """A49: whoever comes second keeps the first one's signature."""
    for _ in range(5):
        shutil.copy("2.root.json", "draft.json")
        people = [subprocess.Popen(
            [FWPACK, "trust", "sign", "draft.json", "--old", "root.json", "-k", f"{name}.key",
             "-q"], stderr=subprocess.PIPE) for name in ("anna", "ben", "dora")]
        for person in people:
            text = person.communicate()[1]
            check(f"signed at the same time {text.decode()}", person.returncode == 0)
        check("no signature was lost (A49)",
              len(json.loads(read("draft.json"))["signatures"]) == 3)
    os.rename("draft.json", "2.root.json")
    run(FWPACK, "trust", "check", "root.json", "2.root.json")


# --- securesystemslib, openssl, jq ---------------------------------------------------------------

def check_securesystemslib():
    try:
        from securesystemslib.formats import encode_canonical
        from securesystemslib.keys import verify_signature
    except ImportError:
        missing("securesystemslib")
        return
    for name in ("root.json", "2.root.json"):
        root = json.loads(read(name))
        keys = root["signed"]["keys"]
        for keyid, key in keys.items():
            check("securesystemslib gives the same key id",
                  hashlib.sha256(encode_canonical(key).encode()).hexdigest() == keyid)
        known = {**json.loads(read("root.json"))["signed"]["keys"], **keys}
        data = encode_canonical(root["signed"]).encode()
        check("its canonical form is the one of JSON's usual sorting",
              name != "root.json" or data == canonical(root["signed"]))
        for signature in root["signatures"]:
            key = {**known[signature["keyid"]], "keyid": signature["keyid"]}
            check(f"securesystemslib verifies {name}", verify_signature(key, signature, data))


def check_openssl():
    root = json.loads(read("root.json"))
    write("signed.bin", canonical(root["signed"]))
    for signature in root["signatures"]:
        public = bytes.fromhex(root["signed"]["keys"][signature["keyid"]]["keyval"]["public"])
        write("key.der", SPKI + public)
        write("key.sig", bytes.fromhex(signature["sig"]))
        run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", "key.der", "-out", "key.pem")
        run("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem", "-in",
            "signed.bin", "-sigfile", "key.sig")
    check("openssl verifies our signatures", True)
    if shutil.which("jq") is None:
        missing("jq")
        return
    run("sh", "-ec", "jq -cS .signed root.json | head -c -1 > jq.bin")
    check("jq writes what is signed", read("jq.bin") == read("signed.bin"))


# --- TUF clients ---------------------------------------------------------------------------------

def openssl_sign(signed, name):
    write("data.bin", canonical(signed))
    run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", f"{name}.pem", "-in", "data.bin",
        "-out", "data.sig")
    return read("data.sig").hex()


def metadata(kind, root, more):
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
    signed = {"_type": kind, "spec_version": "1.0.31", "version": 1,
              "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"), **more}
    (keyid,) = root["signed"]["roles"][kind]["keyids"]
    return canonical({"signatures": [{"keyid": keyid, "sig": openssl_sign(signed, kind)}],
                      "signed": signed})


def described(data):
    return {"version": 1, "length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}


def make_repository():
    root = json.loads(read("root.json"))
    target = b"the firmware\n"
    sha256 = hashlib.sha256(target).hexdigest()
    targets = metadata("targets", root, {"targets": {"fw.bin": {
        "length": len(target), "hashes": {"sha256": sha256}}}})
    snapshot = metadata("snapshot", root, {"meta": {"targets.json": described(targets)}})
    timestamp = metadata("timestamp", root, {"meta": {"snapshot.json": described(snapshot)}})
    for name, data in (("1.targets.json", targets), ("1.snapshot.json", snapshot),
                       ("timestamp.json", timestamp), ("1.root.json", read("root.json")),
                       ("2.root.json", read("2.root.json"))):
        write(f"repo/metadata/{name}", data)
    write(f"repo/targets/{sha256}.fw.bin", target)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def install_clients():
    """The clients, in a folder of this test's own; False where they are not to be had."""
    source = os.path.join(SHARED, "parts", "tufcheck")
    if not os.path.isdir(source) or not shutil.which("npm") or not shutil.which("node"):
        return False
    os.mkdir("clients")
    for name in ("check.mjs", "check2.mjs", "package.json", "package-lock.json"):
        shutil.copyfile(os.path.join(source, name), os.path.join("clients", name))
    try:
        result = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts",
                                 "--fetch-retries=0", "--fetch-timeout=10000"], cwd="clients",
                                timeout=60, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0


def check_clients():
    if not install_clients():
        print("skipped: npm, its registry, or the shared data set is not at hand")
        return
    make_repository()
    handler = functools.partial(Quiet, directory="repo")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    result = run("node", "clients/check.mjs", address, "root.json", "fw.bin")
    check("tuf-js walks from our root 1 to our root 2", b"root v2" in result.stdout)
    run("node", "clients/check2.mjs", address, "root.json", "fw.bin")
    check("tuf-browser accepts our roots", True)
    # A root 2 that only the old keys have signed is refused by them as by us (A34).
    root = json.loads(read("2.root.json"))
    old = json.loads(read("root.json"))["signed"]["roles"]["root"]["keyids"]
    root["signatures"] = [one for one in root["signatures"] if one["keyid"] in old]
    write("repo/metadata/2.root.json", json.dumps(root).encode())
    write("half.json", json.dumps(root).encode())
    run("node", "clients/check.mjs", address, "root.json", "fw.bin", status=1)
    run(FWPACK, "trust", "check", "root.json", "half.json", status=11)
    check("tuf-js refuses what we refuse (A34)", True)
    server.shutdown()


def main():
    if shutil.which("openssl") is None:
        missing("openssl")
        sys.exit(77)
    make_keys()
    make_roots()
    sign_at_once()
    check_securesystemslib()
    check_openssl()
    check_clients()


main()
