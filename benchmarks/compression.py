"""Size, accuracy and latency of exported pipelines that are compressed or quantised.

A default pipeline is fitted to each set with each seed, once: it is stored in the
folder `--out`, where a restart finds it. Every kind of file is compared with the one in
single precision. `compress 0.01` is the result of `compress` with this tolerance, which
is exported in 8 bits. It is given the first half of the test texts, at most 3,000,
without their labels, and all kinds are compared on the other test texts. `changed` is
the share of texts with another answer, `largest` and `mean` are differences of
probabilities, and `latency` is the median time for one review of 200 words, from its
text to the probabilities.
"""

import io
import json
import time

import numpy as np
from _data import load
from _models import make
from _results import collect, parse_arguments, print_table

import sklearn_bilstm
from sklearn_bilstm.onnx import OnnxModel

SETS = ["imdb", "ag_news", "sst2_socher", "banking77"]
N_WORDS, N_CALLS = 200, 300
MOST_GIVEN = 3000
REFERENCE = "float32"


def exported(model, weights):
    """Return the bytes of the file of a model."""
    file = io.BytesIO()
    sklearn_bilstm.export_onnx(model, file, weights=weights)
    return file.getvalue()


# Functions that return the bytes of a file for a fitted pipeline, by the kind of file.
KINDS = {
    REFERENCE: lambda model: exported(model, "float32"),
    "float16": lambda model: exported(model, "float16"),
    "int8": lambda model: exported(model, "int8"),
    "compress 0.01": lambda model: exported(model, "int8"),
    "compress 0.02": lambda model: exported(model, "int8"),
}
FIGURES = {
    "MB": "{:.2f}",
    "ratio": "{:.3f}",
    "accuracy": "{:.2%}",
    "changed": "{:.3%}",
    "largest": "{:.1e}",
    "mean": "{:.1e}",
    "latency, ms": "{:.2f}",
}


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(
        __doc__, sets=SETS, seeds=["0"], kinds=[*KINDS], rows=0, threads=2
    )
    if args.row:
        name, seed, kind = args.row
        row = {"set": name, "seed": seed, "kind": kind}
        print(json.dumps({**row, **measure(args, *args.row)}))
        return
    keys = [
        (n, seed, kind) for n in args.sets for seed in args.seeds for kind in args.kinds
    ]
    arguments = ["--data", str(args.data), "--out", str(args.out)]
    arguments += ["--rows", str(args.rows), "--threads", str(args.threads)]
    path = args.out / f"compression-{args.rows or 'all'}.csv"
    rows = collect(__file__, path, keys, arguments)
    lines = [
        [*key, *(form.format(float(rows[key][f])) for f, form in FIGURES.items())]
        for key in keys
    ]
    print_table(["set", "seed", "kind", *FIGURES], lines)


def measure(args, name, seed, kind):
    """Return all figures of a kind of file."""
    split = load(args.data, name)
    given = split.test_texts[: min(len(split.test_texts) // 2, MOST_GIVEN)]
    model = fitted(args, name, seed, split)
    smaller = model
    if kind.startswith("compress"):
        tolerance = float(kind.split()[1])
        smaller = sklearn_bilstm.compress(model, given, tolerance=tolerance)
    files = KINDS[REFERENCE](model), KINDS[kind](smaller)
    reference, served = (
        OnnxModel(io.BytesIO(f), n_threads=args.threads) for f in files
    )
    texts, labels = split.test_texts[len(given) :], split.test_labels[len(given) :]
    expected, found = reference.predict_proba(texts), served.predict_proba(texts)
    answers = found.argmax(1)
    differences = np.abs(found - expected)
    return {
        "MB": len(files[1]) / 1e6,
        "ratio": len(files[1]) / len(files[0]),
        "accuracy": np.mean(served.classes_[answers] == labels),
        "changed": np.mean(answers != expected.argmax(1)),
        "largest": differences.max(),
        "mean": differences.mean(),
        "latency, ms": 1000 * latency(served, texts),
    }


def fitted(args, name, seed, split):
    """Return the pipeline fitted to a set, from its file if there is one."""
    path = args.out / f"{name}-{seed}-{args.rows or 'all'}.model"
    if path.exists():
        return sklearn_bilstm.load(path)
    n_rows = args.rows or None
    model = make("default", chinese=False, random_state=int(seed))
    model.set_params(bilstmclassifier__n_threads=args.threads)
    model.fit(split.texts[:n_rows], split.labels[:n_rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    sklearn_bilstm.save(model, path)
    return model


def latency(served, texts):
    """Return the median seconds for one review."""
    review = " ".join(" ".join(texts[:100]).split()[:N_WORDS])
    seconds = []
    for _ in range(N_CALLS):
        start = time.perf_counter()
        served.predict_proba([review])
        seconds.append(time.perf_counter() - start)
    return np.median(seconds)


if __name__ == "__main__":
    main()
