"""Hashed features of tokens and their neighbours, for a linear model of labels.

They are the usual features of conditional random fields for tagging (Ratnaparkhi, 1996;
Lafferty et al., 2001): the form of a token, its lower case, shape, prefixes and
suffixes, those of its neighbours, and pairs of tokens. Each feature of a token is a
64-bit hash, so that no strings are built. 0 means that a token lacks a feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sklearn_bilstm.sequences._hashing import SPREAD_FACTOR, spread
from sklearn_bilstm.sequences._ragged import RaggedArray

__all__ = ["N_TOKEN_FEATURES", "TokenTexts", "token_features"]

# Maximum number of characters; longer tokens keep their first and last ones.
_LONGEST_TOKEN = 48
# Maximum length of prefixes and suffixes, and of shapes with repetitions.
_LONGEST_AFFIX, _LONGEST_SHAPE = 4, 12

# Columns of the features of a single token.
_FORM, _LOWER, _SHAPE, _LONG_SHAPE, _PREFIX = range(5)
_SUFFIX = _PREFIX + _LONGEST_AFFIX
_N_OWN = _SUFFIX + _LONGEST_AFFIX
_SUFFIX_OF_3 = _SUFFIX + 2

# Features of neighbours: their distance and the column of the feature.
_OF_NEIGHBOURS = [
    *((offset, column) for offset in (-2, -1, 1, 2) for column in (_LOWER, _SHAPE)),
    *((offset, _SUFFIX_OF_3) for offset in (-1, 1)),
]
# Conjunctions of features: for each feature its distance and column.
_CONJUNCTIONS = [
    [(-1, _LOWER), (0, _LOWER)],
    [(0, _LOWER), (1, _LOWER)],
    [(-1, _LOWER), (1, _LOWER)],
    [(-2, _LOWER), (-1, _LOWER)],
    [(1, _LOWER), (2, _LOWER)],
    [(-1, _SHAPE), (0, _SHAPE), (1, _SHAPE)],
]
# Number of features of each token, including its position and a constant.
N_TOKEN_FEATURES = _N_OWN + len(_OF_NEIGHBOURS) + len(_CONJUNCTIONS) + 2

# Hashes of positions before the first and after the last token.
_BEFORE, _AFTER = np.uint64(2), np.uint64(3)

_ONE = np.uint64(1)


@dataclass(frozen=True)
class TokenTexts:
    """Texts of the tokens of sequences.

    Parameters
    ----------
    codes : RaggedArray of int
        Index of each step in `texts`.
    texts : sequence of str
        Distinct tokens. An empty one, as that of a masked token, has no features.
    """

    codes: RaggedArray
    texts: Sequence[str]

    def take(self, rows: np.ndarray) -> "TokenTexts":
        """Return the tokens of `rows`."""
        return TokenTexts(self.codes.take(rows), self.texts)


def token_features(tokens: TokenTexts) -> np.ndarray:
    """Return the hashed features of each token.

    Parameters
    ----------
    tokens : TokenTexts

    Returns
    -------
    features : ndarray of uint64, shape (n_steps, N_TOKEN_FEATURES)
        Features of different columns differ. The last one is the same for all tokens.
    """
    codes = tokens.codes
    distinct, indices = np.unique(codes.values, return_inverse=True)
    texts = [tokens.texts[code] for code in distinct]
    context = _Context(_features_of_texts(texts)[indices], codes)
    own = [context.at(0, column) for column in range(_N_OWN)]
    neighbours = [context.at(*pair) for pair in _OF_NEIGHBOURS]
    conjunctions = [
        _joined([context.at(*pair) for pair in pairs]) for pairs in _CONJUNCTIONS
    ]
    first = np.where(context.position == 0, _BEFORE, _AFTER)
    conjunctions.append(_joined([context.at(0, _SHAPE), first]))
    columns = [*own, *neighbours, *conjunctions, np.ones(len(indices), np.uint64)]
    return np.stack(
        [_of_column(hashes, number) for number, hashes in enumerate(columns)], 1
    )


class _Context:
    """Features of the neighbours of each step."""

    def __init__(self, features: np.ndarray, codes: RaggedArray) -> None:
        self.features = features
        steps = np.arange(len(features))
        self.position = steps - np.repeat(codes.offsets[:-1], codes.lengths)
        self.n_behind = np.repeat(codes.offsets[1:], codes.lengths) - steps - 1

    def at(self, offset: int, column: int) -> np.ndarray:
        """Return a feature of the tokens at a distance."""
        hashes = np.roll(self.features[:, column], -offset)
        if offset < 0:
            return np.where(self.position < -offset, _BEFORE, hashes)
        return np.where(self.n_behind < offset, _AFTER, hashes) if offset else hashes


def _of_column(hashes: np.ndarray, number: int) -> np.ndarray:
    """Return hashes that differ from those of other columns; 0 remains 0."""
    start = np.array([number + 1], np.uint64) * SPREAD_FACTOR
    return np.where(hashes == 0, hashes, np.maximum(spread(hashes + start), _ONE))


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Hash the conjunction of features, which is missing if one of them is."""
    hashes, *other_hashes = parts
    is_known = hashes > 0
    for part in other_hashes:
        hashes = spread((spread(hashes) ^ part) + _ONE)
        is_known &= part > 0
    return np.where(is_known, hashes, np.uint64(0))


# -- features of single tokens


def _features_of_texts(texts: Sequence[str]) -> np.ndarray:
    """Return hashes of shape (n_texts, n_own)."""
    hashes = np.zeros((len(texts), _N_OWN), np.uint64)
    is_real = np.array([text != "" for text in texts], bool)
    strings = [text for text in texts if text]
    if not strings:
        return hashes
    characters, lengths = _characters(strings)
    lower, lower_lengths = _characters([text.lower() for text in strings])
    classes = _classes(characters)
    last = np.maximum(lower_lengths[:, None] - 1 - np.arange(_LONGEST_AFFIX), 0)
    reversed_end = np.take_along_axis(lower, last, 1)
    hashes[is_real] = np.stack(
        [
            _hashes(characters, lengths)[-1],
            _hashes(lower, lower_lengths)[-1],
            _hash_of_runs(classes, lengths),
            _hashes(classes, np.minimum(lengths, _LONGEST_SHAPE))[-1],
            *_affixes(lower, lower_lengths),
            *_affixes(reversed_end, lower_lengths),
        ],
        1,
    )
    return hashes


def _characters(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return padded code points, (n, longest), and the numbers of them."""
    half = _LONGEST_TOKEN // 2
    texts = [t if len(t) <= _LONGEST_TOKEN else t[:half] + t[-half:] for t in texts]
    lengths = np.array([len(text) for text in texts])
    characters = np.zeros((len(texts), max(lengths.max(), _LONGEST_AFFIX)), np.uint32)
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    is_real = np.arange(characters.shape[1]) < lengths[:, None]
    characters[is_real] = np.frombuffer(joined, "<u4")
    return characters, lengths


def _classes(characters: np.ndarray) -> np.ndarray:
    """Return the class of each character; one without a class is its own."""
    distinct, indices = np.unique(characters, return_inverse=True)
    classes = np.array([_class_of(chr(code)) for code in distinct], np.uint32)
    return classes[indices].reshape(characters.shape)


def _class_of(character: str) -> int:
    tests = str.isupper, str.islower, str.isdigit, str.isalpha
    for number, test in enumerate(tests):
        if test(character):
            return number
    return ord(character) + len(tests)


def _hashes(characters: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Return hashes of prefixes of growing lengths, at most those of the texts."""
    hashes = [np.ones(len(characters), np.uint64)]
    for position in range(int(lengths.max(initial=0))):
        grown = _followed_by(hashes[-1], characters[:, position])
        hashes.append(np.where(position < lengths, grown, hashes[-1]))
    return hashes


def _affixes(characters: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Return hashes of the first characters; 0 if the text is shorter."""
    hashes = _hashes(characters, np.minimum(lengths, _LONGEST_AFFIX))
    hashes += hashes[-1:] * _LONGEST_AFFIX
    return [
        np.where(lengths >= size, hashes[size], np.uint64(0))
        for size in range(1, _LONGEST_AFFIX + 1)
    ]


def _hash_of_runs(classes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Hash classes without repetitions, as "Xx" for a capitalised word."""
    hashes = np.ones(len(classes), np.uint64)
    for position in range(int(lengths.max(initial=0))):
        starts = position < lengths
        if position:
            starts &= classes[:, position] != classes[:, position - 1]
        hashes = np.where(starts, _followed_by(hashes, classes[:, position]), hashes)
    return hashes


def _followed_by(hashes: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return spread((hashes ^ codes.astype(np.uint64)) + _ONE)
