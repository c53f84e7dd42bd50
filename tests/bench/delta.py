#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures fwpack's deltas beside their peers and prints what was reached of what is wanted.

    tests/bench/delta.py --fwpack build/release/cli/fwpack [PAIRS.tsv…]

Each PAIRS.tsv lists pairs of images (columns id, class, arch, old, new; paths beside it). Without
one, the corpus in FWPACK_SHARED is unpacked; --npm fetches two pairs more. Images over --largest
are left out (5 MB). Each patch is applied and compared. What peers that are not installed here
reached is taken from a table of the same columns (--peers). --results keeps every figure, and
spares what it has: a run that was stopped goes on. --only and --tools take regular expressions.

Figures are geometric means; costs are scaled by what bsdiff takes here and took where the peers'
table was made, when there is one. Exit 1 when a patch cannot be made or does not give the image.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile

from delta_tools import MB, TOOLS, Results, Trial, read_pairs, read_table
from measure import Launcher

SHARED = os.environ.get("FWPACK_SHARED", "../shared")
UEFI, HEX = ("aavmf64", "ovmf4m"), ("marlin-um2-hex",)
ENCRYPTED = ("stm32wb-thread-encrypted", "cyw55572-wifi-signed")
# Of the best peer's patch that ours may be of file systems' images.
PACKED = (("sqfs", 0.15, 0.10), ("cpio-gz", 0.15, 0.10), ("ext4", 0.9, None),
          ("erofs", 0.9, None))


def mean(values):
    values = [max(value, 1e-4) for value in values]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


class Row:
    """One line of the table. `value` None: nothing here to tell it from."""

    def __init__(self, title, value, must, aim=None, unit="", note=""):
        self.title, self.value, self.must, self.aim = title, value, must, aim
        self.unit, self.note = unit, note

    def met(self):
        return self.value <= self.must

    def show(self, value):
        if value is None:
            return ""
        digits = 3 if self.unit == "" else 1 if self.unit in ("ms", "MiB") else 0
        return f"{value:,.{digits}f} {self.unit}".strip()

    def cells(self):
        if self.value is None:
            return [self.title, "≤ " + self.show(self.must), self.show(self.aim), "", "", ""]
        return [self.title, "≤ " + self.show(self.must), self.show(self.aim),
                self.show(self.value), "met" if self.met() else "MISSED", self.note]


class Summary:
    """What the results say, one number of the table a method."""

    def __init__(self, results, pairs):
        self.results, self.pairs = results, pairs
        self.static = [pair for pair in pairs if pair.size <= 5 * MB]
        self.speed = self.machine()

    def machine(self):
        """bsdiff's seconds here over those in the peers' table."""
        both = [(here, there) for pair in self.static
                if (here := self.results.get(pair.name, "bsdiff")) is not None
                and (there := self.results.reference.get(pair.name)) is not None]
        if not both:
            return None
        return mean([here.create_cpu for here, _ in both]) / mean(
            [there.create_cpu for _, there in both])

    def together(self, first, second, pairs):
        """Results of two tools of all pairs that have both."""
        found = [(self.results.get(pair.name, first), self.results.get(pair.name, second))
                 for pair in pairs]
        return [(one, two) for one, two in found if one is not None and two is not None]

    def ratio(self, tool, pairs, base="bsdiff"):
        return mean([one.size / two.size for one, two in self.together(tool, base, pairs)])

    def cost(self, tool, what, scaled=1.0):
        found = [self.results.get(pair.name, tool) for pair in self.static]
        value = mean([getattr(result, what) for result in found if result is not None])
        return None if value is None else value * scaled

    def milliseconds(self, tool, what):
        return self.cost(tool, what, 1000 / (self.speed or 1))

    def named(self, names):
        return [pair for pair in self.pairs if pair.name in names]

    def beside_peer(self, pair, tool="fwpack-best"):
        mine, peer = self.results.get(pair.name, tool), self.results.best_peer(pair.name)
        return (mine, peer) if mine is not None and peer is not None else None

    def oracle(self):
        """The best peer of each pair, relative to bsdiff: no user has that."""
        both = [(self.results.best_peer(pair.name), self.results.get(pair.name, "bsdiff"))
                for pair in self.static]
        return mean([one.size / two.size for one, two in both if two is not None])

    def too_large(self):
        return [f"{pair.name} {both[0].size:,} against {both[1].size:,} of {both[1].tool}"
                for pair in self.static if (both := self.beside_peer(pair)) is not None
                and both[0].size > both[1].size * 1.01 + 64]

    # --- the rows --------------------------------------------------------------------------------

    def sizes(self):
        plain = [pair for pair in self.static if pair.name not in (*UEFI, *HEX)]
        oracle = self.oracle()
        return [
            Row(f"best level, {len(self.static)} pairs, to bsdiff",
                self.ratio("fwpack-best", self.static), 0.45, 0.40,
                note="" if oracle is None else f"best peer of each pair {oracle:.3f}"),
            Row("pairs above the best peer + 1 % + 64", float(len(self.too_large())), 0,
                unit="pairs"),
            Row("without container pairs, to bsdiff", self.ratio("fwpack-best", plain), 0.58,
                0.52),
            *(Row(f"{name}, to bsdiff", self.ratio("fwpack-best", self.named([name])), 0.12, 0.08)
              for name in UEFI),
            *(Row(f"{name}, to bsdiff", self.ratio("fwpack-best", self.named([name])), 0.03, 0.02)
              for name in HEX),
            *(self.encrypted(name) for name in ENCRYPTED)]

    def encrypted(self, name):
        mine = self.results.get(name, "fwpack-best")
        new = next((pair.size for pair in self.pairs if pair.name == name), 0)
        return Row(f"{name} (encrypted), above the image",
                   None if mine is None else mine.size - new, 96, unit="bytes")

    def level(self, name, size, cpu, memory, aim):
        tool = f"fwpack-{name}"
        return [Row(f"{name} level, to bsdiff", self.ratio(tool, self.static), size),
                Row(f"{name} level, create, CPU", self.milliseconds(tool, "create_cpu"), cpu, aim,
                    "ms"),
                Row(f"{name} level, create, RSS", self.cost(tool, "create_memory"), memory, None,
                    "MiB")]

    def applying(self):
        found = [result for pair in self.static
                 if (result := self.results.get(pair.name, "fwpack-best")) is not None]
        worst = max(found, default=None, key=lambda one: one.apply_memory - one.claim)
        above = None if worst is None else worst.apply_memory - worst.claim
        return [Row("apply, full decoder, CPU", self.milliseconds("fwpack-best", "apply_cpu"), 60,
                    30, "ms"),
                Row("apply, full decoder, worst RSS above what was declared", above, 2, None,
                    "MiB", "" if worst is None else worst.pair)]

    def devices(self):
        mcu = [pair for pair in self.static if pair.kind == "mcu"]
        return [Row("tiny decoder, mcu pairs, to bsdiff", self.ratio("fwpack-tiny", mcu), 0.62,
                    0.55),
                Row("in place, to the same decoder's two slots",
                    self.ratio("fwpack-in-place", self.static, "fwpack-small"), 1.05)]

    def packed(self):
        rows = []
        for pair in self.pairs:
            bounds = next(((must, aim) for part, must, aim in PACKED
                           if part in pair.name and pair.kind in ("rootfs", "initramfs")), None)
            both = self.beside_peer(pair)
            if bounds is not None and both is not None:
                rows.append(Row(f"{pair.name}, to the best peer", both[0].size / both[1].size,
                                *bounds, note=f"{both[0].size:,} bytes; {both[1].tool} "
                                f"{both[1].size:,}"))
        return rows

    def scale(self):
        rows = []
        for pair in self.pairs:
            mine = self.results.get(pair.name, "fwpack-1GiB")
            if mine is not None:
                rows += [Row(f"{pair.name}, create, wall time", mine.create_wall, 900, None, "s"),
                         Row(f"{pair.name}, create, RSS", mine.create_memory, 1024, None, "MiB"),
                         Row(f"{pair.name}, apply, time for 60 MB", 60 * MB * mine.apply_wall
                             / pair.size, 1.0)]
        return rows

    def rows(self):
        return [*self.sizes(), *self.level("default", 0.50, 250, 24, 150),
                *self.level("fast", 0.75, 75, 12, None), *self.applying(), *self.devices(),
                *self.packed(), *self.scale()]


class Printer:
    """Tables for a terminal, or for a page in Markdown."""

    def __init__(self, markdown):
        self.markdown = markdown

    def table(self, title, head, lines):
        print(f"\n{title}\n")
        lines = [[str(cell) for cell in line] for line in lines]
        if self.markdown:
            for line in (head, ["---"] * len(head), *lines):
                print("| " + " | ".join(line) + " |")
            return
        widths = [max(len(line[i]) for line in (head, *lines)) for i in range(len(head))]
        for line in (head, *lines):
            cells = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
            print("  ".join([line[0].ljust(widths[0]), *cells]).rstrip())

    def numbers(self, summary):
        rows = [row for row in summary.rows() if row.value is not None]
        self.table("What is wanted, and what was reached",
                   ["", "must be", "aim", "is", "", ""], [row.cells() for row in rows])

    def tools(self, summary, names):
        lines = []
        for name in names:
            found = [result for pair in summary.static
                     if (result := summary.results.get(pair.name, name)) is not None]
            if not found:
                continue
            ratio = summary.ratio(name, summary.static)
            lines.append([name, len(found), "" if ratio is None else f"{ratio:.3f}",
                          f"{1000 * mean([one.create_cpu for one in found]):.0f}",
                          f"{mean([one.create_memory for one in found]):.1f}",
                          f"{1000 * mean([one.apply_cpu for one in found]):.1f}",
                          f"{mean([one.apply_memory for one in found]):.1f}"])
        self.table("Tools, all measured in this run", [
            "", "pairs", "to bsdiff", "create, CPU ms", "MiB", "apply, CPU ms", "MiB"], lines)

    def pairs(self, summary):
        lines = []
        for pair in summary.pairs:
            bsdiff, both = summary.results.get(pair.name, "bsdiff"), summary.beside_peer(pair)
            if both is None:
                continue
            mine, peer = both
            lines.append([pair.name, f"{pair.size:,}", f"{bsdiff.size:,}" if bsdiff else "",
                          f"{peer.size:,}", peer.tool, f"{mine.size:,}",
                          f"{mine.size / bsdiff.size:.3f}" if bsdiff else "",
                          f"{mine.size / peer.size:.3f}"])
        self.table("Pairs, best level, bytes", ["", "image", "bsdiff", "best peer", "", "fwpack",
                                                "to bsdiff", "to best peer"], lines)


# --- running -------------------------------------------------------------------------------------


def unpack_corpus(folder, npm):
    script = os.path.join(SHARED, "corpus", "unpack.sh")
    if not os.path.exists(script):
        sys.exit(f"{script} is not there: name a PAIRS.tsv, or set FWPACK_SHARED")
    target = os.path.join(folder, "corpus")
    subprocess.run([script, target, *(["--npm"] if npm else [])], check=True, stdout=sys.stderr)
    return [os.path.join(target, "pairs.tsv")]


def measure_all(pairs, tools, trial, results):
    for pair in pairs:
        for tool in tools:
            if not tool.takes(pair) or (pair.name, tool.name) in results.rows:
                continue
            row = trial.row(tool, pair)
            results.keep(row)
            if row["status"] != "ok":
                print(f"{pair.name}: {tool.name}: {row['status']}: "
                      f"{trial.launcher.printed().strip()[-300:]}", file=sys.stderr, flush=True)


def add_peers(results, path, pairs):
    """Rows that were measured here stay; bsdiff's of the table are kept aside for scale."""
    if not os.path.exists(path):
        return
    names = {pair.name for pair in pairs}
    rows = [row for row in read_table(path) if row["pair"] in names]
    peers = Results(None)
    peers.add(rows)
    results.reference = {pair: result for (pair, tool), result in peers.rows.items()
                         if tool == "bsdiff" and result.ok}
    for key, result in peers.rows.items():
        results.rows.setdefault(key, result)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pairs", nargs="*", metavar="PAIRS.tsv")
    parser.add_argument("--fwpack", required=True)
    parser.add_argument("--peers", default=os.path.join(SHARED, "bench", "peers-public.tsv"),
                        help="figures of other tools (FWPACK_SHARED's)")
    parser.add_argument("--results", metavar="FILE.tsv", help="where to keep all figures")
    parser.add_argument("--only", default="", metavar="REGEX", help="of pairs' names")
    parser.add_argument("--tools", default="", metavar="REGEX", help="of tools' names")
    parser.add_argument("--largest", type=float, default=5, metavar="MB", help="of images (5)")
    parser.add_argument("--rounds", type=int, default=3, help="of applying (3)")
    parser.add_argument("--npm", action="store_true", help="fetch the pairs that npm has, too")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--folder", help="where to work (a temporary folder)")
    return parser.parse_args()


def report(options, results, pairs, tools):
    summary, printer = Summary(results, pairs), Printer(options.markdown)
    printer.numbers(summary)
    large = summary.too_large()
    if large:
        print("\nabove the best peer + 1 % + 64:", *large, sep="\n  ")
    if summary.speed is not None:
        print(f"\nCPU times of the table above are divided by {summary.speed:.2f}: what bsdiff "
              "takes here to what it took in the peers' table.")
    printer.tools(summary, [tool.name for tool in tools])
    printer.pairs(summary)


def main():
    options = arguments()
    tools = [tool for tool in TOOLS if tool.installed() and re.search(options.tools, tool.name)]
    results = Results(options.results)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        folder = os.path.abspath(folder)
        paths = options.pairs or unpack_corpus(folder, options.npm)
        pairs = [pair for pair in read_pairs(paths) if re.search(options.only, pair.name)
                 and pair.size <= options.largest * MB]
        trial = Trial(Launcher(folder), os.path.abspath(options.fwpack), options.rounds)
        measure_all(pairs, tools, trial, results)
    failed = [result for result in results.rows.values()
              if not result.ok and result.tool.startswith("fwpack")]
    add_peers(results, options.peers, pairs)
    report(options, results, pairs, tools)
    if failed:
        print(f"\nfailed: {', '.join(f'{one.pair} {one.tool} {one.status}' for one in failed)}")
    return 1 if failed else 0


sys.exit(main())
