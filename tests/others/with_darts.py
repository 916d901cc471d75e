"""Forecasts by darts with BiLSTMRegressor.

In an environment of its own, since darts restricts the versions of other packages:

    python -m pip install . darts && python tests/others/with_darts.py
"""

import warnings

import numpy as np
import pandas as pd
from darts import TimeSeries
from darts.models import SKLearnModel

from sklearn_bilstm import BiLSTMRegressor

MONTHS = np.arange(120)
INDEX = pd.date_range("2015-01", periods=120, freq="MS")
SEASON_AND_TREND = pd.Series(10 + 3 * np.cos(MONTHS * np.pi / 6) + MONTHS / 10, INDEX)
NUMBERS = pd.Series(np.random.default_rng(0).normal(size=120), INDEX)
COUNTS = (10 * SEASON_AND_TREND).round().astype(int)


def main():
    """Compare forecasts of a year with the continuation of the series."""
    warnings.simplefilter("error")
    # darts itself uses names that pandas deprecates
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    model = BiLSTMRegressor(input_type="numeric", max_epochs=1, random_state=0)
    with_static = BiLSTMRegressor(**{**model.get_params(), "n_static_features": 1})
    for options in (
        {"output_chunk_length": 1},
        {"output_chunk_length": 12},
        {"output_chunk_length": 12, "multi_models": False},
    ):
        forecaster = SKLearnModel(lags=24, model=model, **options)
        assert error(forecaster, SEASON_AND_TREND) < 0.1
        assert error(SKLearnModel(lags=24, model=model, **options), COUNTS) < 3
    forecaster = SKLearnModel(lags=24, lags_future_covariates=[0], model=with_static)
    assert error(forecaster, 5 * NUMBERS, NUMBERS) < 1
    several = pd.DataFrame({"a": SEASON_AND_TREND, "b": 5 - SEASON_AND_TREND})
    assert error(SKLearnModel(lags=24, model=model), several) < 0.1


def error(forecaster, series, numbers=None):
    """Return the largest error of a forecast of the last year."""
    covariates = None if numbers is None else TimeSeries.from_series(numbers)
    as_darts = TimeSeries.from_dataframe(pd.DataFrame(series).add_prefix("series "))
    forecaster.fit(as_darts[:-12], future_covariates=covariates)
    forecast = forecaster.predict(12, future_covariates=covariates)
    assert forecast.time_index.equals(series[-12:].index)
    return np.abs(forecast.values() - as_darts[-12:].values()).max()


if __name__ == "__main__":
    main()
