"""Scores of the tokens and static features of a row."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Scores", "shared_among_tokens"]


@dataclass(frozen=True)
class Scores:
    """Scores of the tokens and static features of a row.

    Parameters
    ----------
    tokens : ndarray of shape (n_steps,)
        Score of each token that the network reads.
    static : ndarray of shape (S,)
        Score of each static feature. Empty if the method does not compute it.
    output : float
        The explained output.
    baseline : float or None
        Output without any token, with all static features at their mean. None if the
        method does not compute it.
    """

    tokens: np.ndarray
    static: np.ndarray
    output: float
    baseline: float | None


def shared_among_tokens(scores: np.ndarray, shortest: int) -> np.ndarray:
    """Distribute the scores of n-grams equally among their tokens.

    Parameters
    ----------
    scores : ndarray of shape (B, T, n_lengths)
        Scores of the n-grams that end at each step, zero if there is none.
    shortest : int
        Length of the shortest n-grams. The others increase by one token each.

    Returns
    -------
    scores : ndarray of shape (B, T)
    """
    n_steps = scores.shape[1]
    shared = np.zeros(scores.shape[:2])
    for index in range(scores.shape[2]):
        length = shortest + index
        for back in range(min(length, n_steps)):
            shared[:, : n_steps - back] += scores[:, back:, index] / length
    return shared
