"""Encoding and counting of documents, in one process or several."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from sklearn_bilstm.text._analysis import make_analyzer
from sklearn_bilstm.text._batches import batch_is_named
from sklearn_bilstm.text._documents import Documents
from sklearn_bilstm.text._encoding import encode_rows, row_analyzer
from sklearn_bilstm.text._token_counts import count_tokens
from sklearn_bilstm.text._vocabulary import (
    EncodedDocuments,
    GrowingCounts,
    TokenCounts,
)
from sklearn_bilstm.utils._agreement import check_agreement

__all__ = ["DocumentCounts", "count_batches", "encode_documents"]

# Minimum number of documents per process.
_MIN_DOCUMENTS_PER_JOB = 1000


@dataclass(frozen=True)
class DocumentCounts:
    """Counts of documents and their tokens, from which a vectorizer is fitted.

    Parameters
    ----------
    n_documents : int
        Number of documents.
    longest : int
        Number of tokens of the longest document.
    counts : TokenCounts
        Token counts; empty if they are not needed.
    names : list of str or None
        Names of the columns of a table.
    """

    n_documents: int
    longest: int
    counts: TokenCounts
    names: list[str] | None

    @classmethod
    def of(cls, documents: Documents, parts: Sequence[EncodedDocuments]) -> Self:
        """Count documents, given their encoded parts."""
        longest = max(int(part.lengths.max(initial=0)) for part in parts)
        counts = sum((part.counts for part in parts), TokenCounts())
        return cls(len(documents.rows), longest, counts, documents.names)

    def gathered(self, group: Any, facts: dict[str, str]) -> Self:
        """Return the counts of the documents of all processes.

        Parameters
        ----------
        group : ProcessGroup
        facts : dict of str
            What must be equal in all processes, as for :func:`check_agreement`.
        """
        check_agreement(group, facts)
        parts = group.gather(self)
        return group.from_first(lambda: self._joined(parts), is_last=True)

    @classmethod
    def _joined(cls, parts: "list[DocumentCounts]") -> Self:
        non_empty = [part for part in parts if part.n_documents] or parts[:1]
        for part in non_empty:
            if part.names != non_empty[0].names:
                raise ValueError(
                    "X must have the same text columns in all processes: got "
                    f"{non_empty[0].names} and {part.names}."
                )
        return cls(
            sum(part.n_documents for part in parts),
            max(part.longest for part in parts),
            sum((part.counts for part in parts), TokenCounts()),
            non_empty[0].names,
        )


def count_batches(
    batches: Iterable[Any], count: Callable[[Any], tuple]
) -> tuple[DocumentCounts, Any]:
    """Count the documents of all batches of a corpus.

    The counts are added in place: the time of a batch depends on its number of distinct
    tokens, not on that of the corpus so far.

    Parameters
    ----------
    batches : iterable
        Batches of documents.
    count : callable
        Returns a tuple that starts with the counts of a batch.

    Returns
    -------
    counts : DocumentCounts
    header : object
        A frame without rows, with the columns of the batches, or an empty list if they
        are not frames.

    Raises
    ------
    ValueError
        If a batch is invalid, or batches have different columns.
    """
    total, longest, names = GrowingCounts(), 0, None
    header: Any = []
    for number, batch in enumerate(batches):
        with batch_is_named(number, total.n_documents):
            counts, *_ = count(batch)
        if number == 0:
            names = counts.names
            header = batch[:0] if hasattr(batch, "columns") else []
        if counts.names != names:
            raise ValueError(
                f"All batches must have the same text columns: got {names} in batch 0 "
                f"and {counts.names} in batch {number}."
            )
        longest = max(longest, counts.longest)
        total.add(counts.counts, counts.n_documents)
    return DocumentCounts(total.n_documents, longest, total.counts(), names), header


def encode_documents(
    documents: Documents,
    settings: dict[str, Any],
    *,
    n_jobs: int | None,
    counting: bool = False,
) -> list[EncodedDocuments]:
    """Return the encoded documents in parts, one per joblib process.

    Parameters
    ----------
    documents : Documents
    settings : dict
        Arguments of `make_analyzer`.
    n_jobs : int or None
        Number of joblib processes.
    counting : bool, default=False
        Whether to count the tokens.
    """
    rows = documents.rows
    encode_part = partial(
        _encode_part,
        markers=documents.markers,
        settings=settings,
        counting=counting and bool(rows),
    )
    n_jobs = min(effective_n_jobs(n_jobs), len(rows) // _MIN_DOCUMENTS_PER_JOB)
    if n_jobs < 2:
        return [encode_part(rows)]
    bounds = np.linspace(0, len(rows), n_jobs + 1).astype(int)
    return Parallel(n_jobs=n_jobs)(
        delayed(encode_part)(rows[start:end]) for start, end in pairwise(bounds)
    )


def _encode_part(
    rows: list, markers: list[str], settings: dict[str, Any], counting: bool
) -> EncodedDocuments:
    analyze = row_analyzer(make_analyzer(**settings), markers)
    encoded = encode_rows(rows, analyze, settings)
    return replace(encoded, counts=count_tokens(encoded)) if counting else encoded
