"""Every array that enters: what is no real finite number of float32 is refused by its name and place."""

import meltquench as mq
import numpy as np
import pytest

W = np.eye(2, dtype=np.float32)
MASKED = np.ma.masked_array([[1.0, 99.0], [0.0, 1.0]], mask=[[0, 1], [0, 0]])


def with_range(array):
    mq.Tile(W, "ideal", dac_bits=8).calibrate(array)


def as_images(array, **options):
    return mq.evaluate([(W, None)], array, [0, 1], device="ideal", times=[0], chips=1, **options)


ENTRIES = {
    "W of Tile": ("W", lambda a: mq.Tile(a, "ideal")),
    "program": ("W", lambda a: mq.Tile(W, "ideal").program(a)),
    "@": ("x", lambda a: mq.Tile(W, "ideal") @ a),
    "mvm": ("x", lambda a: mq.Tile(W, "ideal").mvm(a)),
    "calibrate": ("x", with_range),
    "inspect": ("x", lambda a: mq.Tile(W, "ideal").inspect(a)),
    "plot": ("x", lambda a: mq.Tile(W, "ideal").plot(a)),
    "code_histograms": ("x", lambda a: mq.Tile(W, "ideal", adc_bits=4, adc_range=1.0).code_histograms(a)),
    "weights of evaluate": ("layers[0]: W", lambda a: mq.evaluate([(a, None)], W, [0, 1])),
    "images of evaluate": ("images", as_images),
    "calibration of evaluate": ("calibration", lambda a: as_images(W, calibration=a)),
}
FAULTS = {
    "masked": (MASKED, "masked array in which 1 of 4 elements are masked"),
    "masked rows in a list": (list(MASKED), "1 of 2 elements are masked"),
    "complex": (W * 1j, "must be an array of real numbers, not an array of complex64"),
    "objects": (W.astype(object), "not an array of object"),
    "dates": (np.full((2, 2), "2020-01-01", dtype="datetime64[D]"), "not an array of datetime64[D]"),
    "texts": ([["a", "b"], ["c", "d"]], "must be an array of real numbers"),
    "ragged": ([[1.0, 2.0], [3.0]], "rows of different lengths"),
    "nan": ([[0.0, 1.0], [np.nan, 0.0]], "[1, 0] is not a finite number"),
    "inf": ([[0.0, 1.0], [0.0, -np.inf]], "[1, 1] is not a finite number"),
    "too large": ([[0.0, 1e39], [0.0, 1.0]], "[0, 1] = 1e+39 is too large for float32"),
    "nothing": (None, "must be an array of real numbers, not NoneType"),
    "another shape": (np.ones((2, 3, 4)), "shape"),
}


MAY_BE_NONE = ("images of evaluate", "calibration of evaluate")  # a config has none; typical images are a choice
CASES = [(entry, fault) for entry in ENTRIES for fault in FAULTS if fault != "nothing" or entry not in MAY_BE_NONE]


@pytest.mark.parametrize("entry, fault", CASES)
def test_an_array_is_refused_by_its_name(entry, fault, recwarn):
    name, work = ENTRIES[entry]
    array, words = FAULTS[fault]
    with pytest.raises(ValueError) as caught:
        work(array)
    assert name in str(caught.value) and words in str(caught.value), str(caught.value)
    assert not recwarn.list


def test_masks_that_hide_nothing_and_other_kinds_of_numbers_are_taken():
    tile = mq.Tile(np.ma.masked_array(W, mask=False), "ideal")
    for kind in (np.int8, np.uint8, np.int64, np.uint64, np.float16, np.float64, np.longdouble, bool, ">f4"):
        np.testing.assert_array_equal(tile @ np.array([1, 0], dtype=kind), [1, 0])
    np.testing.assert_array_equal(tile @ np.ma.masked_array([1.0, 0.0]), [1, 0])
    assert (tile @ np.zeros((0, 2))).shape == (0, 2)


def test_bias_and_labels_and_keywords_refuse_masks():
    bias = np.ma.masked_array([0.0, 1e9], mask=[0, 1])
    with pytest.raises(ValueError, match=r"layers\[0\]: b is, or holds, a masked array"):
        mq.evaluate([(W, bias)], W, [0, 1])
    with pytest.raises(ValueError, match="labels is, or holds, a masked array"):
        mq.evaluate([(W, None)], W, np.ma.masked_array([0, 1], mask=[0, 1]))
    with pytest.raises(ValueError, match="dac_range is, or holds, a masked array"):
        mq.Tile(W, "ideal", dac_bits=8, dac_range=np.ma.masked)
    with pytest.raises(ValueError, match="device.prog_noise is, or holds, a masked array"):
        mq.Tile(W, {"preset": "pcm-like", "prog_noise": np.ma.masked_array([1e-6, 1e-3, 0], mask=[0, 1, 0])})


def test_a_product_beyond_single_precision_is_no_inf():
    with pytest.raises(RuntimeError, match="too large for float32"):
        mq.Tile(np.full((1, 2), 3e38), "ideal") @ np.ones(2)
