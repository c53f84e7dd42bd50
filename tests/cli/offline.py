#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""People who sign elsewhere: `sign --export` writes a page with commands of stock tools, these are
run as they are printed, and `sign --import` takes what they made. A tool that is not there is
passed over, but with FWPACK_ALL_TOOLS all must be there."""
import json
import os
import re
import shutil
import subprocess
import sys

FWPACK = os.environ["FWPACK"]
ALL_TOOLS = bool(os.environ.get("FWPACK_ALL_TOOLS"))
HOME = os.path.abspath("people")
PIN = "4711"
MODULE = next(filter(os.path.exists, ("/usr/lib/softhsm/libsofthsm2.so",
                                     "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")), "")
DESCRIPTOR = """\
fwpack: 1
product: acme gateway
version: 1.2.3
security-version: 7
compatible:
  - acme,gateway-r2
images:
  - name: boot
    file: boot.bin
"""


def run(*command, wanted=0, **options):
    environment = {**os.environ, "HOME": HOME, **options.pop("env", {})}
    result = subprocess.run(command, capture_output=True, check=False, env=environment,
                            text=True, **options)
    if result.returncode != wanted:
        sys.exit(f"{' '.join(command)}: {result.returncode}, not {wanted}\n"
                 f"{result.stdout}{result.stderr}")
    return result


def fwpack(*arguments, wanted=0):
    return run(FWPACK, *arguments, wanted=wanted)


def have(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing and ALL_TOOLS:
        sys.exit(f"missing: {missing}")
    return not missing


def check(holds, what):
    if not holds:
        sys.exit(f"failed: {what}")


# --- the page --------------------------------------------------------------------------------


def commands(page, heading):
    """The indented lines of a section, as a person would copy them."""
    section = re.search(rf"^## {heading}.*?\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    check(section, f"a section {heading}")
    lines = [line[4:] for line in section[1].splitlines() if line.startswith("    ")]
    check(lines, f"commands under {heading}")
    return "\n".join(lines) + "\n"


def brought_back(page, heading):
    section = re.search(rf"^## {heading}.*?\n(.*?)(?=^## |\Z)", page, re.M | re.S)[1]
    return re.findall(r"`([^`]+)`", section[section.index("Bring back"):].split("\n\n")[0])


def sign_by_the_page(folder, heading, change=lambda script: script, **options):
    """Runs what the page prints, in its folder, and gives the files that it wants back."""
    with open(f"{folder}/SIGN.md", encoding="utf-8") as file:
        page = file.read()
    run("bash", "-e", "-c", change(commands(page, heading)), cwd=folder, **options)
    files = [f"{folder}/{name}" for name in brought_back(page, heading)]
    check(files and all(map(os.path.exists, files)), f"{heading}: {files}")
    return files


# --- people ----------------------------------------------------------------------------------


def make_bundle(path):
    with open("boot.bin", "wb") as file:
        file.write(b"boot" * 1000)
    with open("d.yaml", "w", encoding="utf-8") as file:
        file.write(DESCRIPTOR)
    fwpack("build", "d.yaml", "-q", "-o", path)


def person_with_minisign():
    os.makedirs(f"{HOME}/.minisign", mode=0o700)
    run("minisign", "-G", "-W", "-p", "anna.pub", "-s", f"{HOME}/.minisign/minisign.key")
    return "With minisign", "anna.pub", {}


def person_with_openssl():
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", f"{HOME}/release.pem")
    run("openssl", "pkey", "-in", f"{HOME}/release.pem", "-pubout", "-out", "ben.pem")
    return "With openssl", "ben.pem", {}


def person_with_ssh():
    os.makedirs(f"{HOME}/.ssh", mode=0o700)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{HOME}/.ssh/id_ed25519")
    shutil.copy(f"{HOME}/.ssh/id_ed25519.pub", "chris.pub")
    return "With an SSH key", "chris.pub", {}


def person_with_hsm():
    os.mkdir("tokens")
    with open("softhsm2.conf", "w", encoding="ascii") as file:
        file.write(f"directories.tokendir = {os.path.abspath('tokens')}\n"
                   "objectstore.backend = file\nlog.level = ERROR\n")
    env = {"SOFTHSM2_CONF": os.path.abspath("softhsm2.conf")}
    run("softhsm2-util", "--init-token", "--free", "--label", "release", "--so-pin", "12345678",
        "--pin", PIN, env=env)
    tool = ("pkcs11-tool", "--module", MODULE, "--token-label", "release")
    run(*tool, "--login", "--pin", PIN, "--keypairgen", "--key-type", "EC:edwards25519",
        "--label", "release", "--id", "01", "--usage-sign", env=env)
    run(*tool, "--read-object", "--type", "pubkey", "--id", "01", "-o", "dora.pem", env=env)
    return "With an HSM", "dora.pem", {
        "env": env, "input": PIN + "\n",
        "change": lambda script: re.sub("(?m)^MODULE=.*$", f"MODULE={MODULE}", script)}


def people():
    if have("minisign"):
        yield person_with_minisign()
    if have("openssl"):
        yield person_with_openssl()
    if have("ssh-keygen"):
        yield person_with_ssh()
    if have("softhsm2-util", "pkcs11-tool") and MODULE:
        yield person_with_hsm()


# --- checks ----------------------------------------------------------------------------------


def each_signs_alone(everybody):
    """Every way of the page gives a bundle that verifies, with the documents that it had."""
    for number, (heading, public, options) in enumerate(everybody):
        bundle, folder = f"{number}.fwb", f"to-sign-{number}"
        make_bundle(bundle)
        fwpack("sign", bundle, "--export", folder)
        files = sign_by_the_page(folder, heading, **options)
        answer = json.loads(fwpack("sign", bundle, "--import", *reversed(files), "-p", public,
                                   "--json").stdout)
        check(answer["added"] == 2 and answer["present"] == 0, answer)
        check(answer["wanted"] == {"release": [], "delivery": []}, answer)
        fwpack("verify", bundle, "-p", public)
        answer = json.loads(fwpack("sign", bundle, "--import", *files, "-p", public,
                                   "--json").stdout)
        check(not answer["changed"] and answer["present"] == 2, answer)


def several_sign_one(everybody):
    """Threshold 2 of all: who is still wanted is told, and verify agrees."""
    make_bundle("team.fwb")
    trust = [option for _, public, _ in everybody for option in ("-p", f"release={public}")]
    for number, (heading, _, options) in enumerate(everybody[:2]):
        folder = f"team-{number}"
        fwpack("sign", "team.fwb", "--export", folder, "--role", "release")
        check(not os.path.exists(f"{folder}/delivery.json"), "--role release alone")
        files = sign_by_the_page(folder, heading, **options)
        result = fwpack("sign", "team.fwb", "--import", *files, *trust, "--require", "2")
        check(f"release.json: {number + 1} of 2 required signatures" in result.stdout,
              result.stdout)
        check(("still wanted: 1 of" in result.stdout) == (number == 0), result.stdout)
    everything = [*trust, "-p", f"delivery={everybody[0][1]}", "--require", "2"]
    fwpack("verify", "team.fwb", *everything, wanted=10)  # nobody signed delivery.json


def a_lone_answer_is_explained(everybody):
    for heading, public, options in everybody:
        if heading != "With openssl":
            continue
        make_bundle("lone.fwb")
        fwpack("sign", "lone.fwb", "--export", "lone", "--role", "release")
        first, second = sign_by_the_page("lone", heading, **options)
        before = open("lone.fwb", "rb").read()
        result = fwpack("sign", "lone.fwb", "--import", first, "-p", public, wanted=10)
        check("is the first answer of key" in result.stderr and "the second is missing"
              in result.stderr and "cat " in result.stderr, result.stderr)
        result = fwpack("sign", "lone.fwb", "--import", second, "-p", public, wanted=11)
        check("no trusted key made these 64 bytes" in result.stderr, result.stderr)
        check(open("lone.fwb", "rb").read() == before, "nothing was written")
        for name, text in (("hex", open(first, "rb").read().hex() + "\n"),
                           ("HEX", open(first, "rb").read().hex().upper())):
            with open(name, "w", encoding="ascii") as file:
                file.write(text)
        run("sh", "-c", f"base64 -w0 {second} > second.b64")
        fwpack("sign", "lone.fwb", "--import", "second.b64", "hex", "-p", public)
        fwpack("sign", "lone.fwb", "--import", "HEX", second, "-p", public)


def main():
    os.mkdir(HOME)
    everybody = list(people())
    if not everybody:
        sys.exit(77)
    each_signs_alone(everybody)
    if len(everybody) > 1:
        several_sign_one(everybody)
    a_lone_answer_is_explained(everybody)
    print("signed by the page:", *(heading for heading, _, _ in everybody), sep="\n  ")


main()
