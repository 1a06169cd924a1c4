"""mq.evaluate: a network in arrays, an experiment from a config, and how both are stopped."""

import os
import signal
import threading

import meltquench as mq
import numpy as np
import pytest

DATA = mq.load_dataset("synthetic", train_images=400, test_images=120)
CONFIG = {
    "name": "small",
    "data": {"name": "synthetic", "train_images": 300, "test_images": 100},
    "model": {"layers": [16]},
    "train": {"epochs": 1},
    "tile": {"rows": 64, "columns": 64},
    "eval": {"times": ["25 s", "1 year"], "chips": 2, "calibration_images": 100},
}


def prototypes():
    """Nearest mean of a class, as one layer, with an exact detour over 2 x 10 rectified values."""
    W = np.stack([DATA.train_images[DATA.train_labels == k].mean(axis=0).ravel() for k in range(10)])
    b = -0.5 * (W**2).sum(axis=1)
    both = np.eye(10)
    return [(np.concatenate([W, -W]), np.concatenate([b, -b])), (np.concatenate([both, -both], axis=1), None)]


def evaluate(**options):
    return mq.evaluate(prototypes(), DATA.test_images, DATA.test_labels, **{"chips": 3, "threads": 1, **options})


def test_ideal_hardware_is_as_good_as_the_digital_network():
    (W1, b1), (W2, _) = prototypes()
    hidden = np.maximum(DATA.test_images.reshape(120, -1) @ W1.T.astype(np.float32) + b1, 0)
    accuracy = ((hidden @ W2.T).argmax(axis=1) == DATA.test_labels).mean()
    result = evaluate(device="ideal", dac_bits=0, adc_bits=0)
    assert result.digital_accuracy == {"network": accuracy}
    assert accuracy > 0.7
    assert [row["mean"] for row in result.rows] == [accuracy] * 6


def test_rows_hold_times_compensations_and_statistics_over_chips():
    result = evaluate(times=["25 s", 3600], calibration=DATA.train_images)
    assert [(row["compensation"], row["time"]) for row in result.rows] == [
        ("none", 25.0), ("none", 3600.0), ("global", 25.0), ("global", 3600.0)]
    for row in result.rows:
        assert row["chips"] == len(row["per_chip"]) == 3
        assert row["mean"] == pytest.approx(np.mean(row["per_chip"]))
        half = 4.302653 * np.std(row["per_chip"], ddof=1) / np.sqrt(3)  # Student's t, 2 degrees of freedom, 95 %
        assert row["ci95_high"] - row["mean"] == pytest.approx(half, rel=1e-5, abs=1e-12)
        assert row["min"] == min(row["per_chip"]) and row["max"] == max(row["per_chip"])


def test_equal_seeds_give_equal_results_on_any_number_of_threads():
    first, second, other = evaluate(seed=7), evaluate(seed=7, threads=2), evaluate(seed=8)
    assert first == second
    assert first.digest == second.digest != other.digest


def test_a_result_shows_and_exports_itself(tmp_path):
    result = evaluate(times=["25 s", "1 day"], chips=2)
    text = repr(result)
    assert "network" in text and "global" in text and "1 day" in text
    assert "<pre>" in result._repr_html_()
    array = result.to_numpy()
    assert array.shape == (4,) and array["time"].tolist() == [25.0, 86400.0] * 2
    page = result.html(tmp_path / "report.html").read_text()
    assert page.lower().startswith("<!doctype html>") and "<svg" in page
    with pytest.raises(AttributeError):
        result.rows = []
    with pytest.raises(OSError):
        result.html(tmp_path / "no-folder" / "report.html")
    try:
        import pandas  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match="needs pandas"):
            result.to_pandas()
    else:
        assert len(result.to_pandas()) == 4


@pytest.mark.parametrize(
    "words, arguments",
    [
        ("layers must hold at least one pair", dict(what=[])),
        ("layers[0] must be a pair (W, b)", dict(what=[np.eye(3)])),
        ("layers[0]: W must have the shape [out, in] but has [3]", dict(what=[(np.ones(3), None)])),
        ("layers[0]: b must have the shape [3] but has [4]", dict(what=[(np.eye(3), np.ones(4))])),
        ("layers[1]: W has the shape [2, 4], but the layer before gives 3", dict(what=[(np.eye(3), None), (np.ones((2, 4)), None)])),
        ("layers[0]: W[0, 0] is not a finite number", dict(what=[(np.full((3, 3), np.inf), None)])),
        ("images has the shape [3, 4], but the first layer takes images[n, 3]", dict(images=np.ones((3, 4)))),
        ("images[1, 0] is not a finite number", dict(images=[[0, 0, 0], [np.nan, 0, 0], [0, 0, 0]])),
        ("labels must have the shape [3], one per image, but has [2]", dict(labels=[0, 1])),
        ("labels[1] = 3 is no class (must be in [0, 2])", dict(labels=[0, 3, 1])),
        ("labels must be an array of integers", dict(labels=[0.0, 1.0, 2.0])),
        ("calibration has the shape [1, 2]", dict(calibration=np.ones((1, 2)))),
        ("times[0] = 25 S is not a time", dict(times=["25 S"])),
        ("times must ascend", dict(times=["1 h", "25 s"])),
        ("chips = 0 is out of range", dict(chips=0)),
        ("per_output", dict(compensation=["both"])),
        ("response_reads = 0 is out of range", dict(response_reads=0)),
        ("response", dict(response="guessed")),
        ("did you mean hermes-1?", dict(device="hermes1")),
        ("rows = 0 is out of range", dict(rows=0)),
    ],
)
def test_a_network_refuses(words, arguments):
    call = {"what": [(np.eye(3), None)], "images": np.eye(3), "labels": [0, 1, 2], "chips": 1, **arguments}
    with pytest.raises(ValueError) as caught:
        mq.evaluate(call.pop("what"), call.pop("images"), call.pop("labels"), **call)
    assert words in str(caught.value)


def one_image(margin, label, b=None):
    """A single layer whose outputs of an image of ones are (margin, 0)."""
    ideal = dict(device="ideal", times=[0], chips=1, adc_bits=0, dac_bits=0, compensation=["none"])
    return mq.evaluate([(np.array([[margin], [0.0]]), b)], np.ones((1, 1)), [label], **ideal).rows[0]["mean"]


@pytest.mark.parametrize("margin", [9.9e5, 1.1e6, 1e20, 1e30])
def test_a_margin_of_any_size_is_judged_by_its_class(margin):
    assert one_image(margin, 0) == 1.0 and one_image(margin, 1) == 0.0
    assert one_image(-margin, 0) == 0.0 and one_image(-margin, 1) == 1.0


def test_masked_classes_huge_biases_and_equal_outputs_are_valid():
    assert one_image(5.0, 1, b=[-1e9, 0.0]) == 1.0, "a class is masked by its bias"
    assert one_image(5.0, 0, b=[3e38, -3e38]) == 1.0, "outputs are 6e38 apart, which float32 does not hold"
    assert one_image(0.0, 0) == 1.0 and one_image(0.0, 1) == 0.0, "of equal outputs the first one counts"
    only = mq.evaluate([(np.ones((1, 3)), None)], np.ones((2, 3)), [0, 0], device="ideal", times=[0], chips=1)
    assert only.rows[0]["mean"] == 1.0


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.uint32, np.int64, np.uint64])
def test_labels_of_any_integer_type(kind):
    labels = DATA.test_labels.astype(kind)
    result = mq.evaluate(prototypes(), DATA.test_images, labels, chips=1, times=[25])
    assert result.digest == evaluate(chips=1, times=[25]).digest


def test_a_network_of_int8_weights_takes_images_of_uint8():
    rng = np.random.default_rng(0)
    W1, W2 = (np.rint(rng.normal(0, 30, shape)).clip(-127, 127).astype(np.int8) for shape in ((32, 144), (10, 32)))
    x = (DATA.test_images.reshape(120, -1) * 255).astype(np.uint8)
    y = np.maximum(x.astype(float) @ W1.T, 0) @ W2.T
    accuracy = (y.argmax(axis=1) == DATA.test_labels).mean()
    rows = mq.evaluate([(W1, None), (W2, None)], x, DATA.test_labels, device="ideal", times=[0], chips=1, dac_bits=0, adc_bits=0).rows
    assert np.ptp(y, axis=1).max() > 1e6
    assert [row["mean"] for row in rows] == [accuracy] * 2


def test_outputs_that_are_not_finite_are_an_error():
    with pytest.raises(RuntimeError, match="not finite for 1 of 1 images.*too large for single precision"):
        mq.evaluate([([[3e38]], None), ([[10.0], [0.0]], None)], [[1.0]], [0], device="ideal", times=[0], chips=1)


def test_unknown_options_and_mixed_calls_are_type_errors():
    with pytest.raises(TypeError, match="chip"):
        evaluate(chip=3)
    with pytest.raises(TypeError, match="takes no images"):
        mq.evaluate(CONFIG, DATA.test_images, DATA.test_labels)
    with pytest.raises(TypeError, match="needs images and labels"):
        mq.evaluate(prototypes())
    with pytest.raises(TypeError, match="progress must be"):
        mq.evaluate(CONFIG, progress=3)


def test_a_config_runs_without_leaving_files_and_resumes_in_a_folder(tmp_path):
    quiet = mq.evaluate(CONFIG, threads=1)
    assert quiet.folder is None
    kept = mq.evaluate(CONFIG, output=tmp_path, threads=2)
    assert kept.digest == quiet.digest and kept.rows == quiet.rows
    assert {"config.toml", "results.csv", "report.html"} <= {path.name for path in kept.folder.iterdir()}
    assert {row["variant"] for row in kept.rows} == set(kept.digital_accuracy) == {"plain", "hardware-aware"}
    steps = []
    again = mq.evaluate(kept.folder / "config.toml", output=tmp_path, progress=lambda *state: steps.append(state))
    assert again == kept
    assert not [task for task, _, _ in steps if task == "Evaluating chips"]  # nothing was left to do


def test_set_overrides_a_config_file_and_a_dict(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text('name = "small"\n[data]\nname = "synthetic"\ntrain_images = 200\ntest_images = 50\n[model]\nlayers = [8]\n'
                    '[train]\nepochs = 1\n[eval]\ncalibration_images = 50\n')
    few = ["eval.chips=1", "eval.times=[25]", "train.variants=[\"plain\"]"]
    result = mq.evaluate(path, set=few)
    assert [row["compensation"] for row in result.rows] == ["none", "global"]
    sweep = mq.evaluate({**CONFIG, "sweep": {"adc.bits": [4, 8]}}, set=few)
    assert [row["variant"] for row in sweep.rows[::2]] == ["plain (adc.bits=4)", "plain (adc.bits=8)"]
    assert repr(sweep).count("adc.bits=") == 2


def test_a_config_refuses(tmp_path):
    with pytest.raises(ValueError, match="did you mean eval"):
        mq.evaluate({"evel": {}})
    with pytest.raises(ValueError, match="adc.bits = 99 is out of range"):
        mq.evaluate(CONFIG, set=["adc.bits=99"])
    with pytest.raises(ValueError, match="set must be a list"):
        mq.evaluate(CONFIG, set="adc.bits=6")
    with pytest.raises(FileNotFoundError, match="nothing.toml"):
        mq.evaluate(tmp_path / "nothing.toml")
    with pytest.raises(ValueError, match="broken.toml"):
        (tmp_path / "broken.toml").write_text("name = \n")
        mq.evaluate(tmp_path / "broken.toml")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        mq.evaluate(CONFIG, output=tmp_path / "file")


def test_progress_counts_up_on_the_callers_thread(capsys):
    seen = []
    evaluate(progress=lambda task, done, total: seen.append((task, done, total, threading.current_thread())))
    assert seen[-1][1:] == (18, 18, threading.main_thread())
    assert [done for _, done, _, _ in seen] == sorted(done for _, done, _, _ in seen)
    evaluate(progress=True)
    assert capsys.readouterr().err.endswith("Evaluating chips: 100 %\n")


def test_an_error_of_the_progress_function_ends_the_evaluation():
    def fail(task, done, total):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        evaluate(progress=fail, chips=5000)
    assert evaluate(chips=1).rows  # the request to stop is forgotten


@pytest.fixture
def interrupts():
    """Ctrl-C as on a terminal: a job in the background of a script starts with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("what", ["network", "config"])
def test_ctrl_c_stops_at_the_next_safe_point(what, tmp_path, interrupts):
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        if what == "network":
            evaluate(chips=20000)
        else:
            mq.evaluate(CONFIG, set=["eval.chips=20000"], output=tmp_path)
    assert evaluate(chips=1).rows


def test_responses_are_read_once_averaged_or_known_exactly():
    def accuracies(device, **how):
        rows = evaluate(device=device, times=["1 year"], compensation=["per_output"], **how).rows
        return tuple(rows[0]["per_chip"])

    kinds = ({}, {"response_reads": 4}, {"response": "exact"})
    assert len({accuracies("pcm-like", **how) for how in kinds}) == 3
    assert len({accuracies("ideal", **how) for how in kinds}) == 1, "without read noise all are the same"
