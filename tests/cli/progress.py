#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Progress, watched while a bundle trickles in: at most ten updates a second, each kind in its
form, standard output untouched, and no bar left on the line."""
import json
import os
import re
import subprocess
import sys
import time

FWPACK = os.environ["FWPACK"]
SIZE = 48 << 20
WRONG = []
DESCRIPTOR = """\
fwpack: 1
product: acme
version: 1.0.0
security-version: 0
compatible:
  - acme,one
images:
  - name: rootfs
    file: rootfs.bin
    compress: {codec: none}
"""


def expect(condition, why):
    if not condition:
        WRONG.append(why)


def make_bundle():
    with open("rootfs.bin", "wb") as file:
        file.write(os.urandom(SIZE))
    with open("product.yaml", "w", encoding="utf-8") as file:
        file.write(DESCRIPTOR)
    for arguments in (["key", "generate", "release", "--no-passphrase"],
                      ["build", "product.yaml", "-o", "product.fwb", "-k", "release.key"]):
        subprocess.run([FWPACK, *arguments], capture_output=True, check=True)


def trickle(*arguments, pause=0.02):
    """Standard output and error of a verify that takes about two seconds, and the seconds."""
    start = time.monotonic()
    with open("product.fwb", "rb") as bundle, open("err", "w+b") as err:
        process = subprocess.Popen([FWPACK, "verify", "-", "-p", "release.pub", *arguments],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err)
        while piece := bundle.read(SIZE // 100):
            process.stdin.write(piece)
            process.stdin.flush()
            time.sleep(pause)
        out, _ = process.communicate()
        expect(process.returncode == 0, f"{arguments}: exit code {process.returncode}")
        err.seek(0)
        return out.decode(), err.read().decode(), time.monotonic() - start


def draws_a_bar():
    out, err, seconds = trickle("--progress=bar")
    updates = err.count("%")
    expect(5 <= updates <= 10 * seconds + 2, f"{updates} updates in {seconds:.1f} s")
    expect(re.search(r"\rverify rootfs \[=*>? *\] +\d+%  [\d.]+ [KM]iB/s  \d+:\d\d left\x1b\[K",
                     err), f"no bar: {err!r}")
    expect(err.endswith("\r\x1b[K"), f"the bar was left: {err[-60:]!r}")
    expect("%" not in out and "product.fwb" not in err, f"streams: {out!r}")


def prints_events():
    out, err, seconds = trickle("--progress=json", "--json")
    events = [json.loads(line) for line in err.splitlines()]
    expect(json.loads(out)["ok"], out)
    expect(5 <= len(events) <= 10 * seconds + 6, f"{len(events)} events in {seconds:.1f} s")
    for event in events:
        expect(list(event) == ["event", "phase", "done", "total"], f"event {event}")
        expect(event["event"] == "progress" and 0 <= event["done"] <= event["total"], str(event))
    expect(events[-1]["done"] == events[-1]["total"], f"the last event: {events[-1]}")
    phases = [event["phase"] for event in events]
    expect("verify rootfs" in phases, f"phases {phases}")


def prints_a_line_for_each_phase():
    _, err, _ = trickle("--progress=plain")
    expect("fwpack: verify rootfs\n" in err and err.count("verify rootfs") == 1, f"plain: {err!r}")


def is_silent_where_it_should_be():
    for arguments in ([], ["--progress=none"], ["--progress=auto"], ["-q"], ["-q", "--json"]):
        out, err, _ = trickle(*arguments, pause=0.004)
        expect(err == "", f"{arguments}: {err!r}")
        expect(out != "" or arguments == ["-q"], f"{arguments}: nothing on standard output")


def main():
    make_bundle()
    for test in (draws_a_bar, prints_events, prints_a_line_for_each_phase,
                 is_silent_where_it_should_be):
        test()
    sys.exit("\n".join(WRONG) or 0)


main()
