"""Labels and speed of an exported tagger, compared with torch.

Default taggers, or those with `linear_features=None` (`--models network`), are fitted
to the datasets of `tagging.py` for two epochs, which yields the same size and speed as
more epochs, and exported. Both runtimes label all test sentences: at once, and one at a
time. Times are minima of several repeats in one thread.
"""

import json
import time
from io import BytesIO

import numpy as np
from _results import collect, parse_arguments, print_table
from tagging import READERS

from sklearn_bilstm import BiLSTMTagger, export_onnx
from sklearn_bilstm.onnx import OnnxModel

N_EPOCHS, N_ALONE = 2, 200
LINEAR_FEATURES = {"default": "auto", "network": None}


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(__doc__, sets=list(READERS), models=["default"], repeats=5)
    if args.row:
        print(json.dumps(serving_row(args.data, *args.row, args.repeats)))
        return
    arguments = ["--data", str(args.data), "--repeats", str(args.repeats)]
    keys = [(name, model) for name in args.sets for model in args.models]
    rows = collect(__file__, args.out / "tagger_serving.csv", keys, arguments)
    _, _, *figures = rows[keys[0]]
    lines = [[figure, *(rows[key][figure] for key in keys)] for figure in figures]
    print_table(["", *map(" ".join, keys)], lines)


def serving_row(data, name, kind, n_repeats):
    """Fit and export a tagger, and return the figures of both runtimes."""
    split = READERS[name](data / name)
    params = {"max_epochs": N_EPOCHS, "n_threads": 1, "random_state": 0}
    tagger = BiLSTMTagger(**params, linear_features=LINEAR_FEATURES[kind])
    tagger.fit(split.X, split.y)
    file = BytesIO()
    export_onnx(tagger, file)
    n_bytes = file.tell()
    file.seek(0)
    served, X = OnnxModel(file, n_threads=1), split.X_test
    pairs = zip(tagger.predict(X), served.predict(X), strict=True)
    n_different = sum(expected != found for expected, found in pairs)
    expected, found = (
        np.concatenate(model.predict_proba(X)) for model in (tagger, served)
    )
    row = {
        "set": name,
        "model": kind,
        "labels": len(tagger.classes_),
        "sentences": len(X),
        "different": n_different,
        "largest difference of probabilities": f"{np.abs(found - expected).max():.0e}",
        "file, MB": f"{n_bytes / 1e6:.1f}",
    }
    for of_times, sentences in (("", X), (" alone", X[:N_ALONE])):
        for runtime, model in (("torch", tagger), ("onnx", served)):
            for method in ("predict", "predict_proba"):
                label = getattr(model, method)
                best = min(
                    milliseconds(label, sentences, alone=bool(of_times))
                    for _ in range(n_repeats)
                )
                column = f"{runtime} {method}{of_times}, ms/sentence"
                row[column] = f"{best / len(sentences):.2f}"
    return row


def milliseconds(label, sentences, *, alone):
    """Return the time for all sentences, as one call or each in a call of its own."""
    start = time.perf_counter()
    if alone:
        for sentence in sentences:
            label([sentence])
    else:
        label(sentences)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
