"""Export of fitted models to ONNX, and inference without torch.

Names are imported lazily. They are listed in `__init__.pyi`.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
