"""Token ids with a fingerprint of their vocabulary."""

from typing import Any

import numpy as np
from scipy import sparse

__all__ = ["TokenIds", "csr_of_rows"]


class TokenIds(sparse.csr_array):
    """A matrix of token ids with the fingerprint of their vocabulary.

    Indexing, copies, casts and pickles keep the fingerprint. Results of other SciPy
    functions, such as stacked matrices, have none.

    Attributes
    ----------
    fingerprint : ndarray of uint16, shape (n_tokens,), or None
        Result of :func:`vocabulary_fingerprint`. None if the vocabulary is unknown.
    """

    fingerprint: np.ndarray | None = None

    def _with_fingerprint(self, derived: Any) -> Any:
        if isinstance(derived, TokenIds):
            derived.fingerprint = self.fingerprint
        return derived

    def __getitem__(self, key: Any) -> Any:
        return self._with_fingerprint(super().__getitem__(key))

    def copy(self) -> "TokenIds":
        """Return a copy."""
        return self._with_fingerprint(super().copy())

    def astype(
        self, dtype: Any, casting: str = "unsafe", copy: bool = True
    ) -> "TokenIds":
        """Cast the ids to another type."""
        return self._with_fingerprint(super().astype(dtype, casting, copy))


def csr_of_rows(rows: list[np.ndarray]) -> sparse.csr_array:
    """Return 1-D arrays as the rows of a matrix, as wide as the longest of them."""
    lengths = [len(row) for row in rows]
    ends = np.cumsum([0, *lengths])
    # the dtype of empty rows is arbitrary
    values = np.concatenate([row for row in rows if len(row)] or rows)
    columns = np.arange(len(values)) - np.repeat(ends[:-1], lengths)
    return sparse.csr_array((values, columns, ends), (len(rows), max(1, *lengths)))
