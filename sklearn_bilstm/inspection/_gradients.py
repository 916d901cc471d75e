"""Integrated gradients: how much of an answer comes in with each token."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_bilstm.inspection._model import Output
from sklearn_bilstm.inspection._scores import Scores
from sklearn_bilstm.inspection._way import N_POINTS, Way
from sklearn_bilstm.sequences import SequenceDataset

__all__ = ["integrated_gradients"]

# Scores may miss what they are to sum to by this share of it, or by this share of their
# own sizes, which is what rounding may come to.
_TOLERANCE, _ROUNDING = 0.01, 1e-5


def integrated_gradients(
    estimator: Any, rows: SequenceDataset, output: Output, *, max_points: int
) -> list[Scores]:
    """Score tokens by the gradient along the way from no token to all of them.

    A network that reads a long text may change its mind within a thousandth of the way.
    So the way is halved wherever the integral along a stretch is not what the output
    rises by there.

    Parameters
    ----------
    estimator : BiLSTMClassifier or BiLSTMRegressor
    rows : SequenceDataset
    output : Output
    max_points : int
        A row at so many points of whose way gradients were taken is left as it is.

    Returns
    -------
    scores : list of Scores
        Those of a row sum to the difference of its output and its baseline.

    Warns
    -----
    ConvergenceWarning
        If they do not.

    References
    ----------
    Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks. ICML.
    """
    way = Way(estimator, rows, output)
    whole = _Stretches.whole(way)
    tokens = [np.zeros(length) for length in way.lengths]
    allowed, n_points = np.zeros(len(rows)), np.zeros(len(rows))
    open_ones = whole
    while len(open_ones.rows):
        parts = way.integrals(open_ones.rows, open_ones.starts, open_ones.ends)
        sums = np.array([part.sum() for part in parts])
        gaps = np.abs(sums - open_ones.rises)
        if open_ones is whole:
            sizes = np.array([np.abs(part).sum() for part in parts])
            allowed = np.maximum(_TOLERANCE * np.abs(whole.rises), _ROUNDING * sizes)
        n_open = np.bincount(open_ones.rows, minlength=len(rows))
        n_points += N_POINTS * n_open
        fits = gaps <= (allowed / n_open.clip(min=1))[open_ones.rows]
        done = fits | (n_points >= max_points)[open_ones.rows]
        for index in np.flatnonzero(done):
            tokens[open_ones.rows[index]] += parts[index]
        np.subtract.at(allowed, open_ones.rows[done], gaps[done])
        open_ones = open_ones.take(~done).halved(way)
    _warn_of_gaps(allowed)
    return [
        Scores(of_row, last, first)
        for of_row, first, last in zip(
            tokens, whole.first.tolist(), whole.last.tolist(), strict=True
        )
    ]


@dataclass(frozen=True)
class _Stretches:
    """Stretches of the ways of rows.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
    starts, ends : ndarray of shape (n,)
        From 0 to 1.
    first, last : ndarray of shape (n,)
        The output at the start and at the end.
    """

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def whole(cls, way: Way) -> "_Stretches":
        """Return a stretch for the whole way of each row."""
        rows = np.arange(len(way.lengths))
        starts, ends = np.zeros(len(rows)), np.ones(len(rows))
        values = way.values(rows, starts), way.values(rows, ends)
        return cls(rows, starts, ends, *values)

    @property
    def rises(self) -> np.ndarray:
        """What the output rises by."""
        return self.last - self.first

    def take(self, which: np.ndarray) -> "_Stretches":
        """Return some of the stretches."""
        return _Stretches(*(values[which] for values in vars(self).values()))

    def halved(self, way: Way) -> "_Stretches":
        """Return both halves of each stretch."""
        middles = (self.starts + self.ends) / 2
        values = way.values(self.rows, middles)
        return _Stretches(
            np.concatenate([self.rows, self.rows]),
            np.concatenate([self.starts, middles]),
            np.concatenate([middles, self.ends]),
            np.concatenate([self.first, values]),
            np.concatenate([values, self.last]),
        )


def _warn_of_gaps(allowed: np.ndarray) -> None:
    """Warn if more is missing than was allowed."""
    short = np.flatnonzero(allowed < 0)
    if len(short):
        warnings.warn(
            f"The scores of {len(short)} texts, such as number {short[0]}, do not sum "
            "to the difference that they explain: let gradients be taken at more "
            "points by the 'max_points' parameter.",
            ConvergenceWarning,
            stacklevel=3,
        )
