"""Docstrings exist, their examples are true, and the stubs say what the module is."""

import ast
import doctest
import inspect
import os
import subprocess
import sys
from pathlib import Path

import meltquench as mq
import pytest

METHODS = [f"Tile.{name}" for name, value in vars(mq.Tile).items() if not name.startswith("_") or name == "__matmul__"]
RESULT = [f"Result.{name}" for name in ("digital_accuracy", "to_numpy", "to_pandas", "html")]
NAMES = [name for name in mq.__all__ if name != "__version__"] + METHODS + ["Tile.__init__"] + RESULT
EXAMPLES = [name for name in mq.__all__ if name not in ("__version__",)] + ["Tile.__init__"] + [
    name for name in METHODS if not isinstance(vars(mq.Tile)[name[5:]], property)]


def lookup(name):
    value = mq
    for part in name.split("."):
        value = inspect.getattr_static(value, part) if inspect.isclass(value) else getattr(value, part)
    return value.__func__ if isinstance(value, staticmethod) else value


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_has_a_docstring(name):
    doc = inspect.getdoc(lookup(name))
    assert doc and doc.strip()[0] != "_" and len(doc) >= 6


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_function_has_an_example(name):
    assert "Example:" in inspect.getdoc(lookup(name))


@pytest.mark.parametrize("name", ["meltquench", *NAMES])
def test_examples_are_true(name):
    doc = inspect.getdoc(mq if name == "meltquench" else lookup(name))
    examples = doctest.DocTestParser().get_doctest(doc, {}, name, None, 0)
    output = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(examples, out=output.append)
    assert not runner.failures, "".join(output)


@pytest.mark.parametrize("name", ["Tile", "Tile.mvm", "Tile.load", "describe", "device", "quantity", "evaluate"])
def test_signatures_can_be_inspected(name):
    assert inspect.signature(lookup(name)) is not None


def test_tile_and_evaluate_share_the_keywords_of_hardware():
    from meltquench import _core

    shared = _core.hardware_keywords()
    signature = list(inspect.signature(mq.Tile).parameters)
    assert signature == ["W", "device", "seed", *shared, "threads", "backend"]
    source = (Path(__file__).resolve().parents[2] / "python/meltquench/evaluate.py").read_text(encoding="utf-8")
    layers = next(node for node in ast.parse(source).body if getattr(node, "name", "") == "evaluate" and node.args.args[0].annotation.id == "Layers")
    assert set(shared) < {argument.arg for argument in layers.args.kwonlyargs}
    for function in (mq.Tile.__init__, mq.evaluate):
        doc = " ".join(inspect.getdoc(function).split())
        assert " ".join(_core.HARDWARE_DOC.split()) in doc
    for name in shared:
        assert name in _core.HARDWARE_DOC


def test_a_signature_shows_keywords_and_defaults():
    assert str(inspect.signature(mq.Tile.mvm)) == "(self, x, *, first_row=0, call=None)"
    assert str(inspect.signature(mq.Tile)).startswith("(W, device='pcm-like', *, seed=0, rows=None")


def run_example(readme, folder):
    source = Path(__file__).resolve().parents[2] / readme
    text = source.read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    previous = os.getcwd()
    os.chdir(folder)
    try:
        exec(compile(code, str(source), "exec"), {})
    finally:
        os.chdir(previous)


def test_the_example_of_the_python_readme_runs(tmp_path):
    run_example("python/README.md", tmp_path)
    assert (tmp_path / "report.html").exists()


def test_the_example_of_the_readme_prints_growing_errors(tmp_path, capsys):
    run_example("README.md", tmp_path)
    errors = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert len(errors) == 3 and errors[0] < errors[1] < errors[2]


def run_mypy(tmp_path, *arguments):
    root = str(Path(mq.__file__).parents[1])
    environment = {**os.environ, "MYPYPATH": root, "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=tmp_path, text=True, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def test_the_stubs_say_what_the_module_is(tmp_path):
    (tmp_path / "allowed.txt").write_text(r"meltquench\._core\.Tile" + "\n")  # its metaclass is pybind11's
    run_mypy(tmp_path, "mypy.stubtest", "meltquench._core", "--concise", "--allowlist", "allowed.txt")


def test_the_package_fits_its_types(tmp_path):
    run_mypy(tmp_path, "mypy", "--strict", "-p", "meltquench")
