# SPDX-License-Identifier: MIT
"""includes.py TABLE: the include graph against the layer table that CMake wrote.

A line of the table is "LAYER: LAYER…", lowest first: the layers whose headers LAYER may include.
Public headers belong to the layer that defines their functions, or to the highest layer among the
headers that they include.
"""
import os
import re
import sys

import tree

# Beside libpack's layers: folder → (layers whose internal headers it may include,
# layers whose public headers it may include; None means all).
OUTER = {
    "formats": (("base", "io"), ("base", "io", "crypto", "codec", "image", "delta")),
    "cli": (("formats",), None),
}


def read_table(path):
    with open(path, encoding="utf-8") as file:
        rows = [line.split(":") for line in file.read().splitlines() if line]
    return {name: used.split() for name, used in rows}


def includes(path):
    text = tree.read(path)
    for match in re.finditer(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE):
        yield tree.line_of(text, match.start()), match[1]


def public_functions(header):
    text = tree.bare_c(tree.read(header))
    return re.findall(r"\bPACK_API\b[^;{]*?\b(pack_\w+)\s*\(", text)


def definitions(layers):
    """Function → layer, from the lines at the margin of its sources."""
    found = {}
    for layer in layers:
        for path in tree.files(".c", below=("libpack/" + layer,)):
            text = tree.bare_c(tree.read(path))
            for match in re.finditer(r"^(?!static)\w[^;{}()]*?\b(pack_\w+)\([^;{}]*\)\s*\{", text,
                                     re.MULTILINE):
                found[match[1]] = layer
    return found


def header_layers(layers, problems):
    """Public header, as it is included → layer."""
    order = list(layers)
    defined = definitions(layers)
    owners = {}

    def owner(name):
        if name in owners:
            return owners[name]
        owners[name] = order[0]
        path = "libpack/include/" + name
        by_function = {defined[f] for f in public_functions(path) if f in defined}
        if len(by_function) > 1:
            problems.append(f"{path}: its functions are defined in {' and '.join(by_function)}")
        below = {owner(used) for _, used in includes(path) if used.startswith("pack/")}
        owners[name] = max(by_function | below | {order[0]}, key=order.index)
        return owners[name]

    for path in tree.files(".h", below=("libpack/include",)):
        owner(os.path.relpath(path, "libpack/include"))
    return owners


def check_order(layers):
    order = list(layers)
    for name, used in layers.items():
        for other in used:
            if other not in order or order.index(other) >= order.index(name):
                yield f"libpack/{name}/CMakeLists.txt: uses {other}, which is not below it"


def check_file(path, own, internal, public, owners):
    """`own` is its folder; `internal` and `public` the layers that it may include."""
    for line, name in includes(path):
        where = f"{path}:{line}: {name}"
        if os.path.exists(os.path.join(tree.ROOT, os.path.dirname(path), name)):
            continue
        if name.startswith("pack/"):
            if name not in owners:
                yield f"{where}: no such public header"
            elif public is not None and owners[name] not in public:
                yield f"{where}: belongs to {owners[name]}, which {own} does not use"
        elif name.split("/")[0] not in (own, *internal):
            yield f"{where}: {own} may not include it"


def main():
    layers = read_table(sys.argv[1])
    problems = list(check_order(layers))
    owners = header_layers(layers, problems)
    checked = 0
    rules = {f"libpack/{name}": (name, used, (name, *used)) for name, used in layers.items()}
    rules |= {folder: (folder, *allowed) for folder, allowed in OUTER.items()}
    for folder, (own, internal, public) in rules.items():
        for path in tree.files(".c", ".h", below=(folder,)):
            problems += check_file(path, own, internal, public, owners)
            checked += 1
    tree.finish(problems, checked)


main()
