"""Accuracy of the defaults on time series, compared with standard baselines.

Ten sets of the UCR archive and three of the UEA archive, univariate and multivariate,
of equal and unequal length, with the split of the archives. `default` is
BiLSTMClassifier with the same parameters on all sets, and `network` the same without
its linear model. `stride 1`, `stride 2` and `stride 4` are `network` with a convolution
of 64 filters and this stride. `euclidean` and `dtw` are nearest-neighbour classifiers
with the Euclidean distance and with dynamic time warping without a window. `minirocket`
is a ridge classifier on MiniRocket features (Dempster et al., 2021), and
`multirocket_hydra` on MultiRocket (Tan et al., 2022) and Hydra features (Dempster et
al., 2023). `dtw` supports series of unequal length; for the other rivals, they are
truncated, or padded with zeros, to the longest training series. Without aeon (`pip
install aeon`), all rivals except `euclidean` are omitted. The last line is the CPU time
of training and prediction, in seconds.
"""

import importlib
import importlib.util
import json
import sys
import time
from functools import partial

import numpy as np
from _results import collect, parse_arguments, print_table
from _series import SETS, load
from sklearn.neighbors import KNeighborsClassifier

from sklearn_bilstm import BiLSTMClassifier


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(__doc__, sets=SETS, models=list(MODELS), seeds=3)
    if args.row:
        print(json.dumps(make_row(args, *args.row)))
        return
    if importlib.util.find_spec("aeon") is None:
        print("omitted, since they require aeon:", *sorted(WITH_AEON), file=sys.stderr)
        args.models = [model for model in args.models if model not in WITH_AEON]
    keys = [
        (name, model, str(seed))
        for name in args.sets
        for model in args.models
        for seed in range(args.seeds if model in SEEDED else 1)
    ]
    path = args.out / "time_series.csv"
    rows = collect(__file__, path, keys, ["--data", str(args.data)])
    print_table(
        ["set", "rows", "steps", "channels", *args.models],
        [
            *(summary(args, rows, name) for name in args.sets),
            ["mean", "", "", "", *(mean(args, rows, m) for m in args.models)],
            ["CPU seconds", "", "", "", *(seconds(args, rows, m) for m in args.models)],
        ],
    )


def make_row(args, name, model_name, seed):
    """Fit a model and return its scores on the test set."""
    split = load(args.data, name)
    start = time.process_time()
    predicted = MODELS[model_name](split, int(seed))
    return {
        "set": name,
        "model": model_name,
        "seed": seed,
        "accuracy": np.mean(predicted == split.y_test),
        "seconds": time.process_time() - start,
    }


def default(split, seed):
    """Return the predictions of the defaults for the test series."""
    model = BiLSTMClassifier(random_state=seed).fit(split.X, split.y)
    return model.predict(split.X_test)


def network(split, seed, **params):
    """Return the predictions of the network without the linear model."""
    model = BiLSTMClassifier(linear_kernels=None, random_state=seed, **params)
    return model.fit(split.X, split.y).predict(split.X_test)


def euclidean(split, seed):
    """Return the classes of the nearest training series, by Euclidean distance."""
    X, X_test = (series.reshape(len(series), -1) for series in filled(split))
    return KNeighborsClassifier(n_neighbors=1).fit(X, split.y).predict(X_test)


def dtw(split, seed):
    """Return the classes of the nearest training series, by dynamic time warping."""
    aeon = importlib.import_module("aeon.classification.distance_based")
    model = aeon.KNeighborsTimeSeriesClassifier(n_neighbors=1, distance="dtw")
    model.fit([series.T for series in split.X], split.y)
    return model.predict([series.T for series in split.X_test])


def minirocket(split, seed):
    """Return the predictions of a ridge classifier on MiniRocket features."""
    aeon = importlib.import_module("aeon.classification.convolution_based")
    X, X_test = filled(split)
    model = aeon.MiniRocketClassifier(random_state=seed)
    return model.fit(X, split.y).predict(X_test)


def multirocket_hydra(split, seed):
    """Return the predictions of a ridge classifier on MultiRocket and Hydra."""
    aeon = importlib.import_module("aeon.classification.convolution_based")
    X, X_test = filled(split)
    model = aeon.MultiRocketHydraClassifier(random_state=seed)
    return model.fit(X, split.y).predict(X_test)


def filled(split):
    """Return series as arrays of shape (n_series, n_channels, n_steps)."""
    n_steps = max(map(len, split.X))
    n_channels = split.X[0].shape[1]
    arrays = []
    for rows in (split.X, split.X_test):
        array = np.zeros((len(rows), n_channels, n_steps))
        for i, series in enumerate(rows):
            kept = series[:n_steps]
            array[i, :, : len(kept)] = kept.T
        arrays.append(array)
    return arrays


def of_seeds(rows, name, model, column):
    """Return the values of a column for each seed."""
    found = [row for (n, m, _), row in rows.items() if (n, m) == (name, model)]
    return np.array([float(row[column]) for row in found])


def accuracies(rows, name, model):
    """Return the accuracy of each seed, in percent."""
    return 100 * of_seeds(rows, name, model, "accuracy")


def summary(args, rows, name):
    """Return a line of the table."""
    split = load(args.data, name)
    n_steps = sorted({len(series) for series in [*split.X, *split.X_test]})
    return [
        name,
        f"{len(split.X)} / {len(split.X_test)}",
        str(n_steps[0]) if len(n_steps) == 1 else f"{n_steps[0]} - {n_steps[-1]}",
        split.X[0].shape[1],
        *(shown(accuracies(rows, name, model)) for model in args.models),
    ]


def mean(args, rows, model):
    """Return the mean accuracy over sets."""
    found = [accuracies(rows, name, model).mean() for name in args.sets]
    return f"{np.mean(found):.1f}"


def seconds(args, rows, model):
    """Return the sum over sets of the mean seconds over seeds."""
    found = [of_seeds(rows, name, model, "seconds").mean() for name in args.sets]
    return f"{np.sum(found):.0f}"


def shown(found):
    """Format the mean over seeds and, for several seeds, their standard deviation."""
    mean = f"{found.mean():.1f}"
    return f"{mean} ± {found.std():.1f}" if len(found) > 1 else mean


STRIDES = 1, 2, 4
MODELS = {
    "default": default,
    "network": network,
    **{
        f"stride {stride}": partial(
            network, convolution_layer_sizes=64, convolution_stride=stride
        )
        for stride in STRIDES
    },
    "euclidean": euclidean,
    "dtw": dtw,
    "minirocket": minirocket,
    "multirocket_hydra": multirocket_hydra,
}
# Models that depend on the seed.
SEEDED = {
    "default",
    "network",
    "minirocket",
    "multirocket_hydra",
    *(f"stride {stride}" for stride in STRIDES),
}
WITH_AEON = {"dtw", "minirocket", "multirocket_hydra"}

if __name__ == "__main__":
    main()
