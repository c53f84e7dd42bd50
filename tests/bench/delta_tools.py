# SPDX-License-Identifier: MIT
"""The tools that tests/bench/delta.py measures, and what each made of each pair."""

import csv
import filecmp
import json
import os
import shlex
import shutil

MB = 1e6
# The columns of the results; a file of peers' figures has the same ones, but the last.
COLUMNS = ("pair class arch new_bytes tool status patch_bytes diff_wall diff_user diff_sys "
           "diff_rss_kib apply_wall apply_user apply_sys apply_rss_kib claim").split()


class Tool:
    """Commands for the shell; {old} {new} {patch} {out} stand for paths, {F} for fwpack.

    `largest` and `smallest` bound the images that it is tried on, in bytes: bsdiff takes 17 times
    its inputs in memory, and minutes.
    """

    def __init__(self, name, diff, patch, largest=float("inf"), smallest=0):
        self.name, self.diff, self.patch = name, diff, patch
        self.largest, self.smallest = largest, smallest
        self.ours = name.startswith("fwpack")

    def takes(self, pair):
        return self.smallest <= pair.size <= self.largest

    def installed(self):
        return self.ours or shutil.which(self.diff.split()[0]) is not None


def ours(name, options, **bounds):
    return Tool(f"fwpack-{name}", f"exec {{F}} delta {{old}} {{new}} -o {{patch}} --json {options}",
                "exec {F} patch {old} {patch} -o {out} -q", **bounds)


TOOLS = (
    ours("best", "--level best", largest=600 * MB),
    ours("default", "", largest=600 * MB),
    ours("fast", "--level fast", largest=600 * MB),
    ours("small", "--level best --decoder small", largest=5 * MB),
    ours("tiny", "--level best --decoder tiny", largest=5 * MB),
    ours("in-place", "--level best --decoder small --in-place=4096", largest=5 * MB),
    ours("1GiB", "--memory 1GiB", smallest=1000 * MB),
    Tool("bsdiff", "bsdiff {old} {new} {patch}", "bspatch {old} {out} {patch}", largest=20 * MB),
    Tool("xdelta3-9-lzma", "xdelta3 -q -e -9 -S lzma -B 134217728 -s {old} {new} {patch}",
         "xdelta3 -q -d -B 134217728 -s {old} {patch} {out}", largest=600 * MB),
    Tool("zstd-22-patch-from",
         "zstd -q --ultra -22 --long=31 --patch-from={old} {new} -o {patch}",
         "zstd -q -d --long=31 --patch-from={old} {patch} -o {out}", largest=64 * MB),
    Tool("zstd-19-patch-from", "zstd -q -19 --long=27 --patch-from={old} {new} -o {patch}",
         "zstd -q -d --long=27 --patch-from={old} {patch} -o {out}", largest=100 * MB),
    Tool("rdiff-b512+xz",
         "rdiff -f signature -b 512 {old} s && rdiff -f delta s {new} d && xz -9e -c d >{patch}",
         "xz -dc {patch} >d && rdiff patch {old} d {out}", largest=20 * MB),
)


class Pair:
    def __init__(self, row, folder):
        self.name, self.kind, self.arch = row["id"], row.get("class", ""), row.get("arch", "")
        self.old = os.path.join(folder, row["old"])
        self.new = os.path.join(folder, row["new"])
        self.size = os.path.getsize(self.new) if os.path.exists(self.new) else None


class Result:
    """What one tool made of one pair. Seconds, MiB."""

    def __init__(self, row):
        def number(name):
            return float(row.get(name) or 0)

        self.pair, self.tool, self.status = row["pair"], row["tool"], row["status"]
        self.ok = self.status == "ok"
        self.size = int(row.get("patch_bytes") or 0)
        self.create_wall, self.apply_wall = number("diff_wall"), number("apply_wall")
        self.create_cpu = number("diff_user") + number("diff_sys")
        self.apply_cpu = number("apply_user") + number("apply_sys")
        self.create_memory = number("diff_rss_kib") / 1024
        self.apply_memory = number("apply_rss_kib") / 1024
        self.claim = number("claim") / (1 << 20)


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def read_pairs(paths):
    pairs = []
    for path in paths:
        folder = os.path.dirname(os.path.abspath(path))
        pairs += [Pair(row, folder) for row in read_table(path)]
    return sorted((pair for pair in pairs if pair.size is not None), key=lambda pair: pair.size)


def columns_of(prefix, cost):
    return {f"{prefix}_wall": f"{cost.wall:.4f}", f"{prefix}_user": f"{cost.user:.4f}",
            f"{prefix}_sys": f"{cost.system:.4f}", f"{prefix}_rss_kib": int(cost.memory * 1024)}


class Trial:
    """Makes a patch, applies it `rounds` times, and compares."""

    def __init__(self, launcher, fwpack, rounds):
        self.launcher, self.fwpack, self.rounds = launcher, fwpack, rounds
        self.patch = os.path.join(launcher.folder, "patch")
        self.out = os.path.join(launcher.folder, "out")

    def run(self, command, pair):
        paths = {"F": self.fwpack, "old": pair.old, "new": pair.new, "patch": self.patch,
                 "out": self.out}
        quoted = {name: shlex.quote(path) for name, path in paths.items()}
        return self.launcher.run(["sh", "-c", command.format(**quoted)])

    def create(self, row, tool, pair):
        self.launcher.clean(("patch", "out", "s", "d"))
        cost = self.run(tool.diff, pair)
        row.update(columns_of("diff", cost))
        if cost.status != 0 or not os.path.exists(self.patch):
            row["status"] = f"diff-failed-{cost.status}"
            return False
        row["patch_bytes"] = os.path.getsize(self.patch)
        if tool.ours:
            row["claim"] = json.loads(self.launcher.printed()).get("decoder_memory", 0)
        return True

    def apply(self, row, tool, pair):
        best = None
        for _ in range(self.rounds):
            self.launcher.clean(("out",))
            cost = self.run(tool.patch, pair)
            if best is None or cost.status != 0 or cost.cpu < best.cpu:
                best = cost
            if cost.status != 0:
                break
        row.update(columns_of("apply", best))
        if best.status != 0 or not os.path.exists(self.out):
            row["status"] = f"apply-failed-{best.status}"
        elif not filecmp.cmp(self.out, pair.new, shallow=False):
            row["status"] = "MISMATCH"

    def row(self, tool, pair):
        row = {"pair": pair.name, "class": pair.kind, "arch": pair.arch, "new_bytes": pair.size,
               "tool": tool.name, "status": "ok"}
        if self.create(row, tool, pair):
            self.apply(row, tool, pair)
        return row


class Results:
    """All rows, by pair and tool; kept in a file, if one is given, and not measured again."""

    def __init__(self, path):
        self.path, self.rows = path, {}
        self.reference = {}  # bsdiff's results in the peers' table, by pair
        if path is not None and os.path.exists(path):
            self.add(read_table(path))
        elif path is not None:
            with open(path, "w", newline="") as file:
                csv.writer(file, delimiter="\t", lineterminator="\n").writerow(COLUMNS)

    def add(self, rows):
        for row in rows:
            self.rows[row["pair"], row["tool"]] = Result(row)

    def keep(self, row):
        self.add([row])
        if self.path is None:
            return
        with open(self.path, "a", newline="") as file:
            csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n").writerow(row)

    def get(self, pair, tool):
        """None where it was not tried, or failed."""
        result = self.rows.get((pair, tool))
        return result if result is not None and result.ok else None

    def best_peer(self, pair):
        found = [result for (name, tool), result in self.rows.items()
                 if name == pair and result.ok and not tool.startswith("fwpack")]
        return min(found, key=lambda result: result.size, default=None)
