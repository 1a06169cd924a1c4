"""What can be looked up: parameters, presets, quantities, data sets."""

import subprocess
import sys
from pathlib import Path

import meltquench as mq
import numpy as np
import pytest


def test_describe_lists_and_explains():
    overview = mq.describe()
    for name in ("data", "model", "train", "programming", "faults", "tile", "dac", "adc", "eval", "pcm", "ideal", *mq.presets()):
        assert f"  {name}: " in overview
    assert "config section [adc]" in mq.describe("adc") and "bits = 8" in mq.describe("adc")
    assert "model pcm" in mq.describe("pcm") and "g_max" in mq.describe("pcm")
    assert "preset hermes-1" in mq.describe("hermes-1") and '"10.35 uS"' in mq.describe("hermes-1")


def test_parameters_carry_unit_range_and_default():
    g_max = mq.parameters("pcm")["g_max"]
    assert g_max["unit"] == "S" and g_max["default"] == '"25 uS"' and "mS" in g_max["range"] and g_max["sentence"]
    assert mq.parameters("data")["name"]["choices"] == ["fashion-mnist", "synthetic"]
    assert "nu_mean.slope" in mq.parameters("pcm")


@pytest.mark.parametrize("name", sorted(mq.presets()))
def test_a_resolved_preset_is_the_same_device(name):
    resolved = mq.device(name)
    assert mq.device(resolved) == resolved
    assert mq.device(mq.device(name, si=True)) == resolved
    W = np.random.default_rng(1).uniform(-1, 1, (6, 7))
    np.testing.assert_array_equal(mq.Tile(W, name, seed=7).weights, mq.Tile(W, resolved, seed=7).weights)


def test_a_device_is_drawn_by_name_or_from_its_parameters():
    assert mq.plot_device("pcm").startswith("<svg ") and mq.plot_device("pcm") == mq.plot_device("pcm")
    wide = mq.plot_device({"preset": "pcm-like", "prog_noise_scale": 3})
    assert "model pcm" in wide and wide != mq.plot_device({"preset": "pcm-like"})
    with pytest.raises(ValueError, match="did you mean pcm-like"):
        mq.plot_device("pcm-lik")


def test_quantities():
    assert mq.quantity("25 uS", "S") == 25e-6
    assert mq.quantity("1 month", "s") == 30 * 86400
    assert mq.quantity(0.35, "Ohm") == 0.35
    assert mq.quantity("3 %", "") == 0.03
    assert mq.device("pcm-like", si=True)["g_max"] == 25e-6


def test_synthetic_data_is_a_function_of_its_seed():
    data = mq.load_dataset("synthetic", train_images=50, test_images=20)
    assert data.train_images.shape == (50, 12, 12) and data.train_images.dtype == np.float32
    assert data.test_labels.shape == (20,) and data.test_labels.dtype == np.uint8
    assert 0 <= data.train_images.min() and data.train_images.max() <= 1
    again, other = mq.load_dataset("synthetic", train_images=50), mq.load_dataset("synthetic", train_images=50, seed=8)
    np.testing.assert_array_equal(again.train_images, data.train_images)
    assert (other.train_images != data.train_images).any()


@pytest.mark.skipif(not mq.datasets()["fashion-mnist"]["installed"], reason="dataset-fashion-mnist is not installed")
def test_fashion_mnist_comes_as_its_package_holds_it():
    data = mq.load_dataset("fashion-mnist", train_images=1000)
    assert data.train_images.shape == (1000, 28, 28) and data.test_images.shape == (10000, 28, 28)
    assert np.bincount(data.test_labels).tolist() == [1000] * 10


def test_doctor_says_what_is_there():
    findings = mq.doctor()
    assert findings["version"] == mq.__version__
    assert findings["threads"] >= 1
    assert findings["backends"]["cpu"] == findings["backends"]["reference"] == "available"
    assert set(findings["datasets"]) == set(mq.datasets())


def test_python_m_meltquench_is_the_command_line_that_came_with_the_package(tmp_path):
    command = [sys.executable, "-m", "meltquench", "presets"]
    done = subprocess.run(command, env={**_environment(), "PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 0 and "pcm-like" in done.stdout


def test_a_package_without_the_program_takes_that_on_path_or_says_that_it_is_missing(tmp_path):
    package = tmp_path / "meltquench"
    package.mkdir()
    for file in Path(mq.__file__).parent.iterdir():
        if file.is_file():
            (package / file.name).symlink_to(file.resolve())
    command = [sys.executable, "-m", "meltquench", "presets"]
    environment = {**_environment(), "PYTHONPATH": str(tmp_path), "PATH": str(tmp_path / "bin")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 3 and "built without it" in done.stderr
    program = tmp_path / "bin" / "meltquench"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho \"$@\"\n")
    program.chmod(0o755)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "presets\n"


def _environment():
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
