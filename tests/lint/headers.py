# SPDX-License-Identifier: MIT
"""headers.py CC CXX [FOLDER…]: each header compiles alone; the public ones as C17 and as C++17.

The folders have headers of others, which internal headers may include."""
import concurrent.futures
import os
import subprocess
import sys

import tree

COMMON = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-pragma-once-outside-header"]
PUBLIC = ["-Ilibpack/include"]
INTERNAL = ["-Ilibpack/include", "-Ilibpack", "-I.", "-Itests", "-D_GNU_SOURCE",
            "-D_FILE_OFFSET_BITS=64"]


def compile_alone(compiler, language, path, flags):
    """The compiler's complaint, or nothing. Included twice, which shows that its guard works."""
    name = os.path.abspath(os.path.join(tree.ROOT, path))
    result = subprocess.run(
        [compiler, *language, *COMMON, *flags, "-"], input=f'#include "{name}"\n' * 2, text=True,
        capture_output=True, cwd=tree.ROOT, check=False)
    return f"{path} ({' '.join(language)}):\n{result.stderr}" if result.returncode else ""


def main():
    c, cxx = [sys.argv[1], ["-xc", "-std=c17"]], [sys.argv[2], ["-xc++", "-std=c++17"]]
    public = tree.files(".h", below=("libpack/include",))
    internal = [path for path in tree.files(".h", below=(*tree.PRODUCT, "tests"))
                if path not in public]
    jobs = [(*c, path, PUBLIC + ["-Wpedantic"]) for path in public]
    jobs += [(*cxx, path, PUBLIC + ["-Wpedantic"]) for path in public]
    others = [f"-isystem{folder}" for folder in sys.argv[3:]]
    jobs += [(*c, path, INTERNAL + others) for path in internal]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(lambda job: compile_alone(*job), jobs)
                    if problem]
    tree.finish(problems, len(jobs))


main()
