"""Vocabularies: encoding of tokens, counting and selection."""

from array import array
from collections import defaultdict
from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import compress, repeat
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_bilstm.text._analysis import Analyzer
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID, UNKNOWN_ID

__all__ = [
    "EncodedDocuments",
    "GrowingCounts",
    "TokenCounts",
    "check_vocabulary",
    "encode",
    "extend_vocabulary",
]

_LARGEST_ID = np.iinfo(np.int32).max
_INTEGERS = int, Integral  # the test of the second type is slow


@dataclass
class TokenCounts:
    """Token counts over all documents so far.

    Parameters
    ----------
    n_documents : int, default=0
        Number of documents counted.
    codes : dict, optional
        Index of each token into the two arrays.
    occurrences : ndarray of int64, shape (n_tokens,), optional
        Number of occurrences of each token.
    documents : ndarray of int64, shape (n_tokens,), optional
        Number of documents that contain each token.
    """

    n_documents: int = 0
    codes: dict[Hashable, int] = field(default_factory=dict)
    occurrences: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    documents: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __add__(self, other: "TokenCounts") -> "TokenCounts":
        """Return the combined counts of both."""
        if not self.n_documents:
            return other
        codes = _interner(self.codes)
        indices = [*map(codes.__getitem__, other.codes)]
        occurrences, documents = np.zeros((2, len(codes)), np.int64)
        occurrences[: len(self.codes)] = self.occurrences
        documents[: len(self.codes)] = self.documents
        occurrences[indices] += other.occurrences
        documents[indices] += other.documents
        n_documents = self.n_documents + other.n_documents
        return TokenCounts(n_documents, dict(codes), occurrences, documents)

    def ranked(
        self,
        min_df: float,
        max_df: float,
        max_features: int | None = None,
        excluded: Container[Hashable] = (),
    ) -> list[Hashable]:
        """Return the tokens whose document frequency is within the bounds.

        Tokens are sorted by descending frequency. Ties are sorted alphabetically, or by
        first appearance if the tokens cannot be compared. If documents are sorted by
        class, breaking ties by first appearance would make unknown tokens depend on the
        class.

        Parameters
        ----------
        min_df, max_df : int or float
            Minimum and maximum document frequency, as a count or a fraction.
        max_features : int or None, default=None
            Maximum number of tokens. None means no limit.
        excluded : container, default=()
            Tokens to exclude.

        Returns
        -------
        tokens : list
        """
        low, high = (
            bound if isinstance(bound, Integral) else bound * self.n_documents
            for bound in (min_df, max_df)
        )
        is_kept = (self.documents >= low) & (self.documents <= high)
        is_kept &= np.array([token not in excluded for token in self.codes], bool)
        if max_features is not None and max_features < np.count_nonzero(is_kept):
            # alphabetical sorting is slow: drop the tokens that are rarer than the
            # first excluded one
            frequent_first = -np.sort(-self.occurrences[is_kept])
            is_kept &= self.occurrences >= frequent_first[max_features]
        tokens: list[Any] = list(compress(self.codes, is_kept))
        order: Sequence[int] = range(len(tokens))
        with suppress(TypeError):
            order = sorted(order, key=tokens.__getitem__)
        by_occurrence = np.argsort(-self.occurrences[is_kept][order], kind="stable")
        return [tokens[order[i]] for i in by_occurrence[:max_features]]


class GrowingCounts:
    """Token counts to which those of further documents are added in place.

    Attributes
    ----------
    n_documents : int
        Number of documents counted.
    """

    def __init__(self) -> None:
        self.n_documents = 0
        self._codes = _interner({})
        self._numbers = np.zeros((2, 1024), np.int64)

    def add(self, counts: TokenCounts, n_documents: int) -> None:
        """Add the counts of a number of documents."""
        self.n_documents += n_documents
        indices = [*map(self._codes.__getitem__, counts.codes)]
        n_tokens = len(self._codes)
        if n_tokens > self._numbers.shape[1]:  # doubled, so that copies are few
            larger = np.zeros((2, 2 * n_tokens), np.int64)
            larger[:, : self._numbers.shape[1]] = self._numbers
            self._numbers = larger
        self._numbers[0, indices] += counts.occurrences
        self._numbers[1, indices] += counts.documents

    def counts(self) -> TokenCounts:
        """Return the counts of all documents."""
        occurrences, documents = self._numbers[:, : len(self._codes)].copy()
        n_documents = self.n_documents
        return TokenCounts(n_documents, dict(self._codes), occurrences, documents)


@dataclass(frozen=True)
class EncodedDocuments:
    """Documents encoded as indices of their distinct tokens.

    Parameters
    ----------
    tokens : list
        Distinct tokens in order of appearance.
    codes : ndarray of shape (n_tokens_in_all_documents,)
        Index into `tokens` of each token of each document.
    lengths : ndarray of shape (n_documents,)
        Number of tokens of each document.
    counts : TokenCounts, optional
        Token counts; empty if not requested.
    """

    tokens: list[Hashable]
    codes: np.ndarray
    lengths: np.ndarray
    counts: TokenCounts = field(default_factory=TokenCounts)

    def ids(self, vocabulary: Mapping[Hashable, int]) -> np.ndarray:
        """Return the id of each token of each document."""
        table = np.fromiter(
            map(vocabulary.get, self.tokens, repeat(UNKNOWN_ID)),
            dtype=np.int32,
            count=len(self.tokens),
        )
        return table[self.codes]


def encode(documents: Iterable, analyze: Analyzer) -> EncodedDocuments:
    """Analyse and encode documents; None is an empty document."""
    codes_of = _interner({})
    look_up = codes_of.__getitem__
    codes, ends = array("i"), array("q")
    for document in documents:
        if document is not None:
            codes.fromlist([*map(look_up, analyze(document))])  # faster than extend
        ends.append(len(codes))
    lengths = np.diff(np.frombuffer(ends, np.int64), prepend=0)
    encoded = np.frombuffer(codes, np.intc)
    return EncodedDocuments(list(codes_of), encoded, lengths)


def extend_vocabulary(
    vocabulary: Mapping[Hashable, int], tokens: Iterable[Hashable]
) -> dict[Hashable, int]:
    """Return the vocabulary, extended by the tokens that are not in it.

    Raises
    ------
    ValueError
        If there are no larger ids left.
    """
    vocabulary = dict(vocabulary)
    largest_id = max(vocabulary.values(), default=FIRST_TOKEN_ID - 1)
    next_id = largest_id + 1
    for token in tokens:
        if vocabulary.setdefault(token, next_id) == next_id:
            next_id += 1
    if vocabulary and next_id - 1 > _LARGEST_ID:
        raise ValueError(
            "The 'vocabulary' parameter must leave larger int32 ids for column markers "
            f"and for new tokens of partial_fit: got the id {largest_id}. Use "
            "smaller ids, such as consecutive ones."
        )
    return vocabulary


def check_vocabulary(vocabulary: Mapping | Iterable) -> dict[Hashable, int]:
    """Convert a `vocabulary` parameter to a dict that maps tokens to ids.

    Raises
    ------
    ValueError
        If it is empty, contains a duplicate token, or has ids that are not distinct
        integers of at least `FIRST_TOKEN_ID`.
    """
    if not isinstance(vocabulary, Mapping):
        # the order of a set differs between processes
        unordered = isinstance(vocabulary, set | frozenset)
        tokens = sorted(vocabulary) if unordered else list(vocabulary)
        vocabulary = extend_vocabulary({}, tokens)
        if len(vocabulary) < len(tokens):
            doubled = next(t for i, t in enumerate(tokens) if t in tokens[:i])
            raise ValueError(
                "The 'vocabulary' parameter must contain each token once: "
                f"{doubled!r} is duplicated."
            )
    if not vocabulary:
        raise ValueError("The 'vocabulary' parameter must not be empty.")
    ids = list(vocabulary.values())
    for token, id_ in vocabulary.items():
        if not (
            isinstance(id_, _INTEGERS) and FIRST_TOKEN_ID <= int(id_) <= _LARGEST_ID
        ):
            raise ValueError(
                "The 'vocabulary' parameter must map tokens to int32 integers of at "
                f"least {FIRST_TOKEN_ID} (0 is padding, 1 is the unknown token): "
                f"{token!r} has {id_!r}."
            )
    if len(set(ids)) < len(ids):
        raise ValueError("The 'vocabulary' parameter must contain each id once.")
    return {token: int(id_) for token, id_ in vocabulary.items()}


def _interner(codes: Mapping[Hashable, int]) -> defaultdict[Hashable, int]:
    """Return a dict that assigns the next code to each new token."""
    codes_of = defaultdict(int, codes)
    codes_of.default_factory = codes_of.__len__
    return codes_of
