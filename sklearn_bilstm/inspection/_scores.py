"""What a method finds out about a row."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Scores", "shared_among_tokens"]


@dataclass(frozen=True)
class Scores:
    """Scores of the tokens of a row.

    Parameters
    ----------
    tokens : ndarray of shape (n_steps,)
        A score for each token that the network reads.
    output : float
        What is explained.
    baseline : float or None
        What it would be without any token. None if the method does not ask.
    """

    tokens: np.ndarray
    output: float
    baseline: float | None


def shared_among_tokens(scores: np.ndarray, shortest: int) -> np.ndarray:
    """Share the scores of n-grams equally among their tokens.

    Parameters
    ----------
    scores : ndarray of shape (B, T, n_lengths)
        Scores of the n-grams that end at each step, zero where there is none.
    shortest : int
        Tokens of the shortest n-grams. Others have one token more each.

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
