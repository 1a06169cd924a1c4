import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str

_Path = Union[str, os.PathLike[str]]
_Device = Union[str, Mapping[str, Any]]
_Section = Optional[Mapping[str, Any]]

HARDWARE_DOC: str

class Tile:
    __array_ufunc__: None
    def __init__(
        self,
        W: ArrayLike,
        device: _Device = "pcm-like",
        *,
        seed: int = 0,
        rows: Optional[int] = None,
        columns: Optional[int] = None,
        dac_bits: Optional[int] = None,
        adc_bits: Optional[int] = None,
        dac_range: Optional[float] = None,
        adc_range: Optional[float] = None,
        output_noise: Optional[float] = None,
        read_noise: Optional[float] = None,
        programming: _Section = None,
        faults: _Section = None,
        mapping: _Section = None,
        tile: _Section = None,
        dac: _Section = None,
        periphery: _Section = None,
        wires: _Section = None,
        current: _Section = None,
        adc: _Section = None,
        cell_noise: _Section = None,
        temperature: _Section = None,
        hardware: _Section = None,
        threads: Optional[int] = 1,
        backend: str = "cpu",
    ) -> None: ...
    def __getstate__(self) -> Tuple[bytes, int, str, Dict[str, Any]]: ...
    def __setstate__(self, state: Tuple[bytes, int, str, Dict[str, Any]]) -> None: ...
    def __matmul__(self, x: ArrayLike, /) -> NDArray[np.float32]: ...
    def mvm(self, x: ArrayLike, *, first_row: int = 0, call: Optional[int] = None) -> NDArray[np.float32]: ...
    def program(self, W: ArrayLike) -> None: ...
    def calibrate(self, x: ArrayLike) -> None: ...
    def inspect(
        self, x: ArrayLike, *, tile: int = 0, v_read: Union[str, float] = 0.2, slice: int = 0, phase: Optional[int] = None
    ) -> Dict[str, Any]: ...
    def code_histograms(self, x: ArrayLike, *, first_row: int = 0, call: Optional[int] = None) -> Dict[str, Any]: ...
    def plot(
        self, x: ArrayLike, *, what: str = "plus", tile: int = 0, v_read: Union[str, float] = 0.2, slice: int = 0,
        phase: Optional[int] = None
    ) -> str: ...
    def drift_to(self, time: Union[str, float]) -> None: ...
    def compensate_drift(self, how: str = "global") -> None: ...
    def save(self, path: _Path) -> None: ...
    @staticmethod
    def load(path: _Path, *, threads: Optional[int] = 1, backend: str = "cpu") -> Tile: ...
    @property
    def shape(self) -> Tuple[int, int]: ...
    @property
    def time(self) -> float: ...
    @property
    def weights(self) -> NDArray[np.float32]: ...
    @property
    def target(self) -> NDArray[np.float32]: ...
    @property
    def conductances(self) -> Dict[str, NDArray[np.float32]]: ...
    @property
    def counters(self) -> Dict[str, int]: ...
    @property
    def ranges(self) -> Dict[str, Any]: ...
    @property
    def compensation(self) -> NDArray[np.float64]: ...

def hardware_keywords() -> List[str]: ...
def check_keywords(function: str, given: Dict[str, Any], known: Sequence[str]) -> None: ...
def describe(name: Optional[str] = None) -> str: ...
def parameters(name: str) -> Dict[str, Dict[str, Any]]: ...
def presets() -> Dict[str, str]: ...
def device(device: _Device, *, si: bool = False) -> Dict[str, Any]: ...
def plot_device(device: _Device) -> str: ...
def quantity(value: Union[str, float], unit: str) -> float: ...
def datasets() -> Dict[str, Dict[str, Any]]: ...
def load_arrays(
    name: str, path: Optional[_Path], train_images: int, test_images: int, seed: int
) -> Dict[str, NDArray[Any]]: ...
def doctor() -> Dict[str, Any]: ...
def fit_tables(
    paths: Sequence[str],
    tables: Sequence[Tuple[str, str]],
    model: str,
    preset: str,
    g_max: Optional[Union[str, float]],
    prog_terms: int,
) -> Dict[str, Any]: ...
def synthesize(
    kind: str,
    device: _Device = "pcm-like",
    *,
    cells: int = 2000,
    programming_time: Union[str, float] = 0.0,
    pulses: int = 100,
    sequences: int = 1,
    seed: int = 1,
) -> Dict[str, NDArray[Any]]: ...
def evaluate_config(
    config: Union[_Path, Dict[str, Any]],
    set: Sequence[str],
    output: _Path,
    threads: Optional[int],
    backend: str,
    progress: Optional[Callable[[str, int, int], object]],
) -> Dict[str, Any]: ...
def evaluate_network(
    layers: Sequence[Tuple[Any, Any]],
    images: ArrayLike,
    labels: ArrayLike,
    device: _Device,
    hardware: Dict[str, Any],
    evaluation: Dict[str, Any],
    calibration: Optional[ArrayLike],
    seed: int,
    threads: Optional[int],
    backend: str,
    progress: Optional[Callable[[str, int, int], object]],
) -> Dict[str, Any]: ...
