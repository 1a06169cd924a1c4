"""Meltquench: analog in-memory computing with phase-change memory.

Arrays are numpy arrays: W[out, in], x[batch, in], y[batch, out], float32. Physics is SI (S, s); a quantity may also be
a text with its unit, "25 uS" or "1 day". Times count from the reference read after programming. One seed gives one
result, on any number of threads.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> W = np.random.default_rng(1).uniform(-1, 1, (64, 100)).astype(np.float32)
    >>> tile = mq.Tile(W, "pcm-like", seed=7)
    >>> tile.drift_to("1 day")
    >>> tile.compensate_drift("global")
    >>> bool(np.abs(tile.weights - W).mean() < 0.1)
    True
"""

from ._core import (
    Tile,
    __version__,
    datasets,
    describe,
    device,
    doctor,
    parameters,
    plot_device,
    presets,
    quantity,
    synthesize,
)
from .dataset import Dataset, load_dataset
from .evaluate import evaluate
from .fit import Estimate, Fit, fit
from .result import Result

__all__ = [
    "Dataset",
    "Estimate",
    "Fit",
    "Result",
    "Tile",
    "__version__",
    "datasets",
    "describe",
    "device",
    "doctor",
    "evaluate",
    "fit",
    "load_dataset",
    "parameters",
    "plot_device",
    "presets",
    "quantity",
    "synthesize",
]
