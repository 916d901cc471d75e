"""Recurrent networks for text and sequences, as scikit-learn estimators.

Names are imported on first use, so that torch is only imported if it is needed. They
are listed in `__init__.pyi`.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)

__version__ = "0.1.0"
