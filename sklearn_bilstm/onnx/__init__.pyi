from ._export import export_onnx
from ._serving import OnnxModel

__all__ = ["OnnxModel", "export_onnx"]
