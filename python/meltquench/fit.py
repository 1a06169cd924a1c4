"""Device models from measurements."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union, cast

import numpy as np
from numpy.typing import ArrayLike

from . import _core

_Path = Union[str, "os.PathLike[str]"]
_Table = Mapping[str, ArrayLike]


@dataclass(frozen=True)
class Estimate:
    """One fitted parameter: SI value, standard error and 95 % interval [low, high].

    Example:
        >>> import meltquench as mq
        >>> mq.Estimate("nu_mean.low", "", 0.049, 0.001, 0.047, 0.051).value
        0.049
    """

    name: str
    unit: str
    value: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True)
class Fit:
    """What `fit` found.

    device: dict as Tile and a config take it. estimates: parameters by name. goodness: how well the model agrees with
    each table, as dicts (what, statistic, value, freedom, p_value). notes: sentences. rows, rows_used, cells_used: of all
    tables, and what the estimates come from. toml: the text of a preset file.
    picture: data against model as SVG, or "" if there is nothing to draw.

    Example:
        >>> import meltquench as mq
        >>> fit = mq.fit(mq.synthesize("spectra"))
        >>> fit.device["model"]
        'pcm'
    """

    device: Dict[str, Any]
    estimates: Dict[str, Estimate]
    goodness: List[Dict[str, Any]]
    notes: List[str]
    has_converged: bool
    rows: int
    rows_used: int
    cells_used: int
    toml: str
    picture: str

    def save(self, path: _Path) -> Path:
        """Writes the preset file and returns its path: `device = "my-device.toml"` in a config reads it.

        Raises ValueError unless `has_converged`: then these measurements do not tell a device.
        """
        if not self.has_converged:
            raise ValueError("the fit did not converge: these measurements do not tell a device")
        target = Path(path)
        target.write_text(self.toml, encoding="utf-8")
        return target

    def __repr__(self) -> str:
        lines = [f"{e.name} = {e.value:.5g} [{e.low:.5g}, {e.high:.5g}] {e.unit}".rstrip() for e in self.estimates.values()]
        return "\n".join([f"Fit of {self.device['model']}", *lines])


def _as_table(item: Any) -> Optional[Dict[Any, Any]]:
    """The columns of a dict, a DataFrame or a structured array by name; None for a path."""
    if isinstance(item, np.ndarray) and item.dtype.names:
        return {name: item[name] for name in item.dtype.names}
    if isinstance(item, Mapping) or (hasattr(item, "keys") and hasattr(item, "__getitem__")):
        return {name: item[name] for name in item.keys()}
    return None


def _column(name: Any, values: Any, where: str) -> "np.ndarray[Any, Any]":
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"{where}: the column {name!r} is not known; name columns as those of a CSV file, like g_uS")
    column = np.asarray(values)
    if column.ndim != 1 or column.dtype.names:
        raise ValueError(f"{where}: the column {name} must be an array of one dimension, without fields")
    if column.dtype.kind not in "biuf":  # texts become fields of a table: none may look like something else there
        for row, value in enumerate(column.tolist()):
            if not str(value).strip() or any(mark in str(value) for mark in ',;"#\t\r\n'):
                raise ValueError(f"{where}: {str(value)!r} in row {row} of the column {name} is no field of a table")
    return column


def _csv(table: Mapping[Any, Any], where: str) -> str:
    """The table as text. Rows in which an element is masked are left out."""
    columns = {name: _column(name, values, where) for name, values in table.items()}
    if not columns or len({len(column) for column in columns.values()}) != 1:
        raise ValueError(f"{where}: the columns of a table must be arrays of one length")
    masks = [
        np.broadcast_to(values.mask, values.shape) for values in table.values() if isinstance(values, np.ma.MaskedArray)
    ]
    kept = ~np.any(masks, axis=0) if masks else slice(None)
    rows = zip(*(column[kept].tolist() for column in columns.values()))
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows), ""])


def fit(
    *data: Union[_Path, _Table],
    model: Optional[str] = None,
    preset: str = "pcm-like",
    g_max: Optional[Union[str, float]] = None,
    prog_terms: int = 3,
) -> Fit:
    """Fits a device model to measurements.

    data: CSV files, or dicts (DataFrames, structured arrays) of equally long arrays named as the columns of such files;
    rows with masked elements are left out: cell, target_uS, time_s, g_uS
    (conductance over time, by the time since the last pulse of each cell), cell, target_uS, g_uS (programming), cell,
    sequence, pulse, direction, g_uS (pulses), g_uS, frequency_Hz, psd_uS2_per_Hz (noise spectra). model: "pcm",
    "accumulative-pcm", "soft-bounds" or "lookup-step"; None: the one that the tables are made for. preset: gives what
    the data do not tell. g_max [S]: None for the largest target. prog_terms: of the polynomial of the programming noise.

    Raises ValueError if a table is faulty, the tables do not carry the model or do not tell its parameters, OSError for a faulty file and
    FileNotFoundError for a missing one.

    Example:
        >>> import meltquench as mq
        >>> fit = mq.fit(mq.synthesize("drift", cells=2000), g_max="25 uS")
        >>> e = fit.estimates["nu_mean.low"]
        >>> e.low < 0.049 < e.high
        True
        >>> tile = mq.Tile([[0.5, -1.0]], fit.device)
    """
    if not data:
        raise TypeError("fit needs at least one CSV file or table")
    paths, tables = [], []
    for i, item in enumerate(data):
        table = _as_table(item)
        if table is None:
            if not isinstance(item, (str, bytes, os.PathLike)):
                raise ValueError(f"table {i + 1} = {item!r} must be the path of a CSV file or a dict of columns")
            paths.append(os.fsdecode(cast(_Path, item)))
        else:
            tables.append((f"table {i + 1}", _csv(table, f"table {i + 1}")))
    result = _core.fit_tables(paths, tables, "" if model is None else model, preset, g_max, prog_terms)
    return Fit(
        device=result["device"],
        estimates={entry["name"]: Estimate(**entry) for entry in result["estimates"]},
        goodness=result["goodness"],
        notes=result["notes"],
        has_converged=result["has_converged"],
        rows=result["rows"],
        rows_used=result["rows_used"],
        cells_used=result["cells_used"],
        toml=result["toml"],
        picture=result["picture"],
    )
