"""Sequences of unequal length, stored in a flat array and padded per batch.

The convention for token ids, which `TextVectorizer` writes and the estimators read: row
i of a matrix contains the ids of document i in reading order. 0 is padding and is never
stored in a sparse matrix, 1 is the unknown token, and tokens start at 2.

Names are imported lazily, since some require torch and others do not. They are listed
in `__init__.pyi`.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
