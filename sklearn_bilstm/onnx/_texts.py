"""Conversion of texts to token ids by a description of the vectorizer."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sklearn_bilstm.onnx._vectorizer import analysis_settings
from sklearn_bilstm.sequences import RaggedArray
from sklearn_bilstm.text import refuse_batches
from sklearn_bilstm.text._analysis import Analyzer, make_analyzer
from sklearn_bilstm.text._documents import Documents, read_documents
from sklearn_bilstm.text._encoding import (
    check_columns,
    encode_rows,
    row_analyzer,
    truncated,
)

__all__ = ["TextReader"]


@dataclass(frozen=True)
class TextReader:
    """Converts texts to the token ids of a fitted vectorizer, without scikit-learn.

    Parameters
    ----------
    settings : dict
        Parameters of the vectorizer.
    vocabulary : dict
        Mapping from tokens to ids.
    max_length : int
        Maximum number of tokens per document.
    n_columns : int
        Number of text columns.
    is_table : bool
        Whether X was a table in `fit`.
    column_names : list of str or None
        Column names seen in `fit`, if X was a frame.
    """

    settings: dict[str, Any]
    vocabulary: dict[Hashable, int]
    max_length: int
    n_columns: int
    is_table: bool
    column_names: list[str] | None

    def read(self, X: Any) -> RaggedArray:
        """Convert documents to token ids.

        Parameters
        ----------
        X : iterable of str or table of shape (n_documents, n_columns)
            The documents, as in `TextVectorizer.transform`.

        Raises
        ------
        ValueError
            If X does not contain documents, or has different columns than in `fit`.
        """
        refuse_batches(X)
        documents = read_documents(X, missing=self.settings["missing"], any_type=False)
        check_columns(
            documents,
            n_columns=self.n_columns,
            is_table=self.is_table,
            names=self.column_names,
        )
        return self.encode(documents)

    def encode(self, documents: Documents) -> RaggedArray:
        """Convert documents with the text columns seen in `fit` to token ids.

        Raises
        ------
        ValueError
            If there are no documents.
        """
        if not documents.rows:
            raise ValueError(
                "X must contain at least one row or document: got shape "
                f"{(0, self.max_length)}."
            )
        analyze = row_analyzer(self._analyze, documents.markers)
        encoded = encode_rows(documents.rows, analyze, self._analysis)
        ids, lengths = truncated(
            encoded.ids(self.vocabulary),
            encoded.lengths,
            self.max_length,
            self.settings["truncation"],
        )
        return RaggedArray(ids, np.concatenate([[0], np.cumsum(lengths)]))

    @cached_property
    def _analysis(self) -> dict[str, Any]:
        return analysis_settings(self.settings)

    @cached_property
    def _analyze(self) -> Analyzer:
        # not in `__init__`, since the pattern of a file is applied to its stop words
        return make_analyzer(**self._analysis)
