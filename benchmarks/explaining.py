"""Faithfulness of explanations.

The default pipeline is fitted to film reviews. From each of a number of test reviews,
the ten tokens with the highest scores for the predicted class are deleted, and for
comparison ten random ones. The probability of the class should decrease much more for
the former.
"""

import json
import time

import numpy as np
from _data import load
from _models import make
from _results import collect, parse_arguments, print_table

from sklearn_bilstm import explain

METHODS = ["integrated_gradients", "occlusion"]
N_DELETED = 10
# Shorter reviews would lose too large a fraction of their tokens.
MIN_TOKENS = 50
# Number of random draws of tokens to average over.
N_DRAWS = 10


def main():
    """Print a table, or compute a single row of it."""
    args = parse_arguments(__doc__, methods=METHODS, seeds=3, reviews=200, rows=25_000)
    if args.row:
        print(json.dumps(make_row(args, *args.row)))
        return
    keys = [(m, str(seed)) for m in args.methods for seed in range(args.seeds)]
    arguments = ["--data", str(args.data)]
    for name in ("reviews", "rows"):
        arguments += [f"--{name}", str(getattr(args, name))]
    path = args.out / f"explaining-{args.rows}-{args.reviews}.csv"
    rows = collect(__file__, path, keys, arguments)
    print_table(
        ["method", "drop", "random", "ratio", "incompleteness, %", "s per review"],
        [summary(args, rows, method) for method in args.methods],
    )


def make_row(args, method, seed):
    """Fit the default, explain test reviews, and delete tokens from them."""
    split = load(args.data, "imdb")
    random = np.random.RandomState(int(seed))
    model = make("default", chinese=False, random_state=int(seed))
    model.fit(split.texts[: args.rows], split.labels[: args.rows])
    analyze = model[0].build_analyzer()
    order = random.permutation(len(split.test_texts))
    long = (t for t in split.test_texts[order] if len(analyze(t)) >= MIN_TOKENS)
    texts = [text for text, _ in zip(long, range(args.reviews), strict=False)]
    start = time.perf_counter()
    explanations = explain(model, texts, method)
    seconds = time.perf_counter() - start
    before = probabilities(model, texts, explanations)
    falls = before - without(model, explanations, top_tokens)
    draws = [
        before - without(model, explanations, lambda e: random_tokens(e, random))
        for _ in range(N_DRAWS)
    ]
    return {
        "method": method,
        "seed": seed,
        "fall": falls.mean(),
        "random_fall": np.mean(draws),
        "incompleteness": max(map(incompleteness, explanations)),
        "seconds": seconds / len(texts),
    }


def without(model, explanations, choose):
    """Return the probabilities of the explained classes without the chosen tokens."""
    texts = [shortened(one, choose(one)) for one in explanations]
    return probabilities(model, texts, explanations)


def probabilities(model, texts, explanations):
    """Return the probability of each explained class."""
    columns = np.searchsorted(model.classes_, [one.target for one in explanations])
    return model.predict_proba(texts)[np.arange(len(texts)), columns]


def top_tokens(explanation):
    """Return the indices of the tokens with the highest scores."""
    return np.argsort(-np.nan_to_num(explanation.scores, nan=-np.inf))[:N_DELETED]


def random_tokens(explanation, random):
    """Return the indices of equally many random tokens that have a score."""
    return random.permutation(np.flatnonzero(~np.isnan(explanation.scores)))[:N_DELETED]


def shortened(explanation, places):
    """Return the text of an explanation without some of its tokens."""
    (text,) = explanation.document.texts
    for place in sorted(places, reverse=True):
        token = explanation.document.tokens[place]
        text = text[: token.start] + text[token.end :]
    return text


def incompleteness(explanation):
    """Return the relative error of the sum of scores."""
    difference = explanation.output - explanation.baseline
    return abs(np.nansum(explanation.scores) - difference) / abs(difference)


def summary(args, rows, method):
    """Return a line of the table."""
    found = [rows[method, str(seed)] for seed in range(args.seeds)]

    def values(column):
        return np.array([float(row[column]) for row in found])

    ratios = values("fall") / values("random_fall")
    gap = f"{100 * values('incompleteness').max():.2g}"
    return [
        method,
        f"{values('fall').mean():.3f} ± {values('fall').std():.3f}",
        f"{values('random_fall').mean():.4f} ± {values('random_fall').std():.4f}",
        f"{ratios.mean():.0f}, at least {ratios.min():.0f}",
        gap if method == "integrated_gradients" else "",  # no other method is complete
        f"{values('seconds').mean():.2f}",
    ]


if __name__ == "__main__":
    main()
