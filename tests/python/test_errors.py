"""Bad input: the kind of exception, and a sentence that names the parameter."""

import meltquench as mq
import numpy as np
import pytest

W = np.eye(4, dtype=np.float32)


CALLS = {
    "Tile": lambda **options: mq.Tile(W, **options),
    "evaluate": lambda **options: mq.evaluate([(W, None)], W, [0, 1, 2, 3], chips=1, times=[25], **options),
}


def refuses(kind, words, work):
    with pytest.raises(kind) as caught:
        work()
    for word in words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    "words, arguments",
    [
        (["W must have the shape [out, in] but has [4]"], dict(W=W[0])),
        (["[0, 3]", "no weights"], dict(W=np.ones((0, 3)))),
        (["W[1, 0] is not a finite number"], dict(W=[[0, 1], [np.nan, 0]])),
        (["W must be an array of real numbers, not str"], dict(W="W")),
        (["W must be an array of real numbers, not an array of complex64"], dict(W=W * 1j)),
        (["W must be an array of real numbers, not NoneType"], dict(W=None)),
        (["no device preset 'pcmlike'", "did you mean pcm-like?"], dict(device="pcmlike")),
        (["no device model 'pmc'", "did you mean pcm?"], dict(device={"model": "pmc"})),
        (["device.gmax is unknown", "did you mean device.g_max?"], dict(device={"preset": "pcm-like", "gmax": 1e-5})),
        (["device.g_max = 25 s is not a conductance", "uS"], dict(device={"preset": "pcm-like", "g_max": "25 s"})),
        (["device.g_max", "out of range", "did you mean 25 uS?"], dict(device={"preset": "pcm-like", "g_max": 25})),
        (["device is of type object"], dict(device=object())),
        (["device has the key 3"], dict(device={3: 4})),
        (["seed = -1 is out of range"], dict(seed=-1)),
        (["seed = 1180591620717411303424 does not fit"], dict(seed=2**70)),
        (["rows = 0 is out of range"], dict(rows=0)),
        (["columns must be an integer"], dict(columns=1.5)),
        (["dac_bits = 13 is out of range"], dict(dac_bits=13)),
        (["adc_bits must be 0 or at least 2"], dict(adc_bits=1)),
        (["dac_range", "greater than 0"], dict(dac_bits=8, dac_range=0)),
        (["adc_range has no effect with adc_bits = 0"], dict(adc_range=1)),
        (["output_noise = -1 is out of range"], dict(output_noise=-1)),
        (["read_noise = much is not a dimensionless number"], dict(read_noise="much")),
        (["threads = 0 is out of range"], dict(threads=0)),
        (['backend = "gpu" is unknown', "cuda"], dict(backend="gpu")),
    ],
)
def test_a_tile_refuses(words, arguments):
    refuses(ValueError, words, lambda: mq.Tile(**{"W": W, **arguments}))


@pytest.mark.parametrize("function", ["Tile", "evaluate"])
@pytest.mark.parametrize(
    "words, arguments",
    [
        (["wires.word_lines is unknown", "did you mean wires.word_line?"], dict(wires={"word_lines": 1.0})),
        (["wires must be a dict of the keys of this section", "not text"], dict(wires="1 ohm")),
        (["adc_bits must be 0 or at least 2"], dict(adc={"bits": 1})),
        (["tile.write_time = 1 uS is not a time"], dict(tile={"write_time": "1 uS"})),
        (["hardware must be a dict of config sections"], dict(hardware=[1])),
        (["hardware has no section 'wire'", "did you mean wires?"], dict(hardware={"wire": {}})),
        (["hardware has no device", "device="], dict(hardware={"device": "ideal"})),
        (["temperature has the key 3"], dict(temperature={3: 4})),
    ],
)
def test_sections_are_refused_by_their_name(function, words, arguments):
    refuses(ValueError, words, lambda: CALLS[function](**arguments))


@pytest.mark.parametrize("function", ["Tile", "evaluate"])
@pytest.mark.parametrize("given, meant", [("adc_bit", "adc_bits"), ("wire", "wires"), ("cellnoise", "cell_noise"), ("sed", "seed")])
def test_unknown_keywords_name_the_nearest(function, given, meant):
    refuses(TypeError, [f"{function}() has no keyword '{given}'", f"did you mean {meant}?"], lambda: CALLS[function](**{given: 1}))


@pytest.mark.parametrize("function", ["Tile", "evaluate"])
def test_a_section_is_one_keyword_or_one_part_of_hardware(function):
    keys = {"wires": {"word_line": "20 ohm"}, "cell_noise": {"correlated": True, "telegraph_share": 0.5}, "adc": {"bits": 4, "range": 2.0}}
    one, other = CALLS[function](**keys), CALLS[function](hardware=keys)
    third = CALLS[function](hardware={**keys, "adc": {"bits": 9}}, adc={"bits": 7, "range": 2.0}, adc_bits=4)
    plain = CALLS[function](adc_bits=4, adc_range=2.0)
    bits = (lambda tile: tile.weights.tobytes()) if function == "Tile" else (lambda result: result.digest)
    assert bits(one) == bits(other) == bits(third) != bits(plain)


def test_keywords_are_keyword_only():
    with pytest.raises(TypeError):
        mq.Tile(W, "pcm-like", 7)


@pytest.mark.skipif(mq.doctor()["backends"]["cuda"] == "available", reason="this build has the backend cuda")
def test_a_missing_backend_says_how_to_get_it():
    is_built = "no CUDA device" in mq.doctor()["backends"]["cuda"]
    way_out = "needs an NVIDIA GPU and its driver" if is_built else "-DMQ_CUDA=ON"
    refuses(RuntimeError, ["backend cuda", way_out], lambda: mq.Tile(W, backend="cuda"))


def test_products_refuse_wrong_inputs():
    tile = mq.Tile(W)
    refuses(ValueError, ["x has the shape [2, 5]", "x[4] or x[batch, 4]"], lambda: tile @ np.ones((2, 5)))
    refuses(ValueError, ["x has the shape []"], lambda: tile @ np.float32(1))
    refuses(ValueError, ["x[1, 2] is not a finite number"], lambda: tile @ [[0, 0, 0, 0], [0, 0, np.inf, 0]])
    refuses(ValueError, ["call = -1 is out of range"], lambda: tile.mvm(W, call=-1))
    refuses(ValueError, ["first_row must be an integer"], lambda: tile.mvm(W, first_row=0.5))
    with pytest.raises(TypeError):
        W @ tile


def test_a_converter_without_a_range_says_what_to_call():
    refuses(RuntimeError, ["DAC has 8 bits but no range", "dac_range", "calibrate with typical inputs"], lambda: mq.Tile(W, dac_bits=8) @ W)
    refuses(RuntimeError, ["ADC has 6 bits but no range", "adc_range", "calibrate with typical inputs"], lambda: mq.Tile(W, adc_bits=6) @ W)


def test_calibration_refuses_what_has_no_effect():
    refuses(RuntimeError, ["ideal converters"], lambda: mq.Tile(W).calibrate(W))
    refuses(RuntimeError, ["fixed"], lambda: mq.Tile(W, dac_bits=8, dac_range=1).calibrate(W))
    tile = mq.Tile(W, dac_bits=8)
    refuses(ValueError, ["x must have the shape [batch, 4]"], lambda: tile.calibrate(np.ones((3, 5))))
    refuses(ValueError, ["x[0, 1] is not a finite number"], lambda: tile.calibrate([[0, np.nan, 0, 0]]))


def test_time_only_grows_and_has_a_unit():
    tile = mq.Tile(W)
    tile.drift_to(3600)
    refuses(ValueError, ["from 1 h to 1 min", "only grow"], lambda: tile.drift_to("1 min"))
    refuses(ValueError, ["time = 1 uS is not a time", "day"], lambda: tile.drift_to("1 uS"))
    refuses(ValueError, ["no finite time"], lambda: tile.drift_to(np.inf))
    refuses(ValueError, ["time must be a time"], lambda: tile.drift_to(None))
    refuses(ValueError, ["how", "none and global"], lambda: tile.compensate_drift("local"))
    assert tile.time == 3600


def test_programming_refuses_and_keeps_what_was_there():
    tile = mq.Tile(W, "ideal")
    refuses(ValueError, ["shape [4, 4] [out, in] but got [4, 5]"], lambda: tile.program(np.ones((4, 5))))
    refuses(ValueError, ["W[0, 0] is not a finite number"], lambda: tile.program(np.full((4, 4), np.nan)))
    np.testing.assert_array_equal(tile.weights, W)
    np.testing.assert_array_equal(tile.target, W)


def test_files_that_are_missing_foreign_or_damaged(tmp_path):
    refuses(FileNotFoundError, ["nothing.h5"], lambda: mq.Tile.load(tmp_path / "nothing.h5"))
    (tmp_path / "foreign.h5").write_bytes(b"no HDF5 at all" * 100)
    refuses(OSError, ["foreign.h5"], lambda: mq.Tile.load(tmp_path / "foreign.h5"))
    mq.Tile(W).save(tmp_path / "tile.h5")
    whole = (tmp_path / "tile.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    refuses(OSError, ["cut.h5"], lambda: mq.Tile.load(tmp_path / "cut.h5"))
    refuses(OSError, ["no-folder"], lambda: mq.Tile(W).save(tmp_path / "no-folder" / "tile.h5"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.h5", "foreign.h5", "tile.h5"]


def test_describe_and_its_relatives_name_the_nearest():
    refuses(ValueError, ["'adcc'", "did you mean adc?"], lambda: mq.describe("adcc"))
    refuses(ValueError, ["'tiles'", "did you mean tile?"], lambda: mq.parameters("tiles"))
    refuses(ValueError, ["'hermes-3'", "did you mean"], lambda: mq.device("hermes-3"))
    refuses(ValueError, ["unit = 'Siemens' is not known", "Ohm"], lambda: mq.quantity(1, "Siemens"))
    refuses(ValueError, ["25 uS is not a time"], lambda: mq.quantity("25 uS", "s"))


def test_data_sets_that_are_not_there(tmp_path):
    refuses(ValueError, ['"mnist" is unknown', "fashion-mnist"], lambda: mq.load_dataset("mnist"))
    refuses(FileNotFoundError, ["dataset-fashion-mnist"], lambda: mq.load_dataset("fashion-mnist", path=tmp_path))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03\0\0\0\x05")
    refuses(OSError, [str(tmp_path)], lambda: mq.load_dataset(path=tmp_path))


IDEAL = mq.Tile(W, "ideal", adc_bits=4, adc_range=1.0)


@pytest.mark.parametrize(
    "words, work",
    [
        (["no config section", "'3'"], lambda: mq.describe(3)),
        (["device must be the name of a preset", "not an integer"], lambda: mq.device(3)),
        (["device must be the name of a preset", "not nothing"], lambda: mq.plot_device(None)),
        (["did you mean hermes-1?"], lambda: mq.plot_device("hermes")),
        (["device must be the name of a preset", "not 3"], lambda: mq.Tile(W, 3)),
        (["device must be the name of a preset", "not None"], lambda: mq.Tile(W, None)),
        (["nan is not a conductance"], lambda: mq.quantity(np.nan, "S")),
        (["[1] is not a conductance"], lambda: mq.quantity([1], "S")),
        (["train_images = -1 is out of range"], lambda: mq.load_dataset("synthetic", train_images=-1)),
        (["test_images must be an integer"], lambda: mq.load_dataset("synthetic", test_images=1.5)),
        (["seed = -1 is out of range"], lambda: mq.load_dataset("synthetic", seed=-1)),
        (["a path must be a text or an os.PathLike, not 3"], lambda: mq.load_dataset("synthetic", path=3)),
        (["kind = 'x' is not known"], lambda: mq.synthesize("x")),
        (["cells = -1 is out of range"], lambda: mq.synthesize("drift", cells=-1)),
        (["programming_time is no finite time"], lambda: mq.synthesize("drift", programming_time=np.nan)),
        (["programming_time must not be negative"], lambda: mq.synthesize("drift", programming_time=-1)),
        (["pulses must be an integer"], lambda: mq.synthesize("pulses", pulses="x")),
        (["there is no tile 3"], lambda: IDEAL.inspect(W[0], tile=3)),
        (["v_read must be a voltage above 0 V"], lambda: IDEAL.inspect(W[0], v_read=-1)),
        (["v_read = nan is not a finite number"], lambda: IDEAL.inspect(W[0], v_read=np.nan)),
        (["there is no slice 1"], lambda: IDEAL.inspect(W[0], slice=1)),
        (["x has 3 values, but tile 0 has 4 inputs"], lambda: IDEAL.inspect(np.ones(3))),
        (["what must be one of", "did you mean codes?"], lambda: IDEAL.plot(W[0], what="cods")),
        (["there is no tile 9"], lambda: IDEAL.plot(W[0], tile=9)),
        (["call must be an integer"], lambda: IDEAL.code_histograms(W, call="x")),
        (["first_row = -1 is out of range"], lambda: IDEAL.code_histograms(W, first_row=-1)),
        (["time is no finite time"], lambda: mq.Tile(W).drift_to(np.nan)),
        (["how must be one of none and global"], lambda: mq.Tile(W).compensate_drift(3)),
        (["a path must be a text or an os.PathLike, not 3.5"], lambda: IDEAL.save(3.5)),
        (["a path must be a text or an os.PathLike, not None"], lambda: mq.Tile.load(None)),
        (["a path must be a text or an os.PathLike, not 3"], lambda: mq.evaluate({}, output=3)),
        (["layers must be a list of pairs (W, b), not int"], lambda: mq.evaluate(3, W, [0, 1, 2, 3])),
        (["config has the key 3"], lambda: mq.evaluate({3: 4})),
        (["times must be a list"], lambda: mq.evaluate([(W, None)], W, [0, 1, 2, 3], times=3)),
        (["compensation must be a list"], lambda: mq.evaluate([(W, None)], W, [0, 1, 2, 3], compensation="none")),
        (["labels must be an array of integers"], lambda: mq.evaluate([(W, None)], W, "ab")),
    ],
)
def test_every_function_names_the_argument_that_it_refuses(words, work):
    refuses(ValueError, words, work)


TABLE = mq.synthesize("spectra")


@pytest.mark.parametrize(
    "words, work",
    [
        (["name = 3 must be a text, not of type int"], lambda: mq.parameters(3)),
        (["unit = None must be a text"], lambda: mq.quantity(1, None)),
        (["kind = 3 must be a text"], lambda: mq.synthesize(3)),
        (["model = 3 must be a text"], lambda: mq.fit(TABLE, model=3)),
        (["preset = None must be a text"], lambda: mq.fit(TABLE, preset=None)),
        (["table 2 = 3 must be the path of a CSV file or a dict of columns"], lambda: mq.fit(TABLE, 3)),
        (["si = 'x' must be True or False"], lambda: mq.device("ideal", si="x")),
        (["si = 1 must be True or False"], lambda: mq.device("ideal", si=1)),
    ],
)
def test_arguments_of_another_type_are_named(words, work):
    refuses(ValueError, words, work)


@pytest.mark.parametrize(
    "words, work",
    [
        (["Tile(): missing", "'W'", "call it as Tile(W, device='pcm-like'"], lambda: mq.Tile()),
        (["Tile(): too many positional", "Tile(W, device"], lambda: mq.Tile(W, "ideal", 3)),
        (["quantity(): missing", "'unit'", "quantity(value, unit)"], lambda: mq.quantity(1)),
        (["device(): too many positional", "device(device, *, si=False)"], lambda: mq.device("ideal", True)),
        (["presets(): too many positional", "presets()"], lambda: mq.presets(1)),
        (["synthesize()", "'cels'", "cells=2000"], lambda: mq.synthesize("drift", cels=3)),
        (["mvm(): missing", "'x'", "mvm(x, *, first_row=0, call=None)"], lambda: IDEAL.mvm()),
        (["mvm()", "'firstrow'"], lambda: IDEAL.mvm(W, firstrow=1)),
        (["load(): missing", "'path'", "load(path, *, threads=1"], lambda: mq.Tile.load()),
    ],
)
def test_calls_that_do_not_fit_say_how_to_call(words, work):
    refuses(TypeError, [*words, ";"], work)


def test_no_call_lists_the_types_of_cpp():
    for owner in (mq._core, mq.Tile):
        for name in (name for name in dir(owner) if not name.startswith("_")):
            work = getattr(owner, name)
            if callable(work) and not isinstance(work, type):
                with pytest.raises(TypeError) as caught:
                    work(*[None] * 20)
                assert "incompatible" not in str(caught.value) and f"call it as {name}(" in str(caught.value)


def test_images_that_no_memory_holds_say_their_size():
    words = ["train_images = 1000000000", "test_images = 500", "577 GB", "ask for fewer"]
    refuses(MemoryError, words, lambda: mq.load_dataset("synthetic", train_images=10**9))
