"""What does each ingredient of the default earn?

Each is taken away alone. A fifth of the training rows, another for each seed, is held
out to read the accuracy on; test rows are not touched.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from _data import CHINESE, load
from _models import make
from _results import collect, print_table
from sklearn.model_selection import train_test_split

WITHOUT = {
    "nothing": {},
    "linear path": {"wide_ngrams": None},
    "evidence": {"evidence_ngrams": None},
    "svd vectors": {"embedding": None},
    "second direction": {"bidirectional": False},
    "mean pooling": {"pooling": "max"},
    "max pooling": {"pooling": "mean"},
    "pooling": {"pooling": "last"},
    "dropout": {"dropout": 0.0},
    "embedding dropout": {"embedding_dropout": 0.0},
    "word dropout": {"word_dropout": 0.0},
    "weight decay": {"weight_decay": 0.0},
    "clipping": {"gradient_clip_norm": None},
    "bfloat16": {"precision": "float32"},
    "one cycle": {"lr_schedule": "constant", "lr": 1e-3},
}


def main():
    """Print a table, or make a single row of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--sets", nargs="+", default=["trec", "sst2_socher", "ag_news"])
    parser.add_argument("--without", nargs="+", default=list(WITHOUT))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        print(json.dumps(make_row(args, *args.row)))
        return
    keys = [
        (name, without, str(seed))
        for name in args.sets
        for without in args.without
        for seed in range(args.seeds)
    ]
    path = args.out / "ablation.csv"
    rows = collect(__file__, path, keys, ["--data", str(args.data)])
    print_table(
        ["without", *args.sets],
        [
            [without, *(summary(args, rows, name, without) for name in args.sets)]
            for without in args.without
        ],
    )


def make_row(args, name, without, seed):
    """Fit the default without an ingredient and return its accuracy."""
    split = load(args.data, name)
    texts, held_out, labels, held_out_labels = train_test_split(
        split.texts,
        split.labels,
        test_size=0.2,
        random_state=int(seed),
        stratify=split.labels,
    )
    model = make("default", chinese=name in CHINESE, random_state=int(seed))
    model[-1].set_params(**WITHOUT[without])
    model.fit(texts, labels)
    accuracy = model.score(held_out, held_out_labels)
    return {"set": name, "without": without, "seed": seed, "accuracy": accuracy}


def summary(args, rows, name, without):
    """Return mean and standard deviation over seeds, in percent."""
    keys = [(name, without, str(seed)) for seed in range(args.seeds)]
    found = [100 * float(rows[key]["accuracy"]) for key in keys]
    return f"{np.mean(found):.1f} ± {np.std(found):.1f}"


if __name__ == "__main__":
    main()
