"""Error of the defaults in the prediction of a number at each step of a series.

Four generated sets and one of aeon. `bidirectional` and `causal` are BiLSTMRegressor
with and without `bidirectional`, and otherwise the default parameters. `centred` and
`past` are ridge regressions on the steps of a window around or up to each step. The
width of the window and alpha are chosen by the error on the last fifth of the training
rows. `constant` is the mean. The error is the root mean squared error.

The set motions requires aeon.
"""

import json
import time

import numpy as np
from _results import collect, parse_arguments, print_table
from _step_sets import SETS
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.preprocessing import StandardScaler

from sklearn_bilstm import BiLSTMRegressor

_WIDTHS = [0, 1, 2, 4, 8, 16, 32]
_ALPHAS = np.logspace(-3, 5, 17)


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(
        __doc__, needs_data=False, sets=list(SETS), models=list(MODELS), seeds=3
    )
    if args.row:
        print(json.dumps(make_row(*args.row)))
        return
    keys = [
        (name, model, str(seed))
        for name in args.sets
        for model in args.models
        for seed in range(args.seeds if model in SEEDED else 1)
    ]
    rows = collect(__file__, args.out / "step_regression.csv", keys, [])
    print_table(
        ["set", "rows", "steps", *args.models],
        [summary(args, rows, name) for name in args.sets],
    )


def make_row(name, model_name, seed):
    """Fit a model and return its error on the steps of the held-out series."""
    split = SETS[name]()
    start = time.perf_counter()
    predicted = MODELS[model_name](split, int(seed))
    return {
        "set": name,
        "model": model_name,
        "seed": seed,
        "rmse": rmse(split.y_test, predicted),
        "seconds": time.perf_counter() - start,
    }


def rmse(y, predicted):
    """Return the root mean squared error over all steps."""
    return root_mean_squared_error(np.concatenate(y), np.concatenate(predicted))


def bidirectional(split, seed):
    """Return the predictions of the defaults."""
    return (
        BiLSTMRegressor(random_state=seed).fit(split.X, split.y).predict(split.X_test)
    )


def causal(split, seed):
    """Return the predictions of the defaults without the reverse direction."""
    model = BiLSTMRegressor(bidirectional=False, random_state=seed)
    return model.fit(split.X, split.y).predict(split.X_test)


def centred(split, seed):
    """Return the predictions of ridge regression on the steps around each step."""
    return ridge(split, [(width, width) for width in _WIDTHS])


def past(split, seed):
    """Return the predictions of ridge regression on the steps up to each step."""
    return ridge(split, [(width, 0) for width in [*_WIDTHS, 64]])


def constant(split, seed):
    """Return the mean of the training targets for each step."""
    mean = np.concatenate(split.y).mean(0)
    return [np.broadcast_to(mean, y.shape) for y in split.y_test]


def ridge(split, windows):
    """Return predictions with the best window and alpha for held-out rows."""
    n_train = round(0.8 * len(split.X))
    scaler = StandardScaler().fit(np.concatenate(split.X))
    X, X_test = (
        [scaler.transform(x) for x in rows] for rows in (split.X, split.X_test)
    )
    train, valid = (X[:n_train], split.y[:n_train]), (X[n_train:], split.y[n_train:])
    errors = {}
    for window in windows:
        of_train, of_valid = (features(rows, window) for rows, _ in (train, valid))
        for alpha in _ALPHAS:
            model = Ridge(alpha).fit(of_train, np.concatenate(train[1]))
            errors[window, alpha] = rmse(valid[1], [model.predict(of_valid)])
    window, alpha = min(errors, key=errors.get)
    model = Ridge(alpha).fit(features(X, window), np.concatenate(split.y))
    return [model.predict(features([x], window)) for x in X_test]


def features(rows, window):
    """Return the steps of the window of each step, zeros before and after a row."""
    before, after = window
    return np.concatenate([_windows(x, before, after) for x in rows])


def _windows(x, before, after):
    padded = np.pad(x, ((before, after), (0, 0)))
    return np.column_stack([padded[i : i + len(x)] for i in range(before + after + 1)])


def summary(args, rows, name):
    """Return a line of the table: means over seeds, and standard deviations."""
    split = SETS[name]()
    errors = [
        [float(row["rmse"]) for key, row in rows.items() if key[:2] == (name, model)]
        for model in args.models
    ]
    lengths = [len(x) for x in split.X]
    steps = f"{min(lengths)} to {max(lengths)}" if len({*lengths}) > 1 else lengths[0]
    n_rows = f"{len(split.X)} / {len(split.X_test)}"
    return [name, n_rows, steps, *map(shown, errors)]


def shown(errors):
    """Format the mean over seeds and, for several seeds, their standard deviation."""
    spread = f" ± {np.std(errors):.3f}" if len(errors) > 1 else ""
    return f"{np.mean(errors):.3f}{spread}"


MODELS = {
    "bidirectional": bidirectional,
    "centred": centred,
    "causal": causal,
    "past": past,
    "constant": constant,
}
# Models that depend on the seed.
SEEDED = {"bidirectional", "causal"}

if __name__ == "__main__":
    main()
