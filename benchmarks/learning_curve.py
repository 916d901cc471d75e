"""Accuracy of the defaults on small training sets.

For each seed, a stratified sample is drawn from the training rows. All models of a seed
are fitted to the same rows and evaluated on all test rows. `unlabelled` is the default
with the texts of the other training rows as `X_unlabelled`, and a vectorizer fitted on
all of them. Differences have a 95 % confidence interval of their mean over seeds
(Student's t).
"""

import json
import time

import numpy as np
from _data import CHINESE, load
from _models import make
from _results import collect, parse_arguments, print_table
from scipy import stats
from sklearn.model_selection import train_test_split

MODELS = ["default", "network", "tfidf", "unlabelled"]


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(
        __doc__,
        sets=["imdb", "trec", "ag_news"],
        sizes=["250", "1000", "5000", "all"],
        models=MODELS,
        seeds=5,
    )
    if args.row:
        print(json.dumps(make_row(args, *args.row)))
        return
    keys = [
        (name, size, model, str(seed))
        for name in args.sets
        for size in args.sizes
        for model in args.models
        for seed in range(args.seeds)
    ]
    path = args.out / "learning_curve.csv"
    rows = collect(__file__, path, keys, ["--data", str(args.data)])
    print_table(
        ["set", "rows", *args.models, "default minus tfidf", "95 % interval"],
        [summary(args, rows, name, size) for name in args.sets for size in args.sizes],
    )


def make_row(args, name, size, model_name, seed):
    """Fit a model to some rows and return its scores."""
    split = load(args.data, name)
    texts, labels, others = split.texts, split.labels, []
    if size != "all" and int(size) < len(texts):
        texts, others, labels, _ = train_test_split(
            texts, labels, train_size=int(size), random_state=int(seed), stratify=labels
        )
    reads_others = model_name == "unlabelled"
    made = "default" if reads_others else model_name
    model = make(made, chinese=name in CHINESE, random_state=int(seed))
    start = time.perf_counter()
    if reads_others and len(others) > 0:
        vectorizer, classifier = model.named_steps.values()
        vectorizer.fit([*texts, *others])  # the vocabulary includes unlabelled texts
        X, X_unlabelled = map(vectorizer.transform, (texts, others))
        classifier.fit(X, labels, X_unlabelled=X_unlabelled)
    else:
        model.fit(texts, labels)
    return {
        "set": name,
        "size": size,
        "model": model_name,
        "seed": seed,
        "fit_seconds": time.perf_counter() - start,
        "accuracy": model.score(split.test_texts, split.test_labels),
    }


def summary(args, rows, name, size):
    """Return a line of the table."""
    scores = {
        model: np.array(
            [
                100 * float(rows[name, size, model, str(seed)]["accuracy"])
                for seed in range(args.seeds)
            ]
        )
        for model in args.models
    }
    shown = [f"{found.mean():.1f} ± {found.std():.1f}" for found in scores.values()]
    above = scores["default"] - scores["tfidf"]
    error = above.std(ddof=1) / np.sqrt(len(above))
    low, high = above.mean() + error * np.array(stats.t.interval(0.95, len(above) - 1))
    return [name, size, *shown, f"{above.mean():+.2f}", f"[{low:+.2f}, {high:+.2f}]"]


if __name__ == "__main__":
    main()
