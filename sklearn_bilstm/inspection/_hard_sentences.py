"""Sentences whose labels a tagger finds improbable."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_consistent_length

from sklearn_bilstm.utils._sentences import check_label_rows, check_lengths
from sklearn_bilstm.utils._sklearn import Interval, validate_params

__all__ = ["HardSentence", "find_hard_sentences"]


class HardSentence(NamedTuple):
    """A sentence and its loss.

    Parameters
    ----------
    row : int
        Index of the sentence.
    loss : float
        Mean negative log-probability of its labels.
    tokens : list
        The tokens.
    labels : list
        The given labels.
    predicted : list
        The predicted labels.
    """

    row: int
    loss: float
    tokens: list
    labels: list
    predicted: list


@validate_params(
    {"n_sentences": [Interval(Integral, 1, None, closed="left"), None]},
    prefer_skip_nested_validation=True,
)
def find_hard_sentences(
    model: Any, X: Any, y: Any, *, n_sentences: int | None = 10
) -> list[HardSentence]:
    """Find the sentences whose labels have the highest loss.

    Among them are wrong labels, if X is held out, as by
    :func:`~sklearn.model_selection.train_test_split`.

    Parameters
    ----------
    model : estimator
        A fitted :class:`~sklearn_bilstm.BiLSTMTagger`, or a meta-estimator with its
        methods `predict` and `predict_proba`.
    X : sequence of sequence of str
        Tokens of each sentence.
    y : sequence of sequence
        Labels of each sentence. Missing labels do not count.
    n_sentences : int or None, default=10
        Maximum number of sentences. None means all.

    Returns
    -------
    sentences : list of HardSentence
        In decreasing order of the loss, the mean negative logarithm of the marginal
        probabilities of the labels. It is infinite if a label was not seen in `fit`.
        `pandas.DataFrame(sentences)` is a table of them.

    Raises
    ------
    ValueError
        If the rows of X and y differ in length.
    """
    y = check_label_rows(y, name="find_hard_sentences", allow_missing=True)
    predicted = model.predict(X)
    check_consistent_length(predicted, y)
    check_lengths([len(labels) for labels in predicted], y, "y")
    code_of = {label: code for code, label in enumerate(model.classes_.tolist())}
    losses = [
        _loss(row, labels, code_of)
        for row, labels in zip(model.predict_proba(X), y, strict=True)
    ]
    order = np.argsort(-np.array(losses), kind="stable")[:n_sentences]
    rows = list(X)
    return [
        HardSentence(int(row), losses[row], list(rows[row]), y[row], predicted[row])
        for row in order
    ]


def _loss(probabilities: np.ndarray, labels: list, code_of: dict) -> float:
    chosen = [
        token_probabilities[code_of[label]] if label in code_of else 0.0
        for token_probabilities, label in zip(probabilities, labels, strict=True)
        if label is not None
    ]
    with np.errstate(divide="ignore"):
        return float(-np.log(chosen).mean()) if chosen else 0.0
