"""Integrated gradients, with adaptive refinement of the path."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_bilstm.inspection._integration_path import N_POINTS, IntegrationPath
from sklearn_bilstm.inspection._model import Output
from sklearn_bilstm.inspection._scores import Scores
from sklearn_bilstm.sequences import SequenceDataset

__all__ = ["integrated_gradients"]

# Tolerances of the completeness axiom: relative to the difference of outputs, and
# relative to the absolute sum of scores, which covers rounding errors.
_TOLERANCE, _ROUNDING = 0.01, 1e-5
# A segment this short whose integral does not match the rise of the output is a jump.
_THINNEST = 2.0**-10


def integrated_gradients(
    estimator: Any, rows: SequenceDataset, output: Output, *, max_points: int
) -> list[Scores]:
    """Integrate the gradients of the output along the path from the baseline.

    The output for a long text can change abruptly within a millionth of the path. The
    path is therefore bisected wherever the integral over a segment does not match the
    difference of the output. A jump is narrowed down to a thousandth of the path. Its
    height is distributed in proportion to the gradients next to it, which are nearly
    parallel to the jump.

    Parameters
    ----------
    estimator : BiLSTMClassifier or BiLSTMRegressor
    rows : SequenceDataset
    output : Output
    max_points : int
        Maximum number of points per row at which gradients are evaluated.

    Returns
    -------
    scores : list of Scores
        The scores of the tokens and static features of a row sum to the difference
        between its output and baseline.

    Warns
    -----
    ConvergenceWarning
        If the scores do not sum to that difference.

    References
    ----------
    Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks. ICML.
    """
    path = IntegrationPath(estimator, rows, output)
    full_paths = segments = _Segments.whole(path)
    totals = _Totals(path.lengths + path.n_static, max_points)
    while len(segments.rows):
        integrals = path.integrals(segments.rows, segments.starts, segments.ends)
        if segments is full_paths:
            totals.set_tolerances(full_paths, integrals)
        done = totals.add(segments, integrals)
        segments = segments.take(~done).halved(path)
    totals.warn_of_errors(full_paths)
    ends = zip(full_paths.first.tolist(), full_paths.last.tolist(), strict=True)
    return [
        Scores(scores[:length], scores[length:], output=last, baseline=first)
        for scores, length, (first, last) in zip(
            totals.scores, path.lengths, ends, strict=True
        )
    ]


class _Totals:
    """Sums over the segments, with their tolerances.

    Parameters
    ----------
    lengths : ndarray of int, shape (n_rows,)
        Number of scores of each row.
    max_points : int
        As for :func:`integrated_gradients`.
    """

    def __init__(self, lengths: np.ndarray, max_points: int) -> None:
        self.scores = [np.zeros(length) for length in lengths]
        self.n_points = np.zeros(len(lengths))
        self.max_points = max_points

    def set_tolerances(
        self, full_paths: "_Segments", integrals: list[np.ndarray]
    ) -> None:
        """Set the tolerances from a first pass over the whole paths."""
        sizes = np.array([np.abs(integral).sum() for integral in integrals])
        tolerances = _TOLERANCE * np.abs(full_paths.rises), _ROUNDING * sizes
        self.tolerances = np.maximum(*tolerances)
        self.left = self.tolerances.copy()

    def add(self, segments: "_Segments", integrals: list[np.ndarray]) -> np.ndarray:
        """Add the segments that are finished, and return their mask."""
        rows = segments.rows
        sums = np.array([integral.sum() for integral in integrals])
        gaps = np.abs(sums - segments.rises)
        n_open = np.bincount(rows, minlength=len(self.scores))
        self.n_points += N_POINTS * n_open
        fits = gaps <= self.left[rows] / n_open[rows]
        is_thin = segments.ends - segments.starts <= _THINNEST
        done = fits | is_thin | (self.n_points[rows] >= self.max_points)
        # the integral of a jump is rescaled only if it has the same sign as the jump
        jumps = ~fits & is_thin & (segments.rises * sums > 0)
        scales = np.divide(segments.rises, sums, out=np.ones(len(rows)), where=jumps)
        for index in np.flatnonzero(done):
            self.scores[rows[index]] += scales[index] * integrals[index]
        np.subtract.at(self.left, rows[fits], gaps[fits])
        return done

    def warn_of_errors(self, full_paths: "_Segments") -> None:
        """Warn about rows whose error exceeds the tolerance."""
        sums = np.array([scores.sum() for scores in self.scores])
        out = np.flatnonzero(np.abs(sums - full_paths.rises) > self.tolerances)
        if len(out):
            warnings.warn(
                f"The scores of {len(out)} of {len(sums)} texts, such as text "
                f"{out[0]}, do not sum to the difference of the outputs: increase the "
                "'max_points' parameter to evaluate gradients at more points.",
                ConvergenceWarning,
                stacklevel=5,  # where a user calls `explain`
            )


@dataclass(frozen=True)
class _Segments:
    """Segments of the paths of rows.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
    starts, ends : ndarray of shape (n,)
        Start and end of each segment, between 0 and 1.
    first, last : ndarray of shape (n,)
        Output at the start and at the end of each segment.
    """

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def whole(cls, path: IntegrationPath) -> "_Segments":
        """Return one segment per row that covers the whole path."""
        rows = np.arange(len(path.lengths))
        starts, ends = np.zeros(len(rows)), np.ones(len(rows))
        values = path.values(rows, starts), path.values(rows, ends)
        return cls(rows, starts, ends, *values)

    @property
    def rises(self) -> np.ndarray:
        """Difference of the output between the ends of each segment."""
        return self.last - self.first

    def take(self, which: np.ndarray) -> "_Segments":
        """Return a subset of the segments."""
        return _Segments(*(values[which] for values in vars(self).values()))

    def halved(self, path: IntegrationPath) -> "_Segments":
        """Return both halves of each segment."""
        middles = (self.starts + self.ends) / 2
        values = path.values(self.rows, middles)
        return _Segments(
            np.concatenate([self.rows, self.rows]),
            np.concatenate([self.starts, middles]),
            np.concatenate([middles, self.ends]),
            np.concatenate([self.first, values]),
            np.concatenate([values, self.last]),
        )
