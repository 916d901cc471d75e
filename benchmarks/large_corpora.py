"""Time and memory of each step of a fit to many short texts that are read in batches.

Texts are random words whose frequencies follow Zipf's law. One in ten is a word of the
class. They are written as Parquet files before the measurement. A row of the
table is computed in its own process, one step after the other: memory is the peak of
the step beyond that before it, without pages of the file of token ids, which the system
can drop.

Seconds are those of the CPU, which other processes hardly affect. `slope` is the slope
of the seconds on a log-log line: 1 if they are proportional to the number of rows.
"""

import json
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from _results import collect, parse_arguments, print_table
from pyarrow import dataset, parquet

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.sequences import RaggedArray, RaggedRows
from sklearn_bilstm.text import TextBatches, write_token_ids
from sklearn_bilstm.training import (
    ClassLogOdds,
    LinearModel,
    TokenVectors,
    cooccurrence_vectors,
    sampled_rows,
)

ROWS_OF_FILE, N_WORDS, N_DISTINCT, N_WORDS_OF_CLASS = 250_000, 15, 200_000, 2000
ROWS_OF_EPOCH = 100_000
# Maximum number of rows of the n-gram models of an estimator.
MOST_ROWS = 1_000_000


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(
        __doc__, needs_data=False, rows=["10000", "100000", "1000000"], threads=1
    )
    args.out.mkdir(parents=True, exist_ok=True)
    if args.row:
        n_rows = int(args.row[0])
        print(json.dumps({"rows": n_rows, **measure(args.out, n_rows, args.threads)}))
        return
    for n_rows in map(int, args.rows):
        write_texts(folder_of(args.out, n_rows), n_rows)
    arguments = ["--out", str(args.out), "--threads", str(args.threads)]
    keys = [(n_rows,) for n_rows in args.rows]
    rows = collect(__file__, args.out / "large_corpora.csv", keys, arguments)
    print_table(*table_of(rows, args.rows))


def folder_of(out, n_rows):
    """Return the folder with the texts of a corpus."""
    return out / f"texts_{n_rows}"


def write_texts(folder, n_rows):
    """Write random texts and their labels as Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    words = np.array([f"w{i}" for i in range(N_DISTINCT)])
    for number, start in enumerate(range(0, n_rows, ROWS_OF_FILE)):
        path = folder / f"{number:05}.parquet"
        if path.exists():
            continue
        random = np.random.default_rng(number)
        n = min(ROWS_OF_FILE, n_rows - start)
        labels = random.integers(0, 2, n)
        lengths = random.poisson(N_WORDS, n) + 1
        # log-uniform ranks: Zipf's law with exponent 1
        n_tokens, of_class = lengths.sum(), np.repeat(labels, lengths)
        ranks = np.exp(random.random(n_tokens) * np.log(N_DISTINCT)).astype(int)
        of_words = np.exp(random.random(n_tokens) * np.log(N_WORDS_OF_CLASS))
        is_of_class = random.random(n_tokens) < 0.1
        ranks[is_of_class] = (of_words.astype(int) // 2 * 2 + of_class)[is_of_class]
        ends = np.cumsum(lengths)[:-1]
        texts = [" ".join(row) for row in np.split(words[ranks % N_DISTINCT], ends)]
        parquet.write_table(pa.table({"text": texts, "label": labels}), path)


class Steps:
    """CPU seconds and peak memory of steps, by the file /proc/self/status of Linux."""

    def __init__(self):
        self.results = {}

    def run(self, name, function):
        """Run a step, and return its result."""
        before, peak, ended = megabytes(), [0.0], threading.Event()

        def watch():
            while not ended.wait(0.005):
                peak[0] = max(peak[0], megabytes())

        watcher = threading.Thread(target=watch)
        watcher.start()
        start = time.process_time()
        result = function()
        seconds = time.process_time() - start
        ended.set()
        watcher.join()
        self.results[f"{name}, s"] = round(seconds, 2)
        self.results[f"{name}, MB"] = round(max(peak[0], megabytes()) - before)
        return result


def megabytes():
    """Return the memory of this process, without pages of mapped files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1e3
    raise OSError("/proc/self/status has no RssAnon: Linux is required.")


def measure(out, n_rows, n_threads):
    """Return seconds and megabytes of each step for a number of rows."""
    steps = Steps()
    source = dataset.dataset(folder_of(out, n_rows))
    corpus = TextBatches(source, text="text", label="label")
    vectorizer = steps.run("vocabulary", lambda: TextVectorizer().fit(corpus))
    ids = steps.run(
        "ids", lambda: write_token_ids(vectorizer, corpus, out / f"{n_rows}.ids")
    )
    y = corpus.labels()
    measure_parts(steps, ids, y)
    model = BiLSTMClassifier(max_epochs=1, random_state=0, n_threads=n_threads)
    of_epoch = np.sort(np.random.RandomState(0).permutation(n_rows)[:ROWS_OF_EPOCH])
    steps.run("fit to a part", lambda: model.fit(ids[of_epoch], y[of_epoch]))
    steps.run("prediction", lambda: model.predict(ids))
    return steps.results


def measure_parts(steps, ids, y):
    """Measure what is fitted before the network."""
    rows = RaggedRows((RaggedArray(ids.ids, ids.offsets),))
    random_state = np.random.RandomState(0)
    vectors = steps.run(
        "vectors",
        lambda: cooccurrence_vectors(rows, ids.largest_id + 1, 100, random_state),
    )
    kept = sampled_rows(len(rows), MOST_ROWS, 0)
    sample = rows.take(kept), y[kept], np.ones(len(kept))
    steps.run("log-odds", lambda: ClassLogOdds((1, 2), 2).fit(*sample))
    tokens = TokenVectors(vectors, rows)
    linear = LinearModel((1, 3), 2)
    steps.run("linear model", lambda: linear.fit(*sample, 0, vectors=tokens))


def table_of(rows, sizes):
    """Return the header and the rows of a table, with slopes of the seconds."""
    by_size = {size: rows[size,] for size in sizes}
    names = [name[:-3] for name in by_size[sizes[0]] if name.endswith(", s")]
    header = ["step", *(f"{int(size):,}" for size in sizes), "slope"]
    lines = []
    for name in names:
        seconds = [float(by_size[size][f"{name}, s"]) for size in sizes]
        memory = [int(float(by_size[size][f"{name}, MB"])) for size in sizes]
        slope = ""
        if len(sizes) > 1:
            logs = np.log([*map(float, sizes)]), np.log(np.maximum(seconds, 0.01))
            slope = f"{np.polyfit(*logs, 1)[0]:.2f}"
        cells = [f"{s:.1f} s, {m} MB" for s, m in zip(seconds, memory, strict=True)]
        lines.append([name, *cells, slope])
    return header, lines


if __name__ == "__main__":
    main()
