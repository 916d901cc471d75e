"""Word vectors that others have learned: a container, and how it is loaded."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from sklearn_bilstm.text._vector_files import read_vectors
from sklearn_bilstm.text._vocabulary import check_vocabulary

__all__ = ["WordVectors", "load_word_vectors"]


class WordVectors:
    """A vector of numbers for each of many words.

    It does not change once it is made, so that copies share its memory.

    Parameters
    ----------
    words : list of str
        The words, each once.

    vectors : array-like of shape (n_words, n_dims)
        The vector of each word, in the same order. An ndarray of float32 is not
        copied.

    Attributes
    ----------
    vectors : ndarray of float32, shape (n_words, n_dims)
        As given, and read-only.

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
        # a view, so that an array of the caller stays writeable
        vectors = np.asarray(vectors, dtype=np.float32).view()
        _check_shape(words, vectors)
        self._rows = {word: row for row, word in enumerate(words)}
        if len(self._rows) < len(words):
            doubled = next(w for i, w in enumerate(words) if self._rows[w] != i)
            raise ValueError(
                f"words must name each word once: {doubled!r} comes twice."
            )
        _check_finite(words, vectors)
        vectors.flags.writeable = False
        self.vectors = vectors

    def aligned_to(self, vocabulary: Mapping | Iterable) -> np.ndarray:
        """Return the vectors in the order of the ids of a vocabulary.

        A token that is not among the words is looked up in lower case.

        Parameters
        ----------
        vocabulary : mapping or iterable of str
            Id of each token, as in the `vocabulary_` of a :class:`TextVectorizer`.
            An iterable of tokens gives them the ids from 2 on.

        Returns
        -------
        aligned : ndarray of float32, shape (largest_id + 1, n_dims)
            Row i is the vector of the token with id i. It is zero for a token without
            a vector, and for padding (0) and unknown tokens (1).

        Raises
        ------
        ValueError
            If the vocabulary is empty, or its ids are not distinct whole numbers from
            2 on.
        """
        vocabulary = check_vocabulary(vocabulary)
        rows = {id_: self._row_of(token) for token, id_ in vocabulary.items()}
        found = {id_: row for id_, row in rows.items() if row is not None}
        aligned = np.zeros((max(rows) + 1, self.vectors.shape[1]), np.float32)
        aligned[list(found)] = self.vectors[list(found.values())]
        return aligned

    def coverage(self, vocabulary: Iterable) -> float:
        """Return the share of the tokens that have a vector.

        Parameters
        ----------
        vocabulary : mapping or iterable of str
            The tokens, as in :meth:`aligned_to`.

        Returns
        -------
        share : float
            1.0 if all tokens are among the words as they are or in lower case.

        Raises
        ------
        ValueError
            If the vocabulary is not one, as in :meth:`aligned_to`.
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
        return self  # or each clone of an estimator would hold all vectors once more

    def __reduce__(self) -> tuple:
        return type(self), (list(self._rows), self.vectors)


def load_word_vectors(
    path: Any,
    *,
    vocabulary: Collection | None = None,
    encoding: str = "utf-8",
    errors: str = "strict",
) -> WordVectors:
    r"""Load word vectors that others have learned.

    Parameters
    ----------
    path : path or KeyedVectors
        A file, plain or compressed by gzip, or what gensim has loaded. What the file
        holds tells its format: the text of GloVe, the text of word2vec and fastText
        (`.vec`), which has a line on top with the number of words and of numbers a
        word, or the binary format of word2vec.

    vocabulary : collection of str, default=None
        The words to keep, such as the `vocabulary_` of a :class:`TextVectorizer`,
        which saves memory and time. Words are kept that are in it as they are, or are
        the lower case of one in it. None keeps all.

    encoding : str, default="utf-8"
        Encoding of the words. It must hold ASCII as ASCII does.

    errors : {"strict", "replace", "ignore"}, default="strict"
        Whether bytes in another encoding are an error, replaced, or left out, as in
        :meth:`bytes.decode`.

    Returns
    -------
    word_vectors : WordVectors
        The words in the order of the file. If one comes several times, its first
        vector counts.

    Raises
    ------
    ValueError
        If the file is empty, in another format, or breaks off, or if a line has too
        few or too many numbers, or one that is not finite. The numbers of words that
        are not kept are counted and not read.
    FileNotFoundError
        If there is no such file.
    TypeError
        If `path` is neither a path nor has the `index_to_key` and `vectors` of
        KeyedVectors.

    Notes
    -----
    A word may hold spaces, as some do in a file of GloVe: the last numbers in a line
    are its vector. It must not end in a number that stands apart, since one number too
    many could not be told from it.

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
    kept = _with_lower_case(vocabulary)
    if isinstance(path, str | PathLike):
        words, vectors = read_vectors(path, kept=kept, encoding=encoding, errors=errors)
        return WordVectors(words, vectors)
    if hasattr(path, "index_to_key") and hasattr(path, "vectors"):
        return _from_keyed_vectors(path, kept)
    raise TypeError(
        "path must be the path of a file, or KeyedVectors of gensim: got "
        f"{type(path).__name__}. Of a model of gensim, give model.wv."
    )


def _with_lower_case(vocabulary: Collection | None) -> set | None:
    """Return the tokens, and those that `WordVectors` looks up in their place."""
    if vocabulary is None:
        return None
    if isinstance(vocabulary, str):
        raise TypeError(
            f"vocabulary must be a collection of words: got the string {vocabulary!r}."
        )
    lower = {token.lower() for token in vocabulary if isinstance(token, str)}
    return lower.union(vocabulary)


def _from_keyed_vectors(keyed_vectors: Any, kept: set | None) -> WordVectors:
    """Take over the vectors of gensim, without a copy if all are kept."""
    words, vectors = keyed_vectors.index_to_key, keyed_vectors.vectors
    if kept is None:
        return WordVectors(words, vectors)
    rows = [row for row, word in enumerate(words) if word in kept]
    return WordVectors([words[row] for row in rows], vectors[rows])


def _check_shape(words: Sequence, vectors: np.ndarray) -> None:
    if vectors.ndim != 2 or len(vectors) != len(words) or not vectors.shape[1]:
        raise ValueError(
            "vectors must have the shape (n_words, n_dims), at least one dimension a "
            f"word: got {vectors.shape} for {len(words)} words."
        )


def _check_finite(words: Sequence, vectors: np.ndarray) -> None:
    # two numbers, where np.isfinite(vectors) would need a quarter of their memory
    extremes = vectors.min(initial=0), vectors.max(initial=0)
    if not np.isfinite(extremes).all():
        row = np.isfinite(vectors).all(axis=1).argmin()
        raise ValueError(
            f"vectors must be finite numbers: that of {words[row]!r} holds NaN or "
            "infinity."
        )
