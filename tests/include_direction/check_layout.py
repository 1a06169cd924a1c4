"""check_layout.py CLANG_FORMAT: fails, with the places, where a source differs from what .clang-format makes of it."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from check_tree import ROOT, tree_files

SOURCES = (".h", ".cpp", ".cu", ".cuh")


def complaints(clang_format, files):
    """What the tool says of `files`, relative to the root; empty where they are as it would write them."""
    call = subprocess.run([clang_format, "--dry-run", "--Werror", *files], cwd=ROOT, capture_output=True, text=True)
    return call.stderr if call.returncode else ""


def plants_are_found(clang_format):
    """The check can fail: a line that the style would break otherwise is found."""
    call = subprocess.run([clang_format, "--dry-run", "--Werror", "--assume-filename=a.cpp"], cwd=ROOT, input="int  a ;\n",
                          capture_output=True, text=True)
    return call.returncode != 0


def main(clang_format):
    if not plants_are_found(clang_format):
        print(f"{clang_format} takes everything; is .clang-format at the root of the tree?")
        return 1
    files = [name for name in tree_files(ROOT) if name.endswith(SOURCES)]
    parts = [files[i::16] for i in range(16)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = "".join(pool.map(lambda part: complaints(clang_format, part), parts))
    if found:
        print(found)
        print("Not laid out as .clang-format says; this does it: git ls-files '*.h' '*.cpp' '*.cu' | xargs clang-format-14 -i")
        return 1
    print(f"{len(files)} files are laid out as .clang-format says")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
