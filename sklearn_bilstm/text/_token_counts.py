"""Counting of the tokens of encoded documents."""

import numpy as np
from scipy import sparse

from sklearn_bilstm.text._vocabulary import EncodedDocuments, TokenCounts

__all__ = ["count_tokens"]


def count_tokens(encoded: EncodedDocuments) -> TokenCounts:
    """Count the tokens and their documents; there is at least one document."""
    tokens, codes, lengths = encoded.tokens, encoded.codes, encoded.lengths
    n_documents, n_tokens = len(lengths), len(tokens)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    by_document = sparse.csr_array(
        (np.ones(len(codes), np.int8), codes, offsets), (n_documents, n_tokens)
    )
    by_token = by_document.tocsc()  # linear time, and sorts the documents by token
    new = np.ones(len(by_token.indices), bool)
    np.not_equal(by_token.indices[1:], by_token.indices[:-1], out=new[1:])
    starts = by_token.indptr[:-1]
    new[starts] = True
    documents = np.add.reduceat(new, starts, dtype=np.int64)
    codes_of = {token: code for code, token in enumerate(tokens)}
    occurrences = np.diff(by_token.indptr).astype(np.int64)
    return TokenCounts(n_documents, codes_of, occurrences, documents)
