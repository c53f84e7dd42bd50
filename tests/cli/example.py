#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The example product: its Makefile, the same for ninja, and the CI files that the README shows.

What the README prints is compared with the files, and the files are run, so that neither can
promise what does not work.
"""

import os
import shutil
import subprocess
import sys
import time

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
EXAMPLE = os.path.join(SOURCE, "docs", "example")
FWPACK = os.environ["FWPACK"]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def run(*command, **variables):
    environment = dict(os.environ, PATH=f"{os.path.dirname(FWPACK)}:{os.environ['PATH']}",
                       **variables)
    return subprocess.run(command, env=environment, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def touch(path):
    """Changes a file, in a moment that a file system's clock can tell from the last."""
    time.sleep(0.02)
    with open(path, "ab") as file:
        file.write(b"\n")


def check(what, condition):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def make_product():
    for name in ("fwpack.yaml", "NOTES.md", "Makefile"):
        shutil.copy(os.path.join(EXAMPLE, name), name)
    os.mkdir("images")
    for name, size in (("u-boot.bin", 70000), ("rootfs.squashfs", 90000), ("radio.bin", 3000)):
        with open(os.path.join("images", name), "wb") as file:
            file.write(os.urandom(size))
    run(FWPACK, "image", "convert", "images/radio.bin", "-o", "images/radio.hex", "--base",
        "0x1000", "-q")
    run(FWPACK, "key", "generate", "release", "--no-passphrase", "-q")


def check_readme():
    readme = read(os.path.join(SOURCE, "README.md"))
    for name in ("fwpack.yaml", "Makefile", "github-actions.yml", "gitlab-ci.yml"):
        check(f"the README shows {name} as it is", read(os.path.join(EXAMPLE, name)) in readme)


def check_rebuilds(tool, build):
    def rebuilt():
        before = os.stat("gateway.fwb").st_mtime_ns
        build()
        return os.stat("gateway.fwb").st_mtime_ns != before

    build()
    check(f"{tool} leaves what is up to date", not rebuilt())
    for path in ("fwpack.yaml", "NOTES.md", "images/radio.hex", "images/u-boot.bin"):
        touch(path)
        check(f"{tool} builds again after a change of {path}", rebuilt())
        check(f"{tool} does so once", not rebuilt())
    touch("images/radio.bin")
    check(f"{tool} leaves it when another file changes", not rebuilt())


def check_make():
    check_rebuilds("make", lambda: run("make", "-s"))
    check("make check verifies", "gateway.fwb: good" in run("make", "check"))


def check_ninja():
    if shutil.which("ninja") is None:
        return
    os.unlink("gateway.fwb")
    with open("build.ninja", "w", encoding="utf-8") as file:
        file.write("rule bundle\n"
                   "  command = fwpack build $in -D VERSION=1.4.0 -k release.key -o $out "
                   "--depfile $out.d -q\n"
                   "  depfile = $out.d\n"
                   "  deps = gcc\n"
                   "build gateway.fwb: bundle fwpack.yaml\n")
    check_rebuilds("ninja", lambda: run("ninja"))


def script_of(name, begin, indent):
    """The shell lines of a CI file, without those that install packages."""
    lines = read(os.path.join(EXAMPLE, name)).split("\n")
    script = []
    for line in lines[lines.index(begin) + 1:]:
        if not line.startswith(indent):
            break
        script.append(line[len(indent):])
    return [line for line in script if "apt-get" not in line]


def check_ci():
    key = os.path.abspath("release.key")
    github = "\n".join(script_of("github-actions.yml", "      - run: |", "          "))
    run("sh", "-ec", github, GITHUB_REF_NAME="v1.4.0", CI="true", GITHUB_ACTIONS="true",
        SIGNING_KEY=read(key))
    check("the GitHub Actions file works", '"ok":true' in read("verify.json"))
    gitlab = "\n".join(script_of("gitlab-ci.yml", "  script:", "    - "))
    os.unlink("gateway.fwb")
    run("sh", "-ec", gitlab, CI_COMMIT_TAG="v1.4.0", CI="true", SIGNING_KEY=key)
    check("the GitLab CI file works", os.path.exists("gateway.fwb"))


check_readme()
make_product()
check_make()
check_ninja()
check_ci()
