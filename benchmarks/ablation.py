"""Ablation study: the effect of each component of the default.

Each component is removed or added separately. Accuracies refer to a fifth of the
training rows, a different one for each seed; test rows are not used. Differences to the
default are computed on the same rows and seeds.
"""

import json

import numpy as np
from _data import CHINESE, load
from _models import make
from _results import collect, parse_arguments, print_table
from sklearn.model_selection import train_test_split

CHANGES = {
    "without linear model": {"linear_ngram_range": None},
    "bigrams in linear model": {"linear_ngram_range": (1, 2)},
    "trigrams in linear model": {"linear_ngram_range": (1, 3)},
    "without class log-odds": {"log_odds_ngram_range": None},
    "without SVD vectors": {"embedding": None},
    "unidirectional": {"bidirectional": False},
    "without mean pooling": {"pooling": "max"},
    "without max pooling": {"pooling": "mean"},
    "last pooling": {"pooling": "last"},
    "without dropout": {"dropout": 0.0},
    "without embedding dropout": {"embedding_dropout": 0.0},
    "without word dropout": {"word_dropout": 0.0},
    "without weight decay": {"weight_decay": 0.0},
    "without clipping": {"gradient_clip_norm": None},
    "float32": {"precision": "float32"},
    "constant rate of 0.001": {"lr_schedule": "constant", "lr": 1e-3},
    "recurrent dropout": {"recurrent_dropout": 0.2},
    "max norm": {"max_norm": 3.0},
    "layer normalisation": {"normalization": "layer"},
    "batch normalisation": {"normalization": "batch"},
    "second layer": {"hidden_layer_sizes": (64, 32)},
    "dense layer": {"dense_layer_sizes": 64},
}


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(
        __doc__, sets=["trec", "sst2_socher", "ag_news"], changes=list(CHANGES), seeds=3
    )
    if args.row:
        print(json.dumps(make_row(args, *args.row)))
        return
    keys = [
        (name, change, str(seed))
        for name in args.sets
        for change in ["none", *args.changes]
        for seed in range(args.seeds)
    ]
    path = args.out / "ablation.csv"
    rows = collect(__file__, path, keys, ["--data", str(args.data)])
    found = {key: 100 * float(row["accuracy"]) for key, row in rows.items()}
    seeds = range(args.seeds)
    accuracy = {
        (name, change): np.array([found[name, change, str(seed)] for seed in seeds])
        for name, change, _ in keys
    }
    defaults = [accuracy[name, "none"] for name in args.sets]
    print_table(
        ["change", *args.sets],
        [
            ["none", *(f"{x.mean():.1f} ± {x.std():.1f}" for x in defaults)],
            *([change, *gains(args, accuracy, change)] for change in args.changes),
        ],
    )


def make_row(args, name, change, seed):
    """Fit the default with one change and return its accuracy."""
    split = load(args.data, name)
    texts, held_out, labels, held_out_labels = train_test_split(
        split.texts,
        split.labels,
        test_size=0.2,
        random_state=int(seed),
        stratify=split.labels,
    )
    model = make("default", chinese=name in CHINESE, random_state=int(seed))
    if change != "none":
        model[-1].set_params(**CHANGES[change])
    model.fit(texts, labels)
    accuracy = model.score(held_out, held_out_labels)
    return {"set": name, "change": change, "seed": seed, "accuracy": accuracy}


def gains(args, accuracy, change):
    """Return the gain of a change in points: mean and standard deviation over seeds."""
    above = [accuracy[name, change] - accuracy[name, "none"] for name in args.sets]
    return [f"{x.mean():+.1f} ± {x.std():.1f}" for x in above]


if __name__ == "__main__":
    main()
