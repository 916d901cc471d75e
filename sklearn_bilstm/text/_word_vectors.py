"""Pretrained word vectors."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from sklearn_bilstm.text._vector_files import read_vectors
from sklearn_bilstm.text._vocabulary import check_vocabulary

__all__ = ["WordVectors", "load_word_vectors"]


class WordVectors:
    """Pretrained word vectors.

    The object is immutable, and copies share its memory.

    Parameters
    ----------
    words : list of str
        Distinct words.

    vectors : array-like of shape (n_words, n_dims)
        Vector of each word, in the same order. An ndarray of dtype float32 is not
        copied.

    Attributes
    ----------
    vectors : ndarray of float32, shape (n_words, n_dims)
        The given vectors, read-only.

    See Also
    --------
    load_word_vectors : Read word vectors from a file.

    Examples
    --------
    >>> from sklearn_bilstm import TextVectorizer, WordVectors
    >>> word_vectors = WordVectors(["good", "bad"], [[1.0, 0.5], [-1.0, 0.5]])
    >>> len(word_vectors), "bad" in word_vectors, word_vectors["bad"].tolist()
    (2, True, [-1.0, 0.5])
    >>> vectorizer = TextVectorizer().fit(["bad", "not bad"])
    >>> vectorizer.vocabulary_
    {'bad': 2, 'not': 3}
    >>> word_vectors.aligned_to(vectorizer.vocabulary_)
    array([[ 0. ,  0. ],
           [ 0. ,  0. ],
           [-1. ,  0.5],
           [ 0. ,  0. ]], dtype=float32)
    >>> word_vectors.coverage(vectorizer.vocabulary_)
    0.5
    """

    def __init__(self, words: Sequence[Hashable], vectors: Any) -> None:
        # a view, so that the array of the caller stays writeable
        vectors = np.asarray(vectors, dtype=np.float32).view()
        _check_shape(words, vectors)
        self._rows = {word: row for row, word in enumerate(words)}
        if len(self._rows) < len(words):
            doubled = next(w for i, w in enumerate(words) if self._rows[w] != i)
            raise ValueError(
                f"words must contain each word once: {doubled!r} is duplicated."
            )
        _check_finite(words, vectors)
        vectors.flags.writeable = False
        self.vectors = vectors

    def aligned_to(self, vocabulary: Mapping | Iterable) -> np.ndarray:
        """Return the vectors in the order of the ids of a vocabulary.

        Tokens that are not among the words are looked up in lowercase.

        Parameters
        ----------
        vocabulary : mapping or iterable of str
            Mapping of tokens to ids, such as the `vocabulary_` of a
            :class:`TextVectorizer`. The tokens of an iterable get consecutive ids
            starting from 2.

        Returns
        -------
        aligned : ndarray of float32, shape (largest_id + 1, n_dims)
            Row i is the vector of the token with id i. It is zero for tokens without a
            vector, for padding (0) and for unknown tokens (1).

        Raises
        ------
        ValueError
            If the vocabulary is empty, or its ids are not distinct integers of 2 or
            more.
        """
        vocabulary = check_vocabulary(vocabulary)
        rows = {id_: self._row_of(token) for token, id_ in vocabulary.items()}
        row_of_id = {id_: row for id_, row in rows.items() if row is not None}
        aligned = np.zeros((max(rows) + 1, self.vectors.shape[1]), np.float32)
        aligned[list(row_of_id)] = self.vectors[list(row_of_id.values())]
        return aligned

    def coverage(self, vocabulary: Iterable) -> float:
        """Return the fraction of the tokens that have a vector.

        Parameters
        ----------
        vocabulary : mapping or iterable of str
            The tokens, as in :meth:`aligned_to`.

        Returns
        -------
        share : float
            1.0 if all tokens are among the words, as they are or in lowercase.

        Raises
        ------
        ValueError
            If the vocabulary is invalid, as in :meth:`aligned_to`.
        """
        tokens = check_vocabulary(vocabulary)
        return sum(self._row_of(token) is not None for token in tokens) / len(tokens)

    def _row_of(self, token: Hashable) -> int | None:
        row = self._rows.get(token)
        if row is None and isinstance(token, str):
            row = self._rows.get(token.lower())
        return row

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._rows)

    def __contains__(self, word: Hashable) -> bool:
        return word in self._rows

    def __getitem__(self, word: Hashable) -> np.ndarray:
        return self.vectors[self._rows[word]]

    def __repr__(self) -> str:
        n_words, n_dims = self.vectors.shape
        return f"<WordVectors: {n_words} words, {n_dims} dimensions>"

    def __copy__(self) -> "WordVectors":
        return self

    def __deepcopy__(self, memo: dict) -> "WordVectors":
        return self  # otherwise each clone of an estimator would copy all vectors

    def __reduce__(self) -> tuple:
        return type(self), (list(self._rows), self.vectors)


def load_word_vectors(
    path: Any,
    *,
    vocabulary: Collection | None = None,
    encoding: str = "utf-8",
    errors: str = "strict",
) -> WordVectors:
    r"""Load pretrained word vectors.

    Parameters
    ----------
    path : path or KeyedVectors
        File, plain or compressed with gzip, or KeyedVectors loaded with gensim. The
        format of the file is detected from its content. Supported are the text format
        of GloVe, the text format of word2vec and fastText (`.vec`), which starts with a
        header line of the number of words and dimensions, and the binary format of
        word2vec.

    vocabulary : collection of str, default=None
        Words to keep, such as the `vocabulary_` of a :class:`TextVectorizer`, which
        saves memory and time. A word of the file is kept if it is in the vocabulary, or
        is the lowercase form of one of its tokens. If None, all words are kept.

    encoding : str, default="utf-8"
        Encoding of the words. It must be a superset of ASCII.

    errors : {"strict", "replace", "ignore"}, default="strict"
        Whether to raise an error for bytes that cannot be decoded, replace them or
        ignore them, as in :meth:`bytes.decode`.

    Returns
    -------
    word_vectors : WordVectors
        Words in the order of the file. For duplicate words, the first vector is used.

    Raises
    ------
    ValueError
        If the file is empty, truncated or in an unknown format, or if a line has the
        wrong number of values or a non-finite value. For words that are not kept,
        values are counted but not parsed.
    FileNotFoundError
        If the file does not exist.
    TypeError
        If `path` is neither a path nor has the attributes `index_to_key` and `vectors`
        of KeyedVectors.

    Notes
    -----
    Words can contain spaces, as some words of GloVe do: the last values of a line are
    its vector. A word must not end with a space and a number, since this number could
    not be distinguished from an extra value.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_bilstm import load_word_vectors
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "vectors.txt")
    ...     _ = path.write_text("good 1.0 0.5\nbad -1.0 0.5\n")
    ...     word_vectors = load_word_vectors(path, vocabulary={"bad"})
    >>> word_vectors
    <WordVectors: 1 words, 2 dimensions>
    """
    keep = _with_lower_case(vocabulary)
    if isinstance(path, str | PathLike):
        words, vectors = read_vectors(path, keep=keep, encoding=encoding, errors=errors)
        return WordVectors(words, vectors)
    if hasattr(path, "index_to_key") and hasattr(path, "vectors"):
        return _from_keyed_vectors(path, keep)
    raise TypeError(
        "path must be the path of a file or gensim KeyedVectors: got "
        f"{type(path).__name__}. For a gensim model, pass model.wv."
    )


def _with_lower_case(vocabulary: Collection | None) -> set | None:
    """Return the tokens and the lowercase forms that `WordVectors` falls back to."""
    if vocabulary is None:
        return None
    if isinstance(vocabulary, str):
        raise TypeError(
            f"vocabulary must be a collection of words: got the string {vocabulary!r}."
        )
    lower = {token.lower() for token in vocabulary if isinstance(token, str)}
    return lower.union(vocabulary)


def _from_keyed_vectors(keyed_vectors: Any, keep: set | None) -> WordVectors:
    """Wrap the vectors of gensim, without a copy if all words are kept."""
    words, vectors = keyed_vectors.index_to_key, keyed_vectors.vectors
    if keep is None:
        return WordVectors(words, vectors)
    rows = [row for row, word in enumerate(words) if word in keep]
    return WordVectors([words[row] for row in rows], vectors[rows])


def _check_shape(words: Sequence, vectors: np.ndarray) -> None:
    if vectors.ndim != 2 or len(vectors) != len(words) or not vectors.shape[1]:
        raise ValueError(
            "vectors must have shape (n_words, n_dims) with at least one dimension: "
            f"got {vectors.shape} for {len(words)} words."
        )


def _check_finite(words: Sequence, vectors: np.ndarray) -> None:
    # two numbers, whereas np.isfinite(vectors) would need a quarter of their memory
    extremes = vectors.min(initial=0), vectors.max(initial=0)
    if not np.isfinite(extremes).all():
        row = np.isfinite(vectors).all(axis=1).argmin()
        raise ValueError(
            f"vectors must be finite: that of {words[row]!r} contains NaN or infinity."
        )
