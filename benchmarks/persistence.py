"""Time to save and load a model, and size of the file.

The model is the default pipeline for text with 30,000 words, fitted for one epoch to
generated text whose word frequencies follow Zipf's law. Seconds are the median of
several rounds, each in its own process that has loaded a model before. The first `load`
of a process takes a second more, since it imports dependencies of torch's layers and
optimizers.
"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np
from _results import collect, print_table
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, load, save

WORDS_OF_A_TEXT = 200
WAYS = {"save and load": (save, load), "joblib": (joblib.dump, joblib.load)}


def main():
    """Print a table, or compute a single row of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=30_000)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        print(json.dumps(measure(args.folder, *args.row)))
        return
    with TemporaryDirectory() as folder:
        joblib.dump(fitted(args.words, args.texts), Path(folder, "model"))
        keys = [(way, str(i)) for i in range(args.repeats) for way in WAYS]
        path = Path(folder, "persistence.csv")
        rows = collect(__file__, path, keys, ["--folder", folder])
    lines = [line(way, rows, args.repeats) for way in WAYS]
    print_table(["file", "seconds to write", "seconds to read", "MB"], lines)


def line(way, rows, n_repeats):
    """Return the line of the table for one file format."""
    found = [rows[way, str(i)] for i in range(n_repeats)]
    write, read, megabytes = (
        np.median([float(row[name]) for row in found])
        for name in ("write", "read", "megabytes")
    )
    return [way, f"{write:.2f}", f"{read:.2f}", f"{megabytes:.1f}"]


def measure(folder, way, repeat):
    """Return the seconds to save and to load a model, and its size."""
    model = joblib.load(folder / "model")
    write, read = WAYS[way]
    path = folder / "file"
    start = time.perf_counter()
    write(model, path)
    written = time.perf_counter()
    read(path)
    again = time.perf_counter()
    read(path)
    return {
        "way": way,
        "repeat": repeat,
        "write": written - start,
        "read": time.perf_counter() - again,
        "megabytes": path.stat().st_size / 1e6,
    }


def fitted(n_words, n_texts):
    """Return a fitted pipeline whose training data contain each word."""
    random = np.random.RandomState(0)
    words = np.array([f"word{i}" for i in range(n_words)])
    frequency = 1 / np.arange(1, n_words + 1)
    drawn = random.choice(
        words, (n_texts, WORDS_OF_A_TEXT), p=frequency / frequency.sum()
    )
    all_once = np.array_split(words, -(-n_words // WORDS_OF_A_TEXT))
    texts = [" ".join(text) for text in [*drawn, *all_once]]
    vectorizer = TextVectorizer(max_features=n_words)
    classifier = BiLSTMClassifier(max_epochs=1, random_state=0)
    model = make_pipeline(vectorizer, classifier)
    return model.fit(texts, random.randint(0, 2, len(texts)))


if __name__ == "__main__":
    main()
