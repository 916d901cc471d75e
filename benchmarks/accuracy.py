"""Accuracy of the defaults, compared with linear models and a tutorial's network.

Each model is fitted to the training set of each dataset and evaluated once on its test
set. `default` and `network` (the default with `linear_ngram_range=None`) have the same
parameters on all sets. TF-IDF with logistic regression has its C chosen by
cross-validation. Differences have a 95 % confidence interval from a paired bootstrap of
test rows over all seeds. For models with probabilities, the log loss measures their
calibration.
"""

import json
import time

import numpy as np
from _data import CHINESE, SETS, load
from _models import SEEDED, loss, make
from _results import collect, parse_arguments, peak_memory, print_table
from sklearn.metrics import accuracy_score, f1_score

MODELS = ["default", "network", "tfidf", "nbsvm", "tutorial"]
N_BOOTSTRAPS = 10_000


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(__doc__, sets=SETS, models=MODELS, seeds=3)
    if args.row:
        print(json.dumps(make_row(args, *args.row)))
        return
    keys = [
        (name, model, str(seed))
        for name in args.sets
        for model in args.models
        for seed in range(args.seeds if model in SEEDED else 1)
    ]
    arguments = ["--data", str(args.data), "--out", str(args.out)]
    rows = collect(__file__, args.out / "accuracy.csv", keys, arguments)
    print_table(
        [
            *("set", "model", "accuracy", "sd", "macro F1", "log loss"),
            *("fit s", "predict s", "GB"),
        ],
        [summary(args, rows, n, m) for n in args.sets for m in args.models],
    )
    for model in args.models[1:]:
        print_differences(args, rows, model)


def make_row(args, name, model_name, seed):
    """Fit a model, store its predictions, and return its scores."""
    split = load(args.data, name)
    model = make(model_name, chinese=name in CHINESE, random_state=int(seed))
    start = time.perf_counter()
    model.fit(split.texts, split.labels)
    fitted = time.perf_counter()
    predicted = model.predict(split.test_texts)
    done = time.perf_counter()
    path = predictions(args, name, model_name, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, predicted == split.test_labels)
    return {
        "set": name,
        "model": model_name,
        "seed": seed,
        "accuracy": accuracy_score(split.test_labels, predicted),
        "macro_f1": f1_score(split.test_labels, predicted, average="macro"),
        "fit_seconds": fitted - start,
        "predict_seconds": done - fitted,
        "gigabytes": peak_memory(),
        "log_loss": loss(model, split),
    }


def predictions(args, name, model, seed):
    """Return the path of the file of correct predictions of a model."""
    return args.out / "accuracy" / f"{name}-{model}-{seed}.npy"


def rights(args, rows, name, model):
    """Return whether each test row is correct, averaged over seeds."""
    seeds = [seed for n, m, seed in rows if (n, m) == (name, model)]
    return np.mean([np.load(predictions(args, name, model, s)) for s in seeds], axis=0)


def summary(args, rows, name, model):
    """Return a line of the table."""
    found = [row for (n, m, _), row in rows.items() if (n, m) == (name, model)]

    def mean(column, percent=1):
        return percent * np.mean([float(row[column]) for row in found])

    sd = np.std([100 * float(row["accuracy"]) for row in found])
    figures = [
        f"{mean('accuracy', 100):.2f}",
        f"{sd:.2f}",
        f"{mean('macro_f1', 100):.2f}",
        f"{mean('log_loss'):.3f}",
        f"{mean('fit_seconds'):.0f}",
        f"{mean('predict_seconds'):.1f}",
        f"{mean('gigabytes'):.1f}",
    ]
    return [name, model, *figures]


def print_differences(args, rows, model):
    """Print the difference of the first model to another, per set and on average."""
    random = np.random.RandomState(0)
    table, differences = [], []
    for name in args.sets:
        ours = rights(args, rows, name, args.models[0])
        theirs = rights(args, rows, name, model)
        by_row = 100 * (ours - theirs)
        n_rows = len(by_row)
        # a bootstrap sample is given by the number of times each row is drawn
        share = np.full(n_rows, 1 / n_rows)
        means = [
            random.multinomial(n_rows, share) @ by_row / n_rows
            for _ in range(N_BOOTSTRAPS)
        ]
        low, high = np.percentile(means, [2.5, 97.5])
        differences.append(by_row.mean())
        table.append([name, f"{by_row.mean():+.2f}", f"[{low:+.2f}, {high:+.2f}]"])
    table.append(["mean", f"{np.mean(differences):+.2f}", ""])
    print(f"\n{args.models[0]} minus {model}, points of accuracy")
    print_table(["set", "difference", "95 % interval"], table)


if __name__ == "__main__":
    main()
