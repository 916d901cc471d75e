"""Forecasts by sktime with BiLSTMRegressor.

In an environment of its own, since sktime restricts the versions of other packages:

    python -m pip install . sktime && python tests/others/with_sktime.py
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sktime.forecasting.compose import make_reduction

from sklearn_bilstm import BiLSTMRegressor
from sklearn_bilstm.sequences import channels_last

MONTHS = np.arange(120)
INDEX = pd.period_range("2015-01", periods=120, freq="M")
SEASON_AND_TREND = pd.Series(10 + 3 * np.cos(MONTHS * np.pi / 6) + MONTHS / 10, INDEX)
NUMBERS = pd.DataFrame({"a": np.random.default_rng(0).normal(size=120)}, INDEX)
OF_NUMBERS = 5 * NUMBERS["a"].shift(1, fill_value=0)
COUNTS = (10 * SEASON_AND_TREND).round().astype(int)


def main():
    """Compare forecasts of a year with the continuation of the series."""
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=FutureWarning)  # of sktime itself
    model = BiLSTMRegressor(input_type="numeric", max_epochs=1, random_state=0)
    of_channels = make_pipeline(FunctionTransformer(channels_last), model)
    for strategy in ("recursive", "direct", "multioutput"):
        tabular = {"strategy": strategy, "scitype": "tabular-regressor"}
        of_series = {"strategy": strategy, "scitype": "time-series-regressor"}
        assert error(model, SEASON_AND_TREND, **tabular) < 0.1
        assert error(model, COUNTS, **tabular) < 3
        assert error(of_channels, SEASON_AND_TREND, **of_series) < 0.1
    # the number of a month affects the next one, so it is unknown to other strategies
    of_series["strategy"] = "recursive"
    assert error(of_channels, OF_NUMBERS, NUMBERS, **of_series) < 1


def error(model, series, numbers=None, **options):
    """Return the largest error of a forecast of the last year."""
    known, unknown = (None, None) if numbers is None else (numbers[:-12], numbers[-12:])
    forecaster = make_reduction(model, window_length=24, **options)
    forecaster.fit(series[:-12], X=known, fh=range(1, 13))
    forecast = forecaster.predict(X=unknown)
    assert forecast.index.equals(series[-12:].index)
    return np.abs(forecast - series[-12:]).max()


if __name__ == "__main__":
    main()
