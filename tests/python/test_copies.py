"""Tiles and results as data: copies and pickles hold the whole state, and go on with the same bits."""

import copy
import multiprocessing
import pickle

import meltquench as mq
import numpy as np
import pytest

W = np.random.default_rng(5).normal(size=(6, 10)).astype(np.float32)
X = np.random.default_rng(6).normal(size=(4, 10)).astype(np.float32)
CONVERTERS = {"dac_bits": 6, "adc_bits": 7}
HARDWARE = {
    "plain": {},
    "converters and tiles": {**CONVERTERS, "rows": 4, "columns": 5, "read_noise": 0.01, "output_noise": 0.02},
    "slices and several devices": {"mapping": {"slices": 2, "slice_bits": 3}, **CONVERTERS},
    "offset": {"mapping": {"kind": "offset"}, **CONVERTERS},
    "noise with memory": {"cell_noise": {"correlated": True, "telegraph_share": 0.5}},
    "write-verify, faults": {"programming": {"method": "write-verify"}, "faults": {"stuck_low": 0.05}},
    "wires": {"wires": {"word_line": "1 ohm", "bit_line": "1 ohm"}},
    "range per column": {"adc": {"bits": 6, "range_per": "column"}},
}


def used(device="pcm-like", **hardware):
    """A tile that has been calibrated, aged, compensated and multiplied with."""
    tile = mq.Tile(W, device, seed=9, **hardware)
    if tile.ranges != {"dac": None, "adc": None} or "bits" in repr(tile):
        tile.calibrate(X)
    tile @ X
    tile.drift_to("1 h")
    tile.compensate_drift("global")
    tile @ X
    return tile


def same(a, b):
    np.testing.assert_equal(a.ranges, b.ranges)
    np.testing.assert_array_equal(a.target, b.target)
    np.testing.assert_array_equal(a.compensation, b.compensation)
    for side in ("plus", "minus"):
        np.testing.assert_array_equal(a.conductances[side], b.conductances[side])
    assert (a.counters, a.time, repr(a)) == (b.counters, b.time, repr(b))


def futures(tile):
    """What it does next: each call draws the noise after the last one."""
    now = [tile @ X, tile @ X]
    tile.drift_to("1 day")
    return np.array([*now, tile @ X, tile @ X])


def check_copy(tile, twin):
    same(tile, twin)
    np.testing.assert_array_equal(futures(tile), futures(twin))
    same(tile, twin)


@pytest.mark.parametrize("name", HARDWARE)
def test_a_pickle_goes_on_with_the_same_bits(name):
    tile = used(**HARDWARE[name])
    check_copy(tile, pickle.loads(pickle.dumps(tile)))


@pytest.mark.parametrize("device", sorted(mq.presets()))
def test_every_preset_survives(device):
    tile = used(device)
    check_copy(tile, pickle.loads(pickle.dumps(tile)))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_all_protocols_and_equal_bytes_for_equal_tiles(protocol):
    tile = used(**CONVERTERS)
    data = pickle.dumps(tile, protocol)
    assert data == pickle.dumps(pickle.loads(data), protocol)
    check_copy(tile, pickle.loads(data))


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
def test_a_copy_is_independent(make):
    tile = used(**CONVERTERS)
    twin = make(tile)
    before = tile.weights
    twin.drift_to("1 year")
    twin.program(2 * W)
    np.testing.assert_array_equal(tile.weights, before)
    assert tile.time == 3600 and twin.time == 0
    nested = copy.deepcopy({"a": [tile]})["a"][0]
    check_copy(tile, nested)


def test_a_tile_that_was_never_calibrated():
    tile = mq.Tile(W, dac_bits=8, adc_bits=8)
    twin = copy.copy(tile)
    for each in (tile, twin):
        with pytest.raises(RuntimeError, match="no range"):
            each @ X
        each.calibrate(X)
    np.testing.assert_array_equal(tile @ X, twin @ X)


class Named(mq.Tile):
    """A subclass with a state of its own."""


def test_a_subclass_keeps_its_type_and_attributes():
    tile = Named(W, seed=3)
    tile.name = "first layer"
    twin = pickle.loads(pickle.dumps(tile))
    assert type(twin) is Named and twin.name == "first layer"
    np.testing.assert_array_equal(tile @ X, twin @ X)


def multiply(tile):
    return tile @ X


def test_tiles_travel_to_other_processes_and_back():
    tile = used(**CONVERTERS, read_noise=0.01)
    twin = copy.copy(tile)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.map(multiply, [tile])[0]
    np.testing.assert_array_equal(there, twin @ X)


def test_a_pickle_is_as_large_as_its_cells():
    # pcm-like keeps 4 floats in each of 2 cells per weight: 32 bytes, and 4 of the target; the rest is 64 KiB.
    size = len(pickle.dumps(mq.Tile(np.zeros((300, 400)) + 0.5)))
    assert size <= 1.25 * 300 * 400 * (32 + 4) + 65536, size
    assert len(pickle.dumps(mq.Tile(W))) <= 65536


def test_damaged_and_foreign_states_are_refused_by_a_sentence():
    tile = mq.Tile(W)
    data, threads, backend, more = tile.__getstate__()
    blank = mq.Tile.__new__(mq.Tile)
    with pytest.raises(OSError, match="the pickled tile is damaged"):
        blank.__setstate__((data[:-1] + bytes([data[-1] ^ 1]), threads, backend, more))
    with pytest.raises(OSError, match="the pickled tile is not an HDF5 file of Meltquench"):
        blank.__setstate__((b"something else" * 99, threads, backend, more))
    with pytest.raises(ValueError, match="not as this Meltquench writes it"):
        blank.__setstate__((data,))


def test_results_fits_and_data_sets_are_plain_data():
    data = mq.load_dataset("synthetic", train_images=20, test_images=20)
    layer = np.zeros((10, 144))
    result = mq.evaluate([(layer, None)], data.test_images, data.test_labels, device="ideal", times=[0], chips=2)
    fit = mq.fit(mq.synthesize("spectra"))
    for make in (copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))):
        assert make(result) == result and repr(make(result)) == repr(result)
        assert make(fit) == fit
        np.testing.assert_equal(make(data)._asdict(), data._asdict())
        assert make(mq.device("hermes-1")) == mq.device("hermes-1")
