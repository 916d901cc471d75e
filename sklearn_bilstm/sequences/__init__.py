"""Sequences of unequal length: one flat array in memory, padded a batch at a time.

The convention for token ids, which `TextVectorizer` writes and the estimators read:
row i of a matrix holds the ids of document i in reading order, 0 is padding and never
stored in a sparse matrix, 1 is an unknown token, and tokens begin at 2.

Names are imported when they are first used, as some need torch and others do not. They
are listed in `__init__.pyi`.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
