"""Token vectors from co-occurrence counts."""

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from sklearn_bilstm.sequences import RaggedArray, Sequences, parts_of_rows

__all__ = ["cooccurrence_vectors"]

# Window size, and exponent of context distribution smoothing, as recommended by Levy,
# Goldberg and Dagan (2015).
_WINDOW = 5
_SMOOTHING = 0.75
# Number of steps whose pairs are counted at a time. The rounding of larger counts
# depends on it.
_STEPS_AT_A_TIME = 2**23
# Number of pairs of tokens whose PPMI is computed at a time.
_PAIRS_AT_A_TIME = 2**22


def cooccurrence_vectors(
    sequences: Sequences,
    n_tokens: int,
    n_components: int,
    random_state: np.random.RandomState,
) -> np.ndarray:
    """Factorise the pointwise mutual information of neighbouring tokens.

    Tokens with similar contexts get similar vectors, as with word2vec (Levy and
    Goldberg, 2014). The computation takes seconds and requires no labels.

    Parameters
    ----------
    sequences : RaggedArray or RaggedRows of int
        Token ids.
    n_tokens : int
        Number of token ids, V.
    n_components : int
        Dimension of the vectors, E.
    random_state : RandomState

    Returns
    -------
    vectors : ndarray of float32, shape (V, E)
        Scaled to a root mean square of one over the tokens with neighbours. Other
        tokens, and components beyond the rank, are zero.
    """
    ppmi = _ppmi(_count_neighbours(sequences, n_tokens))
    vectors = np.zeros((n_tokens, n_components), np.float32)
    has_neighbours = np.diff(ppmi.indptr) > 0
    if not has_neighbours.any():
        return vectors
    rank = min(n_components, n_tokens - 1)
    left, values, _ = randomized_svd(ppmi, rank, n_iter=3, random_state=random_state)
    vectors[has_neighbours, :rank] = (left * np.sqrt(values))[has_neighbours]
    return vectors / np.sqrt(np.mean(vectors[has_neighbours] ** 2))


def _count_neighbours(sequences: Sequences, n_tokens: int) -> sparse.csr_array:
    """Count pairs of tokens, weighted by proximity; shape (V, V), symmetric."""
    parts = parts_of_rows(sequences, _STEPS_AT_A_TIME)
    counts = _count_later_neighbours(next(parts), n_tokens)
    for part in parts:
        counts = counts + _count_later_neighbours(part, n_tokens)
    return (counts + counts.T).tocsr()


def _count_later_neighbours(sequences: RaggedArray, n_tokens: int) -> sparse.csr_array:
    """Count pairs of tokens in the order of the sequence, weighted by proximity."""
    ids = sequences.values.astype(np.int32)
    rows = sequences.row_of_steps
    counts = sparse.csr_array((n_tokens, n_tokens), dtype=np.float32)
    for distance in range(1, _WINDOW + 1):
        is_in_row = rows[:-distance] == rows[distance:]
        first, second = ids[:-distance][is_in_row], ids[distance:][is_in_row]
        weight = np.full(len(first), 1 / distance, np.float32)
        pairs = sparse.coo_array((weight, (first, second)), (n_tokens, n_tokens))
        counts = counts + pairs.tocsr()
    return counts


def _ppmi(counts: sparse.csr_array) -> sparse.csr_array:
    """Convert counts of pairs to positive pointwise mutual information (PPMI)."""
    totals = np.asarray(counts.sum(axis=1)).ravel().astype(np.float64)
    smoothed = totals**_SMOOTHING
    counts.sort_indices()
    rows = np.repeat(np.arange(len(totals), dtype=np.int32), np.diff(counts.indptr))
    values = np.empty(counts.nnz, np.float32)
    for start in range(0, counts.nnz, _PAIRS_AT_A_TIME):
        block = slice(start, start + _PAIRS_AT_A_TIME)
        expected = totals[rows[block]] * smoothed[counts.indices[block]]
        ratios = counts.data[block] / (expected / smoothed.sum())
        values[block] = np.log(ratios).clip(min=0)
    parts = values, counts.indices, counts.indptr
    ppmi = sparse.csr_array(parts, counts.shape, copy=True)
    ppmi.eliminate_zeros()
    return ppmi
