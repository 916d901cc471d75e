"""Series with a number to predict, from statsmodels and aeon, and generated ones."""

import importlib
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

_TEST_SHARE = 0.3


class Split(NamedTuple):
    """Series of shape (n_series, n_steps, n_channels), and the number of each."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    period: (
        int | None
    )  # steps of a season, 1 without a season, None if X has no windows


def _statsmodels(name, column=None):
    """Load a column of a dataset, or all but the first if they are the months."""
    module = importlib.import_module(f"statsmodels.datasets.{name}")
    table = module.load_pandas().data
    if column is None:
        return table.iloc[:, 1:].to_numpy(float).ravel()
    # co2 lacks some weeks
    series = table.iloc[:, column] if isinstance(column, int) else table[column]
    return series.interpolate().to_numpy(float)


def _aeon(name):
    return getattr(importlib.import_module("aeon.datasets"), name)()


def _generated(trend):
    """Return a season of 24 steps with noise, and a trend per step."""
    steps = np.arange(900)
    noise = np.random.RandomState(0).randn(900)
    return 10 * np.sin(2 * np.pi * steps / 24) + 1.5 * noise + trend * steps


# Length of a window, period, and a function that returns the series.
_WINDOWS = {
    "sunspots": (24, 11, partial(_statsmodels, "sunspots", "SUNACTIVITY")),
    "co2": (60, 52, partial(_statsmodels, "co2", "co2")),
    "elnino": (24, 12, partial(_statsmodels, "elnino")),
    "elec_equip": (24, 12, partial(_statsmodels, "elec_equip", 0)),
    "realgdp": (12, 1, partial(_statsmodels, "macrodata", "realgdp")),
    "airline": (24, 12, partial(_aeon, "load_airline")),
    "unemployment": (12, 1, partial(_statsmodels, "macrodata", "unemp")),
    "prices": (12, 1, partial(_statsmodels, "macrodata", "cpi")),
    "nile": (12, 1, partial(_statsmodels, "nile", "volume")),
    "solar": (48, 48, partial(_aeon, "load_solar")),
    "season": (30, 24, partial(_generated, 0.0)),
    "season and trend": (30, 24, partial(_generated, 0.05)),
}
_REGRESSION = {"covid": "Covid3Month", "cardano": "CardanoSentiment"}
SETS = [*_REGRESSION, *_WINDOWS]


def load(name: str) -> Split:
    """Load a set by its name in `SETS`."""
    if name in _WINDOWS:
        length, period, series = _WINDOWS[name]
        windows = sliding_window_view(series(), length + 1)
        n_test = round(_TEST_SHARE * len(windows))
        X, y = windows[:, :-1, np.newaxis], windows[:, -1]
        return Split(X[:-n_test], y[:-n_test], X[-n_test:], y[-n_test:], period)
    read = importlib.import_module("aeon.datasets").load_regression
    X, y = read(_REGRESSION[name], split="train")
    X_test, y_test = read(_REGRESSION[name], split="test")
    return Split(X.swapaxes(1, 2), y, X_test.swapaxes(1, 2), y_test, None)
