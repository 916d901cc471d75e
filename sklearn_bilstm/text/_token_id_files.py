"""Files of the token ids of a corpus."""

import os
from collections.abc import Iterator
from copy import copy
from typing import Any

from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.text._batches import batch_is_named
from sklearn_bilstm.text._vectorizer import TextVectorizer
from sklearn_bilstm.utils._stored_ids import (
    StoredTokenIds,
    open_stored_ids,
    write_stored_ids,
)

__all__ = ["StoredTokenIds", "open_token_ids", "write_token_ids"]


def write_token_ids(
    vectorizer: TextVectorizer, batches: Any, path: str | os.PathLike[str]
) -> StoredTokenIds:
    """Write the token ids of a corpus to a file, one batch at a time.

    The result equals `vectorizer.transform` of all texts, without holding the texts or
    the ids in memory. It is X of `fit` and `predict` of the estimators.

    Parameters
    ----------
    vectorizer : TextVectorizer
        A fitted vectorizer.
    batches : TextBatches or iterable
        Batches of texts. Each is X of `vectorizer.transform`, such as a list of texts.
        They are read once, so that a generator is possible.
    path : path-like
        The file. It is replaced when it is complete: after an error, an existing file
        is unchanged.

    Returns
    -------
    ids : StoredTokenIds
        The rows of all batches.

    Raises
    ------
    ValueError
        If a batch is invalid, or there are no rows.

    See Also
    --------
    open_token_ids : Open such a file.

    Notes
    -----
    The file takes 4 bytes per token and 8 bytes per row. Memory is 8 bytes per row
    while it is written, and as much as is read afterwards.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_bilstm import TextVectorizer
    >>> from sklearn_bilstm.text import open_token_ids, write_token_ids
    >>> batches = [["not bad", "bad"], ["not good"]]
    >>> vectorizer = TextVectorizer().fit(["bad", "not bad", "not bad"])
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "texts.ids")
    ...     _ = write_token_ids(vectorizer, batches, path)
    ...     ids = open_token_ids(path)
    ...     ids, [row.tolist() for row in ids[1:]]
    (<StoredTokenIds: 3 rows of at most 1024 ids>, [[2], [3, 1]])
    """
    check_is_fitted(vectorizer)
    parts = _parts(vectorizer, batches)
    return write_stored_ids(path, parts, vectorizer.max_length_)


def open_token_ids(path: str | os.PathLike[str]) -> StoredTokenIds:
    """Open a file of token ids.

    The ids are memory-mapped: the system reads them when they are needed, and can drop
    them when memory is short. The file must not be changed while it is open.

    Parameters
    ----------
    path : path-like
        A file written by :func:`write_token_ids`. The whole file is read once, to
        compare it with its checksums.

    Returns
    -------
    ids : StoredTokenIds

    Raises
    ------
    ValueError
        If it is not such a file, or is damaged.
    FileNotFoundError
        If the file does not exist.

    See Also
    --------
    write_token_ids : Write such a file.
    """
    return open_stored_ids(path)


def _parts(vectorizer: TextVectorizer, batches: Any) -> Iterator[sparse.csr_array]:
    vectorizer = copy(vectorizer)
    vectorizer.sparse_output = True
    vectorizer.__dict__.pop("_sklearn_output_config", None)
    first, batches = 0, batches() if callable(batches) else batches
    for number, batch in enumerate(batches):
        with batch_is_named(number, first):
            ids = vectorizer.transform(batch)
        first += ids.shape[0]
        yield ids
    if not first:
        raise ValueError("batches must hold at least one text: they are empty.")
