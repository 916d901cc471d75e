"""Fitted models as ONNX graphs: written with torch, served without it.

Names are imported when they are first used. They are listed in `__init__.pyi`.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
