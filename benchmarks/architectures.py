"""Accuracy of networks of published articles on film reviews.

Each network is a BiLSTMClassifier without linear model, after a TextVectorizer with the
vocabulary size and length of the article. If an article does not state the dimension of
vectors or layers, it is 128 or 64. There are two variants. `plain` follows the defaults
of Keras: randomly initialised word vectors as the only input, and last states unless
the article uses attention. `with defaults` uses the defaults of the package for all
that the name does not specify: SVD vectors, class log-odds and pooling. Both are
trained with default parameters.

Networks are trained on the 25,000 training reviews and evaluated on the 25,000 test
reviews, after the last epoch. If the published accuracy refers to validation rows at
the best epoch, a fixed fifth of the training reviews is held out instead, and evaluated
once, after the last epoch. Seconds are those of the median epoch.
"""

import json
from typing import NamedTuple

import numpy as np
from _data import load
from _results import collect, parse_arguments, print_table
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer


class Network(NamedTuple):
    """Parameters of both estimators, published accuracy, and evaluation rows."""

    vectorizer: dict
    classifier: dict
    published: float | None = None
    validation: bool = False


SHORT = {"max_features": 5000, "max_length": 400}
COMMON = {"embedding_dim": 128, "hidden_layer_sizes": 64}
NETWORKS = {
    "LSTM": Network(SHORT, {**COMMON, "bidirectional": False}, 86.2),
    "BiLSTM": Network(SHORT, COMMON, 88.7),
    "BiLSTM, two layers": Network(
        SHORT, {**COMMON, "hidden_layer_sizes": (64, 32)}, 89.3
    ),
    "BiLSTM, attention": Network(SHORT, {**COMMON, "pooling": "attention"}, 89.8),
    "BiLSTM, two layers, dense, 100 tokens": Network(
        {"max_features": 10_000, "max_length": 100},
        {
            "embedding_dim": 64,
            "hidden_layer_sizes": (64, 32),
            "dense_layer_sizes": 64,
        },
        83.1,
        validation=True,
    ),
    "BiLSTM, two layers of 64, dense": Network(
        {"max_features": 10_000},
        {
            "embedding_dim": 128,
            "hidden_layer_sizes": (64, 64),
            "dense_layer_sizes": 64,
        },
    ),
    "GRU": Network(SHORT, {**COMMON, "cell": "gru", "bidirectional": False}),
    "BiGRU": Network(SHORT, {**COMMON, "cell": "gru"}),
    "RNN": Network(SHORT, {**COMMON, "cell": "rnn", "bidirectional": False}),
    "BiRNN": Network(SHORT, {**COMMON, "cell": "rnn"}),
}
READINGS = {
    "plain": {"embedding": None, "log_odds_ngram_range": None, "pooling": "last"},
    "with defaults": {},
}


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(
        __doc__, networks=list(NETWORKS), readings=list(READINGS), seeds=1
    )
    if args.row:
        print(json.dumps(make_row(args, *args.row)))
        return
    keys = [
        (network, reading, str(seed))
        for network in args.networks
        for reading in args.readings
        for seed in range(args.seeds)
    ]
    path = args.out / "architectures.csv"
    rows = collect(__file__, path, keys, ["--data", str(args.data)])
    header = ["network", "published"]
    for reading in args.readings:
        header += [reading, "s per epoch"]
    print_table(header, [summary(args, rows, name) for name in args.networks])


def make_row(args, name, reading, seed):
    """Fit a network and return its scores."""
    network = NETWORKS[name]
    texts, labels, test_texts, test_labels = load(args.data, "imdb")
    if network.validation:
        texts, test_texts, labels, test_labels = train_test_split(
            texts, labels, test_size=0.2, random_state=0, stratify=labels
        )
    params = {**READINGS[reading], **network.classifier}
    classifier = BiLSTMClassifier(
        linear_ngram_range=None, random_state=int(seed), **params
    )
    model = make_pipeline(TextVectorizer(**network.vectorizer), classifier)
    model.fit(texts, labels)
    return {
        "network": name,
        "reading": reading,
        "seed": seed,
        "accuracy": model.score(test_texts, test_labels),
        "epoch_seconds": np.median([epoch["seconds"] for epoch in classifier.history_]),
        "epochs": classifier.n_iter_,
    }


def summary(args, rows, name):
    """Return a line of the table: means over seeds, and standard deviations."""
    published = NETWORKS[name].published
    line = [name, "" if published is None else published]
    for reading in args.readings:
        found = [rows[name, reading, str(seed)] for seed in range(args.seeds)]
        accuracy = [100 * float(row["accuracy"]) for row in found]
        spread = f" ± {np.std(accuracy):.1f}" if args.seeds > 1 else ""
        seconds = np.mean([float(row["epoch_seconds"]) for row in found])
        line += [f"{np.mean(accuracy):.1f}{spread}", f"{seconds:.0f}"]
    return line


if __name__ == "__main__":
    main()
