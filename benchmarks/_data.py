"""Loader of labelled texts from parquet files, with training and test sets."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from sklearn.model_selection import train_test_split

# Names of the label and text columns, unless they are "label" and "text".
_COLUMNS = {"airline_tweets": ("text", "airline_sentiment")}

SETS = [
    "imdb",
    "sst2_socher",
    "mr",
    "trec",
    "ag_news",
    "20newsgroups",
    "reuters_r8",
    "banking77",
    "sms_spam",
    "airline_tweets",
    "zh_chnsenticorp",
]
CHINESE = {"zh_chnsenticorp"}


class Split(NamedTuple):
    """Texts and labels of the training and test sets."""

    texts: np.ndarray
    labels: np.ndarray
    test_texts: np.ndarray
    test_labels: np.ndarray


def load(data: Path, name: str) -> Split:
    """Load a dataset.

    If it has no test set, a fixed fifth of its rows is held out. Training rows are
    shuffled, since some files are sorted by class.
    """
    folder = data / name
    if (folder / "all.parquet").exists():
        texts, labels = _read(folder / "all.parquet", name)
        texts, test_texts, labels, test_labels = train_test_split(
            texts, labels, test_size=0.2, random_state=0, stratify=labels
        )
    else:
        texts, labels = _read(folder / "train.parquet", name)
        test = "test" if (folder / "test.parquet").exists() else "dev"
        test_texts, test_labels = _read(folder / f"{test}.parquet", name)
        known = set(texts) if test == "dev" else set()
        new = np.array([text not in known for text in test_texts])
        test_texts, test_labels = test_texts[new], test_labels[new]
    order = np.random.RandomState(0).permutation(len(texts))
    return Split(texts[order], labels[order], test_texts, test_labels)


def load_unlabelled(data: Path, name: str) -> np.ndarray:
    """Load the texts without labels that a dataset has, if any."""
    path = data / name / "unsup.parquet"
    texts = pq.read_table(path)["text"].to_pylist() if path.exists() else []
    return np.array(texts, dtype=object)


def _read(path: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    columns = _COLUMNS.get(name, ("text", "label"))
    table = pq.read_table(path, columns=list(columns))
    texts, labels = (table.column(column).to_pylist() for column in columns)
    return np.array(texts, dtype=object), np.array(labels)
