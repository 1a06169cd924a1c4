"""The rules of the tree that no compiler checks: who may include whom, what a header may drag in, what must not be written.

Runs with any Python 3.9 or newer and nothing else; ctest calls it. Each rule is a function from files to complaints, so
that the last test case can show every rule a tree that breaks it.
"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# A folder may include itself and what stands in its row.
MAY_INCLUDE = {
    "core": [],
    "devices": ["core"],
    "devices/fit": ["core", "devices"],
    "kernels": ["core", "devices"],
    "crossbar": ["core", "devices", "kernels"],
    "training": ["core", "devices", "kernels", "crossbar"],
    "models": ["core", "devices", "kernels", "crossbar", "training"],
    "distributed": ["core", "devices", "kernels", "crossbar", "training"],
    "experiment": ["core", "devices", "devices/fit", "kernels", "crossbar", "training", "models"],
}
LIBRARIES = list(MAY_INCLUDE)
for front in ("cli", "python", "bench", "tests", "examples"):  # fronts: they see every library, and nobody sees them
    MAY_INCLUDE[front] = LIBRARIES
MAY_INCLUDE["tests"] = LIBRARIES + ["cli"]  # tests/cli reads the values of the commands

# Slow to compile, or not to be had everywhere: never in a header of a library, nor in anything nvcc reads.
HEAVY = re.compile(r"(toml\.hpp|toml11/|nlohmann/|hdf5\.h|H5\w*\.h|mpi\.h|Eigen/|pybind11/|CLI/|Python\.h)")
ONCE = re.compile(r"(toml\.hpp|nlohmann/json\.hpp|hdf5\.h|CLI/CLI\.hpp)$")  # in one .cpp each: half a minute of every build
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)
CODE = {".h", ".hpp", ".cuh", ".cpp", ".cu", ".in"}
HEADER = {".h", ".hpp", ".cuh"}

MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9_./~$}])/(?:work|farm|root|home)/\w|/tmp[/]build-|/opt[/]wheels")
REGISTRY_HOST = re.compile(
    r"(?:deb|security|snapshot|ftp)(?:\.\w+)?\.debian\.org|pypi\.org|pythonhosted\.org|registry\.npmjs|crates\.io"
    r"|repo1?\.maven|conda\.anaconda|proxy\.golang|huggingface\.co"
)
NOT_OURS = {".git", ".venv", "build", "runs", "__pycache__"}


def tree_files(root):
    """{relative path: text} of every file that can be tracked; build folders and data are left out."""
    files = {}
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if any(part in NOT_OURS or part.endswith(".egg-info") for part in parts) or parts[0].startswith("build"):
            continue
        if path.is_file():
            try:
                files["/".join(parts)] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                pass  # a picture or a golden file
    return files


def layer(name):
    """The folder that the rules speak of: that of the first level, or a part of it that has a row of its own."""
    parts = name.split("/")
    return "/".join(parts[:2]) if "/".join(parts[:2]) in MAY_INCLUDE else parts[0]


def suffix(name):
    return Path(name).suffix


def includes(name, text, files):
    """(as written, path in the tree or None) for each include of one file."""
    for written in INCLUDE.findall(text):
        beside = (Path(name).parent / written).as_posix()
        if written.startswith("meltquench/"):
            yield written, written[len("meltquench/"):]
        else:
            yield written, beside if beside in files else None


def wrong_directions(files):
    complaints = []
    for name, text in files.items():
        folder = layer(name)
        if folder not in MAY_INCLUDE or suffix(name) not in CODE:
            continue
        for written, target in includes(name, text, files):
            if target is None:
                continue
            other = layer(target)
            if other != folder and other not in MAY_INCLUDE[folder]:
                complaints.append(f"{name} includes {written}, but {folder}/ may not include {other}/")
    return complaints


def wrong_links(files):
    """The same rule for the DEPENDS of mq_library()."""
    complaints = []
    for name, text in files.items():
        for library, arguments in re.findall(r"mq_library\((\w+)([^)]*)\)", text):
            if library not in MAY_INCLUDE or not name.endswith("CMakeLists.txt"):
                continue
            depends = re.search(r"\bDEPENDS\b((?:\s+(?!PRIVATE\b|SOURCES\b)\S+)*)", arguments)
            for other in depends.group(1).split() if depends else []:
                if other not in MAY_INCLUDE[library]:
                    complaints.append(f"{name}: {library} may not link {other}")
    return complaints


def missing_headers(files):
    complaints = []
    for name, text in files.items():
        if suffix(name) in CODE:
            for written, target in includes(name, text, files):
                if written.startswith("meltquench/") and target not in files and f"{target}.in" not in files:
                    complaints.append(f"{name} includes {written}, which is not in the tree")
    return complaints


def heavy_headers(files):
    complaints = []
    for name, text in files.items():
        if name.split("/")[0] in LIBRARIES and suffix(name) in HEADER:
            for written, _ in includes(name, text, files):
                if HEAVY.match(written):
                    complaints.append(f"{name} includes {written}; a library includes it in a .cpp only")
    return complaints


def heavy_for_nvcc(files):
    """What a .cu file, or a kernel that nvcc compiles too (kernels/portable), can reach by includes."""
    complaints = []
    reached = {}
    todo = [(name, name) for name in files
            if suffix(name) in {".cu", ".cuh"} or name.startswith(("kernels/portable/", "kernels/cuda/"))]
    while todo:
        name, start = todo.pop()
        if name in reached or name not in files:
            continue
        reached[name] = start
        for written, target in includes(name, files[name], files):
            if HEAVY.match(written):
                complaints.append(f"{name}, which nvcc reads for {start}, includes {written}")
            if target is not None:
                todo.append((target, start))
    return complaints


def heavy_twice(files):
    users = {}
    for name, text in files.items():
        if suffix(name) in CODE and not name.startswith("tests/"):
            for written, _ in includes(name, text, files):
                if ONCE.match(written):
                    users.setdefault(written, []).append(name)
    return [f"{written} is included by {' and '.join(names)}; one of them should do it for all"
            for written, names in users.items() if len(names) > 1]


def folders_without_readme(files):
    folders = {name.split("/")[0] for name in files if "/" in name}
    return [f"{folder}/ has no README.md" for folder in sorted(folders)
            if not folder.startswith(".") and f"{folder}/README.md" not in files]


def lines_matching(files, pattern, what):
    return [f"{name}:{number}: {what}: {line.strip()[:100]}"
            for name, text in files.items()
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)]


def machine_paths(files):
    return lines_matching(files, MACHINE_PATH, "a path of one machine")


def registry_hosts(files):
    return lines_matching(files, REGISTRY_HOST, "the host name of a package registry")


class Tree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = tree_files(ROOT)

    def check(self, rule):
        complaints = rule(self.files)
        if complaints:
            self.fail("\n" + "\n".join(complaints))

    def test_the_walk_sees_the_sources(self):
        self.assertIn("core/error.h", self.files)
        self.assertIn("tests/include_direction/check_tree.py", self.files)

    def test_each_folder_includes_only_the_folders_below_it(self):
        self.check(wrong_directions)

    def test_each_library_links_only_the_folders_below_it(self):
        self.check(wrong_links)

    def test_each_include_of_the_tree_exists(self):
        self.check(missing_headers)

    def test_no_header_of_a_library_includes_a_heavy_one(self):
        self.check(heavy_headers)

    def test_a_heavy_header_is_compiled_once(self):
        self.check(heavy_twice)

    def test_nvcc_never_reads_a_heavy_header(self):
        self.check(heavy_for_nvcc)

    def test_each_folder_has_a_readme(self):
        self.check(folders_without_readme)

    def test_no_file_names_a_path_of_one_machine(self):
        self.check(machine_paths)

    def test_no_file_names_the_host_of_a_package_registry(self):
        self.check(registry_hosts)

    def test_each_rule_finds_the_tree_that_breaks_it(self):
        slash = "/"
        breaks = {
            wrong_directions: {"core/a.h": '#include "meltquench/devices/pcm.h"\n'},
            wrong_links: {"devices/CMakeLists.txt": "mq_library(devices DEPENDS core kernels PRIVATE fmt::fmt)\n"},
            missing_headers: {"crossbar/a.cpp": '#include "meltquench/core/none.h"\n'},
            heavy_headers: {"core/a.h": "#include <nlohmann/json.hpp>\n"},
            heavy_twice: {"core/a.cpp": "#include <toml.hpp>\n", "cli/b.cpp": "#include <toml.hpp>\n"},
            heavy_for_nvcc: {"kernels/cuda/a.cu": '#include "meltquench/core/b.h"\n',
                             "core/b.h": "  #  include <hdf5.h>\n"},
            folders_without_readme: {"core/a.h": ""},
            machine_paths: {"docs/a.md": f"see {slash}root{slash}x"},
            registry_hosts: {"docs/a.md": "https://" + ".".join(["pypi", "org"])},
        }
        for rule, files in breaks.items():
            with self.subTest(rule.__name__):
                self.assertEqual(len(rule(files)), 1)
        fine = {"README.md": "", "core/README.md": "", "core/a.cpp": "#include <hdf5.h>\n#include \"meltquench/core/a.h\"\n",
                "core/a.h": "#include <vector>\n", "devices/README.md": "",
                "devices/CMakeLists.txt": "mq_library(devices DEPENDS core PRIVATE fmt::fmt)\n"}
        for rule in breaks:
            with self.subTest(f"{rule.__name__} accepts a good tree"):
                self.assertEqual(rule(fine), [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
