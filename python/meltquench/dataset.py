"""Data sets as arrays."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Optional, Union

from . import _core


class Dataset(NamedTuple):
    """Images [n, height, width] (or [n, channels, height, width]) in [0, 1], float32, and labels [n], uint8.

    Example:
        >>> import meltquench as mq
        >>> mq.load_dataset("synthetic", test_images=100).test_labels.shape
        (100,)
    """

    train_images: Any
    train_labels: Any
    test_images: Any
    test_labels: Any


def load_dataset(
    name: str = "fashion-mnist",
    *,
    path: Optional[Union[str, "os.PathLike[str]"]] = None,
    train_images: int = 0,
    test_images: int = 0,
    seed: int = 7,
) -> Dataset:
    """A data set that datasets() lists.

    path: folder of its files; None is where its Debian package puts them. train_images and test_images: only the first
    so many; 0 is all. seed matters for "synthetic" alone.

    Raises FileNotFoundError that says how to get the files, OSError for damaged ones, ValueError for an unknown name or
    more images than there are.

    Example:
        >>> import meltquench as mq
        >>> data = mq.load_dataset("synthetic", train_images=200)
        >>> data.train_images.shape
        (200, 12, 12)
    """
    return Dataset(**_core.load_arrays(name, path, train_images, test_images, seed))
