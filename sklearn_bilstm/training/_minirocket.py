"""MiniRocket features of numeric sequences."""

import itertools
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from sklearn_bilstm.sequences import RaggedArray, inference_batches, pad
from sklearn_bilstm.utils._interrupts import call_within
from sklearn_bilstm.utils._state import state_array
from sklearn_bilstm.utils._threads import Workers

__all__ = ["MiniRocket"]

_KERNEL_LENGTH = 9
# A kernel has three weights of 2, and six of -1.
_LARGE_WEIGHTS = np.array([*itertools.combinations(range(_KERNEL_LENGTH), 3)])
_N_KERNELS = len(_LARGE_WEIGHTS)
# Kernels whose weight at a position is 2.
_KERNELS_WITH = [
    np.flatnonzero(np.isin(_LARGE_WEIGHTS, position).any(1))
    for position in range(_KERNEL_LENGTH)
]

_MOST_DILATIONS = 32
# Maximum number of channels that a kernel reads.
_MOST_CHANNELS = 9
# Dilations are limited by this quantile of the lengths, so that a few long sequences do
# not determine them.
_QUANTILE_OF_LENGTHS = 0.9
_GOLDEN_RATIO = (np.sqrt(5) + 1) / 2
# Minimum difference of two distinct values, relative to the largest one.
_LEAST_GAP = 1e-5
# Number of rows and steps that are processed at once, so that the convolutions of all
# kernels fit a cache.
_BATCH_ROWS, _BATCH_STEPS = 64, 2**13


class MiniRocket:
    """Proportions of positive values of many convolutions (Dempster et al., 2021).

    There are 84 fixed kernels of 9 weights. Each is applied with several dilations, and
    a feature is the proportion of the steps at which the convolution exceeds a
    threshold. Thresholds are quantiles of the convolution of a random training row. A
    kernel reads the sum of a random subset of the channels, with another subset for
    each dilation.

    Sequences can have unequal lengths: they are padded with zeros on both sides, and
    proportions refer to their real steps. All sums have a fixed order, so the features
    of a row do not depend on the other rows of its batch.

    Parameters
    ----------
    n_features : int
        Number of features, which is rounded to a multiple of 84.

    Attributes
    ----------
    dilations : ndarray of int, shape (D,)
    reads : ndarray of bool, shape (D, 84, C)
        Whether a kernel with a dilation reads a channel.
    thresholds : list of ndarray of float32, shape (84, n_thresholds)
        Thresholds of each dilation.
    """

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features
        self.dilations = np.zeros(0, np.int64)
        self.reads = np.zeros((0, _N_KERNELS, 1), bool)
        self.thresholds: list[np.ndarray] = []

    def fit(self, sequences: RaggedArray, seed: int) -> Self:
        """Draw channels and thresholds.

        Parameters
        ----------
        sequences : RaggedArray of float
            Standardised training rows, with values of shape (n_steps, C).
        seed : int

        Returns
        -------
        self : MiniRocket
        """
        random_state = np.random.RandomState(seed)
        lengths = sequences.lengths
        longest = int(np.quantile(lengths, _QUANTILE_OF_LENGTHS))
        n_per_kernel = max(1, round(self.n_features / _N_KERNELS))
        self.dilations, n_thresholds = _dilations(longest, n_per_kernel)
        n_channels = sequences.values.shape[1]
        self.reads = np.stack(
            [_drawn_channels(n_channels, random_state) for _ in self.dilations]
        )
        self.thresholds = []
        levels = _low_discrepancy(_N_KERNELS * n_per_kernel)
        rows = np.flatnonzero(lengths)
        for index, n_levels in enumerate(n_thresholds):
            first, levels = np.split(levels, [_N_KERNELS * n_levels])
            first = first.reshape(_N_KERNELS, n_levels)
            self.thresholds.append(
                self._drawn_thresholds(index, sequences, rows, first, random_state)
            )
        return self

    def transform(
        self, sequences: RaggedArray, n_threads: int | None = None
    ) -> np.ndarray:
        """Return the features of rows, which are zero for rows without steps.

        Parameters
        ----------
        sequences : RaggedArray of float
            Standardised rows, with values of shape (n_steps, C).
        n_threads : int or None, default=None
            Number of threads, as for :class:`Workers`.

        Returns
        -------
        features : ndarray of float32, shape (n_rows, n_features)
        """
        features = np.empty((len(sequences), self.n_columns), np.float32)
        batches = inference_batches(sequences.lengths, _BATCH_ROWS, _BATCH_STEPS)

        def transform_batch(rows: np.ndarray) -> None:
            features[rows] = self._features_of_batch(*pad(sequences, rows)).numpy()

        workers = Workers(n_threads)
        call_within(workers, lambda: workers.map(transform_batch, batches))
        return features

    @property
    def n_columns(self) -> int:
        """Number of features of the fitted transformer."""
        return sum(part.size for part in self.thresholds)

    def _features_of_batch(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Return features, (B, n_features), of steps, (B, T, C), and their mask."""
        mask = mask.T  # (T, B)
        steps = steps.float().permute(2, 1, 0)  # (C, T, B)
        steps = steps.masked_fill(~mask, 0.0)
        n_steps = mask.sum(0).clamp(min=1)  # (B,)
        features = []
        for index, thresholds in enumerate(self.thresholds):
            values = self._convolved(index, steps)  # (84, T, B)
            values.masked_fill_(~mask, -torch.inf)
            counts = _counts_above(values, thresholds)  # (84, n_thresholds, B)
            features.append((counts / n_steps).flatten(0, 1))
        return torch.cat(features).T  # (B, n_features)

    def weights(self) -> list[np.ndarray]:
        """Return the weights of the kernels with each dilation.

        Returns
        -------
        weights : list of ndarray of float32, shape (84, C, 9)
        """
        kernels = np.full((_N_KERNELS, _KERNEL_LENGTH), -1, np.float32)
        np.put_along_axis(kernels, _LARGE_WEIGHTS, 2, axis=1)
        return [kernels[:, np.newaxis] * reads[..., np.newaxis] for reads in self.reads]

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the transformer."""
        return {
            "dilations": self.dilations,
            "reads": self.reads,
            "thresholds": np.concatenate(self.thresholds, 1),
            "n_thresholds": np.array([part.shape[1] for part in self.thresholds]),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore a fitted transformer.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        dilations = state_array(
            state["dilations"], "dilations", kinds="i", shape=(None,)
        )
        n_dilations = len(dilations)
        counts = state_array(
            state["n_thresholds"], "n_thresholds", kinds="i", shape=(n_dilations,)
        )
        if not n_dilations or dilations.min() < 1 or counts.min() < 1:
            raise ValueError("There must be dilations, and thresholds for each.")
        thresholds = state_array(
            state["thresholds"],
            "thresholds",
            kinds="f",
            shape=(_N_KERNELS, int(counts.sum())),
        )
        reads = state_array(
            state["reads"], "reads", kinds="b", shape=(n_dilations, _N_KERNELS, None)
        )
        if not reads.any(2).all():
            raise ValueError("Each kernel must read a channel.")
        model = cls(thresholds.size)
        model.dilations, model.reads = dilations, reads
        parts = np.split(thresholds.astype(np.float32), np.cumsum(counts)[:-1], axis=1)
        model.thresholds = parts
        return model

    def _convolved(self, index: int, steps: Tensor) -> Tensor:
        """Return the convolutions with a dilation, (84, T, B), of steps, (C, T, B).

        A weight of 2 is the sum of 3 and -1, so most terms are shared by all kernels.
        """
        inputs = _summed_channels(steps, self.reads[index])  # (1 or 84, T, B)
        n_steps = inputs.shape[1]
        total = torch.zeros_like(inputs)
        large = inputs.new_zeros(_N_KERNELS, *inputs.shape[1:])
        for position, kernels in enumerate(_KERNELS_WITH):
            shift = (position - _KERNEL_LENGTH // 2) * int(self.dilations[index])
            if abs(shift) >= n_steps:
                continue  # padding only
            steps_of_sums = slice(max(0, -shift), n_steps - max(0, shift))
            source = inputs[:, max(0, shift) : n_steps - max(0, -shift)]
            total[:, steps_of_sums] += source
            terms = source if len(source) == 1 else source[kernels]
            large[kernels, steps_of_sums] += terms
        return large.mul_(3).sub_(total)

    def _drawn_thresholds(
        self,
        index: int,
        sequences: RaggedArray,
        rows: np.ndarray,
        levels: np.ndarray,
        random_state: np.random.RandomState,
    ) -> np.ndarray:
        """Return quantiles, of shape (84, n_levels), of convolutions of random rows."""
        thresholds = np.zeros(levels.shape, np.float32)
        if not len(rows):
            return thresholds
        sampled_rows = random_state.choice(rows, _N_KERNELS)
        for row in np.unique(sampled_rows):
            steps, _ = pad(sequences, np.array([row]))
            steps = steps[:, : sequences.lengths[row]].float().permute(2, 1, 0)
            values = self._convolved(index, steps)[..., 0].numpy()  # (84, T)
            for kernel in np.flatnonzero(sampled_rows == row):
                thresholds[kernel] = _quantiles(values[kernel], levels[kernel])
        return thresholds


def _dilations(longest: int, n_per_kernel: int) -> tuple[np.ndarray, np.ndarray]:
    """Return dilations, and the number of features of a kernel with each of them.

    The largest dilation is that with which a kernel covers the longest sequence.
    """
    n_most = min(n_per_kernel, _MOST_DILATIONS)
    largest = max(1.0, (longest - 1) / (_KERNEL_LENGTH - 1))
    exponents = np.linspace(0, np.log2(largest), n_most)
    rounded = (2**exponents + 1e-6).astype(int)  # a power can be slightly too small
    dilations, counts = np.unique(rounded, return_counts=True)
    counts = counts * n_per_kernel // n_most
    counts[: n_per_kernel - counts.sum()] += 1
    return dilations, counts


def _drawn_channels(n_channels: int, random_state: np.random.RandomState) -> np.ndarray:
    """Return the channels that each kernel reads, bool of shape (84, C).

    The logarithm of their number is uniform, so that most kernels read few.
    """
    reads = np.zeros((_N_KERNELS, n_channels), bool)
    most = min(n_channels, _MOST_CHANNELS)
    for kernel in range(_N_KERNELS):
        n_read = int(2 ** random_state.uniform(0, np.log2(most + 1)))
        reads[kernel, random_state.choice(n_channels, n_read, replace=False)] = True
    return reads


def _quantiles(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return quantiles that lie between two distinct values.

    Rounding then does not determine which values exceed them. Equal values are common:
    near the ends of a short sequence, different steps are convolved with padding. A
    quantile divides the interval in the golden ratio, since its middle is another
    possible value if all numbers are integers.
    """
    values = np.sort(values.astype(float))
    least = _LEAST_GAP * max(1.0, np.abs(values).max())
    gaps = np.flatnonzero(np.diff(values) > least)
    if not len(gaps):
        return np.full(len(levels), values[-1] + least)
    share = _GOLDEN_RATIO - 1
    candidates = (1 - share) * values[gaps] + share * values[gaps + 1]
    positions = levels * (len(values) - 1) - share
    nearest = np.abs(positions[:, np.newaxis] - gaps).argmin(1)
    return candidates[nearest]


def _low_discrepancy(n_numbers: int) -> np.ndarray:
    """Return multiples of the golden ratio modulo one, which fill (0, 1) evenly."""
    return np.arange(1, n_numbers + 1) * _GOLDEN_RATIO % 1


def _summed_channels(steps: Tensor, reads: np.ndarray) -> Tensor:
    """Return the input of each kernel, or one for all if there is a single channel."""
    if len(steps) == 1:
        return steps
    inputs = steps.new_zeros(_N_KERNELS, *steps.shape[1:])
    for channel in np.flatnonzero(reads.any(0)):
        inputs[np.flatnonzero(reads[:, channel])] += steps[channel]
    return inputs  # (84, T, B)


def _counts_above(values: Tensor, thresholds: np.ndarray) -> Tensor:
    """Return the number of steps above each threshold, (84, n_thresholds, B)."""
    above = torch.empty_like(values)  # floats, whose sum is faster than that of bools
    counts = []
    for column in torch.from_numpy(thresholds.T):
        torch.gt(values, column[:, None, None], out=above)
        counts.append(above.sum(1))
    return torch.stack(counts, 1)
