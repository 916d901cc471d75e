"""Error of the defaults in the prediction of a number from a series.

Two sets of series with a number, with the split of their archive, and windows of ten
series of statsmodels and aeon and of two generated ones, whose next value is predicted:
the last 30 % of the windows of each, in the order of time, are held out. `default` is
BiLSTMRegressor with the same parameters on all sets. `ridge` and `forest` are a ridge
regression and a random forest on the steps of all channels, and `minirocket` is a ridge
regression on MiniRocket features (Dempster et al., 2021). Both ridge regressions choose
alpha by leave-one-out cross-validation. `naive` is the value one season before, or the
last one. The error is the root mean squared error.

Requires aeon and statsmodels.
"""

import importlib
import json
import time

import numpy as np
from _forecasts import SETS, load
from _results import collect, parse_arguments, print_table
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_bilstm import BiLSTMRegressor


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(
        __doc__, needs_data=False, sets=SETS, models=list(MODELS), seeds=3
    )
    if args.row:
        print(json.dumps(make_row(*args.row)))
        return
    keys = [
        (name, model, str(seed))
        for name in args.sets
        for model in args.models
        for seed in range(args.seeds if model in SEEDED else 1)
        if model != "naive" or load(name).period is not None
    ]
    rows = collect(__file__, args.out / "series_regression.csv", keys, [])
    print_table(
        ["set", "rows", "steps", *args.models],
        [summary(args, rows, name) for name in args.sets],
    )


def make_row(name, model_name, seed):
    """Fit a model and return its error on the held-out series."""
    split = load(name)
    start = time.perf_counter()
    predicted = MODELS[model_name](split, int(seed))
    return {
        "set": name,
        "model": model_name,
        "seed": seed,
        "rmse": root_mean_squared_error(split.y_test, predicted),
        "seconds": time.perf_counter() - start,
    }


def default(split, seed):
    """Return the predictions of the defaults."""
    return (
        BiLSTMRegressor(random_state=seed).fit(split.X, split.y).predict(split.X_test)
    )


def ridge(split, seed):
    """Return the predictions of a ridge regression on all steps."""
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-6, 3, 19)))
    return on_steps(model, split)


def forest(split, seed):
    """Return the predictions of a random forest on all steps."""
    return on_steps(RandomForestRegressor(random_state=seed), split)


def on_steps(model, split):
    """Return the predictions of a model of rows of numbers."""
    X, X_test = (series.reshape(len(series), -1) for series in (split.X, split.X_test))
    return model.fit(X, split.y).predict(X_test)


def minirocket(split, seed):
    """Return the predictions of a ridge regression on MiniRocket features."""
    aeon = importlib.import_module("aeon.regression.convolution_based")
    model = aeon.MiniRocketRegressor(random_state=seed)
    model.fit(split.X.swapaxes(1, 2), split.y)
    return model.predict(split.X_test.swapaxes(1, 2))


def naive(split, seed):
    """Return the value one season before the predicted one."""
    return split.X_test[:, -split.period, 0]


def summary(args, rows, name):
    """Return a line of the table: means over seeds, and standard deviations."""
    split = load(name)
    errors = [
        [float(row["rmse"]) for key, row in rows.items() if key[:2] == (name, model)]
        for model in args.models
    ]
    n_rows = f"{len(split.X)} / {len(split.X_test)}"
    return [name, n_rows, split.X.shape[1], *map(shown, errors)]


def shown(errors):
    """Format the mean over seeds and, for several seeds, their standard deviation."""
    if not errors:
        return ""
    mean = np.mean(errors)
    digits = max(0, 2 - int(np.floor(np.log10(mean))))  # three significant ones
    spread = f" ± {np.std(errors):.{digits}f}" if len(errors) > 1 else ""
    return f"{mean:,.{digits}f}{spread}"


MODELS = {
    "default": default,
    "ridge": ridge,
    "forest": forest,
    "minirocket": minirocket,
    "naive": naive,
}
# Models that depend on the seed.
SEEDED = {"default", "forest", "minirocket"}

if __name__ == "__main__":
    main()
