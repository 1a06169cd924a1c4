"""Accuracy over time: of an experiment that a config describes, or of a network in numpy arrays."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple, Union, overload

from . import _core
from .result import Result

Config = Union[str, "os.PathLike[str]", Mapping[str, Any]]
Layers = Sequence[Tuple[Any, Any]]
Progress = Union[bool, Callable[[str, int, int], object]]
Time = Union[str, float]
Device = Union[str, Mapping[str, Any]]
Section = Optional[Mapping[str, Any]]


@overload
def evaluate(
    what: Config,
    *,
    set: Sequence[str] = ...,
    output: Optional[Union[str, "os.PathLike[str]"]] = ...,
    threads: Optional[int] = ...,
    backend: str = ...,
    progress: Progress = ...,
) -> Result: ...


@overload
def evaluate(
    what: Layers,
    images: Any,
    labels: Any,
    *,
    device: Device = ...,
    times: Sequence[Time] = ...,
    chips: int = ...,
    rows: Optional[int] = ...,
    columns: Optional[int] = ...,
    dac_bits: Optional[int] = ...,
    adc_bits: Optional[int] = ...,
    dac_range: Optional[float] = ...,
    adc_range: Optional[float] = ...,
    output_noise: Optional[float] = ...,
    read_noise: Optional[float] = ...,
    programming: Section = ...,
    faults: Section = ...,
    mapping: Section = ...,
    tile: Section = ...,
    dac: Section = ...,
    periphery: Section = ...,
    wires: Section = ...,
    current: Section = ...,
    adc: Section = ...,
    cell_noise: Section = ...,
    temperature: Section = ...,
    hardware: Section = ...,
    compensation: Sequence[str] = ...,
    response: str = ...,
    response_reads: int = ...,
    calibration: Any = ...,
    seed: int = ...,
    threads: Optional[int] = ...,
    backend: str = ...,
    progress: Progress = ...,
) -> Result: ...


def evaluate(what: Any, images: Any = None, labels: Any = None, **options: Any) -> Result:
    """Programs chips, ages them and measures their accuracy over time.

    evaluate(config, *, set=(), output=None, threads=None, backend="cpu", progress=False)
        Runs the experiment of a config file (its path) or a dict of the same keys, as `meltquench run` does: train,
        program, age, evaluate. set: overrides such as "adc.bits=6". output: folder for runs, which also makes the same
        call resume; None keeps no files.

    evaluate(layers, images, labels, *, device="pcm-like", times=("25 s", "1 h", "1 day"), chips=5,
             compensation=("none", "global"), response="read", response_reads=1, calibration=None, seed=7,
             threads=None, backend="cpu", progress=False, and the keywords of hardware that Tile takes)
        Maps the user's own network onto tiles of rows x columns. layers: [(W1, b1), (W2, b2), ...] with W[out, in] and
        b[out] (None: zeros) and rectifiers in between; biases and rectifiers stay digital. images [n, ...], labels [n].
        compensation: none, global, per_output, affine; global and per_output compare responses, which are means of
        response_reads noisy reads, or with response="exact" known without noise.
        calibration: images [m, ...] that the ranges of converters are taken from; None takes the first 1000 of
        `images`, which sees test data: give training images for a result to publish.
        HARDWARE
        What is not given is as in config files: converters of 8 bits, tiles of 256 x 256, no noise.

    threads: None is all cores; the result never depends on it. progress: True shows a line on stderr; a function is
    called with (task, done, total). Ctrl-C stops at the next safe point with KeyboardInterrupt.

    Raises ValueError for a config, shape, unit or number that makes no sense, TypeError for an unknown keyword,
    RuntimeError for outputs of the digital network that are not finite, FileNotFoundError for a missing file or
    data set, OSError for a damaged file or an output folder that cannot be written, RuntimeError for a backend that
    this build or machine lacks.

    Example:
        >>> import numpy as np
        >>> import meltquench as mq
        >>> data = mq.load_dataset("synthetic", train_images=200, test_images=50)
        >>> W = np.stack([data.train_images[data.train_labels == k].mean(axis=0).ravel() for k in range(10)])
        >>> b = -0.5 * (W**2).sum(axis=1)
        >>> result = mq.evaluate([(W, b)], data.test_images, data.test_labels, times=["25 s"], chips=2)
        >>> len(result.rows), result.rows[0]["compensation"]
        (2, 'none')
    """
    if isinstance(what, (str, os.PathLike, Mapping)):
        if images is not None or labels is not None:
            raise TypeError("evaluate() of a config takes no images and labels; its [data] section names them")
        _core.check_keywords("evaluate", options, [*_evaluate_config.__kwdefaults__])
        return _evaluate_config(what, **options)
    if images is None or labels is None:
        raise TypeError("evaluate() of layers needs images and labels: evaluate(layers, images, labels)")
    if not (hasattr(what, "__len__") and hasattr(what, "__getitem__")):
        raise ValueError(f"layers must be a list of pairs (W, b), not {type(what).__name__}")
    _core.check_keywords("evaluate", options, [*_evaluate_network.__kwdefaults__, *_core.hardware_keywords()])
    return _evaluate_network(what, images, labels, **options)


if evaluate.__doc__:  # python -OO has none
    evaluate.__doc__ = evaluate.__doc__.replace("HARDWARE", _core.HARDWARE_DOC.replace("\n", "\n        "))


def _evaluate_config(
    config: Config,
    *,
    set: Sequence[str] = (),
    output: Optional[Union[str, "os.PathLike[str]"]] = None,
    threads: Optional[int] = None,
    backend: str = "cpu",
    progress: Progress = False,
) -> Result:
    if isinstance(config, Mapping):
        config = dict(config)
    if output is not None:
        return Result._from_core(_core.evaluate_config(config, set, output, threads, backend, _callback(progress)))
    with tempfile.TemporaryDirectory(prefix="meltquench-") as folder:
        answer = _core.evaluate_config(config, set, folder, threads, backend, _callback(progress))
    return Result._from_core({**answer, "folder": ""})


def _evaluate_network(
    layers: Layers,
    images: Any,
    labels: Any,
    *,
    device: Device = "pcm-like",
    times: Sequence[Time] = ("25 s", "1 h", "1 day"),
    chips: int = 5,
    compensation: Sequence[str] = ("none", "global"),
    response: str = "read",
    response_reads: int = 1,
    calibration: Any = None,
    seed: int = 7,
    threads: Optional[int] = None,
    backend: str = "cpu",
    progress: Progress = False,
    **hardware: Any,
) -> Result:
    evaluation = {
        "times": times,
        "chips": chips,
        "compensation": compensation,
        "response": response,
        "response_reads": response_reads,
    }
    answer = _core.evaluate_network(
        layers, images, labels, device, hardware, evaluation, calibration, seed, threads, backend, _callback(progress)
    )
    return Result._from_core(answer)


def _callback(progress: Progress) -> Optional[Callable[[str, int, int], object]]:
    if progress is True:
        return _ProgressLine()
    if progress is False or progress is None:
        return None
    if not callable(progress):
        raise TypeError("progress must be True, False or a function of (task, done, total)")
    return progress


class _ProgressLine:
    """One line on stderr, redrawn for every whole percent; notebooks understand the carriage return too."""

    def __init__(self) -> None:
        self._shown = ("", -1)

    def __call__(self, task: str, done: int, total: int) -> None:
        percent = 100 * done // total if total else 0
        if (task, percent) != self._shown:
            self._shown = (task, percent)
            sys.stderr.write(f"\r{task}: {percent} %" + ("\n" if done == total else ""))
            sys.stderr.flush()
