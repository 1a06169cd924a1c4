"""mq.Tile: results, reproducibility, memory and threads."""

import threading
import time
import tracemalloc
from xml.etree import ElementTree

import meltquench as mq
import numpy as np
import pytest


def matrix(outputs, inputs, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (outputs, inputs)).astype(np.float32)


W = matrix(48, 64)
x = matrix(5, 64, seed=2)


def test_ideal_cells_give_the_product_of_numpy():
    tile = mq.Tile(W, "ideal")
    np.testing.assert_allclose(tile @ x, x @ W.T, atol=1e-5)
    np.testing.assert_allclose(tile.weights, W, atol=2**-23)


def test_cells_that_are_not_linear_bend_the_voltages_of_inputs():
    one = np.ones((1, 1), dtype=np.float32)
    inputs = np.array([[-1.0], [64 / 127], [1.0]], dtype=np.float32)

    def outputs(coding, **current):
        hardware = {"dac": {"v_read": "0.2 V", "coding": coding}, "current": current}
        return mq.Tile(one, "ideal", dac_bits=8, dac_range=1.0, hardware=hardware) @ inputs

    bent = np.sinh(inputs * 0.2 / 0.1) / np.sinh(0.2 / 0.1)
    np.testing.assert_allclose(outputs("level", law="sinh", sinh_voltage="100 mV"), bent, atol=1e-4)
    np.testing.assert_allclose(outputs("duration", law="sinh", sinh_voltage="100 mV"), inputs, atol=1e-4)
    with pytest.raises(RuntimeError, match="full scale that dac.v_read stands for"):
        mq.Tile(one, "ideal", hardware={"current": {"law": "sinh"}}) @ inputs
    with pytest.raises(ValueError, match="current.law"):
        outputs("level", law="shin")


def test_leading_shape_is_kept():
    tile = mq.Tile(W, "ideal")
    assert (tile @ x[0]).shape == (48,)
    assert (tile @ x).shape == (5, 48)
    assert tile.mvm(x.reshape(1, 5, 64)).shape == (1, 5, 48)
    assert (tile @ np.zeros((0, 64))).shape == (0, 48)
    assert (tile @ x).dtype == np.float32


def test_any_real_array_is_taken():
    tile = mq.Tile(W.astype(np.float64), "ideal")
    expected = tile @ x
    for other in (x.astype(np.float64), np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x.tolist(),
                  x.astype(">f4")):
        np.testing.assert_array_equal(tile @ other, expected)
    assert (tile @ np.ones(64, dtype=np.int64)).shape == (48,)


def test_conductances_are_a_differential_pair_of_the_target():
    sides = mq.Tile(W, "ideal", rows=32, columns=20).conductances
    scale = np.abs(W).max() / mq.quantity("25 uS", "S")
    assert sides["plus"].shape == sides["minus"].shape == W.shape
    np.testing.assert_allclose((sides["plus"] - sides["minus"]) * scale, W, atol=1e-6)
    assert np.minimum(sides["plus"], sides["minus"]).max() == 0


def test_an_offset_array_has_one_reference_for_all_outputs_or_none():
    def minus(zero):
        mapping = {"mapping": {"kind": "offset", "zero": zero}}
        tile = mq.Tile(W, "ideal", rows=32, columns=20, hardware=mapping)
        return tile.conductances["minus"], tile.inspect(x[0, :32])["minus"]

    middle, reading = minus("reference-column")
    np.testing.assert_allclose(middle, mq.quantity("12.5 uS", "S"), rtol=1e-6)
    assert reading["conductances"].shape == (1, 32)
    nothing, reading = minus("digital")
    assert not nothing.any()
    assert reading["conductances"].shape == (0, 32) and reading["currents"].shape == (0,)


def test_a_device_dict_changes_the_preset():
    tile = mq.Tile(W, {"preset": "pcm-like", "g_max": "30 uS", "prog_noise_scale": 0})
    assert tile.conductances["plus"].max() > 27e-6
    assert "30 uS" in repr(tile)


def test_equal_seeds_give_equal_bytes_on_any_number_of_threads():
    def outputs(seed, threads):
        tile = mq.Tile(W, "pcm-like", seed=seed, rows=32, columns=20, dac_bits=8, adc_bits=8, read_noise=0.02,
                       output_noise=0.05, threads=threads)
        tile.calibrate(x)
        tile.drift_to("1 day")
        return (tile @ x).tobytes() + (tile @ x).tobytes() + tile.weights.tobytes()

    assert outputs(7, 1) == outputs(7, 1) == outputs(7, 2)
    assert outputs(7, 1) != outputs(8, 1)


def test_noise_is_a_function_of_call_and_row():
    tile = mq.Tile(W, seed=7, output_noise=0.1)
    first, second = tile @ x, tile @ x
    assert (first != second).any()
    np.testing.assert_array_equal(tile.mvm(x, call=0), first)
    np.testing.assert_array_equal(tile.mvm(x[3:], call=0, first_row=3), first[3:])


def test_drift_weakens_and_global_compensation_restores():
    tile = mq.Tile(W, seed=7)
    strength = np.abs(tile.weights).mean()
    tile.drift_to("1 year")
    assert tile.time == 365 * 86400
    assert np.abs(tile.weights).mean() < 0.7 * strength
    tile.compensate_drift("global")
    assert tile.compensation.shape == (1, 1)
    assert abs(np.abs(tile.weights).mean() / strength - 1) < 0.05  # 6144 cells; the factor restores this very mean
    tile.compensate_drift("none")
    assert tile.compensation[0, 0] == 1


def test_program_writes_anew_and_turns_the_clock_back():
    tile = mq.Tile(W, "ideal")
    tile.drift_to("1 h")
    tile.program(-W)
    assert tile.time == 0
    np.testing.assert_array_equal(tile.target, -W)
    np.testing.assert_allclose(tile.weights, -W, atol=2**-23)
    assert tile.counters["pulses"] == 4 * W.size
    with pytest.raises(ValueError):
        tile.target[0, 0] = 1  # read-only


def test_calibration_finds_the_ranges_of_every_tile():
    tile = mq.Tile(W, "ideal", rows=32, columns=48, dac_bits=8, adc_bits=8)
    assert tile.ranges == {"dac": None, "adc": None}
    tile.calibrate(x)
    assert tile.ranges["dac"] == np.abs(x).max()
    partial = [np.abs(x[:, part] @ W[:, part].T).max() for part in (slice(0, 32), slice(32, 64))]
    np.testing.assert_allclose(tile.ranges["adc"], [partial], rtol=1e-6)
    error = np.abs(tile @ x - x @ W.T).max()
    assert 0 < error < 0.15  # two ADCs of 8 bits, full scale about 6, and the DAC
    assert tile.counters["dac_conversions"] == x.size
    assert tile.counters["adc_conversions"] == 2 * x.shape[0] * 48


def test_inspection_shows_voltages_and_currents_of_every_cell():
    wires = {"wires": {"word_line": "20 ohm", "bit_line": "20 ohm"}}
    ones = np.ones(32)
    with_wires, without = (
        mq.Tile(W, "pcm-like", seed=7, rows=32, columns=24, hardware=hardware).inspect(ones, tile=3, v_read="0.1 V")
        for hardware in (wires, None))
    for reading in (with_wires, without):
        assert reading["full_scale"] == 1
        np.testing.assert_array_equal(reading["volts"], np.full(32, 0.1))
        for side in ("plus", "minus"):
            array = reading[side]
            np.testing.assert_allclose(
                array["cell_currents"], array["conductances"] * (array["word_voltages"] - array["bit_voltages"]))
            sums = array["cell_currents"].sum(axis=1)  # Kirchhoff
            np.testing.assert_allclose(array["currents"], sums, rtol=0, atol=1e-9 * sums.max())
    for side in ("plus", "minus"):
        assert with_wires[side]["word_voltages"].shape == (24, 32)
        np.testing.assert_array_equal(with_wires[side]["conductances"], without[side]["conductances"])
        assert (with_wires[side]["word_voltages"] < 0.1).all() and (with_wires[side]["bit_voltages"] > 0).all()
        assert (with_wires[side]["currents"] < without[side]["currents"]).all()
        assert not without[side]["bit_voltages"].any()


def test_inspection_shows_the_conductances_of_its_tile_and_says_what_fits():
    tile = mq.Tile(W, "pcm-like", seed=7, rows=32, columns=48)
    part = tile.inspect(x[0, 32:], tile=1)["plus"]["conductances"]
    np.testing.assert_array_equal(part, tile.conductances["plus"][:, 32:])
    with pytest.raises(ValueError, match="there is no tile 2"):
        tile.inspect(x[0, :32], tile=2)
    with pytest.raises(ValueError, match="has 32 inputs"):
        tile.inspect(x[0])
    with pytest.raises(ValueError, match="one vector"):
        tile.inspect(x[:, :32])
    with pytest.raises(ValueError, match="v_read"):
        tile.inspect(x[0, :32], v_read="3 ohm")


def test_slices_and_phases_add_up_to_the_product():
    sections = {"mapping": {"slices": 2, "slice_bits": 3}, "dac": {"bits": 5, "range": 1.0, "digit_bits": 2}}
    tile = mq.Tile(W, "ideal", hardware=sections)
    y = 0.0
    for slice in range(2):
        for phase in range(2):
            reading = tile.inspect(x[0], slice=slice, phase=phase)
            # A slice counts 2^3 times the one before.
            y = y + (reading["plus"]["currents"] - reading["minus"]["currents"]) * reading["full_scale"] * 8.0**slice
    wanted = tile @ x[0]
    scale = np.dot(y, wanted) / np.dot(y, y)
    np.testing.assert_allclose(y * scale, wanted, atol=1e-3 * abs(wanted).max())
    with pytest.raises(ValueError, match="there is no slice 2"):
        tile.inspect(x[0], slice=2)
    with pytest.raises(ValueError, match="there is no read phase 2"):
        tile.inspect(x[0], phase=2)


def test_code_histograms_count_the_conversions_of_the_product():
    tile = mq.Tile(W, "pcm-like", seed=7, rows=32, columns=24, adc_bits=6, adc_range=0.25, output_noise=0.05, hardware={
        "mapping": {"subtraction": "digital"}, "dac": {"bits": 6, "range": 1.0, "digit_bits": 3}})
    before = tile.counters
    found = tile.code_histograms(x, call=3)
    after = tile.counters
    np.testing.assert_array_equal(found["y"], tile.mvm(x, call=3))
    np.testing.assert_array_equal(found["codes"], np.arange(-31, 32))
    assert found["planes"] == ["slice 0 plus", "slice 0 minus"]
    assert found["counts"].shape == (2, 2, 2, 2, 63) and found["counts"].dtype == np.int64
    assert found["counts"].sum() == after["adc_conversions"] - before["adc_conversions"] == 48 * 2 * 2 * 2 * 5
    assert found["clipped"].sum() == after["adc_clips"] - before["adc_clips"] > 0
    np.testing.assert_allclose(found["clipped_share"], found["clipped"] / found["counts"].sum(axis=-1))
    np.testing.assert_array_equal(found["range"], np.full((2, 2, 2, 2), 0.25))
    with pytest.raises(ValueError, match="adc.bits = 0"):
        mq.Tile(W).code_histograms(x)


def test_plots_are_svg():
    tile = mq.Tile(W, "pcm-like", seed=7, rows=32, columns=24, adc_bits=6, adc_range=4.0,
                   hardware={"wires": {"bit_line": "1 ohm"}})
    for what, inputs in (("plus", x[0, :32]), ("minus", x[0, :32]), ("codes", x), ("clips", x)):
        text = tile.plot(inputs, what=what)
        ElementTree.fromstring(text)
        assert text.startswith("<svg")
    assert "IR drop" in tile.plot(x[0, :32]) and "conversions [%]" in tile.plot(x, what="codes")
    with pytest.raises(ValueError, match="what must be one of .*; did you mean"):
        tile.plot(x, what="code")
    with pytest.raises(ValueError, match="there is no tile 4"):
        tile.plot(x, what="codes", tile=4)


def test_programming_and_faults_are_the_sections_of_a_config():
    once = mq.Tile(W, "pcm-like", seed=7)
    verified = mq.Tile(W, "pcm-like", seed=7, programming={"method": "write-verify", "pulse": {"width": "40 ns"}})
    assert once.counters["verify_steps"] == 0 < verified.counters["verify_steps"]
    assert np.std(verified.weights - W) < np.std(once.weights - W)
    dead = mq.Tile(W, "pcm-like", faults={"stuck_low": 1.0})
    assert not dead.weights.any()
    with pytest.raises(ValueError, match="programming.margin"):
        mq.Tile(W, programming={"margin": 7})


def test_save_and_load_go_on_as_if_nothing_had_been(tmp_path):
    tile = mq.Tile(W, {"preset": "hermes-2", "g_max": "20 uS"}, seed=7, rows=32, dac_bits=6, adc_bits=9, read_noise=0.01)
    tile.calibrate(x)
    tile.drift_to("1 h")
    tile.compensate_drift()
    tile @ x
    tile.save(tmp_path / "tile.h5")
    again = mq.Tile.load(tmp_path / "tile.h5", threads=2)
    np.testing.assert_array_equal(again @ x, tile @ x)
    assert again.counters == tile.counters
    assert repr(again) == repr(tile).replace("threads 1", "threads 2")
    np.testing.assert_array_equal(again.target, W)
    for other in (again, tile):
        other.drift_to("1 day")
    np.testing.assert_array_equal(again.weights, tile.weights)


def test_backends_agree():
    on_cpu, reference = (mq.Tile(W, seed=7, backend=backend) for backend in ("cpu", "reference"))
    np.testing.assert_array_equal(on_cpu.weights, reference.weights)
    np.testing.assert_allclose(on_cpu @ x, reference @ x, atol=1e-5)


def peak_bytes(work):
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_float32_in_c_order_is_not_copied():
    tile = mq.Tile(matrix(4, 500), "ideal")
    big = np.ones((10000, 500), dtype=np.float32)
    assert peak_bytes(lambda: tile @ big) < big.nbytes / 20  # the outputs
    assert peak_bytes(lambda: tile @ np.asfortranarray(big)) >= big.nbytes  # what one conversion looks like
    assert peak_bytes(lambda: tile @ big.astype(np.float64)) < 1.1 * (2 + 1) * big.nbytes  # astype, one conversion


def test_other_threads_run_while_a_tile_computes():
    tile = mq.Tile(matrix(1024, 1024), "ideal")
    big = matrix(4000, 1024)
    started = threading.Event()
    worker = threading.Thread(target=lambda: (started.set(), tile @ big))
    worker.start()
    started.wait()
    turns = 0
    while worker.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns >= 5  # with the GIL held there would be one or two


def test_one_tile_may_be_used_from_several_threads():
    tile = mq.Tile(W, "ideal")
    expected = tile @ x
    found = []
    workers = [threading.Thread(target=lambda: found.append((tile @ x == expected).all())) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [True] * 8


def test_repr_says_what_is_known():
    text = repr(mq.Tile(W, "hermes-1", seed=3, rows=32, dac_bits=8))
    for part in ("W[48, 64]", "hermes-1", "10.35 uS", "1 x 2 of 48 columns x 32 rows", "8 bits, no range yet", "seed    3"):
        assert part in text, text
    assert len(text.splitlines()) < 25


def test_products_beyond_what_noise_can_tell_apart_are_refused():
    tile = mq.Tile(np.eye(2))
    for how in ({"call": 2**24}, {"first_row": 2**33}):
        with pytest.raises(ValueError, match="is out of range"):
            tile.mvm(np.ones((1, 2)), **how)
    assert tile.mvm(np.ones((1, 2)), call=2**24 - 1, first_row=2**33 - 1).shape == (1, 2)
