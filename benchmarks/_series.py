"""Loader of time series of the UCR and UEA archives."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

UCR = [
    "ArrowHead",
    "ECG200",
    "FaceAll",
    "GesturePebbleZ1",
    "GunPoint",
    "ItalyPowerDemand",
    "PickupGestureWiimoteZ",
    "SwedishLeaf",
    "SyntheticControl",
    "Trace",
]
UEA = ["BasicMotions", "JapaneseVowels", "PickupGestureWiimoteZ"]
SETS = [f"ucr/{name}" for name in UCR] + [f"uea/{name}" for name in UEA]


class Split(NamedTuple):
    """Series, each of shape (n_timesteps, n_channels), and labels."""

    X: list
    y: np.ndarray
    X_test: list
    y_test: np.ndarray


def load(data: Path, name: str) -> Split:
    """Load a dataset by its name in `SETS`."""
    read = _read_tsv if name.startswith("ucr/") else _read_ts
    ending = "tsv.gz" if name.startswith("ucr/") else "ts"
    return Split(
        *read(data / f"{name}_TRAIN.{ending}"), *read(data / f"{name}_TEST.{ending}")
    )


def _read_tsv(path):
    table = np.loadtxt(path, delimiter="\t")
    return [row[:, np.newaxis] for row in table[:, 1:]], table[:, 0].astype(int)


def _read_ts(path):
    _, _, rows = path.read_text(encoding="utf-8").partition("@data\n")
    cells = [row.split(":") for row in rows.splitlines() if row]
    series = [
        np.array([np.array(c.split(","), float) for c in channels]).T
        for *channels, _ in cells
    ]
    return series, np.array([label.strip() for *_, label in cells])
