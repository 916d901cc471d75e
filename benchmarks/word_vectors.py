"""Time and memory to load files of word vectors.

The files are generated: 400,000 words of 100 dimensions, as in the smallest file of
GloVe. Seconds are the median of several loads, each in its own process with one thread.
`memory` is the peak allocation of Python and NumPy in a second load, which includes
words, vectors and temporary memory. `memory / array` is its ratio to the size of the
vectors alone, 160 MB if all words are kept.
"""

import argparse
import gzip
import json
import time
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _results import collect, print_table

from sklearn_bilstm import load_word_vectors

# Number of distinct rows in a file; writing more would take longer than loading.
N_ROWS = 4000
N_KEPT = 20_000


def main():
    """Print a table, or compute a single row of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", default=list(FILES))
    parser.add_argument("--words", type=int, default=400_000)
    parser.add_argument("--dims", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        print(json.dumps(measure(args.folder, *args.row)))
        return
    with TemporaryDirectory() as folder:
        write_files(Path(folder), args.words, args.dims)
        keys = [(task, str(i)) for i in range(args.repeats) for task in args.tasks]
        path = Path(folder, "word_vectors.csv")
        rows = collect(__file__, path, keys, ["--folder", folder])
        lines = [line(Path(folder), task, rows, args.repeats) for task in args.tasks]
    print_table(["file", "MB", "seconds", "range", "memory", "memory / array"], lines)


def line(folder, task, rows, n_repeats):
    """Return the line of the table for one kind of file."""
    found = [rows[task, str(i)] for i in range(n_repeats)]
    seconds = [float(row["seconds"]) for row in found]
    memory = np.median([float(row["megabytes"]) for row in found])
    array = float(found[0]["array"])
    return [
        task,
        f"{(folder / FILES[task]).stat().st_size / 1e6:.0f}",
        f"{np.median(seconds):.1f}",
        f"{min(seconds):.1f} - {max(seconds):.1f}",
        f"{memory:.0f} MB",
        f"{memory / array:.2f}",
    ]


def measure(folder, task, repeat):
    """Return the seconds and megabytes to load a file."""
    vocabulary = None
    if "kept" in task:
        vocabulary = {f"word{i}" for i in range(N_KEPT)}
    start = time.perf_counter()
    load_word_vectors(folder / FILES[task], vocabulary=vocabulary)
    seconds = time.perf_counter() - start
    tracemalloc.start()
    word_vectors = load_word_vectors(folder / FILES[task], vocabulary=vocabulary)
    return {
        "task": task,
        "repeat": repeat,
        "seconds": seconds,
        "megabytes": tracemalloc.get_traced_memory()[1] / 1e6,
        "array": word_vectors.vectors.nbytes / 1e6,
    }


def write_files(folder, n_words, n_dims):
    """Write the same words in each format."""
    vectors = np.random.default_rng(0).normal(0, 0.4, (N_ROWS, n_dims))
    vectors = vectors.astype("<f4")
    texts = [" ".join(f"{x:.5f}" for x in row).encode() + b"\n" for row in vectors]
    parts = [row.tobytes() for row in vectors]
    header = f"{n_words} {n_dims}\n".encode()
    for name, open_file, top, rows in [
        ("glove.txt", open, b"", texts),
        ("fasttext.vec.gz", gzip.open, header, texts),
        ("word2vec.bin", open, header, parts),
    ]:
        with open_file(folder / name, "wb") as file:
            file.write(top)
            for i in range(n_words):
                file.write(b"word%d " % i + rows[i % N_ROWS])


FILES = {
    "text": "glove.txt",
    f"text, {N_KEPT} words kept": "glove.txt",
    "text by gzip": "fasttext.vec.gz",
    "binary": "word2vec.bin",
}

if __name__ == "__main__":
    main()
