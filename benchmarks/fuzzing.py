"""Forged model files: what happens if mutants of saved models are loaded and used.

Models of several kinds are saved, and random changes are made to the JSON, the arrays,
the bytes of the archive, and the graph and metadata of ONNX files. The checksums of the
changed parts are correct. Every mutant is loaded, shown as HTML, and used in `predict`,
`fit` and `partial_fit` in a process with limited time and memory. A table counts the
outcomes per kind of model: a mutant works or is refused with a ValueError, and
everything else is a fault, which is listed.
"""

import argparse
import multiprocessing
import resource
import traceback
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
from _fuzz_archive import archive_mutants
from _fuzz_onnx import onnx_mutants, try_onnx
from _results import print_table
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    TextVectorizer,
    compress,
    export_onnx,
    load,
    save,
)
from sklearn_bilstm.datasets import make_reviews

SECONDS, GIGABYTES = 20, 3
MARK = "<script>alert(1)"
SMALL = {
    "embedding_dim": 4,
    "hidden_layer_sizes": 3,
    "max_epochs": 1,
    "n_threads": 1,
    "precision": "float32",
    "random_state": 0,
}
WORKS, REFUSED = "works", "refused"


def main():
    """Print the outcomes of the mutants of each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=[*MODELS, *EXPORTS])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for mutants with a fault")
    args = parser.parse_args()
    share = args.mutants // len(args.kinds)
    tasks = [(kind, share, args.seed) for kind in args.kinds]
    with ThreadPoolExecutor(args.jobs) as pool:  # each runs a process of its own
        found = list(pool.map(lambda task: outcomes(*task), tasks))
    names = sorted({name for counted, _ in found for name in counted})
    lines = [
        [kind, *(str(counted[name]) for name in names)]
        for kind, (counted, _) in zip(args.kinds, found, strict=True)
    ]
    print_table(["model", *names], lines)
    for kind, (_, faults) in zip(args.kinds, found, strict=True):
        for number, (change, outcome, data) in enumerate(faults):
            print(f"{kind} {number}: {change}: {outcome}")
            if args.keep is not None:
                args.keep.mkdir(parents=True, exist_ok=True)
                (args.keep / f"{kind}-{number}").write_bytes(data)


# -- models, each with the X and y of its fit


def text_model():
    """Return a pipeline of text, with its linear model."""
    texts, labels = make_reviews(60, random_state=0)
    model = make_pipeline(TextVectorizer(max_length=20), BiLSTMClassifier(**SMALL))
    return model, texts, labels


def compressed_model():
    """Return a compressed pipeline of text, whose arrays have fewer bits in a file."""
    model, texts, labels = text_model()
    return compress(model.fit(texts, labels), texts, tolerance=0.5), texts, labels


def tabular_model():
    """Return a pipeline of a text column, a number and a category."""
    texts, labels = make_reviews(60, random_state=0)
    random = np.random.RandomState(0)
    frame = pd.DataFrame(
        {
            "text": texts,
            "age": np.where(random.rand(60) > 0.8, np.nan, random.rand(60)),
            "kind": random.choice(["a", "b", "c"], 60).astype(object),
        }
    )
    columns = make_column_transformer(
        (TextVectorizer(max_length=20), ["text"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age"]),
        (OneHotEncoder(handle_unknown="ignore"), ["kind"]),
    )
    classifier = BiLSTMClassifier(**SMALL, n_static_features=4, pooling="attention")
    return make_pipeline(columns, classifier), frame, labels


def series_model():
    """Return a regressor of series with two outputs."""
    X = np.random.RandomState(0).rand(40, 6, 2)
    model = BiLSTMRegressor(**SMALL, cell="gru", normalization="layer")
    return model, X, X[:, -1]


def tagging_model():
    """Return a tagger of sentences."""
    X = [["Anna", "left", "Rome"], ["Ben", "met", "Anna"]] * 10
    y = [["B-PER", "O", "B-LOC"], ["B-PER", "O", "B-PER"]] * 10
    return BiLSTMTagger(**SMALL, n_character_filters=3), X, y


def linear_tagging_model():
    """Return a tagger of sentences with a linear model of token features."""
    model, X, y = tagging_model()
    return model.set_params(linear_features="auto"), X, y


def numeric_tagging_model():
    """Return a tagger of series."""
    X = np.random.RandomState(0).rand(20, 6, 2)
    y = [["up" if a > b else "down" for a, b in row] for row in X]
    return BiLSTMTagger(**SMALL), X, y


def steps_model():
    """Return a regressor with a number for each step."""
    X = np.random.RandomState(0).rand(20, 6)
    model = BiLSTMRegressor(**SMALL, output_type="steps", bidirectional=False)
    return model, X, np.cumsum(X, axis=1)


def stream_model():
    """Return a classifier of several labels that was fitted in batches."""
    random = np.random.RandomState(0)
    X = random.randint(2, 30, (40, 6)).astype(np.int32)
    y = random.randint(0, 2, (40, 3))
    model = BiLSTMClassifier(**SMALL, input_type="tokens", pooling="max_mean")
    return model.partial_fit(X, y, classes=[0, 1, 2]), X, y


MODELS = {
    "text": text_model,
    "tabular": tabular_model,
    "series": series_model,
    "tagging": tagging_model,
    "linear tagging": linear_tagging_model,
    "stream": stream_model,
    "compressed": compressed_model,
}
EXPORTS = {
    "onnx text": text_model,
    "onnx int8": text_model,
    "onnx series": series_model,
    "onnx stream": stream_model,
    "onnx tagging": tagging_model,
    "onnx linear tagging": linear_tagging_model,
    "onnx tagging of numbers": numeric_tagging_model,
    "onnx steps": steps_model,
    "onnx compressed": compressed_model,
}


# -- processes


def outcomes(kind, n_mutants, seed):
    """Return the counted outcomes of the mutants of a model, and the faults.

    Parameters
    ----------
    kind : str
    n_mutants : int
    seed : int

    Returns
    -------
    counted : Counter
    faults : list of (str, str, bytes)
        Change, outcome and file.
    """
    warnings.simplefilter("ignore")
    model, X, y = {**MODELS, **EXPORTS}[kind]()
    if not hasattr(model, "model_") and not hasattr(model, "classes_"):
        model.fit(X, y)
    buffer, is_export = BytesIO(), kind in EXPORTS
    if is_export:
        export_onnx(model, buffer, weights="int8" if "int8" in kind else "float32")
        random = np.random.default_rng(seed)
        mutants = onnx_mutants(buffer.getvalue(), random, n_mutants)
    else:
        save(model, buffer)
        random = np.random.RandomState(seed)
        mutants = archive_mutants(buffer.getvalue(), random, n_mutants)
    counted, faults, worker = Counter(), [], Worker(X, y, is_export=is_export)
    for change, data in mutants:
        outcome = worker.outcome_of(data)
        counted[outcome.split(":")[0]] += 1
        if outcome not in (WORKS, REFUSED):
            faults.append((change, outcome, data))
    worker.close()
    print(kind, dict(counted), flush=True)
    return counted, faults


class Worker:
    """A process that uses mutants, and is replaced if it crashes or hangs.

    Parameters
    ----------
    X, y : object
        Data to predict and to fit on.
    is_export : bool
        Whether the files are ONNX files.
    """

    def __init__(self, X, y, *, is_export):
        self._data = X, y, is_export
        self._start()

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=serve, args=(end, *self._data))
        self._process.start()
        end.close()
        self._pipe.recv()

    def outcome_of(self, data):
        """Return what happens when a file is used."""
        self._pipe.send(data)
        try:
            if self._pipe.poll(SECONDS):
                return self._pipe.recv()
            outcome = "hang"
        except EOFError:
            outcome = "crash"
        self.close()
        self._start()
        return outcome

    def close(self):
        """End the process."""
        self._process.kill()
        self._process.join()


def serve(pipe, X, y, is_export):
    """Use the files that come through a pipe, and return the outcomes."""
    warnings.simplefilter("ignore")
    onnxruntime.set_default_logger_severity(4)
    model = BiLSTMClassifier(**SMALL).fit(np.arange(20).reshape(4, 5), [0, 1, 0, 1])
    model.predict(np.arange(20).reshape(4, 5))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = used + GIGABYTES * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    pipe.send("ready")
    while True:
        data = pipe.recv()
        pipe.send(try_onnx(data, X) if is_export else outcome_of(data, X, y))


def outcome_of(data, X, y):
    """Load a file and use the model; return what happens."""
    try:
        model = load(BytesIO(data))
    except ValueError:
        return REFUSED
    except BaseException as error:
        return described("load", error)
    if not hasattr(model, "predict"):  # such as a pipeline without its last step
        return WORKS
    steps = {
        "predict": lambda: model.predict(X),
        "html": lambda: _check_html(model),
        "partial_fit": lambda: _partial_fit(model, X, y),
        "fit": lambda: clone(model).fit(X, y),
    }
    found = [_outcome_of_step(name, step) for name, step in steps.items()]
    faults = [outcome for outcome in found if outcome not in (WORKS, REFUSED)]
    return faults[0] if faults else REFUSED if REFUSED in found else WORKS


def _outcome_of_step(name, step):
    # parameters of a file can ask for more memory than there is
    allowed = (ValueError, TypeError, MemoryError) if "fit" in name else ValueError
    try:
        step()
    except allowed:
        return REFUSED
    except BaseException as error:
        return described(name, error)
    return WORKS


def _check_html(model):
    if MARK in model._repr_html_():
        raise SystemError("the file puts a script into the notebook view.")


def _partial_fit(model, X, y):
    estimator = model
    if hasattr(model, "steps"):
        if hasattr(model[0], "partial_fit"):
            model[0].partial_fit(X)
        X = model[:-1].transform(X)
        estimator = model[-1]
    if hasattr(estimator, "partial_fit"):
        estimator.partial_fit(X, y)


def described(step, error):
    """Return a step and an error as one line."""
    places = traceback.extract_tb(error.__traceback__)
    place = f"{Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    line = f"{type(error).__name__}: in {step}, {place}: {error}"
    return line[:300].replace("\n", " ")


if __name__ == "__main__":
    main()
