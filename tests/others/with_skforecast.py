"""Forecasts by skforecast with BiLSTMRegressor.

In an environment of its own, since skforecast restricts the versions of other packages:

    python -m pip install . skforecast && python tests/others/with_skforecast.py
"""

import warnings

import numpy as np
import pandas as pd
from skforecast.direct import ForecasterDirect
from skforecast.recursive import ForecasterRecursive

from sklearn_bilstm import BiLSTMRegressor

MONTHS = np.arange(120)
INDEX = pd.date_range("2015-01", periods=120, freq="MS")
SEASON_AND_TREND = pd.Series(10 + 3 * np.cos(MONTHS * np.pi / 6) + MONTHS / 10, INDEX)
NUMBERS = pd.DataFrame({"a": np.random.default_rng(0).normal(size=120)}, INDEX)
OF_NUMBERS = 5 * NUMBERS["a"]
COUNTS = (10 * SEASON_AND_TREND).round().astype(int)


def main():
    """Compare forecasts of a year with the continuation of the series."""
    warnings.simplefilter("error")
    model = BiLSTMRegressor(input_type="numeric", max_epochs=1, random_state=0)
    with_static = BiLSTMRegressor(**{**model.get_params(), "n_static_features": 1})
    for forecaster, options in (
        (ForecasterRecursive, {}),
        (ForecasterDirect, {"steps": 12}),
    ):
        assert error(forecaster(model, lags=24, **options), SEASON_AND_TREND) < 0.1
        assert error(forecaster(model, lags=24, **options), COUNTS) < 3
        of_static = forecaster(with_static, lags=24, **options)
        assert error(of_static, OF_NUMBERS, NUMBERS) < 1
    check_interval(ForecasterRecursive(model, lags=24))


def error(forecaster, series, numbers=None):
    """Return the largest error of a forecast of the last year."""
    known, unknown = (None, None) if numbers is None else (numbers[:-12], numbers[-12:])
    forecaster.fit(series[:-12], exog=known)
    forecast = forecaster.predict(steps=12, exog=unknown)
    assert forecast.index.equals(series[-12:].index)
    return np.abs(forecast - series[-12:]).max()


def check_interval(forecaster):
    """Check that a prediction interval encloses the forecast."""
    noise = np.random.default_rng(0).normal(size=120)
    forecaster.fit(SEASON_AND_TREND + noise, store_in_sample_residuals=True)
    interval = forecaster.predict_interval(steps=12, interval=[0.1, 0.9], n_boot=20)
    assert (interval["lower_bound"] < interval["upper_bound"]).all()


if __name__ == "__main__":
    main()
