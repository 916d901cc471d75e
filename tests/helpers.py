"""Small estimators, data conversions and interrupts shared by tests."""

import linecache
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

import sklearn_bilstm
from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    TextVectorizer,
)
from sklearn_bilstm.sequences import RaggedArray

PACKAGE = str(Path(sklearn_bilstm.__file__).parent)
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
    """Return a classifier without other models that fits in a fraction of a second."""
    bare = {
        "log_odds_ngram_range": None,
        "linear_ngram_range": None,
        "linear_kernels": None,
    }
    return BiLSTMClassifier(**{**SMALL, **bare, **params})


def small_regressor(**params):
    """Return a regressor without a linear model that fits in a fraction of a second."""
    return BiLSTMRegressor(**{**SMALL, "linear_kernels": None, **params})


def small_tagger(**params):
    """Return a tagger without linear model, fitted in a fraction of a second."""
    spelling = {"character_embedding_dim": 4, "n_character_filters": 5}
    return BiLSTMTagger(**{**SMALL, **spelling, "linear_features": None, **params})


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


class Trace:
    """Count the lines of the package that a call executes, and interrupt it at one.

    Parameters
    ----------
    line : tuple of (str, int) or None
        File and number of a line. KeyboardInterrupt is raised before it is executed for
        the `nth` time.
    nth : int
    """

    def __init__(self, line=None, nth=1):
        self.line, self.nth = line, nth
        self.counts = Counter()

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        line = frame.f_code.co_filename, frame.f_lineno
        if event == "line" and not self._leaves_context(line):
            self.counts[line] += 1
            if line == self.line and self.counts[line] == self.nth:
                raise KeyboardInterrupt("traced")
        return self

    def _leaves_context(self, line):
        # the line of a `with` statement comes again before __exit__ is called, where
        # Python does not handle signals, so that a lock is always released
        is_with = linecache.getline(*line).lstrip().startswith("with ")
        return is_with and line in self.counts

    def run(self, function):
        """Call a function, and return whether it was interrupted."""
        previous = sys.gettrace()
        sys.settrace(self)
        try:
            function()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(previous)
        return False
