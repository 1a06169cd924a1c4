"""mq.fit and mq.synthesize: devices from measurements."""

import meltquench as mq
import numpy as np
import pytest


def test_a_fit_finds_the_device_that_made_the_data(tmp_path):
    reads = mq.synthesize("drift", "pcm-like", cells=4000, programming_time="1 min", seed=2)
    fit = mq.fit(reads, g_max="25 uS")
    assert fit.has_converged
    for name, truth in {"nu_mean.low": 0.049, "nu_sigma.low": 0.008, "read_noise.slope": -0.65,
                        "prog_noise[0]": 0.26348e-6}.items():
        e = fit.estimates[name]
        assert abs(e.value - truth) < 5 * e.standard_error
        assert e.low < e.value < e.high
    assert fit.picture.startswith("<svg") and "nu_mean.low" in repr(fit)
    assert {entry["what"] for entry in fit.goodness} >= {"nu_mean over the target", "chi2 of the cells"}
    path = fit.save(tmp_path / "mine.toml")
    assert mq.device(str(path)) == mq.device(fit.device)


def test_arrays_and_csv_files_give_the_same_fit(tmp_path):
    spectra = mq.synthesize("spectra")
    path = tmp_path / "psd.csv"
    names = list(spectra)
    rows = np.column_stack([spectra[name] for name in names]).tolist()
    path.write_text("\n".join([",".join(names), *(",".join(map(repr, row)) for row in rows)]))
    assert mq.fit(path).estimates == mq.fit(spectra).estimates
    in_micro = {"g_uS": spectra["g_S"] * 1e6, "frequency_Hz": spectra["frequency_Hz"],
                "psd_uS2_per_Hz": spectra["psd_S2_per_Hz"] * 1e12}
    assert mq.fit(in_micro).estimates["gamma"].value == pytest.approx(mq.fit(spectra).estimates["gamma"].value)


def test_pulses_choose_their_model():
    pulses = mq.synthesize("pulses", "nandakumar-2018", cells=200, pulses=15)
    assert mq.fit(pulses).device["model"] == "accumulative-pcm"


@pytest.mark.parametrize(
    "words, table",
    [
        ("the column 'target' has no unit", {"cell": [0], "target": [5.0], "g_uS": [4.0]}),
        ("arrays of one length", {"cell": [0, 1], "target_uS": [5.0], "g_uS": [4.0]}),
        ("table 1:2:3: 'nan' in the column of g", {"cell": [0], "target_uS": [5.0], "g_uS": [np.nan]}),
        ("at least 20 are needed", {"cell": [0], "target_uS": [5.0], "g_uS": [4.0]}),
    ],
)
def test_a_fit_refuses(words, table):
    with pytest.raises(ValueError) as caught:
        mq.fit(table)
    assert words in str(caught.value)


def test_unknown_choices_are_named():
    with pytest.raises(ValueError, match="did you mean pcm?"):
        mq.fit(mq.synthesize("spectra"), model="pmc")
    with pytest.raises(ValueError, match="choose drift, programming, pulses or spectra"):
        mq.synthesize("drifting")
    with pytest.raises(FileNotFoundError):
        mq.fit("no-such-file.csv")
    with pytest.raises(TypeError, match="at least one"):
        mq.fit()


def test_masked_rows_and_other_tables_are_taken_by_their_meaning():
    spectra = mq.synthesize("spectra")
    plain = mq.fit(spectra)
    assert plain.rows == plain.rows_used == len(spectra["g_S"])
    bad = np.arange(plain.rows) % 50 == 7
    spoilt = {**spectra, "psd_S2_per_Hz": np.ma.masked_array(np.where(bad, 9.91e37, spectra["psd_S2_per_Hz"]), mask=bad)}
    kept = mq.fit({name: values[~bad] for name, values in spectra.items()})
    assert mq.fit(spoilt).estimates == kept.estimates
    assert mq.fit(spoilt).rows == plain.rows - bad.sum()
    structured = np.zeros(plain.rows, dtype=[(name, float) for name in spectra])
    for name, values in spectra.items():
        structured[name] = values
    assert mq.fit(structured).estimates == plain.estimates
    everything = {**spectra, "psd_S2_per_Hz": np.ma.masked_all(plain.rows)}
    with pytest.raises(ValueError, match="no rows"):
        mq.fit(everything)


HISTOGRAM = {"cell": [0, 1], "target_uS": [5.0, 5.0], "g_uS": [4.0, 4.1]}


@pytest.mark.parametrize(
    "words, column, values",
    [
        ("'None' in the column of g is no finite number", "g_uS", [4.0, None]),
        ("'9.91e+37' in the column of g is what instruments write", "g_uS", [4.0, 9.91e37]),
        ("must be an array of one dimension", "g_uS", [[4.0], [5.0]]),
        ("without fields", "g_uS", np.zeros(2, dtype=[("a", float), ("b", float)])),
        ("is no finite number", "g_uS", [4.0, 1j]),
        ("'#1' in row 1 of the column cell is no field", "cell", ["0", "#1"]),
        ("is no field", "cell", ["0", ""]),
        ("the column 'g uS' is not known", "g uS", [1.0, 2.0]),
        ("target = 5 S is out of range", "target_uS", [5e6, 5e6]),
    ],
)
def test_columns_that_are_no_measurements_are_refused(words, column, values):
    with pytest.raises(ValueError) as caught:
        mq.fit({**HISTOGRAM, column: values})
    assert words in str(caught.value)


def test_reads_close_in_time_do_not_tell_nu():
    reads = mq.synthesize("drift", "pcm-like", cells=300)
    reads["time_s"] = 1000.0 + np.tile(np.arange(5.0), 300)
    with pytest.raises(ValueError, match="these reads cannot tell nu"):
        mq.fit(reads)
