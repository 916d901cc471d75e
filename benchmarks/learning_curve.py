"""Accuracy of the defaults and of semi-supervised rivals on small training sets.

For each seed, a stratified sample is drawn from the training rows, of at least five
rows per class on average. All models of a seed are fitted to the same rows and
evaluated on all test rows. Semi-supervised models are also fitted to at most
`--max-unlabelled` other texts, drawn from the other training rows, without their
labels, and the unlabelled texts of the dataset. `unlabelled` is the default with these
texts as `X_unlabelled`, and a vectorizer fitted on all texts.

Rivals with the labelled rows only are `tfidf`, `nb` (multinomial naive Bayes), and with
word vectors of `--vectors` `given_vectors`, the default with these vectors as
`embedding`. Rivals with unlabelled texts are `nb_em` (naive Bayes with expectation
maximisation), `self_training` of a linear model on TF-IDF, `label_spreading` on a
truncated SVD of TF-IDF (at most 5,000 unlabelled texts), `lsa` (logistic regression on
this SVD), `given_vectors_unlabelled`, and `mean_vectors` (logistic regression on the
mean of word vectors, weighted by the inverse document frequency in all texts).

Differences have a 95 % confidence interval of their mean over seeds (Student's t).
"""

import json
import time

import numpy as np
from _data import CHINESE, load, load_unlabelled
from _models import loss
from _results import collect, parse_arguments, print_table
from _semi_supervised import SEMI_SUPERVISED, WITH_VECTORS, fit, make
from scipy import stats
from sklearn.model_selection import train_test_split

from sklearn_bilstm import load_word_vectors

MODELS = ["default", "network", "tfidf", "unlabelled"]
MIN_ROWS_PER_CLASS = 5


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(
        __doc__,
        sets=["imdb", "trec", "ag_news"],
        sizes=["250", "1000", "5000", "all"],
        models=MODELS,
        seeds=5,
        max_unlabelled=20_000,
        vectors=None,
    )
    if args.row:
        print(json.dumps(make_row(args, *args.row)))
        return
    check_vectors(args)
    keys = [
        (name, size, model, str(seed))
        for name in args.sets
        for size in args.sizes
        for model in args.models
        for seed in range(args.seeds)
    ]
    arguments = ["--data", str(args.data), "--max-unlabelled", str(args.max_unlabelled)]
    if args.vectors is not None:
        arguments += ["--vectors", str(args.vectors)]
    rows = collect(__file__, args.out / "learning_curve.csv", keys, arguments)
    print_table(
        [
            *("set", "rows", "model", "accuracy", "sd", "log loss", "fit s"),
            *(f"{args.models[0]} minus model", "95 % interval"),
        ],
        [
            summary(args, rows, name, size, model)
            for name in args.sets
            for size in args.sizes
            for model in args.models
        ],
    )


def check_vectors(args):
    """Raise an error if a model requires word vectors and there is no file of them."""
    lacking = sorted(WITH_VECTORS.intersection(args.models))
    if lacking and args.vectors is None:
        raise ValueError(
            f"{', '.join(lacking)} requires word vectors: pass their file as --vectors."
        )


def make_row(args, name, size, model_name, seed):
    """Fit a model to some rows and return its scores."""
    split = load(args.data, name)
    texts, labels, unlabelled = draw(args, split, name, size, int(seed))
    needs_vectors = model_name in WITH_VECTORS
    model = make(
        model_name,
        chinese=name in CHINESE,
        random_state=int(seed),
        word_vectors=load_word_vectors(args.vectors) if needs_vectors else None,
    )
    start = time.perf_counter()
    if model_name in SEMI_SUPERVISED:
        fit(model, texts, labels, unlabelled)
    else:
        model.fit(texts, labels)
    return {
        "set": name,
        "size": size,
        "model": model_name,
        "seed": seed,
        "n_labelled": len(texts),
        "n_unlabelled": len(unlabelled) if model_name in SEMI_SUPERVISED else 0,
        "fit_seconds": time.perf_counter() - start,
        "accuracy": model.score(split.test_texts, split.test_labels),
        "log_loss": loss(model, split),
    }


def draw(args, split, name, size, seed):
    """Return labelled texts with their labels, and unlabelled texts."""
    texts, labels, others = split.texts, split.labels, []
    n_rows = len(texts)
    if size != "all":
        n_rows = max(int(size), MIN_ROWS_PER_CLASS * len(np.unique(labels)))
    if n_rows < len(texts):
        texts, others, labels, _ = train_test_split(
            texts, labels, train_size=n_rows, random_state=seed, stratify=labels
        )
    others = np.concatenate([others, load_unlabelled(args.data, name)])
    order = np.random.RandomState(seed).permutation(len(others))
    return texts, labels, others[order[: args.max_unlabelled]]


def summary(args, rows, name, size, model):
    """Return a line of the table: means over seeds, and a difference."""

    def values(column, of_model=model):
        keys = [(name, size, of_model, str(seed)) for seed in range(args.seeds)]
        return np.array([float(rows[key][column]) for key in keys])

    accuracy = 100 * values("accuracy")
    above = 100 * values("accuracy", args.models[0]) - accuracy
    error = above.std(ddof=1) / np.sqrt(len(above))
    low, high = above.mean() + error * np.array(stats.t.interval(0.95, len(above) - 1))
    return [
        name,
        f"{values('n_labelled')[0]:.0f}",
        model,
        f"{accuracy.mean():.1f}",
        f"{accuracy.std():.1f}",
        f"{values('log_loss').mean():.3f}",
        f"{values('fit_seconds').mean():.1f}",
        f"{above.mean():+.2f}",
        f"[{low:+.2f}, {high:+.2f}]",
    ]


if __name__ == "__main__":
    main()
