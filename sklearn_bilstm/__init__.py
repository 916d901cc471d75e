"""Recurrent networks for text and sequences, as scikit-learn estimators.

Names are imported when they are first used, so that what needs no torch does without
it. They are listed in `__init__.pyi`.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)

__version__ = "0.1.0"
