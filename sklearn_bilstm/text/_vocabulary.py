"""From tokens to ids: interning, counting, choosing a vocabulary."""

from array import array
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import compress
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.text._analysis import Analyzer
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID, UNKNOWN_ID

__all__ = [
    "EncodedDocuments",
    "TokenCounts",
    "check_vocabulary",
    "encode",
    "extended",
]

_LARGEST_ID = np.iinfo(np.int32).max


@dataclass(frozen=True)
class EncodedDocuments:
    """Documents as numbers of their distinct tokens.

    Parameters
    ----------
    tokens : list
        The distinct tokens, in order of appearance.
    codes : ndarray of shape (n_tokens_in_all_documents,)
        Index into `tokens` of each token of each document.
    lengths : ndarray of shape (n_documents,)
        Number of tokens of each document.
    """

    tokens: list[Hashable]
    codes: np.ndarray
    lengths: np.ndarray

    @classmethod
    def concatenate(cls, parts: list["EncodedDocuments"]) -> "EncodedDocuments":
        """Join documents that were encoded apart."""
        if len(parts) == 1:
            return parts[0]
        codes_of: dict[Hashable, int] = {}
        codes = []
        for part in parts:
            places = [codes_of.setdefault(t, len(codes_of)) for t in part.tokens]
            codes.append(np.array(places, np.intc)[part.codes])
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(list(codes_of), np.concatenate(codes), lengths)

    @property
    def offsets(self) -> np.ndarray:
        """Where each document begins in `codes`, and the end of the last."""
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def ids(self, vocabulary: Mapping[Hashable, int]) -> np.ndarray:
        """Return the id of each token of each document."""
        table = np.fromiter(
            (vocabulary.get(token, UNKNOWN_ID) for token in self.tokens),
            dtype=np.int32,
            count=len(self.tokens),
        )
        return table[self.codes]


def encode(documents: Iterable, analyze: Analyzer) -> EncodedDocuments:
    """Analyse documents; a document that is None has no tokens."""
    codes_of: defaultdict[Hashable, int] = defaultdict()
    codes_of.default_factory = codes_of.__len__  # a new token gets the next code
    look_up = codes_of.__getitem__
    codes, ends = array("i"), array("q")
    for document in documents:
        if document is not None:
            codes.fromlist([*map(look_up, analyze(document))])  # faster than extend
        ends.append(len(codes))
    lengths = np.diff(np.frombuffer(ends, np.int64), prepend=0)
    return EncodedDocuments(list(codes_of), np.frombuffer(codes, np.intc), lengths)


@dataclass
class TokenCounts:
    """How often each token was met, over all documents so far.

    Parameters
    ----------
    n_documents : int
        Documents counted.
    codes : dict
        Index of each token into the two arrays.
    occurrences : ndarray of int64
        How often a token was met.
    documents : ndarray of int64
        In how many documents.
    """

    n_documents: int = 0
    codes: dict[Hashable, int] = field(default_factory=dict)
    occurrences: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    documents: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def plus(self, encoded: EncodedDocuments) -> "TokenCounts":
        """Return the counts with those of more documents added."""
        codes = dict(self.codes)
        places = [codes.setdefault(token, len(codes)) for token in encoded.tokens]
        occurrences = np.zeros(len(codes), np.int64)
        occurrences[: len(self.codes)] = self.occurrences
        documents = np.zeros(len(codes), np.int64)
        documents[: len(self.codes)] = self.documents
        n_tokens = len(encoded.tokens)
        occurrences[places] += np.bincount(encoded.codes, minlength=n_tokens)
        documents[places] += _document_frequencies(encoded)
        n_documents = self.n_documents + len(encoded.lengths)
        return TokenCounts(n_documents, codes, occurrences, documents)

    def ranked(self, min_df: float, max_df: float) -> list[Hashable]:
        """Return the tokens in enough and not in too many documents.

        The most frequent come first, and equally frequent ones in alphabetical order,
        or as they were met if they cannot be compared. In the order of documents that
        are sorted by class, a cut among rare tokens would tell classes apart by their
        unknown tokens.
        """
        low, high = (
            bound if isinstance(bound, Integral) else bound * self.n_documents
            for bound in (min_df, max_df)
        )
        kept = (self.documents >= low) & (self.documents <= high)
        tokens: list[Any] = list(compress(self.codes, kept))
        with suppress(TypeError):
            tokens = sorted(tokens)
        occurrences = self.occurrences[[self.codes[token] for token in tokens]]
        return [tokens[i] for i in np.argsort(-occurrences, kind="stable")]


def extended(
    vocabulary: Mapping[Hashable, int], tokens: Iterable[Hashable]
) -> dict[Hashable, int]:
    """Return the vocabulary with the next ids given to tokens that are not in it."""
    vocabulary = dict(vocabulary)
    next_id = max(vocabulary.values(), default=FIRST_TOKEN_ID - 1) + 1
    for token in tokens:
        if vocabulary.setdefault(token, next_id) == next_id:
            next_id += 1
    return vocabulary


def check_vocabulary(vocabulary: Mapping | Iterable) -> dict[Hashable, int]:
    """Turn a `vocabulary` parameter into a dict from token to id.

    Raises
    ------
    ValueError
        If it is empty, names a token twice, or has ids that are not distinct whole
        numbers from `FIRST_TOKEN_ID` on.
    """
    if not isinstance(vocabulary, Mapping):
        # a set has no order that another process would see too
        unordered = isinstance(vocabulary, set | frozenset)
        tokens = sorted(vocabulary) if unordered else list(vocabulary)
        vocabulary = extended({}, tokens)
        if len(vocabulary) < len(tokens):
            doubled = next(t for i, t in enumerate(tokens) if t in tokens[:i])
            raise ValueError(
                "The 'vocabulary' parameter must name each token once: "
                f"{doubled!r} comes twice."
            )
    if not vocabulary:
        raise ValueError("The 'vocabulary' parameter must hold a token: it is empty.")
    ids = list(vocabulary.values())
    for token, id_ in vocabulary.items():
        if not (
            isinstance(id_, Integral) and FIRST_TOKEN_ID <= int(id_) <= _LARGEST_ID
        ):
            raise ValueError(
                "The 'vocabulary' parameter must map tokens to whole numbers from "
                f"{FIRST_TOKEN_ID} on (0 is padding, 1 is unknown) that fit into "
                f"int32: {token!r} has {id_!r}."
            )
    if len(set(ids)) < len(ids):
        raise ValueError("The 'vocabulary' parameter must give each token its own id.")
    return {token: int(id_) for token, id_ in vocabulary.items()}


def _document_frequencies(encoded: EncodedDocuments) -> np.ndarray:
    """Count the documents that each token is in, which is one at least."""
    shape = (len(encoded.lengths), len(encoded.tokens))
    occurs = np.ones(len(encoded.codes), np.int8)
    by_document = sparse.csr_array((occurs, encoded.codes, encoded.offsets), shape)
    by_token = by_document.tocsc()  # linear in time, and sorts documents by token
    new = np.ones(len(by_token.indices), bool)
    np.not_equal(by_token.indices[1:], by_token.indices[:-1], out=new[1:])
    starts = by_token.indptr[:-1]
    new[starts] = True
    return np.add.reduceat(new, starts, dtype=np.int64)
