# SPDX-License-Identifier: MIT
"""Calls that the product does not make, and what is used instead. There are no exceptions."""
import re

import tree

UNBOUNDED = "a call that knows the room there is: pack_buffer_print, snprintf, pack_copy_string"
NO_SHELL = "posix_spawn with arguments, never a shell"
NUMBERS = "the parsers of pack/text.h, which say what is wrong"
# (calls, folders where they are banned, what is used instead)
CALLS = [
    ("strcpy strcat stpcpy sprintf vsprintf gets", tree.PRODUCT, UNBOUNDED),
    ("strncpy strncat", tree.PRODUCT, UNBOUNDED),
    ("system popen execlp execvp execvpe", tree.PRODUCT, NO_SHELL),
    ("mktemp tmpnam tempnam tmpfile", tree.PRODUCT, "the atomic output of pack/io.h"),
    ("atoi atol atoll atof sscanf fscanf scanf strtol strtod", tree.PRODUCT, NUMBERS),
    ("strtok", tree.PRODUCT, "a cursor"),
    ("alloca", tree.PRODUCT, "pack_allocate"),
    ("rand srand random drand48", tree.PRODUCT, "randombytes_buf of libsodium"),
    ("setjmp longjmp vfork", tree.PRODUCT, "returned codes, posix_spawn"),
    ("localtime gmtime ctime asctime", tree.PRODUCT, "gmtime_r: shared state is no state"),
    ("memcmp bcmp", ("libpack/crypto", "libpack/trust"), "sodium_memcmp"),
    ("printf puts putchar perror exit _exit abort getenv secure_getenv setlocale",
     ("libpack", "formats"), "pack_error and the context: a library does none of this"),
]
SECRET = r"sha256|digest|signature|secret|seed|public_key|key_id|passphrase|password"


def call_problems(path, text):
    for names, folders, instead in CALLS:
        if not path.startswith(tuple(folder + "/" for folder in folders)):
            continue
        for match in re.finditer(rf"(?<![\w.>])({names.replace(' ', '|')})\s*\(", text):
            yield match.start(), f"{match[1]} is banned: {instead}"


def arguments(text, start):
    """The text between the parenthesis at `start` and the one that closes it."""
    depth = 0
    for position in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return text[start + 1:position]
    return text[start + 1:]


def compare_problems(path, text):
    if path.startswith("formats/"):  # checksums of images that nobody trusts yet
        return
    for match in re.finditer(r"(?<![\w])(memcmp|bcmp)\s*\(", text):
        compared = arguments(text, match.end() - 1).split(",")[:2]
        if any(re.search(SECRET, (re.findall(r"\w+", one) or [""])[-1]) for one in compared):
            yield match.start(), "memcmp on a hash, key or signature: sodium_memcmp"


def assert_problems(text):
    for match in re.finditer(r"(?<![\w])assert\s*\(", text):
        inside = arguments(text, match.end() - 1)
        if re.search(r"\+\+|--|(?<![=!<>])=(?!=)|\w\s*\(", inside.replace("sizeof(", "")):
            yield match.start(), "assert with an effect or a call: it is gone in a release"


def style_problems(text):
    for match in re.finditer(r"\bgoto\b", text):
        yield match.start(), "goto: cleanup is by attribute (base/memory.h)"
    for match in re.finditer(r"^#\s*define\b(?:[^\n]*\\\n)*[^\n]*", text, re.MULTILINE):
        if re.search(r"\b(return|goto|longjmp)\b", match[0]):
            yield match.start(), "a macro that returns or jumps"


def main():
    problems = []
    paths = tree.files(".c", ".h", below=tree.PRODUCT)
    for path in paths:
        text = tree.bare_c(tree.read(path))
        found = [*call_problems(path, text), *compare_problems(path, text), *assert_problems(text),
                 *style_problems(text)]
        problems += [f"{path}:{tree.line_of(text, at)}: {why}" for at, why in sorted(found)]
    tree.finish(problems, len(paths))


main()
