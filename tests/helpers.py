"""Small estimators and data conversions shared by tests."""

from itertools import pairwise

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    TextVectorizer,
)
from sklearn_bilstm.sequences import RaggedArray

SMALL = {
    "embedding_dim": 8,
    "embedding": None,
    "hidden_layer_sizes": 6,
    "max_epochs": 2,
    "random_state": 0,
}


def compiled_by(backend):
    """Return parameters that compile the network and the loss by torch."""
    return {"net_params": {"compile": True, "compile__backend": backend}}


def small_classifier(**params):
    """Return a classifier without n-gram models that fits in a fraction of a second."""
    bare = {"log_odds_ngram_range": None, "linear_ngram_range": None}
    return BiLSTMClassifier(**{**SMALL, **bare, **params})


def small_regressor(**params):
    """Return a regressor that is fitted in a fraction of a second."""
    return BiLSTMRegressor(**{**SMALL, **params})


def small_tagger(**params):
    """Return a tagger that is fitted in a fraction of a second."""
    spelling = {"character_embedding_dim": 4, "n_character_filters": 5}
    return BiLSTMTagger(**{**SMALL, **spelling, **params})


def small_pipeline(**params):
    """Return a pipeline from text that is fitted in a fraction of a second.

    Like the default, it has n-gram models and an SVD initialisation.
    """
    whole = {
        "embedding": "svd",
        "log_odds_ngram_range": (1, 2),
        "linear_ngram_range": (1, 2),
    }
    return make_pipeline(TextVectorizer(), small_classifier(**{**whole, **params}))


def ragged(rows):
    """Return lists of token ids as a RaggedArray."""
    values = np.array([token for row in rows for token in row], dtype=np.int32)
    return RaggedArray(values, np.cumsum([0, *map(len, rows)]))


def rows_of(sequences):
    """Return the rows of a RaggedArray as lists."""
    bounds = pairwise(sequences.offsets)
    return [sequences.values[start:end].tolist() for start, end in bounds]
