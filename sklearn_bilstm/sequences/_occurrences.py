"""Occurrences of tokens in rows."""

import numpy as np
from scipy import sparse

from sklearn_bilstm.sequences._ragged import Sequences
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID

__all__ = ["token_occurrences"]


def token_occurrences(sequences: Sequences, n_ids: int) -> sparse.csr_array:
    """Return an indicator matrix of the known tokens of each row.

    Parameters
    ----------
    sequences : Sequences of int
        Token ids less than `n_ids`.
    n_ids : int
        Number of token ids.

    Returns
    -------
    occurs : csr_array of shape (n_sequences, n_ids)
        One for the tokens of a row, except padding and unknown tokens.
    """
    is_known = sequences.values >= FIRST_TOKEN_ID
    starts = np.concatenate([[0], np.cumsum(is_known)])[sequences.offsets]
    ids = sequences.values[is_known]
    shape = len(sequences), n_ids
    occurs = sparse.csr_array((np.ones(len(ids)), ids, starts), shape)
    occurs.sum_duplicates()
    occurs.data[:] = 1
    return occurs
