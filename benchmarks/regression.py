"""Error of regressors on the ratings of reviews.

The ratings of Women's Clothing reviews, 1 to 5, are predicted from title and text, some
of which are missing. A fixed fifth of the rows is held out. `default` and `absolute`
are pipelines of a TextVectorizer for both columns and a BiLSTMRegressor with
`loss="squared_error"` and `loss="absolute_error"`. The baselines are linear models on
TF-IDF of unigrams and bigrams of both columns, `ridge` for the squared error and `svr`
for the absolute error, with regularisation chosen by cross-validation, and `median`, a
constant.
"""

import json
import time

import numpy as np
import pyarrow.parquet as pq
from _results import collect, parse_arguments, print_table
from sklearn.dummy import DummyRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVR

from sklearn_bilstm import BiLSTMRegressor, TextVectorizer

TEXTS = ["Title", "Review Text"]
TARGET = "Rating"


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(__doc__, models=list(MODELS), seeds=3)
    if args.row:
        print(json.dumps(make_row(args, *args.row)))
        return
    keys = [
        (model, str(seed))
        for model in args.models
        for seed in range(args.seeds if model in SEEDED else 1)
    ]
    path = args.out / "regression.csv"
    rows = collect(__file__, path, keys, ["--data", str(args.data)])
    print_table(
        ["model", "mean absolute error", "R²", "fit s"],
        [summary(rows, model) for model in args.models],
    )


def make_row(args, name, seed):
    """Fit a model and return its scores on the held-out rows."""
    columns = [*TEXTS, TARGET]
    table = pq.read_table(
        args.data / "womens_clothing" / "all.parquet", columns=columns
    ).to_pandas()
    learnt, held_out = train_test_split(
        table, test_size=0.2, random_state=0, stratify=table[TARGET]
    )
    model = MODELS[name](int(seed))
    start = time.perf_counter()
    model.fit(learnt[TEXTS], learnt[TARGET])
    seconds = time.perf_counter() - start
    predicted = model.predict(held_out[TEXTS])
    return {
        "model": name,
        "seed": seed,
        "mae": mean_absolute_error(held_out[TARGET], predicted),
        "r2": r2_score(held_out[TARGET], predicted),
        "fit_seconds": seconds,
    }


def default(random_state):
    """Return the pipeline for the squared error."""
    return make_pipeline(TextVectorizer(), BiLSTMRegressor(random_state=random_state))


def absolute(random_state):
    """Return the pipeline for the absolute error."""
    model = default(random_state)
    return model.set_params(bilstmregressor__loss="absolute_error")


def join(texts):
    """Join both columns of each row to one text."""
    title, review = (texts[column].fillna("") for column in TEXTS)
    return title + " " + review


def on_tfidf(search):
    """Return a pipeline of TF-IDF features and a search for a linear model."""
    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return make_pipeline(FunctionTransformer(join), tfidf, search)


def ridge(random_state):
    """Return a linear model for the squared error."""
    return on_tfidf(GridSearchCV(Ridge(), {"alpha": [0.03, 0.1, 0.3, 1, 3]}, cv=3))


def svr(random_state):
    """Return a linear model for the absolute error."""
    linear = LinearSVR(epsilon=0, max_iter=10_000, random_state=random_state)
    error = "neg_mean_absolute_error"
    return on_tfidf(GridSearchCV(linear, {"C": [0.1, 1, 10]}, scoring=error, cv=3))


def median(random_state):
    """Return a constant predictor."""
    return DummyRegressor(strategy="median")


def summary(rows, name):
    """Return a line of the table: means over seeds, and standard deviations."""
    found = [row for (model, _), row in rows.items() if model == name]

    def mean(column, digits):
        figures = [float(row[column]) for row in found]
        shown = f"{np.mean(figures):.{digits}f}"
        return f"{shown} ± {np.std(figures):.{digits}f}" if len(found) > 1 else shown

    return [name, mean("mae", 3), mean("r2", 3), mean("fit_seconds", 0)]


MODELS = {
    "default": default,
    "absolute": absolute,
    "ridge": ridge,
    "svr": svr,
    "median": median,
}
# Models that depend on the seed.
SEEDED = {"default", "absolute"}

if __name__ == "__main__":
    main()
