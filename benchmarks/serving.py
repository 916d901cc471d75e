"""Inference speed of a fitted pipeline with onnxruntime and torch.

A default pipeline is fitted to film reviews for one epoch, which yields the same size
and speed as more epochs, and is pickled and exported. Figures are medians and ranges
over several processes, which alternate. `latency` is the time for one review of 200
words, `throughput` is the speed for many test reviews with the same number of threads,
and `start` is the time of a process that predicts one review and exits.
"""

import json
import pickle
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _data import load
from _results import collect, parse_arguments, print_table
from sklearn.pipeline import make_pipeline

import sklearn_bilstm
from sklearn_bilstm.onnx import OnnxModel

N_WORDS, N_CALLS, N_SERVED = 200, 200, 4000
FIGURES = {"latency": "ms", "throughput": "reviews/s", "start": "s"}
STARTS = {
    "onnxruntime": "from sklearn_bilstm.onnx import OnnxModel; "
    "OnnxModel({path!r}).predict_proba(['a review'])",
    "torch": "import pickle; "
    "pickle.load(open({path!r}, 'rb')).predict_proba(['a review'])",
}


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(__doc__, reviews=25_000, threads=2, repeats=5)
    if args.row:
        runtime, repeat = args.row
        row = {"runtime": runtime, "repeat": repeat, **measure(args, runtime)}
        print(json.dumps(row))
        return
    with TemporaryDirectory() as folder:
        args.out = Path(folder)
        fit(args)
        keys = [(name, str(i)) for i in range(args.repeats) for name in STARTS]
        arguments = ["--data", str(args.data), "--threads", str(args.threads)]
        arguments += ["--out", folder]
        rows = collect(__file__, args.out / "serving.csv", keys, arguments)
        megabytes = path_of(args, "onnxruntime").stat().st_size / 1e6
        difference = largest_difference(args)
    print_table(
        ["served by", *(f"{name}, {unit}" for name, unit in FIGURES.items())],
        [[name, *figures(rows, name, args.repeats)] for name in STARTS],
    )
    print(f"\nlargest difference of probabilities: {difference:.1e}")
    print(f"size of the file: {megabytes:.0f} MB")


def figures(rows, name, n_repeats):
    """Return median and range of each figure."""
    found = [[float(rows[name, str(i)][f]) for i in range(n_repeats)] for f in FIGURES]
    return [f"{np.median(f):.3g} ({min(f):.3g} - {max(f):.3g})" for f in found]


def fit(args):
    """Fit a default pipeline, and store it in both formats."""
    split = load(args.data, "imdb")
    classifier = sklearn_bilstm.BiLSTMClassifier(
        max_epochs=1, n_threads=args.threads, random_state=0
    )
    model = make_pipeline(sklearn_bilstm.TextVectorizer(), classifier)
    model.fit(split.texts[: args.reviews], split.labels[: args.reviews])
    path_of(args, "torch").write_bytes(pickle.dumps(model))
    sklearn_bilstm.export_onnx(model, path_of(args, "onnxruntime"))


def path_of(args, runtime):
    """Return the path of the model for a runtime."""
    return args.out / {"onnxruntime": "model.onnx", "torch": "model.pickle"}[runtime]


def open_model(args, runtime):
    """Load the model for a runtime."""
    path = path_of(args, runtime)
    if runtime == "onnxruntime":
        return OnnxModel(path, n_threads=args.threads)
    return pickle.loads(path.read_bytes())


def measure(args, runtime):
    """Return all figures of a runtime."""
    model = open_model(args, runtime)
    texts = load(args.data, "imdb").test_texts[:N_SERVED]
    review = " ".join(" ".join(texts[:10]).split()[:N_WORDS])
    model.predict_proba(texts)
    seconds = [seconds_of(model.predict_proba, [review]) for _ in range(N_CALLS)]
    start = [
        sys.executable,
        "-c",
        STARTS[runtime].format(path=str(path_of(args, runtime))),
    ]
    return {
        "latency": 1000 * np.median(seconds),
        "throughput": len(texts) / seconds_of(model.predict_proba, texts),
        "start": seconds_of(subprocess.run, start, check=True),
    }


def seconds_of(function, *args, **kwargs):
    """Return the duration of a call."""
    start = time.perf_counter()
    function(*args, **kwargs)
    return time.perf_counter() - start


def largest_difference(args):
    """Return the largest difference of the probabilities of both runtimes."""
    texts = load(args.data, "imdb").test_texts[:N_SERVED]
    found = [open_model(args, name).predict_proba(texts) for name in STARTS]
    return np.abs(found[0] - found[1]).max()


if __name__ == "__main__":
    main()
