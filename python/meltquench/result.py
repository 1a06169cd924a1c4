"""What an evaluation found."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

import numpy as np

_COLUMNS = (
    ("variant", object),
    ("compensation", object),
    ("time", float),
    ("chips", int),
    ("mean", float),
    ("ci95_low", float),
    ("ci95_high", float),
    ("min", float),
    ("max", float),
    ("digital", float),
)


@dataclass(frozen=True, repr=False)
class Result:
    """Accuracy over time, over chips.

    rows: one dict per variant of the network, drift compensation and time [s], with the number of chips, the mean
    accuracy (a fraction), its 95 % Student-t interval (nan for one chip), the extremes, the digital accuracy of the
    same network, and the accuracy of each chip ("per_chip").
    digest: SHA-256 that is equal where config, seed and results are. folder: where a run left its files, or None.

    Example:
        >>> import numpy as np
        >>> import meltquench as mq
        >>> result = mq.evaluate([(np.eye(3), None)], np.eye(3), [0, 1, 2], device="ideal", times=[0], chips=2)
        >>> result.digital_accuracy
        {'network': 1.0}
        >>> result.to_numpy()["mean"]
        array([1., 1.])
    """

    rows: List[Dict[str, Any]]
    digest: str
    folder: Optional[Path]
    _table: str = field(compare=False)
    _page: bytes = field(compare=False)

    @classmethod
    def _from_core(cls, answer: Mapping[str, Any]) -> "Result":
        folder = Path(answer["folder"]) if answer["folder"] else None
        return cls(answer["rows"], answer["digest"], folder, answer["table"], answer["page"])

    @property
    def digital_accuracy(self) -> Dict[str, float]:
        """{variant: accuracy of the network without analog hardware, as a fraction}."""
        return {row["variant"]: row["digital"] for row in self.rows}

    def to_numpy(self) -> Any:
        """A structured array with one element per row; it lacks only `per_chip`."""
        return np.array([tuple(row[name] for name, _ in _COLUMNS) for row in self.rows], dtype=list(_COLUMNS))

    def to_pandas(self) -> Any:
        """A pandas DataFrame of the rows. Raises ImportError where pandas is not installed."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise ImportError("to_pandas() needs pandas, which is not installed; rows and to_numpy() do not") from None
        return pandas.DataFrame(self.rows)

    def html(self, path: Union[str, "os.PathLike[str]"]) -> Path:
        """Writes the report, one self-contained page, and returns its path. Raises OSError."""
        path = Path(path)
        path.write_bytes(self._page)
        return path

    def __repr__(self) -> str:
        return self._table.rstrip("\n")

    def _repr_html_(self) -> str:
        text = self._table.replace("&", "&amp;").replace("<", "&lt;")
        return f"<pre>{text}</pre>"
