"""Training and prediction speed, compared with other implementations.

Each figure is the median of several runs, each in its own process; the runs of all
tasks alternate. The spread is the range of the runs. Networks have 5,000 words, 400
tokens, 128-d vectors, an LSTM of 64 units per direction, max pooling, and batches of
32. `skorch` packs its sequences and uses the default DataLoader. `loop` is a loop over
batches and shards like those of `train`, without an estimator. `keras` pads each review
to 400 tokens, as its tutorials do; for equal work, all reviews of `train filled` and
`predict filled` have 400 tokens. Without Keras and TensorFlow
(`pip install tensorflow-cpu`), its rows are omitted.
"""

import importlib
import importlib.util
import json
import subprocess
import sys
import time

import numpy as np
import torch
from _data import load
from _results import collect, parse_arguments, print_table
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.utils.parallel import Parallel, delayed
from skorch import NeuralNetClassifier
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.sequences import (
    BucketBatchSampler,
    SequenceDataset,
    ragged_from_ids,
)
from sklearn_bilstm.utils._threads import Workers

N_TOKENS, MAX_LENGTH, EMBEDDING_DIM, HIDDEN_SIZE, BATCH_SIZE = 5000, 400, 128, 64, 32


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(__doc__, tasks=list(TASKS), repeats=5, reviews=4000)
    if args.row:
        task, _, repeat = args.row
        row = {"task": task, "reviews": args.reviews, "repeat": repeat}
        print(json.dumps({**row, "figure": TASKS[task](args)}))
        return
    if importlib.util.find_spec("tensorflow") is None:
        args.tasks = [task for task in args.tasks if "keras" not in task]
    n = str(args.reviews)
    keys = [(task, n, str(i)) for i in range(args.repeats) for task in args.tasks]
    arguments = ["--data", str(args.data), "--reviews", n]
    rows = collect(__file__, args.out / "speed.csv", keys, arguments)
    figures = {
        task: [float(rows[task, n, str(i)]["figure"]) for i in range(args.repeats)]
        for task in args.tasks
    }
    print_table(
        ["task", "unit", "median", "range"],
        [
            [
                task,
                UNITS.get(task, "reviews/s"),
                f"{np.median(f):.4g}",
                f"{min(f):.4g} - {max(f):.4g}",
            ]
            for task, f in figures.items()
        ],
    )
    print()
    print_table(["ratio", "value"], ratios(figures))


def ratios(figures):
    """Return the ratios of medians for which both are available."""
    medians = {task: np.median(found) for task, found in figures.items()}
    wanted = [
        ("train", "keras train"),
        ("train bfloat16", "keras train"),
        ("train filled", "keras train"),
        ("predict", "keras predict"),
        ("predict filled", "keras predict"),
        ("train", "skorch"),
        ("loop", "train"),
        ("train gflops", "matrix gflops"),
        ("step gflops", "matrix gflops"),
        ("vectorize", "countvectorizer"),
        ("vectorize", "vectorize in two"),
        ("halves", "halves in two"),
        ("import", "import of what it needs"),
        ("import of estimators", "import of what it needs"),
    ]
    return [
        [f"{a} / {b}", f"{medians[a] / medians[b]:.2f}"]
        for a, b in wanted
        if a in medians and b in medians
    ]


def reviews(args):
    """Return reviews of all lengths, and their labels."""
    split = load(args.data, "imdb")
    return split.texts[: args.reviews], split.labels[: args.reviews]


def encoded(args):
    """Return token ids of reviews, and their labels."""
    texts, labels = reviews(args)
    vectorizer = TextVectorizer(max_features=N_TOKENS, max_length=MAX_LENGTH)
    return vectorizer.fit_transform(texts), labels


def network(**params):
    """Return the network shared by all tasks."""
    common = {
        "embedding_dim": EMBEDDING_DIM,
        "embedding": None,
        "log_odds_ngram_range": None,
        "hidden_layer_sizes": HIDDEN_SIZE,
        "batch_size": BATCH_SIZE,
        "pooling": "max",
        "linear_ngram_range": None,
        "max_epochs": 2,
        "precision": "float32",
        "random_state": 0,
    }
    return BiLSTMClassifier(**{**common, **params})


def train(args, **params):
    """Reviews per second in the second epoch, since the first prepares the kernels."""
    X, y = encoded(args)
    model = network(**params).fit(X, y)
    return len(y) / model.history_[-1]["seconds"]


def train_bfloat16(args):
    """Reviews per second with recurrent layers in bfloat16."""
    return train(args, precision="bfloat16")


def train_filled(args):
    """Reviews per second if each review is repeated up to 400 tokens."""
    X, y = encoded(args)
    model = network().fit(filled(X), y)
    return len(y) / model.history_[-1]["seconds"]


def filled(X):
    """Return ids with each row repeated up to 400 of them."""
    rows = np.split(X.data, X.indptr[1:-1])
    return np.array([np.resize(row, MAX_LENGTH) for row in rows])


def operations(X):
    """Return the billions of operations of the recurrent layers per epoch."""
    # both directions, four gates, multiply and add; backward is twice forward
    per_token = 2 * 4 * HIDDEN_SIZE * (EMBEDDING_DIM + HIDDEN_SIZE) * 2 * 3
    return X.nnz * per_token / 1e9


def whole_fit(args):
    """GFLOP/s of the recurrent layers during a whole fit."""
    X, y = encoded(args)
    model = network(max_epochs=4)
    start = time.perf_counter()
    model.fit(X, y)
    return 4 * operations(X) / (time.perf_counter() - start)


def step(args):
    """GFLOP/s of the computation of losses and gradients alone."""
    _, seconds = bare_loop(args)
    X, _ = encoded(args)
    return operations(X) / seconds


def matrix_product(args):
    """GFLOP/s of a large matrix product."""
    a = torch.randn(4096, 4096)
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    return 2 * 4096**3 / np.median(seconds[1:]) / 1e9


def predict(args):
    """Reviews per second."""
    X, y = encoded(args)
    model = network(max_epochs=1).fit(X[:320], y[:320])
    return predicted_in_a_second(model, X)


def predict_filled(args):
    """Reviews per second if each review is repeated up to 400 tokens."""
    X, y = encoded(args)
    model = network(max_epochs=1).fit(X[:320], y[:320])
    return predicted_in_a_second(model, filled(X))


def predicted_in_a_second(model, X):
    """Return rows per second, after a warm-up."""
    model.predict(X)
    start = time.perf_counter()
    model.predict(X)
    return X.shape[0] / (time.perf_counter() - start)


def loop(args):
    """Reviews per second of a bare loop over the same batches, shards and threads."""
    seconds, _ = bare_loop(args)
    return args.reviews / seconds


def bare_loop(args):
    """Return the seconds of a second epoch, and of its losses and gradients."""
    X, y = encoded(args)
    model = network(max_epochs=1).fit(X[:320], y[:320])
    net, module = model.net_, model.module_
    net.grow_vocabulary(N_TOKENS + 2)
    rows = SequenceDataset(ragged_from_ids(X), (y == y.max()).astype(np.int64))
    weights = list(module.parameters())
    optimizer = torch.optim.AdamW(weights, fused=True)
    with Workers() as net._workers:
        for _ in range(2):
            start, learning = time.perf_counter(), 0.0
            for indices in BucketBatchSampler(rows.sequences.lengths, BATCH_SIZE, [0]):
                batch = rows[indices]
                before = time.perf_counter()
                net.train_step_single(batch)
                learning += time.perf_counter() - before
                torch.nn.utils.clip_grad_norm_(weights, 1.0)
                optimizer.step()
            seconds = time.perf_counter() - start
    return seconds, learning


def skorch(args):
    """Reviews per second of a plain skorch net on packed sequences."""

    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(N_TOKENS + 2, EMBEDDING_DIM, padding_idx=0)
            self.lstm = nn.LSTM(
                EMBEDDING_DIM, HIDDEN_SIZE, batch_first=True, bidirectional=True
            )
            self.linear = nn.Linear(2 * HIDDEN_SIZE, 2)

        def forward(self, ids):
            lengths = (ids != 0).sum(1).clamp(min=1)
            packed = pack_padded_sequence(
                self.embedding(ids), lengths, batch_first=True, enforce_sorted=False
            )
            states, _ = pad_packed_sequence(
                self.lstm(packed)[0], batch_first=True, padding_value=-torch.inf
            )
            return self.linear(states.amax(1))

    X, y = encoded(args)
    X, y = X[:1000].toarray().astype(np.int64), y[:1000]
    net = NeuralNetClassifier(
        Packed,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        batch_size=BATCH_SIZE,
        max_epochs=2,
        train_split=None,
        verbose=0,
        iterator_train__shuffle=True,
    )
    net.fit(X, (y == y.max()).astype(np.int64))
    return len(y) / net.history[-1]["dur"]


def keras_network(args):
    """Return the network in Keras, and its training data."""
    keras = importlib.import_module("keras")
    X, y = encoded(args)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Embedding(N_TOKENS + 2, EMBEDDING_DIM),
            layers.Bidirectional(layers.LSTM(HIDDEN_SIZE, return_sequences=True)),
            layers.GlobalMaxPooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    return model, X.toarray(), (y == y.max()).astype(np.float32)


def keras_train(args):
    """Reviews per second of Keras in its second epoch."""
    model, X, y = keras_network(args)
    model.fit(X, y, batch_size=BATCH_SIZE, verbose=0)
    start = time.perf_counter()
    model.fit(X, y, batch_size=BATCH_SIZE, verbose=0)
    return len(y) / (time.perf_counter() - start)


def keras_predict(args):
    """Reviews per second of Keras, after it has compiled its function."""
    model, X, y = keras_network(args)
    model.predict(X, batch_size=BATCH_SIZE, verbose=0)
    start = time.perf_counter()
    model.predict(X, batch_size=BATCH_SIZE, verbose=0)
    return len(y) / (time.perf_counter() - start)


def vectorize(args, vectorizer=None):
    """Seconds to encode all training reviews, in the second run.

    The first run starts the worker processes, if there are any.
    """
    vectorizer = vectorizer or TextVectorizer()
    texts = load(args.data, "imdb").texts
    vectorizer.fit_transform(texts)
    start = time.perf_counter()
    vectorizer.fit_transform(texts)
    return time.perf_counter() - start


def vectorize_in_two(args):
    """Seconds to encode them in two processes."""
    return vectorize(args, TextVectorizer(n_jobs=2))


def countvectorizer(args):
    """Seconds of scikit-learn's CountVectorizer for the same reviews."""
    return vectorize(args, CountVectorizer())


def half(data, number):
    """Seconds of the vectorizer for one half of the reviews."""
    texts = load(data, "imdb").texts[number::2]
    start = time.perf_counter()
    TextVectorizer().fit_transform(texts)
    return time.perf_counter() - start


def halves(args, n_jobs=None):
    """Seconds of the vectorizer for each half of the reviews, in the second run."""
    for _ in range(2):
        seconds = Parallel(n_jobs)(delayed(half)(args.data, i) for i in range(2))
    return max(seconds) if n_jobs else sum(seconds)


def halves_in_two(args):
    """Seconds in two processes without communication: an upper bound for two cores.

    Cores that share a cache, a clock or a neighbour are not twice as fast as one.
    """
    return halves(args, n_jobs=2)


def latency(args):
    """Milliseconds for one review of 200 words in a fitted default pipeline.

    It is fitted to all training reviews, for few epochs.
    """
    split = load(args.data, "imdb")
    model = make_pipeline(TextVectorizer(), BiLSTMClassifier(max_epochs=1))
    model.fit(split.texts, split.labels)
    review = " ".join(" ".join(split.texts[:3]).split()[:200])
    seconds = []
    for _ in range(100):
        start = time.perf_counter()
        model.predict([review])
        seconds.append(time.perf_counter() - start)
    return 1000 * np.median(seconds)


def to_published(args):
    """Seconds to fit the fewest epochs that reach a test accuracy of 89.8 %.

    Only the fit that reaches it is timed. The accuracy is that of the best network of
    the articles that this package is based on, which takes five epochs of 130 seconds.
    """
    split = load(args.data, "imdb")
    for n_epochs in range(1, 10):
        model = make_pipeline(TextVectorizer(), BiLSTMClassifier(max_epochs=n_epochs))
        start = time.perf_counter()
        model.fit(split.texts, split.labels)
        seconds = time.perf_counter() - start
        if model.score(split.test_texts, split.test_labels) >= 0.898:
            return seconds
    return np.nan


def import_of(names):
    """Seconds to import modules in a new process."""
    script = f"import time; t = time.perf_counter(); import {names}; "
    script += "print(time.perf_counter() - t)"
    run = [sys.executable, "-c", script]
    return float(subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout)


def import_package(args):
    """Seconds to import the package, which loads its parts lazily."""
    return import_of("sklearn_bilstm")


def import_parts(args):
    """Seconds to import the estimators and the vectorizer."""
    return import_of("sklearn_bilstm.estimators, sklearn_bilstm.text")


def import_needed(args):
    """Seconds to import the required dependencies."""
    return import_of("torch, sklearn, skorch")


TASKS = {
    "train": train,
    "train bfloat16": train_bfloat16,
    "train filled": train_filled,
    "keras train": keras_train,
    "keras predict": keras_predict,
    "loop": loop,
    "skorch": skorch,
    "predict": predict,
    "predict filled": predict_filled,
    "train gflops": whole_fit,
    "step gflops": step,
    "matrix gflops": matrix_product,
    "vectorize": vectorize,
    "vectorize in two": vectorize_in_two,
    "countvectorizer": countvectorizer,
    "halves": halves,
    "halves in two": halves_in_two,
    "latency": latency,
    "to 89.8 %": to_published,
    "import": import_package,
    "import of estimators": import_parts,
    "import of what it needs": import_needed,
}
UNITS = {
    "train gflops": "GFLOP/s",
    "step gflops": "GFLOP/s",
    "matrix gflops": "GFLOP/s",
    "vectorize": "s",
    "vectorize in two": "s",
    "countvectorizer": "s",
    "halves": "s",
    "halves in two": "s",
    "latency": "ms",
    "to 89.8 %": "s",
    "import": "s",
    "import of estimators": "s",
    "import of what it needs": "s",
}

if __name__ == "__main__":
    main()
