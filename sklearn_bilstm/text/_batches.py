"""Corpora that are read in batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sklearn_bilstm.text._tables import TablePart, batches_of, is_table, parts_of
from sklearn_bilstm.utils._containers import describe
from sklearn_bilstm.utils._missing import is_missing

__all__ = ["TextBatches", "batch_is_named", "refuse_batches"]


class TextBatches:
    """A corpus that is read in batches, as often as needed.

    Iterating over it yields batches of texts. `TextVectorizer.fit`, its `partial_fit`
    and :func:`write_token_ids` read one batch at a time.

    Parameters
    ----------
    source : object
        One of

        - a `pyarrow.dataset.Dataset`, such as a folder of Parquet or CSV files,
        - a polars LazyFrame,
        - a Hugging Face Dataset,
        - a frame of pandas, polars or pyarrow,
        - an iterable of batches that can be iterated more than once, such as a list of
          frames or of lists of texts,
        - a function without arguments that returns an iterable of batches, such as a
          generator function.

    text : str, default=None
        Name of the column with the texts. None if each batch is X of
        :class:`~sklearn_bilstm.TextVectorizer`, such as a list of texts.

    label : str, default=None
        Name of the column with the labels, for :meth:`labels`.

    batch_size : int, default=10_000
        Maximum number of rows per batch. Batches of an iterable stay as they are.

    missing : {"error", "empty"}, default="error"
        Whether a missing text in the column `text` raises an error or is an empty text.

    See Also
    --------
    write_token_ids : Write the token ids of a corpus to a file.

    Examples
    --------
    >>> from sklearn_bilstm import TextVectorizer
    >>> from sklearn_bilstm.text import TextBatches
    >>> corpus = TextBatches([["not bad", "bad"], ["not good"]])
    >>> TextVectorizer().fit(corpus).vocabulary_
    {'bad': 2, 'not': 3, 'good': 4}
    """

    def __init__(
        self,
        source: Any,
        *,
        text: str | None = None,
        label: str | None = None,
        batch_size: int = 10_000,
        missing: str = "error",
    ) -> None:
        self.source = source
        self.text = text
        self.label = label
        self.batch_size = batch_size
        self.missing = missing
        self._check()

    def __repr__(self) -> str:
        """Return the type of the source and the names of the columns."""
        kind = type(self.source).__name__
        return f"TextBatches({kind}, text={self.text!r}, label={self.label!r})"

    def _check(self) -> None:
        if isinstance(self.source, Iterator):
            raise ValueError(
                "source must be iterable more than once: got an object of type "
                f"{type(self.source).__name__}, which is used up by the first pass. "
                "Pass the function that returns it, or a list."
            )
        if self.missing not in ("error", "empty"):
            raise ValueError(
                f"missing must be 'error' or 'empty': got {self.missing!r}."
            )
        if not isinstance(self.batch_size, int) or self.batch_size < 1:
            raise ValueError(
                f"batch_size must be an int of at least 1: got {self.batch_size!r}."
            )
        if self.text is None and is_table(self.source):
            raise ValueError(
                "text must be the name of the column with the texts: got None for a "
                f"source of type {type(self.source).__name__}."
            )

    def __iter__(self) -> Iterator[Any]:
        """Yield batches of texts."""
        if self.text is None:
            yield from batches_of(self.source)
            return
        for part in parts_of(self.source, [self.text], self.batch_size):
            yield self._texts(part, self.text)

    def labels(self) -> np.ndarray:
        """Read the column of labels.

        Returns
        -------
        labels : ndarray of shape (n_rows,)
            A missing label is None or NaN.
        """
        if self.label is None:
            raise ValueError("label must be the name of the column with the labels.")
        parts = parts_of(self.source, [self.label], self.batch_size)
        values = [np.asarray(part.values(self.label)) for part in parts]
        if len({part.dtype.kind for part in values}) > 1:
            values = [part.astype(object) for part in values]
        return np.concatenate(values) if values else np.zeros(0, object)

    def with_labels(self) -> Iterator[tuple[list, np.ndarray]]:
        """Read batches of texts together with their labels.

        Yields
        ------
        texts : list of str
            A batch of texts.
        labels : ndarray of shape (n_rows_of_batch,)
            Their labels.
        """
        if self.text is None or self.label is None:
            raise ValueError("text and label must be names of columns.")
        columns = [self.text, self.label]
        for part in parts_of(self.source, columns, self.batch_size):
            yield self._texts(part, self.text), np.asarray(part.values(self.label))

    def _texts(self, part: TablePart, name: str) -> list:
        texts = part.values(name)
        if set(map(type, texts)) <= {str}:
            return texts
        for row, text in enumerate(texts):
            if isinstance(text, str):
                continue
            location = f"row {part.first + row:,} of {part.location}"
            if not is_missing(text):
                raise ValueError(
                    f"Column {name!r} must hold strings: {location} holds "
                    f"{describe(text)}."
                )
            if self.missing == "error":
                raise ValueError(
                    f"Column {name!r} has a missing text: {location}. With "
                    "TextBatches(..., missing='empty'), it is an empty text."
                )
            texts[row] = None
        return texts


def refuse_batches(X: Any) -> None:
    """Raise an error that recommends a file, if X is a corpus that is read in batches.

    Raises
    ------
    ValueError
        If X is of the class TextBatches.
    """
    if isinstance(X, TextBatches):
        raise ValueError(
            "X must not be TextBatches, whose token ids may exceed the memory. Fit a "
            "TextVectorizer to them, and call sklearn_bilstm.text.write_token_ids, or "
            "transform one batch at a time."
        )


@contextmanager
def batch_is_named(number: int, first: int) -> Iterator[None]:
    """Add the batch and its first row to an error message."""
    try:
        yield
    except ValueError as error:
        raise ValueError(
            f"Batch {number}, which starts with row {first:,} of the corpus, is "
            f"invalid: {error}"
        ) from error
