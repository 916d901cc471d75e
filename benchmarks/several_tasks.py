"""One classifier of several tasks against one classifier per task.

The tasks are those of public sets: sentiment and airline of tweets, the coarse and the
fine class of questions, and the department and the recommendation of product reviews.
`tasks` is the default fitted to all of them, `separate` one default for each, and
`forest` scikit-learn's RandomForestClassifier of several outputs on TF-IDF. In
`tasks half`, each training row keeps the label of a single random task, and in
`separate half` each classifier is fitted to the rows that keep its label.
"""

import json
import time

import numpy as np
import pyarrow.parquet as pq
from _results import collect, parse_arguments, print_table
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

# Text column and label columns of each set.
COLUMNS = {
    "airline_tweets": ("text", ["airline_sentiment", "airline"]),
    "trec": ("text", ["label", "fine"]),
    "womens_clothing": ("Review Text", ["Department Name", "Recommended IND"]),
}
MODELS = ["tasks", "separate", "forest", "tasks half", "separate half"]


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(
        __doc__, sets=[*COLUMNS], sizes=["500", "all"], models=MODELS, seeds=3
    )
    if args.row:
        print(json.dumps(make_row(args.data, *args.row)))
        return
    keys = [
        (name, size, model, str(seed))
        for name in args.sets
        for size in args.sizes
        for model in args.models
        for seed in range(args.seeds)
    ]
    arguments = ["--data", str(args.data)]
    rows = collect(__file__, args.out / "several_tasks.csv", keys, arguments)
    header = ["set", "rows", "model"]
    for task in ("first", "second"):
        header += [f"{task} task", "log loss"]
    print_table(
        [*header, "fit s"],
        [
            [name, size, model, *cells(rows, name, size, model, args.seeds)]
            for name in args.sets
            for size in args.sizes
            for model in args.models
        ],
    )


def make_row(data, name, size, model, seed):
    """Fit a model to some rows and return its scores for each task."""
    texts, y, test_texts, test_y = split_of(data, name, size, int(seed))
    if model.endswith("half"):
        kept = np.random.RandomState(int(seed)).randint(2, size=len(y))
        y = np.where(np.arange(2) == kept[:, np.newaxis], y, None)
    start = time.perf_counter()
    found = PROBABILITIES[model.split()[0]](texts, y, test_texts, int(seed))
    seconds = time.perf_counter() - start
    scores = {}
    for task, (classes, p) in enumerate(found):
        truth = test_y[:, task]
        scores[f"accuracy {task}"] = np.mean(classes[p.argmax(1)] == truth)
        # rare classes can be missing in a small sample
        known = np.isin(truth, classes)
        places = np.searchsorted(classes, truth[known].astype(str))
        scores[f"loss {task}"] = log_loss(
            places, p[known], labels=np.arange(len(classes))
        )
    return {
        "set": name,
        "size": size,
        "model": model,
        "seed": seed,
        **{score: round(float(value), 4) for score, value in scores.items()},
        "seconds": round(seconds, 2),
    }


def split_of(data, name, size, seed):
    """Return training and test texts, and their labels as strings."""
    text, labels = COLUMNS[name]
    folder = data / name
    if (folder / "all.parquet").exists():
        texts, y = read(folder / "all.parquet", text, labels)
        texts, test_texts, y, test_y = train_test_split(
            texts, y, test_size=0.2, random_state=0
        )
    else:
        texts, y = read(folder / "train.parquet", text, labels)
        test_texts, test_y = read(folder / "test.parquet", text, labels)
    order = np.random.RandomState(seed).permutation(len(texts))
    rows = order if size == "all" else order[: int(size)]
    return texts[rows], y[rows], test_texts, test_y


def read(path, text, labels):
    """Read the rows with a text and all labels."""
    table = pq.read_table(path, columns=[text, *labels]).to_pandas().dropna()
    return table[text].to_numpy(object), table[labels].astype(str).to_numpy(object)


def of_tasks(texts, y, test_texts, seed):
    """Return the classes and probabilities of a classifier of all tasks."""
    model = make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=seed))
    model.fit(texts, y)
    return zip(model[-1].classes_, model.predict_proba(test_texts), strict=True)


def of_separate_models(texts, y, test_texts, seed):
    """Return the classes and probabilities of a classifier for each task."""
    found = []
    for column in y.T:
        known = np.array([label is not None for label in column])
        model = make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=seed))
        model.fit(texts[known], column[known].astype(str))
        found.append((model.classes_, model.predict_proba(test_texts)))
    return found


def of_forest(texts, y, test_texts, seed):
    """Return the classes and probabilities of a random forest."""
    forest = RandomForestClassifier(random_state=seed)
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2), forest)
    model.fit(texts, y.astype(str))
    return zip(model[-1].classes_, model.predict_proba(test_texts), strict=True)


PROBABILITIES = {
    "tasks": of_tasks,
    "separate": of_separate_models,
    "forest": of_forest,
}


def cells(rows, name, size, model, n_seeds):
    """Return the cells of a line: means, and standard deviations over seeds."""
    of_seeds = [rows[name, size, model, str(seed)] for seed in range(n_seeds)]

    def values(column):
        return np.array([float(row[column]) for row in of_seeds])

    found = []
    for task in range(2):
        accuracy, loss = 100 * values(f"accuracy {task}"), values(f"loss {task}")
        found += [f"{accuracy.mean():.1f} ± {accuracy.std():.1f}", f"{loss.mean():.3f}"]
    return [*found, f"{values('seconds').mean():.1f}"]


if __name__ == "__main__":
    main()
