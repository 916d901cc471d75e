"""How long does the linear model of n-grams take where there are many classes?

The rival is scikit-learn's one-vs-rest logistic regression by liblinear on TF-IDF
weights of the same n-grams. Texts are drawn at random: words by Zipf's law, and one in
seven of five words of the class. All times are CPU seconds of one thread, from texts to
a fitted model. The file is that of a small classifier with the linear model in it.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from _results import print_table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, save
from sklearn_bilstm.sequences import ragged_from_ids
from sklearn_bilstm.training import LinearModel

SIZES = [(2_000, 100), (2_000, 300), (6_000, 1_000), (10_000, 3_000)]
N_TEST_ROWS = 2_000
N_WORDS = 20_000
WORDS_A_ROW = 20
WORDS_A_CLASS = 5
SHARE_OF_CLASS_WORDS = 0.15
# Of more texts than this, the linear model reads n-grams that two of them have.
MANY_ROWS = 2_000


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=range(len(SIZES)))
    parser.add_argument("--without-rival", action="store_true")
    parser.add_argument("--without-file", action="store_true")
    args = parser.parse_args()
    with threadpool_limits(1):
        rows = [make_row(*SIZES[i], args) for i in args.sizes]
    columns = "classes", "rows", "CPU s", "right", "liblinear CPU s", "right", "file MB"
    print_table(list(columns), rows)


def make_row(n_rows, n_classes, args):
    """Return a line of the table."""
    texts, y = draw(n_rows + N_TEST_ROWS, n_classes)
    train, test = slice(n_rows), slice(n_rows, None)
    found = [ours(texts[train], y[train], texts[test], n_classes)]
    if not args.without_rival:
        found.append(rival(texts[train], y[train], texts[test]))
    cells = []
    for seconds, predicted in found:
        accuracy = np.mean(predicted == y[test])
        cells += [f"{seconds:.1f}", f"{100 * accuracy:.1f}"]
    cells += ["", ""] * (2 - len(found))
    size = "" if args.without_file else f"{megabytes(texts[train], y[train]):.1f}"
    return [f"{n_classes:,}", f"{n_rows:,}", *cells, size]


def draw(n_rows, n_classes, seed=0):
    """Return texts and their classes."""
    random = np.random.RandomState(seed)
    y = np.append(np.arange(n_classes), random.randint(n_classes, size=n_rows))[:n_rows]
    frequencies = 1 / np.arange(1, N_WORDS + 1)
    shape = n_rows, WORDS_A_ROW
    words = random.choice(N_WORDS, shape, p=frequencies / frequencies.sum())
    of_classes = random.randint(N_WORDS // 100, N_WORDS, (n_classes, WORDS_A_CLASS))
    own = of_classes[y[:, np.newaxis], random.randint(WORDS_A_CLASS, size=shape)]
    words = np.where(random.rand(*shape) < SHARE_OF_CLASS_WORDS, own, words)
    return [" ".join(f"w{word}" for word in row) for row in words], y


def ours(texts, y, test_texts, n_classes):
    """Return CPU seconds and predictions of the linear model alone."""
    start = time.process_time()
    vectorizer = TextVectorizer()
    sequences = ragged_from_ids(vectorizer.fit_transform(texts))
    path = LinearModel((1, 2), n_classes).fit(sequences, y, np.ones(len(y)), seed=0)
    seconds = time.process_time() - start
    logits = path.logits(ragged_from_ids(vectorizer.transform(test_texts)))
    return seconds, logits.argmax(1)


def rival(texts, y, test_texts):
    """Return CPU seconds and predictions of liblinear."""
    start = time.process_time()
    model = make_pipeline(
        TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, min_df=1 + (len(texts) > MANY_ROWS)
        ),
        OneVsRestClassifier(LogisticRegression(solver="liblinear")),
    ).fit(texts, y)
    return time.process_time() - start, model.predict(test_texts)


def megabytes(texts, y):
    """Return the size of a saved model whose network is small."""
    classifier = BiLSTMClassifier(
        embedding_dim=8, hidden_layer_sizes=8, embedding=None, max_epochs=1
    )
    model = make_pipeline(TextVectorizer(), classifier).fit(texts, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.zip")
        save(model, path)
        return path.stat().st_size / 1e6


if __name__ == "__main__":
    main()
