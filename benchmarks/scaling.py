"""How fast is one fit over several processes, and how much do they exchange?

A default classifier is fitted by one process with two threads, and by two processes
with a thread each, whose group uses gloo on this machine. The rate is the number of
texts per second of training, the median over epochs but the first. `--batch-sizes` are
numbers of rows per gradient step.

The second table is computed from the first and not measured. Each of n machines
processes `batch_size` rows per step, so that a step has n times as many. It takes the
time t of a step of one process, plus the time of a ring all-reduce of the b bytes of a
message (Patarasuk and Yuan, 2009): 2 (n - 1) (latency + b / (n bandwidth)). The rate
relative to one machine is n t / (t + all-reduce).
"""

import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from _data import load
from _results import collect, parse_arguments, print_table
from torch import distributed, multiprocessing

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

CONFIGURATIONS = {"1 process x 2 threads": (1, 2), "2 processes x 1 thread": (2, 1)}
MACHINES = 2, 4, 8, 16, 32, 64
LATENCY, BANDWIDTH = 50e-6, 10e9 / 8  # seconds, and bytes per second
N_EPOCHS = 3


def main():
    """Print both tables, or compute a single row."""
    args = parse_arguments(
        __doc__, sets=["sst2_socher", "imdb"], batch_sizes=["32", "128"], seeds=3
    )
    if args.row:
        print(json.dumps(make_row(args.data, *args.row)))
        return
    keys = [
        (name, batch_size, configuration, str(seed))
        for name in args.sets
        for batch_size in args.batch_sizes
        for configuration in CONFIGURATIONS
        for seed in range(args.seeds)
    ]
    rows = collect(__file__, args.out / "scaling.csv", keys, ["--data", str(args.data)])
    groups = list(dict.fromkeys(key[:3] for key in keys))
    found = {
        group: [rows[*group, str(seed)] for seed in range(args.seeds)]
        for group in groups
    }
    print_table(
        ["set", "batch", "configuration", "texts/s", "accuracy", "kB/step", "messages"],
        [[*group, *cells(found[group])] for group in groups],
    )
    print("\nComputed, not measured: rate relative to one machine, 10 Gbit/s")
    print_table(
        ["set", "batch per machine", *(f"{n} machines" for n in MACHINES)],
        [
            [*group[:2], *computed(found[group], int(group[1]))]
            for group in groups
            if group[2].startswith("2")
        ],
    )


def make_row(data, name, batch_size, configuration, seed):
    """Fit a model, and return its rate, accuracy and messages."""
    n_processes, n_threads = CONFIGURATIONS[configuration]
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "found.json"))
        args = (n_processes, n_threads, folder, path, data, name, batch_size, seed)
        multiprocessing.spawn(fit, args, nprocs=n_processes)
        return json.loads(Path(path).read_text())


def fit(rank, n_processes, n_threads, folder, path, data, name, batch_size, seed):
    """Fit a part of the rows; the first process writes the results."""
    os.environ["OMP_NUM_THREADS"] = str(n_threads)
    torch.set_num_threads(n_threads)
    if n_processes > 1:
        distributed.init_process_group(
            "gloo", f"file://{folder}/store", rank=rank, world_size=n_processes
        )
    split = load(data, name)
    rows = slice(rank, min(len(split.texts), 10_000), n_processes)
    vectorizer = TextVectorizer()
    X = vectorizer.fit_transform(split.texts[rows])
    model = BiLSTMClassifier(
        batch_size=int(batch_size),
        max_epochs=N_EPOCHS,
        n_threads=n_threads,
        random_state=int(seed),
    )
    start = time.perf_counter()
    model.fit(X, split.labels[rows])
    seconds = time.perf_counter() - start
    group = model.net_._group
    if rank == 0:
        n_texts = min(len(split.texts), 10_000)
        per_epoch = [epoch["seconds"] for epoch in model.history_[1:]]
        test = vectorizer.transform(split.test_texts[:5000])
        row = {
            "set": name,
            "batch_size": batch_size,
            "configuration": f"{n_processes} process"
            f"{'es' * (n_processes > 1)} x {n_threads} thread{'s' * (n_threads > 1)}",
            "seed": seed,
            "rate": round(n_texts / float(np.median(per_epoch)), 1),
            "accuracy": round(model.score(test, split.test_labels[:5000]), 4),
            "bytes": 0 if group is None else group.n_bytes / group.n_messages,
            "messages": 0 if group is None else 2,
            "seconds": round(seconds, 1),
        }
        Path(path).write_text(json.dumps(row))
    if n_processes > 1:
        distributed.destroy_process_group()


def cells(rows):
    """Return the cells of a line of the first table."""
    rates, accuracies, n_bytes = (
        np.array([float(row[name]) for row in rows])
        for name in ("rate", "accuracy", "bytes")
    )
    return [
        f"{np.median(rates):,.0f} ({rates.min():,.0f} to {rates.max():,.0f})",
        f"{100 * accuracies.mean():.1f} ± {100 * accuracies.std():.1f}",
        f"{n_bytes.mean() / 1e3:,.0f}" if n_bytes.any() else "",
        rows[0]["messages"] if n_bytes.any() else "",
    ]


def computed(rows, batch_size):
    """Return the rates of several machines relative to one."""
    # two processes have half of the rows of a step each
    seconds = batch_size / float(np.median([float(row["rate"]) for row in rows])) * 2
    n_bytes = float(np.mean([float(row["bytes"]) for row in rows]))
    rates = []
    for n in MACHINES:
        all_reduce = 2 * (n - 1) * (LATENCY + n_bytes / (n * BANDWIDTH))
        rates.append(f"{n * seconds / (seconds + all_reduce):.1f}")
    return rates


if __name__ == "__main__":
    main()
