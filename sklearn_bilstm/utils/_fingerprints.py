"""Fingerprints of vocabularies."""

from collections.abc import Hashable, Mapping
from itertools import islice
from numbers import Number
from zlib import crc32

import numpy as np

__all__ = ["grown_fingerprint", "have_same_ids", "vocabulary_fingerprint"]


def vocabulary_fingerprint(
    vocabulary: Mapping[Hashable, int], prefix: np.ndarray | None = None
) -> np.ndarray:
    """Return a checksum of each token and its id, in the order of ids.

    The fingerprint of an extended vocabulary starts with that of the original one. It
    does not depend on the process.

    Parameters
    ----------
    vocabulary : mapping of hashable to int
        Id of each token.
    prefix : ndarray of uint16, shape (n_prefix,), default=None
        Fingerprint of the first tokens of a vocabulary in the order of ids, for an
        extended vocabulary.

    Returns
    -------
    fingerprint : ndarray of uint16, shape (n_tokens,)
    """
    if prefix is not None:
        new = dict(islice(vocabulary.items(), len(prefix), None))
        return np.concatenate([prefix, vocabulary_fingerprint(new)])
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    ids = map(vocabulary.__getitem__, tokens)
    try:
        encoded = [*map(str.encode, tokens)]  # type: ignore[arg-type]  # most are
    except (TypeError, UnicodeEncodeError):
        encoded = [*map(_bytes_of, tokens)]
    checksums = map(crc32, encoded, ids)
    return np.fromiter(checksums, np.uint32, len(tokens)).astype(np.uint16)


def have_same_ids(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Return whether tokens of two vocabularies have the same ids, as far as known.

    Parameters
    ----------
    a, b : ndarray of uint16, or None
        Fingerprints. None stands for an unknown vocabulary, which matches any other.
    """
    if a is b or a is None or b is None:
        return True
    n_shared = min(len(a), len(b))
    return bool(np.array_equal(a[:n_shared], b[:n_shared]))


def grown_fingerprint(
    old: np.ndarray | None, new: np.ndarray | None
) -> np.ndarray | None:
    """Return the new fingerprint if it extends a known old one, else the old one."""
    if old is None or new is None:
        return old
    return new if len(new) > len(old) else old


def _bytes_of(token: Hashable) -> bytes:
    """Return bytes that are equal for equal tokens, in every process."""
    if isinstance(token, str):
        return token.encode(errors="surrogatepass")
    if isinstance(token, bytes):
        return token
    if token != token:  # NaN, whose hash differs between objects
        return b"nan"
    if isinstance(token, Number):  # unsalted hash, equal for 1 and 1.0
        return b"%d" % hash(token)
    if isinstance(token, tuple):
        return b",".join(map(_bytes_of, token))
    return type(token).__qualname__.encode()
