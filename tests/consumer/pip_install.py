"""pip_install.py TREE BUILD WORK: `pip install` of a build folder into a fresh environment, without a network.

The environment sees the system's packages (numpy), as the .venv of ./run does. The module is then imported from outside
the tree, and an editable install must see the sources themselves.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

tree, build, work = (Path(argument).resolve() for argument in sys.argv[1:])


def run(*command):
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([str(word) for word in command], cwd=work, env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
base = os.path.realpath(sys.executable)  # not the environment that runs this test
assert subprocess.run([base, "-c", "import numpy"], capture_output=True).returncode == 0, (
    f"{base} has no numpy; configure with -DPython_EXECUTABLE=.venv/bin/python, which './run test' makes")
run(base, "-m", "venv", "--system-site-packages", work / "venv")
python = work / "venv" / "bin" / "python"
pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--no-index", "--config-settings", f"build-dir={build}"]



def check_command_line():
    """The program, by its name and through Python, prints what the build folder's prints; exit codes come through."""
    expected = run(build / "cli" / "meltquench", "presets")
    assert "pcm-like" in expected
    program = work / "venv" / "bin" / "meltquench"
    assert run(program, "presets") == expected
    assert run(python, "-m", "meltquench", "presets") == expected
    wrong = subprocess.run([program, "no-such-command"], cwd=work, text=True, capture_output=True)
    assert wrong.returncode == 2 and "no-such-command" in wrong.stderr, wrong


run(*pip, tree)
show = "import meltquench, numpy; print(meltquench.__file__); "
use = ("tile = meltquench.Tile(numpy.eye(4, dtype='float32'), 'pcm-like', seed=7); "
       "print((tile @ numpy.ones(4, dtype='float32')).shape)")
where, shape = run(python, "-c", show + use).splitlines()
assert Path(where).is_relative_to(work), f"imported {where}, not what was installed"
assert shape == "(4,)", shape
assert "meltquench" in run(python, "-m", "pip", "list")
check_command_line()

run(*pip, "-e", tree)
where, shape = run(python, "-c", show + use).splitlines()
assert Path(where).resolve().is_relative_to(tree), f"an editable install imported {where}, not the tree"
assert shape == "(4,)", shape
check_command_line()

run(python, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-index", "--config-settings",
    f"build-dir={build}", "--wheel-dir", work, tree)
(wheel,) = work.glob("*.whl")
names = zipfile.ZipFile(wheel).namelist()
for needed in ("meltquench/__init__.py", "meltquench/py.typed", "meltquench/_core.pyi", "meltquench/bin/meltquench"):
    assert needed in names, f"{needed} is not in the wheel: {names}"
print(f"{wheel.name}: {wheel.stat().st_size} bytes, {len(names)} files")

run(python, "-m", "pip", "--disable-pip-version-check", "uninstall", "--yes", "meltquench")
assert not (work / "venv" / "bin" / "meltquench").exists()
