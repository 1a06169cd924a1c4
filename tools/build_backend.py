"""PEP 517 build backend: `pip install .` and `pip install -e .` with CMake and the standard library only.

A wheel is a zip of `cmake --install --component python`. It is built in build/release, the folder of ./run, so only the
Python module is compiled when the rest is there already. `--config-settings build-dir=DIR` packs what an existing build
folder holds instead, without configuring or compiling anything.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "release"

# The command `meltquench`: finds the program beside the package without loading that, and numpy with it.
LAUNCHER = b"""#!python
import importlib.util
import os
import sys

package = importlib.util.find_spec("meltquench")
if package is None or package.origin is None:
    sys.exit("meltquench is not installed for " + sys.executable + "; install it again with pip")
program = os.path.join(os.path.dirname(package.origin), "bin", "meltquench")
try:
    os.execv(program, ["meltquench", *sys.argv[1:]])
except OSError as error:
    print(f"{program} cannot be started ({error.strerror}); build it with `cmake --build`, or install with pip again",
          file=sys.stderr)
    sys.exit(3)
"""


def version():
    return re.search(r"project\(meltquench VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def run(*command):
    print("+", *command, flush=True)
    try:
        subprocess.run([str(word) for word in command], cwd=ROOT, check=True)
    except FileNotFoundError:
        raise SystemExit(f"{command[0]} was not found; './run doctor' lists the packages to install")
    except subprocess.CalledProcessError:
        raise SystemExit("the build failed, its reason stands above; './run doctor' tells which packages are missing")


def build(config_settings):
    """The build folder to pack; builds it, unless the caller names one."""
    if config_settings and "build-dir" in config_settings:
        return ROOT / config_settings["build-dir"]
    cache = BUILD / "CMakeCache.txt"
    known = cache.read_text() if cache.exists() else ""
    python = os.path.realpath(sys.executable)  # pip's own environment is gone after the build
    options = []
    if not known:
        options.append("-DMQ_CUDA=OFF")
    elif f"CMAKE_HOME_DIRECTORY:INTERNAL={ROOT}\n" not in known:
        options.append("--fresh")  # the folder was copied along with the tree
    elif f"Python_EXECUTABLE:UNINITIALIZED={python}\n" not in known and f"_EXECUTABLE:FILEPATH={python}\n" not in known:
        options.append("-UP[Yy][Tt][Hh][Oo][Nn]*")  # it was built for another Python
    options += [f"-DPython_EXECUTABLE={python}", f"-DPYTHON_EXECUTABLE={python}", "-DMQ_PYTHON=ON"]
    run("cmake", "--preset", "release", "--no-warn-unused-cli", *options)
    run("cmake", "--build", BUILD)
    return BUILD


def metadata():
    return (f"Metadata-Version: 2.1\nName: meltquench\nVersion: {version()}\n"
            "Summary: Simulator of analog in-memory computing with phase-change memory\n"
            "License: Apache-2.0\nRequires-Python: >=3.9\nRequires-Dist: numpy\n"
            "Description-Content-Type: text/markdown\n\n" + (ROOT / "README.md").read_text(encoding="utf-8"))


def tag():
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    return f"{python}-{python}-{re.sub(r'[-.]', '_', sysconfig.get_platform())}"


def write_wheel(folder, files):
    """Writes {name in the wheel: (content, mode)} with its metadata; returns the name of the wheel, as PEP 517 wants."""
    info = f"meltquench-{version()}.dist-info"
    files = dict(files)
    files[f"{info}/METADATA"] = (metadata().encode(), 0o644)
    files[f"{info}/WHEEL"] = (f"Wheel-Version: 1.0\nGenerator: meltquench\nRoot-Is-Purelib: false\nTag: {tag()}\n".encode(), 0o644)
    files[f"meltquench-{version()}.data/scripts/meltquench"] = (LAUNCHER, 0o755)
    files[f"{info}/LICENSE"] = ((ROOT / "LICENSE").read_bytes(), 0o644)
    record = f"{info}/RECORD"
    lines = []
    name = f"meltquench-{version()}-{tag()}.whl"
    with zipfile.ZipFile(Path(folder) / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        for path, (content, mode) in sorted(files.items()):
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(content)}\n")
            add(wheel, path, content, mode)
        add(wheel, record, "".join([*lines, f"{record},,\n"]).encode(), 0o644)
    return name


def add(wheel, path, content, mode):
    entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))  # equal content gives an equal wheel
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o100000 | mode) << 16
    wheel.writestr(entry, content)


def installed_files(prefix):
    """A wheel holds no links: a library is stored under the name that programs load, and only under that."""
    links = {path for path in prefix.rglob("*") if path.is_symlink()}
    targets = {path.resolve() for path in links}
    return {path.relative_to(prefix).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777)
            for path in prefix.rglob("*") if path.is_file() and path not in targets}


# ---- the hooks of PEP 517 and PEP 660

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    folder = build(config_settings)
    with tempfile.TemporaryDirectory() as prefix:
        run("cmake", "--install", folder, "--component", "python", "--prefix", prefix)
        files = installed_files(Path(prefix).resolve())
    if not any(name.startswith("meltquench/_core.") for name in files):
        raise SystemExit(f"{folder} holds no Python module; configure it with -DMQ_PYTHON=ON and build it")
    return write_wheel(wheel_directory, files)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """Python sees the sources and the build folder itself: after `cmake --build build/release` nothing is to be installed."""
    package = build(config_settings) / "python"
    return write_wheel(wheel_directory, {"meltquench.pth": (f"{package}\n".encode(), 0o644)})


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    info = Path(metadata_directory) / f"meltquench-{version()}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(metadata(), encoding="utf-8")
    return info.name


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_sdist(sdist_directory, config_settings=None):
    base = f"meltquench-{version()}"
    left_out = {"build", "runs", ".venv", ".git", "__pycache__"}
    with tarfile.open(Path(sdist_directory) / f"{base}.tar.gz", "w:gz") as archive:
        archive.add(ROOT, base, filter=lambda entry: None if left_out & set(entry.name.split(os.sep)) else entry)
        head = metadata().encode()
        with tempfile.NamedTemporaryFile() as file:
            file.write(head)
            file.flush()
            archive.add(file.name, f"{base}/PKG-INFO")
    return f"{base}.tar.gz"
