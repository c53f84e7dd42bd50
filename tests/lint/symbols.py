# SPDX-License-Identifier: MIT
"""symbols.py LIBPACK_SO OBJECT…: the symbols of the shared library, and data of the objects.

The library exports exactly what the public headers declare PACK_API, imports nothing that prints,
exits or reads the environment, and its objects hold no writable data: no globals.
"""
import re
import subprocess
import sys

import tree

IMPORTS = ("printf vprintf puts putchar fputs perror stdout stderr stdin exit _exit abort getenv "
           "secure_getenv setlocale system popen environ chdir umask").split()


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def declared():
    names = set()
    for path in tree.files(".h", below=("libpack/include",)):
        text = tree.bare_c(tree.read(path))
        names |= set(re.findall(r"\bPACK_API\b[^;{]*?\b(pack_\w+)\s*\(", text))
    return names


def names_of(listing):
    return {re.sub("@.*", "", line.split()[-1]) for line in listing.splitlines() if line}


def writable_data(path):
    for line in run("readelf", "-SW", path).splitlines():
        match = re.match(r"\s*\[ *\d+\] (\.(?:data|bss|tdata|tbss)\S*)\s+\S+\s+\S+ \S+ (\S+)", line)
        if match and not match[1].startswith(".data.rel.ro") and int(match[2], 16) > 0:
            yield match[1]


def main():
    library, *objects = sys.argv[1:]
    exported = names_of(run("nm", "-D", "--defined-only", library))
    wanted = declared()
    problems = [f"libpack.so exports {name}, which no public header declares"
                for name in sorted(exported - wanted)]
    problems += [f"libpack.so lacks {name}, which a public header declares"
                 for name in sorted(wanted - exported)]
    problems += [f"libpack.so imports {name}"
                 for name in sorted(names_of(run("nm", "-D", "-u", library)) & set(IMPORTS))]
    problems += [f"{tree.os.path.basename(path)} has writable data in {section}"
                 for path in objects if "/lzma-sdk/" not in path
                 for section in writable_data(path)]
    tree.finish(problems, len(exported))


main()
