"""Text processing: tokenisation, vocabularies, token ids and word vectors.

Names are imported lazily, since some require scikit-learn and others do not. They are
listed in `__init__.pyi`.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
